"""`roentgym evaluate labels`: a judge of real images looks at samples, and writes down which of them pass."""

import csv
import json
import os
import shutil
import signal
import unittest

from trainer import TrainerTest, phantoms, read, trained, write


def wilson(part, whole, z=1.959963984540054):
    p, n = part / whole, whole
    middle, half = p + z * z / (2 * n), z * (p * (1 - p) / n + z * z / (4 * n * n)) ** 0.5
    return (middle - half) / (1 + z * z / n), (middle + half) / (1 + z * z / n)


def by_patient(cases):
    """Wilson's interval of (hit, patient), of as many cases as their design effect leaves."""
    sums = {}
    for hit, patient in cases:
        sums.setdefault(patient, []).append(hit)
    value, squares = sum(hit for hit, _ in cases) / len(cases), sum(len(hits) ** 2 for hits in sums.values())
    effect = squares / len(cases)
    if 0 < value < 1 and len(sums) > 1:
        effect = max(1, sum((sum(hits) - value * len(hits)) ** 2 for hits in sums.values()) / (len(cases) * value * (1 - value)))
    return wilson(value * len(cases) / effect, len(cases) / effect)


def area(cases):
    """Of (score, truth): the share of pairs in the right order."""
    yes, no = ([score for score, truth in cases if truth == kind] for kind in (True, False))
    return sum((a > b) + (a == b) / 2 for a in yes for b in no) / len(yes) / len(no)


class Labels(TrainerTest):
    def command(self, *more):
        return ["evaluate", "labels", "--data", phantoms(), "--model", os.path.join(trained(), "generator.safetensors"),
                "--out", self.path("out"), "--side", 32, "--epochs", 1, "--samples", 10, *more]

    def rows(self):
        return list(csv.DictReader(read(self.path("out/labels.csv")).decode().splitlines()))

    def test_samples_are_not_of_two_models(self):
        command = self.command("--samples", 1000)
        del command[4:6]
        status, output = self.replace_model(lambda: os.path.exists(self.path("out/labels.csv")), *command)
        self.assertEqual(status, 1)
        self.assertIn("was replaced meanwhile", output)
        self.assertTrue(any(not row["score"] for row in self.rows()))
        self.assertFalse(os.path.exists(self.path("out/checked.json")))

    def test_figures_are_those_of_the_table_and_the_list_is_what_passed(self):
        output = self.succeed(*self.command())
        rows, part = self.rows(), json.loads(read(self.path("out/labels.json")))
        results, gate = part["results"], part["results"]["gate"]
        self.assertIn("10 of", output.replace("20 samples", ""))
        self.assertEqual((part["part"], len(rows), len({row["seed"] for row in rows})), ("labels", 20, 20))
        self.assertGreater(max(int(row["seed"]) for row in rows), 2**60)  # nobody is to guess them
        for name, finding in (("fracture", True), ("no_fracture", False)):
            asked = [float(row["score"]) for row in rows if row["class"] == name]
            seen = sum((score > gate["threshold"]) == finding for score in asked)
            passed = [score > gate["yes_above"] if finding else score < gate["no_below"] for score in asked]
            told = next(row for row in results["classes"] if row["class"] == name)
            self.assertEqual((told["agreement"]["count"], told["agreement"]["of"], told["passes"]["count"]),
                             (seen, 10, sum(passed)))
            low, high = wilson(seen, 10)
            self.assertAlmostEqual(told["agreement"]["low"], low, 6)
            self.assertAlmostEqual(told["agreement"]["high"], high, 6)
            self.assertEqual([row["passes"] == "1" for row in rows if row["class"] == name], passed)
        self.assertAlmostEqual(results["samples"]["auc"]["value"],
                               area([(float(row["score"]), row["class"] == "fracture") for row in rows]), 6)
        (judge,) = [name for name in os.listdir(self.path("out")) if name.startswith("judge-")]
        scored = self.succeed("classify", "score", "--weights", self.path("out", judge), "--data", phantoms())
        real = results["held_out"]["auc"]  # which draws whole patients there, too
        self.assertIn("AUC {value:.4f}  95 % interval {low:.4f} to {high:.4f}".format(**real), scored)
        listed = json.loads(read(self.path("out/checked.json")))
        self.assertEqual((listed["format"], listed["model_sha256"]), (1, part["model"]["sha256"]))
        self.assertEqual({(name, seed) for name, seeds in listed["classes"].items() for seed in seeds},
                         {(row["class"], row["seed"]) for row in rows if row["passes"] == "1"})

    def test_intervals_of_real_images_count_patients(self):
        folder = self.path("data")
        shutil.copytree(phantoms(), folder)
        table = list(csv.DictReader(read(folder, "labels.csv").decode().splitlines()))
        tested = [row for row in table if row["split"] == "test"]
        for row in tested:  # all hips without a fracture are of one patient
            row["patient_id"] = "one" if row["label"] == "no_fracture" else row["patient_id"]
        write(os.path.join(folder, "labels.csv"), "\n".join(",".join(cells) for cells in [table[0], *(row.values() for row in table)]) + "\n")
        command = self.command()
        command[command.index("--data") + 1] = folder
        self.succeed(*command)
        (judge,) = [name for name in os.listdir(self.path("out")) if name.startswith("judge-")]
        self.succeed("classify", "score", "--weights", self.path("out", judge), "--data", folder, "--out", self.path("scores.csv"))
        scores = {row["file"]: float(row["score"]) for row in csv.DictReader(read(self.path("scores.csv")).decode().splitlines())}
        results = json.loads(read(self.path("out/labels.json")))["results"]
        for name, finding in (("sensitivity", "fracture"), ("specificity", "no_fracture")):
            told = results["held_out"][name]
            hits = [((scores[row["file"]] > results["gate"]["threshold"]) == (finding == "fracture"), row["patient_id"])
                    for row in tested if row["label"] == finding]
            self.assertEqual((told["count"], told["of"]), (sum(hit for hit, _ in hits), len(hits)))
            for end, want in zip(("low", "high"), by_patient(hits)):
                self.assertAlmostEqual(told[end], want, 6)
        self.assertGreater(len(hits), 2)
        plain = wilson(sum(hit for hit, _ in hits), len(hits))
        self.assertGreater(told["high"] - told["low"], 1.1 * (plain[1] - plain[0]))

    def test_it_goes_on_with_the_same_judge_and_samples(self):
        self.succeed(*self.command())
        before, files = self.rows(), sorted(os.listdir(self.path("out")))
        lines = read(self.path("out/labels.csv")).decode().splitlines()
        stopped = [",".join([*line.split(",")[:3], "", "", ""]) if n > 12 else line for n, line in enumerate(lines)]
        write(self.path("out/labels.csv"), "\n".join(stopped) + "\n")
        os.remove(self.path("out/labels.json"))
        output = self.succeed(*self.command())
        self.assertNotIn("steps", output)
        self.assertEqual(self.rows(), before)
        self.assertEqual(sorted(os.listdir(self.path("out"))), files)
        judge = next(name for name in files if name.startswith("judge-"))
        given = self.command("--weights", self.path("out", judge), "--margin", 0.4)
        del given[8:12]  # the judge brings side and epochs
        self.succeed(*given)  # another margin, and so other samples
        self.assertFalse({row["seed"] for row in self.rows()} & {row["seed"] for row in before})

    def test_a_judge_that_knows_the_images_for_its_threshold_is_refused(self):
        self.succeed("classify", "train", "--data", phantoms(), "--out", self.path("other"), "--side", 32,
                     "--epochs", 1, "--validation", 0.3)
        given = self.command("--weights", self.path("other/classifier.safetensors"))
        del given[8:12]
        self.refuse(*given, text="was not trained on just the", output=None)

    def test_a_stop_loses_nothing(self):
        stopped = self.interrupt(signal.SIGINT, lambda: os.path.exists(self.path("out/cells")), *self.command())
        if stopped is not None:
            self.assertEqual(stopped[0], 0)
            self.assertIn("the same command goes on", stopped[1])
        self.succeed(*self.command())

    def test_wrong_use_is_told_in_one_line_and_leaves_nothing(self):
        base = self.command()
        self.refuse(*base, "--margin", 0.7, status=2, text="--margin")
        self.refuse(*base, "--weights", "x", status=2, text="--weights")
        self.refuse(*base[:-2], "--samples", 0, status=2, text="--samples")
        self.refuse("evaluate", "labels", status=2, text="--data DIR, --model FILE and --out DIR are needed")
        self.refuse(*base, "--finding", "tumour", text="tumour", output=None)
        self.assertFalse(os.path.exists(self.path("out/labels.csv")))
        os.makedirs(self.path("out"))
        write(self.path("out/labels.csv"), "file,label\n")
        self.refuse(*base, text="labels.csv: is no table of judged samples", output=None)
        self.assertEqual(read(self.path("out/labels.csv")), b"file,label\n")


if __name__ == "__main__":
    unittest.main()
