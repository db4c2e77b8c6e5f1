"""`roentgym sample` from the command line: what it makes, what it says of it, and every refusal."""

import csv
import functools
import json
import os
import shutil
import signal
import subprocess
import unittest

import numpy
from PIL import Image

from trainer import (PROGRAM, SMALL, TrainerTest, environment, phantoms, png_header, read, roentgym, states, trained,
                     tree, write)


@functools.cache
def model():
    return os.path.join(trained(), "generator.safetensors")


def pixels(path):
    with Image.open(path) as image:
        return numpy.asarray(image).astype(float)


def texts(path):
    with Image.open(path) as image:
        return image.text


class SampleTest(TrainerTest):
    def sample(self, out, *more, **how):
        """{path in the folder: bytes} of what was made."""
        self.succeed("sample", "--model", model(), "--out", self.path(out), *more, **how)
        return tree(self.path(out))

    def rows(self, out):
        with open(self.path(out, "labels.csv"), newline="") as file:
            return list(csv.DictReader(file))

    def about(self, out):
        return json.loads(read(self.path(out, "dataset.json")))


class Device(SampleTest):
    """With the host in the GPU's place (tests/cuda_host), which is lost after so many copies."""

    def on_gpu(self, out, copies):
        library = os.path.join(os.path.dirname(PROGRAM), "host", "libroentgym_cuda.so")
        env = {**environment(), "ROENTGYM_CUDA_LIBRARY": library, "TEST_CUDA_LOSE_AFTER": str(copies)}
        return subprocess.run([PROGRAM, "sample", "--model", model(), "--out", self.path(out), "--count", "30"],
                              env=env, text=True, timeout=300, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                              check=False)

    def test_a_data_set_is_of_the_one_device_that_it_names(self):
        lost = self.on_gpu("set", 9)
        self.assertEqual(lost.returncode, 1, lost.stderr)
        self.assertIn("the GPU has failed: ", lost.stderr)
        self.assertIn("begun on cuda (host, bf16)", lost.stderr)
        self.assertFalse(os.path.exists(self.path("set", "dataset.json")))
        self.assertTrue(os.listdir(self.path("set", "images")))
        for out in ("set", "whole"):
            ended = self.on_gpu(out, 1000)
            self.assertEqual(ended.returncode, 0, ended.stderr)
        self.assertEqual(self.about("set")["generator"]["device"], "cuda (host, bf16)")
        self.assertEqual(tree(self.path("set")), tree(self.path("whole")))


class Usage(TrainerTest):
    def test_help_names_every_option(self):
        told = self.succeed("sample", "--help")
        for option in ("--label", "--like", "--strip", "--morph", "--seeds", "--depth", "--resolution"):
            self.assertIn(option, told)

    def test_wrong_usage_exits_2_and_touches_nothing(self):
        good = ["sample", "--model", self.path("m"), "--out", self.path("out")]
        wrong = [
            good[:1], good[:3], good[:1] + good[3:], good + ["more"],
            *(good + extra for extra in (
                ["--count", "0"], ["--count", "1000001"], ["--strength", "1.1"], ["--strength", "nan"],
                ["--strength", "x"], ["--truncation", "-0.1"], ["--truncation", "nan"], ["--seed", "-1"],
                ["--seed", "18446744073709551616"], ["--bogus"], ["--seeds", "5"], ["--seeds", "5..x"],
                ["--seeds", "7..5"], ["--seeds", "1..2", "--seed", "1"], ["--seeds", "1..2", "--count", "1"],
                ["--strip", "1"], ["--strip", "1..2", "--frames", "1"], ["--strip", "1..2", "--frames", "257"],
                ["--strip", "1..2", "--morph", "a..b"], ["--frames", "4"], ["--split", "test"],
                ["--like", "x", "--split", "dev"], ["--like", "x", "--class", "a"], ["--depth", "12"],
                ["--resolution", "48"], ["--resolution", "2"], ["--label", "1,0", "--class", "a"],
                ["--label", "1,0", "--strength", "0.5"], ["--name", ""], ["--name", "x" * 101])),
        ]
        for arguments in wrong:
            with self.subTest(arguments=arguments):
                self.assertTrue(self.refuse(*arguments, status=2).startswith("roentgym sample: "))
                self.assertEqual(os.listdir(self.folder), [])


class DataSets(SampleTest):
    def test_each_class_gets_its_seeds(self):
        files = self.sample("a", "--count", 2, "--seed", 5)
        images = {f"images/{name}-{seed}.png" for name in ("no_fracture", "fracture") for seed in (5, 6)}
        self.assertEqual(set(files), images | {"labels.csv", "dataset.json"})
        self.assertEqual([png_header(files[name]) for name in images], [(16, 16, 8, 0)] * 4)
        self.assertEqual(len({files[name] for name in images}), 4)
        self.assertEqual([(row["label"], row["seed"], row["patient_id"], row["split"])
                          for row in self.rows("a")],
                         [(label, seed, "s" + seed, "train") for label in ("no_fracture", "fracture")
                          for seed in ("5", "6")])
        self.assertEqual(self.sample("b", "--seeds", "5..6")["labels.csv"], files["labels.csv"])

    def test_the_folder_says_that_it_is_synthetic_and_whose_work(self):
        self.sample("a", "--count", 2, "--truncation", 0.7)
        about = self.about("a")
        name = read(model())[8:].split(b'"name":"')[1].split(b'"')[0].decode()
        self.assertEqual([about["synthetic"], about["simulated"], about["images"], about["classes"]],
                         [True, True, 4, ["no_fracture", "fracture"]])
        self.assertEqual([about["name"], about["generator"]["name"], about["generator"]["training_data"]],
                         [name + " samples", name, "simulated"])
        self.assertIn("synthetic", about["provenance"])
        self.assertIn(about["generator"]["sha256"], about["provenance"])
        self.assertEqual(about["images_of_class"], {"no_fracture": 2, "fracture": 2})
        self.assertEqual(about["request"]["truncation"], 0.7)

    def test_an_independent_reader_finds_the_texts(self):
        self.sample("a", "--count", 1, "--seed", 9, "--strength", 0.5, "--truncation", 0.25)
        told = texts(self.path("a/images/fracture-9.png"))
        self.assertIn("Not for diagnosis", told.pop("Disclaimer"))
        self.assertRegex(told.pop("Software"), r"^roentgym [0-9.]+$")
        self.assertEqual(told, {"Origin": "synthetic", "Training data": "simulated",
                                "Model": self.about("a")["generator"]["name"],
                                "Model SHA-256": self.about("a")["generator"]["sha256"], "Seed": "9",
                                "Label": "fracture", "Strength": "0.5", "Label vector": "0.25,0.75",
                                "Truncation": "0.25"})

    def test_the_same_request_gives_the_same_bytes_alone_or_among_others(self):
        files = self.sample("a", "--count", 3)
        self.assertEqual(self.sample("b", "--count", 3), files)
        alone = self.sample("c", "--class", "fracture", "--seed", 2, "--count", 1)
        self.assertEqual(alone["images/fracture-2.png"], files["images/fracture-2.png"])
        self.assertEqual(self.about("c")["classes"], ["fracture"])
        self.assertEqual(self.sample("d", "--count", 3, threads=2), files)

    def test_a_label_vector_of_one_class_is_that_class_and_others_lie_between(self):
        files = self.sample("a", "--count", 1)
        self.sample("b", "--count", 1, "--label", "0,1")
        self.assertTrue((pixels(self.path("b/images/vector-1.png"))
                         == pixels(self.path("a/images/fracture-1.png"))).all())
        self.sample("c", "--count", 1, "--label", "0.2,0.8")
        self.assertEqual([self.rows("c")[0][key] for key in ("label", "strength", "label_vector")],
                         ["fracture", "", "0.2,0.8"])
        self.assertNotIn("Label", texts(self.path("c/images/vector-1.png")))
        self.assertNotIn(read(self.path("c/images/vector-1.png")), files.values())

    def test_16_bits_and_smaller_sides(self):
        self.sample("a", "--count", 1)
        self.sample("b", "--count", 1, "--depth", 16)
        self.sample("c", "--count", 1, "--resolution", 4)
        whole, deep, small = (pixels(self.path(f"{out}/images/fracture-1.png")) for out in "abc")
        self.assertEqual(png_header(read(self.path("b/images/fracture-1.png"))), (16, 16, 16, 0))
        self.assertLessEqual(abs(deep / 257 - whole).max(), 0.502)
        self.assertTrue((deep % 257 != 0).any())
        self.assertLessEqual(abs(whole.reshape(4, 4, 4, 4).mean((1, 3)) - small).max(), 1.01)
        self.assertEqual([self.about("b")["depth"], self.about("c")["size"]], [16, 4])

    def test_a_strip_starts_and_ends_with_its_seeds(self):
        self.sample("a", "--seeds", "3..4")
        self.sample("b", "--strip", "3..4", "--frames", 5, "--sheet", self.path("s.png"))
        for label in ("fracture", "no_fracture"):
            frames = [pixels(self.path(f"b/images/{label}-3-4-{k:03}.png")) for k in range(5)]
            for frame, seed in ((0, 3), (-1, 4)):
                self.assertTrue((frames[frame] == pixels(self.path(f"a/images/{label}-{seed}.png"))).all())
            steps = [abs(a - b).mean() for a, b in zip(frames, frames[1:])]
            self.assertLess(max(steps), 0.7 * abs(frames[0] - frames[-1]).mean() + 1)
        self.assertEqual(png_header(read(self.path("s.png")))[:2], (5 * 18 + 2, 2 * 18 + 2))
        self.assertEqual([self.rows("b")[1][key] for key in ("seed", "seed_to", "blend")], ["3", "4", "0.25"])
        self.assertEqual(texts(self.path("b/images/fracture-3-4-001.png"))["Blend"], "0.25")

    def test_a_morph_starts_and_ends_with_its_classes(self):
        self.sample("a", "--seeds", "1..2")
        self.sample("b", "--seeds", "1..2", "--morph", "no_fracture..fracture", "--frames", 3)
        for seed in (1, 2):
            for frame, label in ((0, "no_fracture"), (2, "fracture")):
                self.assertTrue((pixels(self.path(f"b/images/no_fracture-fracture-{seed}-{frame:03}.png"))
                                 == pixels(self.path(f"a/images/{label}-{seed}.png"))).all())
        self.assertEqual([row["label_vector"] for row in self.rows("b")[:3]], ["1,0", "0.5,0.5", "0,1"])

    def test_like_a_data_set_has_its_classes_and_count(self):
        with open(os.path.join(phantoms(), "labels.csv"), newline="") as file:
            wanted = [(row["label"], row["split"]) for row in csv.DictReader(file)]
        self.sample("train", "--like", phantoms(), "--seed", 100)
        rows = self.rows("train")
        self.assertEqual([(row["label"], row["split"]) for row in rows],
                         [pair for pair in wanted if pair[1] == "train"])
        self.assertEqual([row["seed"] for row in rows], [str(100 + i) for i in range(len(rows))])
        self.sample("all", "--like", phantoms(), "--split", "all")
        self.assertEqual([(row["label"], row["split"]) for row in self.rows("all")], wanted)
        self.sample("test", "--like", phantoms(), "--split", "test")
        self.assertEqual([row["label"] for row in self.rows("test")],
                         [label for label, split in wanted if split == "test"])

    def test_train_reads_what_sample_wrote(self):
        self.sample("a", "--like", phantoms(), "--split", "all")
        self.succeed("train", "--data", self.path("a"), "--out", self.path("run"), *SMALL,
                     "--levels", "4:0/0.05,8:0/0,16:0/0")

    def test_a_sheet_has_rows_of_classes(self):
        self.succeed("sample", "--model", model(), "--sheet", self.path("s.png"), "--count", 4)
        self.assertEqual(png_header(read(self.path("s.png"))), (4 * 18 + 2, 2 * 18 + 2, 8, 0))
        self.succeed("sample", "--model", model(), "--sheet", self.path("t.png"), "--count", 11)
        self.assertEqual(png_header(read(self.path("t.png")))[:2], (8 * 18 + 2, 4 * 18 + 2))
        self.assertEqual({key: texts(self.path("s.png")).get(key) for key in ("Origin", "Training data", "Seed")},
                         {"Origin": "synthetic", "Training data": "simulated", "Seed": None})
        tiles = pixels(self.path("t.png"))
        self.assertTrue((tiles[2:18, 2:74] == pixels(self.path("s.png"))[2:18, 2:74]).all())
        self.assertEqual(len(numpy.unique(tiles[20:36, 3 * 18 + 2:])), 1)  # the second row has three images
        self.assertEqual(sorted(os.listdir(self.folder)), ["s.png", "t.png"])


class GoingOn(SampleTest):
    def test_what_is_there_and_whole_is_not_made_again(self):
        files = self.sample("a", "--count", 4, "--sheet", self.path("a.png"))
        self.assertIn("complete already",
                      self.succeed("sample", "--model", model(), "--out", self.path("a"), "--count", 4))
        times = {name: os.stat(self.path("a", name)).st_mtime_ns for name in files}
        for name, content in (("images/fracture-2.png", None), ("images/fracture-3.png", b""),
                              ("images/fracture-4.png", files["images/fracture-4.png"][:-20]),
                              ("images/no_fracture-1.png", files["images/no_fracture-2.png"])):
            os.remove(self.path("a", name))
            if content is not None:
                write(self.path("a", name), content)
            times.pop(name)
        self.assertEqual(self.sample("a", "--count", 4, "--sheet", self.path("b.png")), files)
        self.assertEqual(read(self.path("a.png")), read(self.path("b.png")))
        for name in times.keys() - {"labels.csv"}:
            self.assertEqual(os.stat(self.path("a", name)).st_mtime_ns, times[name], name)

    def stopped(self, number):
        arguments = ["sample", "--model", model(), "--out", self.path("a"), "--count", 300]
        for count in range(5):
            ready = lambda: os.path.exists(self.path("a/images/no_fracture-20.png"))
            stopped = self.interrupt(number, ready, *arguments)
            if stopped:
                break
            shutil.rmtree(self.path("a"))
        self.assertIsNotNone(stopped, "never interrupted")
        self.assertFalse(os.path.exists(self.path("a/dataset.json")))
        self.refuse("train", "--data", self.path("a"), "--out", self.path("run"), text="dataset.json")
        self.assertEqual(self.sample("a", "--count", 300), self.sample("b", "--count", 300))
        return stopped

    def test_ctrl_c_exits_0_and_the_same_command_goes_on(self):
        status, output = self.stopped(signal.SIGINT)
        self.assertEqual(status, 0)
        self.assertIn("the same command goes on", output)

    def test_a_killed_run_goes_on(self):
        self.assertEqual(self.stopped(signal.SIGKILL)[0], -signal.SIGKILL)

    def test_a_full_disk_is_told_and_the_same_command_goes_on(self):
        done = roentgym("sample", "--model", model(), "--out", self.path("a"), "--count", 60, file_bytes=900)
        self.assertEqual((done.returncode, len(done.stderr.splitlines())), (1, 1), done.stderr)
        self.assertIn(self.path("a"), done.stderr)
        self.assertFalse(os.path.exists(self.path("a/dataset.json")))
        for name in os.listdir(self.path("a", "images")) if os.path.exists(self.path("a/images")) else []:
            pixels(self.path("a/images", name))
        self.assertEqual(self.sample("a", "--count", 60), self.sample("b", "--count", 60))

    def test_a_folder_with_something_else_is_refused_and_left(self):
        self.sample("a", "--count", 2)
        before = tree(self.path("a"))
        for more in (["--count", 3], ["--count", 2, "--truncation", 0.5], ["--count", 2, "--depth", 16]):
            self.refuse("sample", "--model", model(), "--out", self.path("a"), *more, text="another data set")
        os.mkdir(self.path("mine"))
        write(self.path("mine/notes.txt"), "x")
        self.refuse("sample", "--model", model(), "--out", self.path("mine"), text="neither empty")
        self.refuse("sample", "--model", model(), "--out", phantoms(), text=phantoms())
        self.assertEqual(tree(self.path("a")), before)
        self.assertEqual(os.listdir(self.path("mine")), ["notes.txt"])


class BadInput(SampleTest):
    def refused(self, *more, text):
        self.refuse("sample", "--model", model(), "--out", self.path("out"), *more, text=text)
        self.assertFalse(os.path.exists(self.path("out")))

    def test_bad_models_are_told_by_name_and_nothing_is_made(self):
        whole = read(model())
        bad = self.path("bad")
        for content in (None, b"", whole[:-1], whole[:50], b"\x89PNG\r\n\x1a\n" * 10,
                        read(states(trained())[-1]),
                        whole.replace(b'"format_version":"1"', b'"format_version":"2"')):
            if content is not None:
                write(bad, content)
            self.refuse("sample", "--model", bad, "--out", self.path("out"), text=bad + ": ")
            self.assertFalse(os.path.exists(self.path("out")))

    def test_a_model_does_not_choose_where_its_images_go(self):
        write(self.path("bad"), read(model()).replace(b'\\"fracture\\"', b'\\"../cture\\"'))
        self.refuse("sample", "--model", self.path("bad"), "--out", self.path("out"), text="../cture")
        self.assertEqual(sorted(tree(self.folder)), ["bad"])

    def test_wishes_that_the_model_cannot_fulfil_are_told(self):
        self.refused("--class", "hip", text="fracture")
        self.refused("--morph", "fracture..hip", text="fracture..hip")
        self.refused("--resolution", 32, text="16 pixels")
        for vector in ("1", "1,0,0", "1,", ",1", "1,2", "1,nan", "1;0", ""):
            self.refused("--label", vector, text="--label")
        self.refused("--device", "abacus", text="abacus")
        self.refused("--count", 600000, text="1000000")

    def test_bad_data_sets_to_be_like_are_told(self):
        self.refused("--like", self.path("none"), text=self.path("none"))
        os.mkdir(self.path("like"))
        for table, text in (("file,label,patient_id,split\na.png,wrist,p,train\n", "wrist"),
                            ("file,label,patient_id\na.png,wrist,p\n", "labels.csv:1"),
                            ("file,label,patient_id,split\na.png,fracture,p,train\n", "split test")):
            write(self.path("like/labels.csv"), table)
            self.refused("--like", self.path("like"), "--split", "test" if "split" in text else "train",
                         text=text)

    def test_only_a_sheet_gives_way_to_a_sheet(self):
        sheet, table, film = self.path("s.png"), self.path("labels.csv"), self.path("film.png")
        self.succeed("sample", "--model", model(), "--sheet", sheet, "--count", 1)
        first = read(sheet)
        self.succeed("sample", "--model", model(), "--sheet", sheet, "--count", 2)
        self.assertNotEqual(read(sheet), first)
        write(table, "file,label\n")
        self.sample("a", "--count", 1)
        shutil.copy(self.path("a/images/fracture-1.png"), film)
        before = tree(self.folder)
        for path in (table, film, self.path("a")):
            self.refuse("sample", "--model", model(), "--sheet", path, text=path + ": is there already")
            self.refuse("phantom", "--patients", 1, "--size", 64, "--out", self.path("hips"), "--sheet", path,
                        text=path + ": is there already")
        self.assertEqual(tree(self.folder), before)

    def test_folders_and_sheets_that_cannot_be_made_are_told(self):
        self.refuse("sample", "--model", model(), "--out", self.path("none/out"), text=self.path("none/out"))
        self.refused("--sheet", self.path("none/s.png"), text=self.path("none/s.png"))
        self.assertEqual(os.listdir(self.folder), [])


if __name__ == "__main__":
    unittest.main()
