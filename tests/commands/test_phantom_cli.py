"""`roentgym phantom`: data sets that do not depend on threads, interruptions or full disks."""

import csv
import hashlib
import json
import os
import shutil
import signal
import unittest

from trainer import PATIENTS, TrainerTest, phantoms, png_header, read, roentgym, tree, write


def without_pyramid(folder):
    return {name: content for name, content in tree(folder).items() if not name.startswith("pyramid/")}


class Phantom(TrainerTest):
    def phantom(self, *more, patients=PATIENTS):
        return ["phantom", "--patients", patients, "--size", 64, "--out", self.path("out"), *more]

    def test_bytes_do_not_depend_on_the_thread_count(self):
        self.succeed(*self.phantom(), threads=1)
        self.assertEqual(tree(self.path("out")), without_pyramid(phantoms()))

    def test_another_seed_gives_other_hips(self):
        self.succeed(*self.phantom("--seed", 2, "--sheet", self.path("sheet.png"), patients=3))
        self.assertNotEqual(read(self.path("out/images/p000000_0.png")),
                            read(phantoms(), "images/p000000_0.png"))
        self.assertEqual(png_header(read(self.path("sheet.png")))[2:], (8, 0))

    def test_labels_and_description_agree_with_the_images(self):
        lines = read(phantoms(), "labels.csv").decode().splitlines()
        columns = lines[0].split(",")
        rows = [dict(zip(columns, line.split(","))) for line in lines[1:]]
        description = json.loads(read(phantoms(), "dataset.json"))
        self.assertIs(description["simulated"], True)
        self.assertEqual(description["images"], len(rows))
        self.assertEqual({row["file"] for row in rows},
                         {"images/" + name for name in os.listdir(os.path.join(phantoms(), "images"))})
        self.assertEqual({row["mask"] for row in rows} - {""},
                         {"masks/" + name for name in os.listdir(os.path.join(phantoms(), "masks"))})
        for row in rows:
            self.assertEqual(png_header(read(phantoms(), row["file"])), (64, 64, 8, 0))
            self.assertEqual(row["label"] == "fracture", row["mask"] != "", row)
        self.assertFalse({row["patient_id"] for row in rows if row["split"] == "train"}
                         & {row["patient_id"] for row in rows if row["split"] == "test"})

    def test_pelves_do_not_depend_on_the_thread_count_and_have_boxes_of_both_hips(self):
        pelves = ["phantom", "--view", "pelvis", "--patients", 12, "--size", 128, "--out"]
        self.succeed(*pelves, self.path("one"), "--sheet", self.path("sheet.png"), threads=1)
        self.succeed(*pelves, self.path("two"), threads=2)
        self.assertEqual(tree(self.path("one")), tree(self.path("two")))
        self.assertEqual(png_header(read(self.path("sheet.png")))[2:], (8, 0))
        rows = list(csv.DictReader(read(self.path("one/labels.csv")).decode().splitlines()))
        boxes = list(csv.DictReader(read(self.path("one/boxes.csv")).decode().splitlines()))
        self.assertEqual([(row["file"], side) for row in rows for side in ("left", "right")],
                         [(box["file"], box["side"]) for box in boxes])
        for row in rows:
            left, right = ({k: float(box[k]) for k in ("x", "y", "width", "height")}
                           for box in boxes if box["file"] == row["file"])
            self.assertGreater(left["x"], right["x"])  # the patient's left is on the right of the picture
            self.assertEqual(row["side"], "both")
            self.assertEqual(row["label"] == "fracture", row["fracture_side"] != "")
            if row["fracture_side"]:
                box = left if row["fracture_side"] == "left" else right
                self.assertTrue(box["x"] < float(row["fracture_column"]) < box["x"] + box["width"], row)
                self.assertTrue(box["y"] < float(row["fracture_row"]) < box["y"] + box["height"], row)
                self.assertEqual(png_header(read(self.path("one"), row["mask"])), (128, 128, 8, 0))
        self.assertEqual({row["fracture_side"] for row in rows}, {"left", "right", ""})
        description = json.loads(read(self.path("one/dataset.json")))
        self.assertEqual(description["sha256"]["boxes.csv"],
                         hashlib.sha256(read(self.path("one/boxes.csv"))).hexdigest())
        self.assertIn("complete", self.succeed(*pelves, self.path("one")))
        self.refuse("phantom", "--patients", 12, "--size", 128, "--out", self.path("one"), text="another data set")

    def interrupted_and_continued(self, number, wanted_status):
        journal = self.path("out/journal.csv")

        def ready():
            return os.path.exists(journal) and read(journal).count(b"\n") > 2

        for _ in range(5):  # a machine in a hurry may be done before the signal
            stopped = self.interrupt(number, ready, *self.phantom())
            if stopped:
                break
            shutil.rmtree(self.path("out"))
        self.assertIsNotNone(stopped, "never interrupted")
        self.assertEqual(stopped[0], wanted_status if os.path.exists(journal) else 0)
        if os.path.exists(journal):  # else the signal came with the last image
            self.assertFalse(os.path.exists(self.path("out/dataset.json")))
            self.refuse(*self.phantom("--seed", 2), text="other parameters")
            self.succeed(*self.phantom())
        self.assertEqual(tree(self.path("out")), without_pyramid(phantoms()))

    def test_ctrl_c_exits_0_and_the_same_command_ends_with_the_same_bytes(self):
        self.interrupted_and_continued(signal.SIGINT, 0)

    def test_a_killed_run_goes_on_and_ends_with_the_same_bytes(self):
        self.interrupted_and_continued(signal.SIGKILL, -signal.SIGKILL)

    def test_a_line_of_the_journal_that_was_cut_off_is_forgotten(self):
        reference = self.path("reference")
        self.succeed("phantom", "--patients", 5, "--size", 64, "--out", reference)
        last = sorted(os.listdir(os.path.join(reference, "images")))[-1]
        for cut in ("images/p000000_0", "images/p000000_0.png,fracture,p0", "imag"):
            with self.subTest(cut=cut):
                os.makedirs(self.path("out/images", last))  # the last image cannot be written
                os.makedirs(self.path("out/masks"))
                write(self.path("out/journal.csv"), "seed 1 patients 5 size 64\n" + cut)
                done = roentgym(*self.phantom(patients=5))
                self.assertEqual((done.returncode, len(done.stderr.splitlines())), (1, 1), done.stderr)
                self.assertIn(last, done.stderr)
                os.rmdir(self.path("out/images", last))
                self.succeed(*self.phantom(patients=5))
                self.assertEqual(tree(self.path("out")), tree(reference))
                shutil.rmtree(self.path("out"))

    def test_a_full_disk_is_told_and_the_same_command_goes_on(self):
        self.succeed("phantom", "--patients", 3, "--size", 64, "--out", self.path("reference"))
        for file_bytes in (0, 10, 60, 1000):
            with self.subTest(file_bytes=file_bytes):
                self.refuse(*self.phantom(patients=3), text=self.path("out"), file_bytes=file_bytes)
                for name in ("labels.csv", "dataset.json"):
                    self.assertFalse(os.path.exists(self.path("out", name)))
                self.succeed(*self.phantom(patients=3))
                self.assertEqual(tree(self.path("out")), tree(self.path("reference")))
                shutil.rmtree(self.path("out"))

    def test_folders_that_hold_something_else_are_refused_unchanged(self):
        before = tree(phantoms())
        same = ["phantom", "--size", 64, "--out", phantoms(), "--patients"]
        self.assertIn("complete", self.succeed(*same, PATIENTS))
        self.refuse(*same, PATIENTS + 1, text=phantoms())
        self.assertEqual(tree(phantoms()), before)
        os.mkdir(self.path("out"))
        write(self.path("out/letter.txt"), "mine")
        self.refuse(*self.phantom(patients=1), text=self.path("out"))
        self.assertEqual(tree(self.folder), {"out/letter.txt": b"mine"})

    def test_folders_that_cannot_be_made_are_refused(self):
        write(self.path("file"), "")
        for out in (self.path("file"), self.path("file/out"), self.path("none/out")):
            self.refuse("phantom", "--patients", 1, "--size", 64, "--out", out, text=out)
        self.assertEqual(os.listdir(self.folder), ["file"])


if __name__ == "__main__":
    unittest.main()
