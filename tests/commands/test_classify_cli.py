"""`roentgym classify train` and `roentgym classify score`, on squares and discs."""

import csv
import fcntl
import json
import os
import signal
import struct
import sys
import unittest

sys.path[:0] = [os.path.dirname(os.path.abspath(__file__)), os.path.join(os.path.dirname(os.path.abspath(__file__)), "../api")]
from library_data import png  # noqa: E402
from trainer import TrainerTest, phantoms, read, write  # noqa: E402

SIDE = 32
TRAINING = ["--minibatch", "8", "--epochs", "3"]


def drawing(number, square):
    """A bright square or disc somewhere on grey stripes."""
    x, y = 6 + number * 7 % 20, 6 + number * 5 % 20

    def grey(column, row):
        dx, dy = abs(column - x), abs(row - y)
        inside = max(dx, dy) <= 5 if square else dx * dx + dy * dy <= 32
        return 220 if inside else 40 + (column * 3 + row * number) % 60

    return png(SIDE, SIDE, [bytes(grey(column, row) for column in range(SIDE)) for row in range(SIDE)])


class Classify(TrainerTest):
    def setUp(self):
        super().setUp()
        self.data = self.path("shapes")
        os.makedirs(os.path.join(self.data, "images"))
        rows = ["file,label,patient_id,split"]
        for i in range(120):
            square = i % 3 == 0
            write(os.path.join(self.data, f"images/{i:03}.png"), drawing(i, square))
            rows.append(f"images/{i:03}.png,{'square' if square else 'disc'},p{i // 2},"
                        f"{'test' if i % 8 > 5 else 'train'}")
        write(os.path.join(self.data, "labels.csv"), "\n".join(rows) + "\n")
        write(os.path.join(self.data, "dataset.json"), json.dumps({"name": "shapes", "simulated": True}))

    def relabel(self, edit):
        path = os.path.join(self.data, "labels.csv")
        write(path, edit(read(path).decode()))

    def train(self, out, *more):
        return self.succeed("classify", "train", "--data", self.data, "--out", self.path(out), *TRAINING, *more)

    def refuse_training(self, text, *more):
        return self.refuse("classify", "train", "--data", self.data, "--out", self.path("run"), *TRAINING, *more,
                           text=text, output=None)

    def score(self, out, *more):
        return self.succeed("classify", "score", "--weights", self.path(out, "classifier.safetensors"), *more)

    def area(self, printed):
        (line,) = [line for line in printed.splitlines() if line.startswith("AUC")]
        value, low, high = (float(word) for word in line.split() if word[0] in "01")
        self.assertTrue(low <= value <= high, line)
        return value

    def test_it_learns_squares_and_scores_a_data_set_and_a_folder_alike(self):
        printed = self.train("run")
        self.assertIn("shapes, square: trained on", printed)
        self.assertIn("kept together", printed)
        log = json.loads(read(self.path("run/training.json")))
        self.assertEqual(len(log["history"]), 3)
        patients = [{int(file[7:10]) // 2 for file in log[part]["files"]} for part in ("trained_on", "validated_on")]
        self.assertFalse(patients[0] & patients[1])
        self.assertEqual(sorted(os.listdir(self.path("run"))), ["classifier.safetensors", "training.json"])
        table = self.path("scores.csv")
        self.assertGreater(self.area(self.score("run", "--data", self.data, "--out", table)), 0.9)
        with open(table, encoding="utf-8") as file:
            of_data = {row["file"]: row for row in csv.DictReader(file)}
        self.assertEqual(len(of_data), 30)
        self.assertTrue(all((row["truth"] == "1") == (int(name[7:10]) % 3 == 0) for name, row in of_data.items()))
        digits = [len(row["score"].split("e")[0].replace(".", "").strip("0")) for row in of_data.values()]
        self.assertGreater(max(digits), 14)  # as many as it takes to find the same area
        self.score("run", "--folder", os.path.join(self.data, "images"), "--out", table)
        with open(table, encoding="utf-8") as file:
            of_folder = {row["file"]: row for row in csv.DictReader(file)}
        self.assertEqual(len(of_folder), 120)
        for name, row in of_data.items():
            other = of_folder[os.path.join(self.data, name)]
            self.assertAlmostEqual(float(other["score"]), float(row["score"]), places=5)
            self.assertEqual(other["truth"], "")

    def test_a_stopped_training_goes_on_to_the_same_bytes(self):
        self.train("whole", "--augment")
        state = self.path("run/state.safetensors")
        stopped = self.interrupt(signal.SIGINT, lambda: os.path.exists(state), "classify", "train", "--data",
                                 self.data, "--out", self.path("run"), *TRAINING, "--augment")
        if stopped:
            self.assertEqual(stopped[0], 0, stopped[1])
            self.assertIn("stopped; the same command goes on", stopped[1])
            self.refuse_training("state.safetensors: is not of this training")
        self.assertNotIn("epoch 1 of", self.train("run", "--augment"))
        for name in ("classifier.safetensors", "training.json"):
            self.assertEqual(read(self.path("run", name)), read(self.path("whole", name)), name)
        self.assertIn("complete already", self.train("run", "--augment"))
        self.refuse_training("is of another training")

    def test_a_folder_has_one_training_at_a_time(self):
        os.mkdir(self.path("run"))
        other = os.open(self.path("run"), os.O_RDONLY)
        try:
            fcntl.flock(other, fcntl.LOCK_EX)
            self.refuse_training("run: another training is at work in it")
            self.assertEqual(os.listdir(self.path("run")), [])
        finally:
            os.close(other)

    def test_weights_that_do_not_fit_are_named_with_their_tensor(self):
        short = self.path("short.safetensors")
        header = json.dumps({"conv1.weight": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}).encode()
        write(short, struct.pack("<Q", len(header)) + header + bytes(4))
        told = self.refuse_training("conv1.weight", "--pretrained", short)
        self.assertIn(short, told)
        told = self.refuse("classify", "score", "--weights", short, "--data", self.data)
        self.assertIn(f"{short}: is no classifier of roentgym classify train", told)
        self.assertEqual(os.listdir(self.path("run")), [])

    def test_scores_that_are_no_numbers_are_not_written(self):
        self.train("run")
        weights, table = self.path("run/classifier.safetensors"), self.path("scores.csv")
        bytes_ = bytearray(read(weights))
        (length,) = struct.unpack_from("<Q", bytes_)
        first, _ = json.loads(bytes_[8:8 + length])["fc.bias"]["data_offsets"]
        struct.pack_into("<f", bytes_, 8 + length + first, float("nan"))
        write(weights, bytes(bytes_))
        self.refuse("classify", "score", "--weights", weights, "--folder", os.path.join(self.data, "images"),
                    "--out", table, text="no number for image 1 of", output=None)
        self.assertFalse(os.path.exists(table))

    def test_data_that_cannot_be_learnt_or_judged_are_refused(self):
        self.refuse_training("has no class \"circle\", but disc, square", "--finding", "circle")
        self.refuse_training("resnet18 takes images of a side from 32", "--side", "16")
        self.train("trained")
        weights = self.path("trained/classifier.safetensors")
        labels = read(self.data, "labels.csv")
        self.relabel(lambda text: text.replace(",train", ",test"))
        self.assertIn("test images: 120, 40 with square", self.score("trained", "--data", self.data))
        self.refuse_training("labels.csv: of 0 training images none shows square")
        self.refuse("evaluate", "swd", "--real", self.data, "--fake", self.data, text="has no training image")
        write(os.path.join(self.data, "labels.csv"), labels)
        self.relabel(lambda text: "".join(line + "\n" for line in text.splitlines()
                                          if not ("square" in line and "test" in line)))
        self.refuse("classify", "score", "--weights", weights, "--data", self.data, output=None,
                    text="labels.csv: of 20 test images none shows square")
        self.relabel(lambda text: text.replace("p1,train", "p3,train"))
        told = self.refuse("classify", "score", "--weights", weights, "--data", self.data, output=None)
        self.assertRegex(told, r"labels.csv:\d+: .*p3")
        self.refuse("classify", "score", "--weights", weights, "--data", phantoms(), output=None,
                    text='has no class "square", but')

    def test_wrong_usage_is_told_in_a_line(self):
        self.refuse("classify", "learn", status=2, text="train or score is missing")
        self.refuse("classify", "train", "--data", self.data, status=2, text="--out DIR are needed")
        self.refuse("classify", "train", "--data", self.data, "--out", "x", "--architecture", "alexnet", status=2,
                    text="is not resnet18, inception_v3 or vgg16")
        self.refuse("classify", "score", "--weights", "x", status=2, text="either --data DIR or --folder DIR")


if __name__ == "__main__":
    unittest.main()
