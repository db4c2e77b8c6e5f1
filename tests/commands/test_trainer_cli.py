"""`roentgym` and `roentgym train` from the command line, and every refusal of them."""

import functools
import json
import os
import re
import shutil
import signal
import struct
import unittest
import zlib

from trainer import SMALL, TrainerTest, edit_state, phantoms, png_header, read, roentgym, safetensors_header, states, trained, tree, write

LEVELS = ["--levels", "4:0/0.3,8:0.2/0.2,16:0.2/0.2", "--tick-kimg", "0.3"]
LONG = ["--levels", "4:0/2,8:0.1/0.1,16:0.1/0.2", "--tick-kimg", "0.1"]  # ticks to stop between
LAST_KIMG = 1.104  # 1.1 kimg in minibatches of 32


def grey_png(side, grey):
    def chunk(kind, body):
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    rows = (b"\0" + bytes([grey]) * side) * side
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0))
            + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))


def metrics(run):
    def refuse(constant):
        raise AssertionError(f"{constant} is not JSON")

    return [json.loads(line, parse_constant=refuse)
            for line in read(run, "metrics.jsonl").decode().splitlines()]


@functools.cache
def undisturbed():
    """The generator at the end of a run of LONG."""
    folder = os.path.join(os.path.dirname(trained()), "long")
    made = roentgym("train", "--data", phantoms(), "--out", folder, *SMALL, *LONG)
    assert made.returncode == 0, made.stderr
    return read(folder, "generator.safetensors")


class Usage(TrainerTest):
    def test_wrong_usage_exits_2_and_touches_nothing(self):
        phantom = ["phantom", "--patients", "3", "--out", self.path("out")]
        train = ["train", "--data", phantoms(), "--out", self.path("out")]
        wrong = [
            ["bogus"], ["phantom"], phantom[:3], phantom[:1] + phantom[3:], phantom + ["more"],
            *(phantom + extra for extra in (
                ["--patients", "0"], ["--patients", "-1"], ["--patients", "x"], ["--patients", "1000001"],
                ["--size", "32"], ["--size", "100"], ["--size", "2048"], ["--size", "64x"], ["--size", ""],
                ["--seed", "-1"], ["--seed", "1e3"], ["--seed", "9223372036854775808"], ["--bogus"],
                ["--seed"])),
            ["train"], train[:3], train[:1] + train[3:], train + ["more"],
            *(train + extra for extra in (
                ["--resolution", "48"], ["--resolution", "2"], ["--resolution", "2048"],
                ["--fmap-base", "0"], ["--fmap-base", "8"], ["--fmap-max", "0"], ["--fmap-max", "4097"],
                ["--levels", "8:1"], ["--levels", "128:1/1"], ["--levels", "4:1/1"],
                ["--levels", "8:-1/1"], ["--levels", "8:nan/1"], ["--tick-kimg", "0"],
                ["--tick-kimg", "nan"], ["--tick-kimg", "2h"], ["--precision", "f16"],
                ["--preset", "big"], ["--seed", "-1"], ["--seed", ""], ["--bogus"],
                ["--augment", "full"], ["--augment", "fixed"], ["--augment-p", "0.2"],
                ["--augment", "ada", "--augment-p", "0.9"], ["--augment", "ada", "--augment-kimg", "0"],
                ["--mirror", "maybe"], ["--loss", "gan"], ["--gamma", "-1"], ["--lazy-interval", "0"],
                ["--fake-labels", ""], ["--label-fakes", "yes"], ["--adam-beta1", "1"],
                ["--ema-decay", "nan"], ["--d-repeats", "1.5"])),
        ]
        for arguments in wrong:
            with self.subTest(arguments=arguments):
                self.refuse(*arguments, status=2)
                self.assertEqual(os.listdir(self.folder), [])
        nothing = roentgym()
        self.assertEqual((nothing.returncode, nothing.stdout, nothing.stderr),
                         (2, "", self.succeed("--help")))

    def test_the_commands_are_listed_a_line_each_and_each_has_help(self):
        listed = re.findall(r"^  ([a-z]+) +\S.*$", self.succeed("--help"), re.MULTILINE)
        self.assertLessEqual({"phantom", "train", "sample"}, set(listed))
        for command in listed:
            self.assertIn(f"usage: roentgym {command}", self.succeed(command, "--help"))

    def test_the_version_is_told(self):
        self.assertRegex(self.succeed("--version"), r"^roentgym \d+\.\d+\.\d+ [0-9a-z.-]*\n$")


class Train(TrainerTest):
    def setUp(self):
        super().setUp()
        self.train = ["train", "--data", phantoms(), "--out", self.path("run"), *SMALL]

    def test_a_run_leaves_state_generator_metrics_and_sheets(self):
        output = self.succeed(*self.train, *LEVELS, "--name", "tiny hips", "--seed", 3)
        lines = metrics(self.path("run"))
        self.assertEqual(len(output.splitlines()), len(lines))
        kimg = [line["kimg"] for line in lines]
        self.assertEqual(kimg, sorted(set(kimg)))
        self.assertEqual(kimg[-1], LAST_KIMG)
        self.assertEqual([lines[0]["side"], lines[-1]["side"], lines[-1]["lod"]], [8, 16, 0])
        self.assertEqual({line["skipped"] for line in lines}, {0})
        self.assertEqual(set(os.listdir(self.path("run"))),
                         {"generator.safetensors", "generator-best.safetensors", "metrics.jsonl",
                          *(f"state-{k:09.3f}.safetensors" for k in kimg[-3:]),
                          *(f"sheet-{k:09.3f}.png" for k in kimg)})
        self.assertEqual(png_header(read(self.path("run"), f"sheet-{LAST_KIMG:09.3f}.png")),
                         (8 * 18 + 2, 2 * 18 + 2, 8, 0))
        about = safetensors_header(self.path("run/generator.safetensors"))["__metadata__"]
        self.assertEqual([about["name"], about["resolution"], about["training_data"], about["kimg"]],
                         ["tiny hips", "16", "simulated", f"{LAST_KIMG:.3f}"])
        self.assertEqual(json.loads(about["classes"]), ["no_fracture", "fracture"])
        config = json.loads(safetensors_header(states(self.path("run"))[-1])["__metadata__"]["config"])
        self.assertEqual([config["seed"], config["fmap_base"], config["fmap_max"], config["tick_kimg"]],
                         [3, 128, 8, 0.3])
        self.assertEqual([(level["fade_kimg"], level["train_kimg"]) for level in config["levels"]],
                         [(0, 0.3), (0.2, 0.2), (0.2, 0.2)])

    def stop_and_resume(self, number):
        """Returns the exit status and what the stopped run printed."""
        for _ in range(5):
            stopped = self.interrupt(number, lambda: os.path.isdir(self.path("run")) and states(self.path("run")),
                                     *self.train, *LONG)
            if stopped:
                break
            shutil.rmtree(self.path("run"))
        self.assertIsNotNone(stopped, "never interrupted")
        before = tree(self.path("run"))
        self.refuse(*self.train, *LONG, text="--resume")
        self.assertEqual(tree(self.path("run")), before)
        self.succeed("train", "--data", phantoms(), "--out", self.path("run"), "--resume")
        kimg = [line["kimg"] for line in metrics(self.path("run"))]
        self.assertEqual(kimg, sorted(set(kimg)))
        self.assertEqual(read(self.path("run/generator.safetensors")), undisturbed())
        return stopped

    def test_ctrl_c_exits_0_and_a_resumed_run_ends_with_the_same_generator(self):
        status, output = self.stop_and_resume(signal.SIGINT)
        self.assertEqual(status, 0)
        self.assertIn("--resume goes on", output)

    def test_a_killed_run_is_resumed_and_ends_with_the_same_generator(self):
        self.assertEqual(self.stop_and_resume(signal.SIGKILL)[0], -signal.SIGKILL)

    def test_nothing_to_resume_is_told_and_nothing_made(self):
        self.refuse(*self.train, "--resume", text="run: ")
        self.assertEqual(os.listdir(self.folder), [])

    def test_a_damaged_state_is_told_by_name_and_kept(self):
        self.succeed(*self.train, "--levels", "4:0/0.05,8:0/0,16:0/0")
        (state,) = states(self.path("run"))
        whole = read(state)
        for content in (whole[:-1], whole[:100], b"", read(self.path("run/generator.safetensors"))):
            write(state, content)
            self.refuse(*self.train, "--resume", text=state)
            self.assertEqual(read(state), content)

    def overflowing_state(self):
        """Begins a run whose state has finite weights from which no finite score can come."""
        def edit(_, tensors):
            tensors["discriminator"][-400:] = struct.pack("<f", 3e38) * 100

        self.succeed(*self.train, "--levels", "4:0/0.05,8:0/0.1,16:0/0.5", "--tick-kimg", "0.05", "--keep", 99)
        for state in states(self.path("run"))[1:]:
            os.remove(state)
        edit_state(states(self.path("run"))[0], edit)

    def test_metrics_stay_json_when_a_loss_is_not_finite(self):
        self.overflowing_state()
        roentgym(*self.train, "--resume")
        last = metrics(self.path("run"))[-1]
        self.assertGreater(last["skipped"], 0)
        self.assertIsNone(last["label"])

    def test_a_run_whose_gradients_stay_infinite_ends_with_one_line(self):
        self.overflowing_state()
        told = self.refuse(*self.train, "--resume", text="10 steps in a row", output=None)
        self.assertIn("lower the learning rate", told)
        self.assertIn("--grow-from " + states(self.path("run"))[0], told)

    def test_a_full_disk_is_told_and_leaves_no_half_file(self):
        self.succeed(*self.train, "--levels", "4:0/0.05,8:0/0,16:0/0")  # makes the pyramid
        shutil.rmtree(self.path("run"))
        done = roentgym(*self.train, *LEVELS, file_bytes=5000)
        self.assertEqual((done.returncode, len(done.stderr.splitlines())), (1, 1), done.stderr)
        self.assertIn("run/state-00000.304.safetensors", done.stderr)
        self.assertEqual({name.split(".")[0] for name in os.listdir(self.path("run"))},
                         {"metrics", "sheet-00000"})

    def test_augmentation_is_shown_and_recorded(self):
        output = self.succeed(*self.train, *LEVELS, "--augment", "ada", "--augment-p", 0.25, "--augment-target", 0,
                              "--augment-kimg", 2)
        strengths = [line["augment_p"] for line in metrics(self.path("run"))]
        self.assertTrue(all(0 <= p <= 0.8 for p in strengths), strengths)
        self.assertNotIn(0.25, strengths)
        self.assertIn(f"augment {strengths[-1]:.3f}", output.splitlines()[-1])
        about = safetensors_header(states(self.path("run"))[-1])["__metadata__"]
        self.assertEqual(json.loads(about["config"])["augment"], "ada")
        self.assertAlmostEqual(float(about["augment"].split()[0]), strengths[-1], 5)
        about = safetensors_header(self.path("run/generator.safetensors"))["__metadata__"]
        self.assertIn(f"augmentation ada (p {strengths[-1]:.3f})", about["provenance"])

    def test_every_loss_trains_and_is_recorded(self):
        for loss in ("wgan-gp", "nonsat-r1", "r3"):
            run = self.path(loss)
            self.succeed(*self.train, "--levels", "4:0/0.1,8:0.1/0.1,16:0/0", "--loss", loss, "--lazy-interval", 2,
                         "--fake-labels", "random", "--out", run)
            self.assertTrue(all(line["penalty"] > 0 for line in metrics(run)))
            config = json.loads(safetensors_header(states(run)[-1])["__metadata__"]["config"])
            self.assertEqual((config["loss"], config["lazy_interval"], config["fake_labels"]), (loss, 2, "random"))
            about = safetensors_header(os.path.join(run, "generator.safetensors"))["__metadata__"]
            self.assertIn(f"loss {loss} with classifier", about["provenance"])

    def test_a_name_and_both_precisions_are_taken(self):
        for precision in ("f32", "bf16"):
            done = roentgym(*self.train, "--levels", "4:0/0.05,8:0/0,16:0/0", "--out", self.path(precision),
                            "--precision", precision, "--device", "cpu")
            if precision == "f32" or done.returncode == 0:
                self.assertEqual((done.returncode, done.stderr), (0, ""))
            else:
                self.assertIn("bf16", done.stderr)

    def test_a_run_grows_from_one_of_lower_resolution(self):
        small = ["train", "--data", phantoms(), "--fmap-base", "128", "--fmap-max", "8"]
        self.succeed(*small, "--out", self.path("small"), "--resolution", 8, "--levels", "4:0/0.05,8:0/0.05")
        (state,) = states(self.path("small"))[-1:]
        large = ["--resolution", "16", "--levels", "4:0/0,8:0/0,16:0.05/0.05"]
        self.succeed(*small, "--out", self.path("large"), *large, "--grow-from", state)
        self.succeed(*small, "--out", self.path("again"), *large, "--grow-from", self.path("small"))
        self.assertEqual(read(self.path("again/generator.safetensors")),
                         read(self.path("large/generator.safetensors")))
        self.refuse(*small, "--out", self.path("wide"), *large, "--grow-from", state, "--fmap-max", 9,
                    text=state)
        self.refuse(*small, "--out", self.path("none"), *large, "--grow-from", self.path("x"),
                    text=self.path("x"))
        self.assertEqual(sorted(os.listdir(self.folder)), ["again", "large", "small"])

    def test_a_run_grows_from_a_narrower_one(self):
        narrow = ["train", "--data", phantoms(), "--fmap-max", "8", "--resolution", "8"]
        self.succeed(*narrow, "--fmap-base", 16, "--out", self.path("narrow"), "--levels", "4:0/0.05,8:0/0.05")
        self.succeed(*narrow, "--fmap-base", 32, "--out", self.path("wide"), "--levels", "4:0/0,8:0/0.05",
                     "--grow-from", self.path("narrow"))
        self.refuse(*narrow, "--fmap-base", 8, "--out", self.path("none"), "--grow-from", self.path("wide"),
                    text="fmap 32/8")

    def test_a_run_folder_that_cannot_be_made_is_told(self):
        write(self.path("file"), "")
        for out in (self.path("file"), self.path("file/run"), self.path("none/run")):
            self.refuse(*self.train, *LEVELS, "--out", out, text=out + ": ")
        self.assertEqual(os.listdir(self.folder), ["file"])


class BadData(TrainerTest):
    def setUp(self):
        super().setUp()
        os.makedirs(self.path("data/images"))
        self.rows = [f"images/{i}.png,{'fracture' if i % 2 else 'no_fracture'},p{i},train" for i in range(40)]
        for i in range(40):
            write(self.path("data/images", f"{i}.png"), grey_png(16, 5 * i))
        self.describe()

    def describe(self, header_line="file,label,patient_id,split",
                 description='{"name":"x","simulated":true,"classes":["no_fracture","fracture"]}'):
        write(self.path("data/labels.csv"), "\n".join([header_line, *self.rows]) + "\n")
        write(self.path("data/dataset.json"), description)

    def assert_refused(self, *texts, more=()):
        before = tree(self.folder)
        told = self.refuse("train", "--data", self.path("data"), "--out", self.path("run"), *SMALL, *more)
        for text in texts:
            self.assertIn(text, told)
        self.assertEqual(tree(self.folder), before)
        self.assertEqual(os.listdir(self.folder), ["data"])

    def test_the_good_ones_of_it_train(self):
        self.succeed("train", "--data", self.path("data"), "--out", self.path("run"), *SMALL,
                     "--levels", "4:0/0.05,8:0/0,16:0/0")

    def test_a_missing_file_is_told_with_its_line(self):
        self.rows[4] = self.rows[4].replace("images/4.png", "images/nowhere.png")
        self.describe()
        self.assert_refused("data/labels.csv:6: ", "images/nowhere.png")

    def test_an_unknown_class_is_told_with_its_line(self):
        self.rows[7] = self.rows[7].replace("fracture", "cracked")
        self.describe()
        self.assert_refused("data/labels.csv:9: ", "cracked")

    def test_a_patient_in_both_splits_is_told_with_its_line(self):
        self.rows[9] = self.rows[9].replace("p9,train", "p2,test")
        self.describe()
        self.assert_refused("data/labels.csv:11: ", "p2")

    def test_other_bad_tables_are_told_with_their_line(self):
        good = list(self.rows)
        for row, wanted in (("images/3.png,fracture,p3", "labels.csv:5: "),
                            ("images/3.png,fracture,p3,valid", "labels.csv:5: "),
                            ("../secret.png,fracture,p3,train", "labels.csv:5: "),
                            ("images/2.png,fracture,p3,train", "labels.csv:5: ")):
            self.rows = good[:3] + [row] + good[4:]
            self.describe()
            self.assert_refused(wanted)
        self.rows = good
        self.describe(header_line="file,class,patient_id,split")
        self.assert_refused("labels.csv:1: ", "label")

    def test_bad_images_and_descriptions_are_told_by_name(self):
        for content in (b"", b"GIF89a", grey_png(16, 3)[:40], grey_png(8, 3)):
            write(self.path("data/images/5.png"), content)
            self.assert_refused("images/5.png")
        write(self.path("data/images/5.png"), grey_png(16, 3))
        for text in ("", "{", "{}", '{"name":"x"}', '{"name":"x","simulated":1}'):
            self.describe(description=text)
            self.assert_refused("dataset.json")
        self.refuse("train", "--data", self.path("none"), "--out", self.path("run"), text=self.path("none"))

    def test_what_does_not_fit_the_data_is_refused(self):
        def check(text, *more):
            told = self.refuse("train", "--data", self.path("data"), "--out", self.path("run"), *more)
            self.assertIn(text, told)
            self.assertFalse(os.path.exists(self.path("run")))

        check("16 pixels", "--resolution", 32)
        check("minibatch of 128", "--resolution", 16, "--preset", "v2")


if __name__ == "__main__":
    unittest.main()
