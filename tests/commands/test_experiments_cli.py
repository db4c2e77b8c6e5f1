"""The experiments that train classifiers: `roentgym evaluate table1`, low-data, boundary."""

import csv
import functools
import io
import json
import os
import shutil
import signal
import unittest
from xml.etree import ElementTree

import trainer
from trainer import TrainerTest, phantoms, read, roentgym, trained, write

SMALL = ["--side", 32, "--epochs", 1, "--seeds", 1]


def command(part, out, *more, data=None, model=None):
    model = model or os.path.join(trained(), "generator.safetensors")
    return ["evaluate", part, "--data", data or phantoms(), "--model", model, "--out", out, *SMALL, *more]


@functools.cache
def done():
    """Folder of all three parts; (what each printed)."""
    out, printed = os.path.join(trainer.base, "experiments"), {}
    for part in ("table1", "boundary", "low-data"):
        made = roentgym(*command(part, out))
        assert (made.returncode, made.stderr) == (0, ""), made.stderr
        printed[part] = made.stdout
    return out, printed


def results(out, part):
    return json.loads(read(out, part + ".json"))["results"]


def cells(out):
    """{what it is: cell}"""
    found = [json.loads(read(out, "cells", name)) for name in os.listdir(os.path.join(out, "cells"))]
    return {cell["what"]: cell for cell in found}


def test_truths():
    rows = csv.DictReader(io.StringIO(read(phantoms(), "labels.csv").decode()))
    return [row["label"] == "fracture" for row in rows if row["split"] == "test"]


def auc(truths, scores):
    pairs = [(a > b) + (a == b) / 2 for a, t in zip(scores, truths) if t for b, u in zip(scores, truths) if not u]
    return sum(pairs) / len(pairs)


class Experiments(TrainerTest):
    def test_table1_has_the_areas_of_the_kept_scores_beside_the_papers(self):
        out, printed = done()
        rows, kept = results(out, "table1")["rows"], cells(out)
        self.assertEqual([row["name"] for row in rows],
                         ["real", "GAN-sample1", "GAN-sample2", "GAN-sample1 + GAN-sample2", "real + traditional augmentation",
                          "real + GAN-sample1", "real + GAN-sample2", "all of these"])
        for row in rows:
            scores = kept[row["name"] + ", seed 1"]["scores"]
            self.assertAlmostEqual(row["auc"]["mean"], auc(test_truths(), scores), 7)
            self.assertLessEqual(row["auc"]["low"], row["auc"]["high"])
            self.assertEqual(row["auc"]["by_seed"], [row["auc"]["mean"]])
            self.assertAlmostEqual(row["difference"]["auc"]["mean"], row["auc"]["mean"] - rows[0]["auc"]["mean"], 7)
            right = sum((score >= 0.5) == truth for score, truth in zip(scores, test_truths()))
            self.assertAlmostEqual(row["accuracy"]["mean"], right / len(scores), 7)
        real = rows[0]["images"]
        self.assertEqual([row["images"] for row in rows], [real * times for times in (1, 1, 1, 2, 1, 2, 2, 3)])
        self.assertEqual([row["paper_auc"] for row in rows], ["0.992", "> 0.95", "> 0.95"] + 5 * [None])
        self.assertIn("8 networks, 8 to train", printed["table1"])
        self.assertIn("at most", printed["table1"])
        self.assertIn(read(out, "table1.txt").decode(), printed["table1"])
        lines = list(csv.DictReader(io.StringIO(read(out, "table1.csv").decode())))
        self.assertEqual([line["row"] for line in lines], [row["name"] for row in rows])
        self.assertAlmostEqual(float(lines[3]["auc"]), rows[3]["auc"]["mean"], 5)

    def test_the_parts_share_networks(self):
        out, printed = done()
        self.assertIn("3 networks, 0 to train", printed["boundary"])
        self.assertIn("15 networks, 12 to train", printed["low-data"])
        self.assertEqual(len(cells(out)), 20)
        self.assertEqual(len(os.listdir(os.path.join(out, "sets"))), 2)

    def test_boundary_distortion_is_what_table1_loses(self):
        out, _ = done()
        table, boundary = results(out, "table1")["rows"], results(out, "boundary")["distortion"]
        for row in table[1:3]:
            for measure in ("auc", "accuracy", "sensitivity", "specificity"):
                lost, less = boundary[row["name"]][measure], row["difference"][measure]
                self.assertAlmostEqual(lost["mean"], -less["mean"], 7)
                self.assertAlmostEqual(lost["low"], -less["high"], 7)

    def test_low_data_rises_from_few_images_to_table1s(self):
        out, _ = done()
        low, table = results(out, "low-data")["rows"], results(out, "table1")["rows"]
        counts = [row["images"] for row in low[0:14:2]]
        self.assertEqual(counts, sorted(counts))
        self.assertGreaterEqual(counts[0], 2)
        self.assertEqual([row["images"] for row in low[1:14:2]], [count + table[1]["images"] for count in counts])
        for mine, theirs in ((low[12], table[0]), (low[13], table[5]), (low[14], table[1])):
            self.assertEqual(mine["auc"], theirs["auc"])

    def test_one_part_at_a_time_works_in_a_folder(self):
        with trainer.locked(done()[0]):
            self.refuse(*command("table1", done()[0]), text="another part of roentgym evaluate is at work there", output=None)

    def test_a_model_that_is_replaced_meanwhile_gives_no_figures(self):
        out = self.path("out")
        cells = os.path.join(out, "cells")
        status, output = self.replace_model(lambda: os.path.isdir(cells) and any(name.endswith(".json") for name in os.listdir(cells)),
                                            "evaluate", "table1", "--data", phantoms(), "--out", out, *SMALL)
        self.assertEqual(status, 1)
        self.assertIn("generator.safetensors: was replaced meanwhile", output)
        self.assertLess(len(os.listdir(os.path.join(out, "sets"))), 2)
        self.assertFalse(os.path.exists(os.path.join(out, "table1.json")))

    def test_another_seed_takes_networks_of_its_own_and_means_are_of_all(self):
        out = self.path("out")
        shutil.copytree(done()[0], out)
        self.assertIn("6 networks, 3 to train", self.succeed(*command("boundary", out, "--seeds", 2)))
        one, two = results(done()[0], "boundary"), results(out, "boundary")
        for before, row in zip(one["rows"], two["rows"]):
            first, second = row["auc"]["by_seed"]
            self.assertEqual(first, before["auc"]["mean"])
            self.assertAlmostEqual(row["auc"]["mean"], (first + second) / 2, 7)
            self.assertEqual([row["auc"]["least"], row["auc"]["most"]], sorted([first, second]))
        for row in two["rows"]:
            less = row["difference"]["auc"]
            self.assertTrue(0 < less["p"] <= 1)
            self.assertEqual(less["p"] < 0.05, less["low"] > 0 or less["high"] < 0, less)
        scores = cells(out)
        self.assertNotEqual(scores["real, seed 1"]["scores"], scores["real, seed 2"]["scores"])

    def test_pictures_are_whole_and_name_what_they_show(self):
        out, _ = done()
        for part, text in (("table1", "real + traditional augmentation"), ("boundary", "GAN-sample2: AUC"), ("low-data", "GAN-sample1 alone")):
            picture = ElementTree.fromstring(read(out, part + ".svg"))
            self.assertEqual(picture.tag, "{http://www.w3.org/2000/svg}svg")
            self.assertTrue(any(text in (element.text or "") for element in picture.iter()), part)

    def test_a_lost_network_is_trained_again_to_the_same_scores_and_the_rest_is_not(self):
        done_out, _ = done()
        out = self.path("out")
        shutil.copytree(done_out, out)
        before = trainer.tree(out)
        lost = next(name for name in os.listdir(os.path.join(out, "cells")) if json.loads(read(out, "cells", name))["what"] == "GAN-sample2, seed 1")
        os.remove(os.path.join(out, "cells", lost))
        printed = self.succeed(*command("table1", out))
        self.assertIn("8 networks, 1 to train", printed)
        scores = [json.loads(content)["scores"] for content in (before["cells/" + lost], read(out, "cells", lost))]
        self.assertEqual(*scores)
        for name in ("table1.svg", "table1.csv", "table1.txt"):
            self.assertEqual(read(out, name), before[name])
        write(os.path.join(out, "cells", lost), read(out, "cells", lost)[:100])
        self.refuse(*command("table1", out), text=lost + ": does not hold the scores", output=None)
        os.remove(os.path.join(out, "cells", lost))
        for name in os.listdir(os.path.join(out, "sets")):  # a damaged set is drawn again
            write(os.path.join(out, "sets", name), read(out, "sets", name)[:-1] + b"!")
        self.succeed(*command("boundary", out))
        self.assertEqual(json.loads(read(out, "cells", lost))["scores"], scores[0])

    def test_stopped_or_killed_it_goes_on_with_the_networks_it_has(self):
        for number in (signal.SIGINT, signal.SIGKILL):
            out = self.path(f"out{number}")
            ready = lambda out=out: os.path.isdir(os.path.join(out, "cells")) and any(name.endswith(".json") for name in os.listdir(os.path.join(out, "cells")))
            stopped = self.interrupt(number, ready, *command("table1", out))
            self.assertIsNotNone(stopped)
            if number == signal.SIGINT:
                self.assertEqual(stopped[0], 0)
                self.assertTrue(stopped[1].endswith("stopped; the same command goes on\n"), stopped[1])
            there = len([json.loads(read(out, "cells", name)) for name in os.listdir(os.path.join(out, "cells")) if name.endswith(".json")])
            self.assertIn(there, range(1, 8))
            self.assertFalse(os.path.exists(os.path.join(out, "table1.json")))
        printed = self.succeed(*command("boundary", out))
        self.assertIn(f"3 networks, {max(0, 3 - there)} to train", printed)


class Refused(TrainerTest):
    def data(self, edit):
        """A copy of the phantoms with labels.csv through edit(header, rows)."""
        folder = self.path("data")
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(phantoms(), folder)
        shutil.rmtree(os.path.join(folder, "pyramid"), ignore_errors=True)
        rows = list(csv.DictReader(io.StringIO(read(folder, "labels.csv").decode())))
        edit(rows, folder)
        with open(os.path.join(folder, "labels.csv"), "w", newline="") as file:
            writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)
        return folder

    def refuse_data(self, edit, text, *more):
        self.refuse(*command("table1", self.path("out"), *more, data=self.data(edit)), text=text, output=None)
        self.assertFalse(os.path.exists(self.path("out")))

    def test_data_that_cannot_be_tested_on_is_refused_before_anything_is_made(self):
        def no_class_in_test(rows, _):
            for row in rows:
                if row["split"] == "test" and row["label"] == "fracture":
                    row["split"] = "train"

        def patient_in_both(rows, _):
            next(row for row in rows if row["split"] == "test")["patient_id"] = next(row for row in rows if row["split"] == "train")["patient_id"]

        def image_in_both(rows, folder):
            test, train = (next(row for row in rows if row["split"] == split) for split in ("test", "train"))
            shutil.copy(os.path.join(folder, train["file"]), os.path.join(folder, test["file"]))

        def three_classes(rows, folder):
            for row in [row for row in rows if row["split"] == "train" and row["label"] == "fracture"][:3]:
                row["label"] = "tumour"
            about = json.loads(read(folder, "dataset.json"))
            write(os.path.join(folder, "dataset.json"), json.dumps({**about, "classes": ["no_fracture", "fracture", "tumour"]}))

        self.refuse_data(no_class_in_test, "test images none shows fracture")
        self.refuse_data(patient_in_both, "both")
        self.refuse_data(image_in_both, "the split leaks: test image images/")
        self.refuse_data(three_classes, "which finding is meant? It has no_fracture, fracture, tumour")
        self.refuse_data(three_classes, "does not know tumour", "--finding", "fracture")

    def test_wrong_settings_models_and_folders_are_refused(self):
        out = self.path("out")
        self.refuse(*command("table1", out, "--finding", "tumour"), text='no class "tumour"', output=None)
        self.refuse(*command("table1", out, model=os.path.join(phantoms(), "dataset.json")), text="dataset.json", output=None)
        self.refuse(*command("low-data", out, "--pretrained", self.path("nowhere")), text="nowhere", output=None)
        self.refuse(*command("boundary", out, "--architecture", "vgg16"), text="32", output=None)
        self.refuse(*command("boundary", out, "--device", "cuda"), text="cuda", output=None)
        write(self.path("file"), "")
        self.refuse(*command("boundary", self.path("file")), text=self.path("file"), output=None)
        for wrong in (["evaluate", "table1"], command("table1", out, "more"), command("table1", out, "--seeds", 33),
                      command("table1", out, "--epochs", 0), command("table1", out, "--architecture", "lenet"),
                      command("table1", out, "--device", "tpu")):
            self.assertEqual(roentgym(*wrong).returncode, 2, wrong)
        for part in ("table1", "low-data", "boundary"):
            self.assertIn("--seeds N", self.succeed("evaluate", part, "--help"))
            self.assertIn(part, self.succeed("evaluate", "--help"))


if __name__ == "__main__":
    unittest.main()
