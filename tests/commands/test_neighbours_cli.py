"""`roentgym evaluate neighbours` and `tsne`, on a tiny data set and with a small network."""

import csv
import functools
import io
import json
import os
import shutil
import signal

from trainer import TrainerTest, base, locked, phantoms, png_header, read, roentgym, trained, tree, write

NETWORK = ["--architecture", "resnet18", "--side", 32, "--epochs", 1, "--network-images", 24]
FEW = {"neighbours": ["--samples", 6, "--training", 20, "--held-out", 4], "tsne": ["--images", 3, "--steps", 250]}


def command(part, out, *more):
    model = os.path.join(trained(), "generator.safetensors")
    return ["evaluate", part, "--data", phantoms(), "--model", model, "--out", out, *NETWORK, *FEW[part], *more]


@functools.cache
def evaluated():
    """A folder in which both parts are done; what they printed."""
    out = os.path.join(base, "evaluated")
    done = [roentgym(*command(part, out), threads=2) for part in ("neighbours", "tsne")]
    assert [d.returncode for d in done] == [0, 0], [d.stderr for d in done]
    return out, [d.stdout for d in done]


def part(folder, name):
    return json.loads(read(folder, name + ".json"))


def table(folder, name):
    return list(csv.DictReader(io.StringIO(read(folder, name + ".csv").decode())))


class Neighbours(TrainerTest):
    def test_every_image_has_its_neighbours_in_every_layer(self):
        folder, _ = evaluated()
        found, rows = part(folder, "neighbours")["results"], table(folder, "neighbours")
        self.assertEqual([row["set"] for row in rows], ["sample"] * 6 + ["held-out"] * 4)
        layers = [layer["layer"] for layer in found["layers"]]
        self.assertEqual(len(layers), 20)
        files = {row["file"].split("/")[-1][:-4]: row["split"] for row in
                 csv.DictReader(io.StringIO(read(phantoms(), "labels.csv").decode()))}
        for row in rows:
            for layer in layers:
                self.assertEqual(files[row["nearest " + layer]], "train")
                self.assertGreater(float(row["distance " + layer]), 0)
            self.assertLessEqual(float(row["ratio"]), 1)
            if row["set"] == "held-out":
                self.assertEqual(files[row["image"]], "test")
        samples = sorted(float(row["distance conv1"]) for row in rows[:6])
        self.assertAlmostEqual(found["layers"][0]["samples_median"], (samples[2] + samples[3]) / 2, places=5)
        self.assertEqual(found["copies"]["samples_flagged"]["count"], sum(row["copy"] == "1" for row in rows[:6]))
        told = found["all_layers"]["effect"]
        self.assertTrue(0 <= told["low"] <= told["value"] <= told["high"] <= 1, told)
        self.assertTrue(0 < found["all_layers"]["p"] <= 1)
        for picture in found["pictures"]:
            self.assertEqual(png_header(read(folder, picture))[2:], (8, 2), picture)

    def test_it_says_what_was_compared_with_what(self):
        folder, printed = evaluated()
        known = part(folder, "neighbours")
        self.assertIn("resnet18", known["settings"]["network"])
        self.assertEqual(known["settings"]["device"], "cpu (oneDNN, f32)")
        self.assertTrue(known["command"].startswith("roentgym evaluate neighbours --data "))
        self.assertEqual((len(known["data"]["sha256"]), len(known["model"]["sha256"])), (64, 64))
        self.assertIn("training resnet18 at 32 pixels on ", printed[0])
        self.assertIn("10 images, each as it is and mirrored, against 20 training images in 20 layers", printed[0])
        self.assertIn("copies: ", printed[0])

    def test_both_parts_use_one_network_and_leave_only_results(self):
        folder, printed = evaluated()
        self.assertNotIn("training resnet18", printed[1])
        networks = [name for name in os.listdir(folder) if name.endswith(".safetensors")]
        self.assertEqual(len(networks), 1)
        others = {name for name in os.listdir(folder)} - set(networks)
        self.assertEqual(others, {"neighbours.json", "neighbours.csv", "neighbours.png", "neighbours-nearest.png",
                                  "neighbours-held-out.png", "tsne.json", "tsne.csv", "tsne.png", "tsne.svg"})

    def copy(self):
        folder = self.path("out")
        shutil.copytree(evaluated()[0], folder)
        return folder

    def test_what_is_done_is_not_done_again_but_with_other_settings_it_is(self):
        folder = self.copy()
        before = read(folder, "neighbours.json")
        done = self.succeed(*command("neighbours", folder))
        self.assertIn("neighbours.json is there already", done)
        self.assertEqual(read(folder, "neighbours.json"), before)
        self.succeed(*command("neighbours", folder, "--samples", 3))
        self.assertEqual(part(folder, "neighbours")["results"]["samples"], 3)

    def test_what_was_computed_before_a_stop_is_used_and_the_result_is_the_same(self):
        folder = self.copy()
        before = read(folder, "neighbours.csv")
        os.remove(os.path.join(folder, "neighbours.json"))

        def begun():
            return any(name.endswith(".f32") and os.path.getsize(os.path.join(folder, name))
                       for name in os.listdir(folder))

        stopped = self.interrupt(signal.SIGINT, begun, *command("neighbours", folder))
        if stopped:
            self.assertEqual(stopped[0], 0)
        if stopped and "stopped; the same command goes on" in stopped[1]:
            self.assertNotIn("neighbours.json", os.listdir(folder))
        self.succeed(*command("neighbours", folder))
        self.assertEqual(read(folder, "neighbours.csv"), before)
        self.assertFalse(begun())

    def test_weights_of_the_users_are_taken_as_they_are(self):
        folder, _ = evaluated()
        (network,) = [name for name in os.listdir(folder) if name.endswith(".safetensors")]
        self.succeed(*command("neighbours", self.path("out"), "--weights", os.path.join(folder, network)))
        self.assertEqual(read(self.path("out/neighbours.csv")), read(folder, "neighbours.csv"))
        self.assertFalse([name for name in os.listdir(self.path("out")) if name.endswith(".safetensors")])
        write(self.path("bad.safetensors"), b"x" * 100)
        self.refuse(*command("neighbours", self.path("out"), "--weights", self.path("bad.safetensors")),
                    text="bad.safetensors", output=None)

    def test_one_part_at_a_time_works_in_a_folder(self):
        folder = self.copy()
        before = tree(folder)
        with locked(folder):
            for part_name in FEW:
                self.refuse(*command(part_name, folder, "--seed", 9), text="another part of roentgym evaluate is at work there")
        self.assertEqual(tree(folder), before)

    def test_wrong_usage_is_told(self):
        self.refuse("evaluate", "neighbours", "--data", "x", status=2, text="--data DIR, --model FILE and --out DIR")
        self.refuse(*command("tsne", self.path("o"), "--images", 1), status=2, text="--images '1'")
        self.refuse(*command("tsne", self.path("o"), "--architecture", "vgg"), status=2, text="--architecture 'vgg'")
        self.refuse(*command("neighbours", self.path("o"), "--side", 31), status=2, text="--side '31'")
        self.refuse(*command("neighbours", self.path("o"), "--finding", "tumour"), text="tumour")
        self.refuse(*command("tsne", self.path("o"), "--device", "tpu"), status=2, text="--device 'tpu'")
        self.refuse(*command("neighbours", self.path("o"), "--device", "cuda"), text="cuda", output=None)
        self.assertIn("usage: roentgym evaluate tsne", self.succeed("evaluate", "tsne", "--help"))


class Tsne(TrainerTest):
    def test_as_many_of_each_class_and_set_have_a_place(self):
        folder, _ = evaluated()
        found, rows = part(folder, "tsne")["results"], table(folder, "tsne")
        kinds = [(row["set"], row["finding"]) for row in rows]
        for kind in (("real", "0"), ("real", "1"), ("sample", "0"), ("sample", "1")):
            self.assertEqual(kinds.count(kind), 3)
        self.assertEqual(found["points"], len({(row["x"], row["y"]) for row in rows}))
        self.assertEqual(len({row["image"] for row in rows}), 12)
        self.assertTrue(0 <= found["trustworthiness"] <= 1)
        self.assertEqual(found["kinds"], ["no_fracture, real", "fracture, real", "no_fracture, sample",
                                          "fracture, sample"])
        self.assertEqual(png_header(read(folder, "tsne.png"))[2:], (8, 2))
        svg = read(folder, "tsne.svg").decode()
        self.assertEqual((svg.count("<circle") - 2, svg.count("<rect") - 3), (6, 6))

    def test_too_few_of_a_kind_are_refused_before_anything_is_trained(self):
        folder = self.path("few")
        shutil.copytree(phantoms(), folder)
        head, *rows = read(folder, "labels.csv").decode().splitlines()
        column = head.split(",").index("label")
        kept = {split: next(row for row in rows if row.split(",")[column] == "fracture" and f",{split}" in row)
                for split in ("train", "test")}
        few = [row for row in rows if row.split(",")[column] != "fracture" or row in kept.values()]
        write(os.path.join(folder, "labels.csv"), "\n".join([head, *few]) + "\n")
        line = command("tsne", self.path("o"))
        line[line.index("--data") + 1] = folder
        self.refuse(*line, text="2 images with fracture and 3 without, fewer than 3 of a kind", output=None)
        self.refuse(*command("tsne", self.path("o"), "--images", 2), status=2, text="--images '2'")

    def test_the_same_command_places_them_alike(self):
        shutil.copytree(evaluated()[0], self.path("out"))
        os.remove(self.path("out/tsne.json"))
        self.succeed(*command("tsne", self.path("out")), threads=1)
        for name in ("tsne.csv", "tsne.png", "tsne.svg", "tsne.json"):
            self.assertEqual(read(self.path("out", name)).replace(self.path("out").encode(), b""),
                             read(evaluated()[0], name).replace(evaluated()[0].encode(), b""), name)


if __name__ == "__main__":
    import unittest

    unittest.main()
