"""`roentgym inspect`: checkpoints, states, runs and data sets, whole and damaged."""

import hashlib
import json
import os
import shutil
import unittest

from PIL import Image

from trainer import PATIENTS, TrainerTest, phantoms, read, roentgym, trained, write


def newest_state(run):
    return max(os.path.join(run, name) for name in os.listdir(run) if name.startswith("state-"))


class Inspect(TrainerTest):
    def inspect(self, path, *problems):
        """The facts as JSON; the text must tell all of the top level, too. problems: what each has in it; with any it
        fails, and its line has the first of them."""
        found = [roentgym("inspect", path, *more) for more in (["--json"], [])]
        facts = json.loads(found[0].stdout)
        self.assertEqual(len(facts["problems"]), len(problems), facts["problems"])
        for told, text in zip(facts["problems"], problems):
            self.assertIn(text, told)
        for done in found:
            self.assertEqual((done.returncode, len(done.stderr.splitlines())), (1, 1) if problems else (0, 0), done.stderr)
            self.assertIn(problems[0] if problems else "", done.stderr)
        lines = found[1].stdout.splitlines()
        for key in facts:
            self.assertTrue(any((line + " ").startswith(key.replace("_", " ") + " ") for line in lines), key)
        return facts

    def test_a_checkpoint_tells_what_it_is_and_by_which_hash(self):
        path = os.path.join(trained(), "generator.safetensors")
        facts = self.inspect(path)
        content = read(path)
        self.assertEqual(facts["kind"], "generator checkpoint")
        self.assertEqual((facts["sha256"], facts["bytes"]), (hashlib.sha256(content).hexdigest(), len(content)))
        self.assertEqual((facts["training_data"], facts["classes"]), ("simulated", ["no_fracture", "fracture"]))
        self.assertEqual((facts["resolution"], facts["fmap_base"], facts["fmap_max"]), (16, 128, 8))
        self.assertEqual(facts["weights"]["not_finite"], 0)
        self.assertIn("sha256", facts["provenance"])

    def test_the_default_model_is_read(self):
        facts = self.inspect("deploy/models/default.safetensors")
        self.assertEqual((facts["resolution"], facts["training_data"]), (1024, "simulated"))

    def test_a_state_tells_where_it_stands_and_that_it_is_whole(self):
        path = newest_state(trained())
        facts = self.inspect(path)
        self.assertEqual((facts["kind"], facts["checksum"]), ("training state", "verified"))
        self.assertEqual((facts["configuration"]["seed"], facts["resolution"]), (1, 16))
        self.assertIn("finished", facts["level"])
        self.assertEqual(facts["data_sha256"], self.inspect(phantoms())["sha256"])
        self.assertEqual(f"state-{facts['kimg']:09.3f}.safetensors", os.path.basename(path))

    def test_a_run_tells_its_states_its_losses_and_what_is_damaged(self):
        run = self.path("run")
        shutil.copytree(trained(), run)
        facts = self.inspect(run)
        self.assertEqual((facts["kind"], facts["training_data"]), ("training run", "simulated"))
        self.assertTrue(all(line.endswith(": whole") for line in facts["states"]))
        self.assertIsInstance(facts["last_tick"]["gradient_penalty"], float)
        self.assertGreater(facts["last_swd_3x"]["mean"], facts["last_swd_3x"]["floor"])
        state = newest_state(run)
        write(state, read(state)[:-1])
        write(os.path.join(run, "generator.safetensors"), b"no")
        write(os.path.join(run, "metrics.jsonl"), b"x\n")
        facts = self.inspect(run, "generator.safetensors", "line 1", os.path.basename(state))
        self.assertNotIn("whole", facts["states"][0])
        self.assertIn("generator.safetensors", facts["generator_problem"])
        self.assertIn("line 1", facts["bad_lines_in_metrics"])

    def test_a_data_set_is_counted(self):
        facts = self.inspect(phantoms())
        self.assertEqual((facts["kind"], facts["data"], facts["labels_csv"]), ("data set", "simulated", "fit for training"))
        self.assertEqual(facts["sizes"], {"64x64, 8 bits": facts["images"]})
        counts = facts["images_by_label_and_split"]
        self.assertEqual(set(counts), {"fracture", "no_fracture"})
        self.assertEqual(sum(sum(splits.values()) for splits in counts.values()), facts["images"])
        self.assertEqual((facts["patients"], facts["patients_in_both_splits"]), (PATIENTS, 0))
        self.assertEqual((facts["unreadable_images"], facts["equal_files_in_both_splits"]), (0, 0))
        grey = facts["grey_levels_of_8_bits"]
        self.assertTrue(grey["lowest"] <= grey["1%"] <= grey["median"] <= grey["99%"] <= grey["highest"] <= 255)

    def test_boxes_of_hips_are_counted_and_those_that_fit_nothing_told(self):
        folder = self.path("pelves")
        self.succeed("phantom", "--view", "pelvis", "--patients", 3, "--size", 64, "--out", folder)
        facts = self.inspect(folder)
        self.assertEqual((facts["hips_with_a_box"], facts["images_with_both_hips"]), (6, 3))
        self.assertEqual((facts["boxes_beyond_the_image"], facts["boxes_of_no_image"]), (0, 0))
        boxes = os.path.join(folder, "boxes.csv")
        write(boxes, read(boxes) + b"images/none.png,left,1,1,5,5\n")
        lines = read(boxes).decode().splitlines()
        write(boxes, "\n".join([lines[0], *lines[2:], "images/p000000_0.png,left,60,1,5,5"]) + "\n")
        facts = self.inspect(folder, "1 box reaches beyond its image", "1 box is of no image")
        self.assertEqual((facts["boxes_beyond_the_image"], facts["boxes_of_no_image"]), (1, 1))
        write(boxes, "file,side\n")
        self.assertIn("no column 'x'", self.inspect(folder, "no column 'x'")["boxes_csv_problem"])
        self.assertNotIn("hips_with_a_box", self.inspect(phantoms()))

    def test_a_data_set_with_a_grey_range_has_the_name_that_training_gives_it(self):
        folder = self.path("hips")
        shutil.copytree(phantoms(), folder)
        description = json.loads(read(folder, "dataset.json"))
        write(os.path.join(folder, "dataset.json"), json.dumps({**description, "grey_range": [10, 200]}))
        self.succeed("train", "--data", folder, "--out", self.path("run"), "--resolution", "4", "--levels", "4:0/0.01",
                     "--minibatch", "4", "--fmap-base", "16", "--fmap-max", "4", "--metric-kimg", "0")
        facts = self.inspect(folder)
        self.assertEqual(facts["grey_range"], [10, 200])
        self.assertNotEqual(facts["sha256"], self.inspect(phantoms())["sha256"])
        self.assertEqual(facts["sha256"], self.inspect(newest_state(self.path("run")))["data_sha256"])

    def test_text_of_a_file_does_not_steer_the_terminal(self):
        write(self.path("labels.csv"), b"file,label,patient_id,split\na.png,a\x1b[2Jb,1,train\n")
        done = roentgym("inspect", self.folder)
        self.assertEqual(done.returncode, 1)
        self.assertNotIn("\x1b", done.stdout + done.stderr)

    def test_leaks_and_damage_in_a_data_set_are_found(self):
        folder = self.path("hips")
        os.makedirs(os.path.join(folder, "images"))
        images = sorted(os.listdir(os.path.join(phantoms(), "images")))[:4]
        for k, name in enumerate(images):
            write(os.path.join(folder, "images", f"{k}.png"), read(phantoms(), "images", name))
        write(os.path.join(folder, "images/1.png"), read(folder, "images/0.png"))
        write(os.path.join(folder, "images/2.png"), read(folder, "images/2.png")[:100])
        write(os.path.join(folder, "labels.csv"),
              "file,label,patient_id,split\nimages/0.png,a,p1,train\nimages/1.png,b,p2,test\n"
              "images/2.png,b,p3,train\nimages/3.png,a,p1,test\nimages/4.png,a,p4,train\n")
        facts = self.inspect(folder, "labels.csv:5", "1 patient is in both splits", "1 image is in both splits",
                             "2 images cannot be read", "dataset.json")
        self.assertEqual((facts["patients_in_both_splits"], facts["leaking_patients"]), (1, ["p1"]))
        self.assertEqual((facts["equal_files_in_both_splits"], facts["leaking_files"]), (1, ["images/0.png"]))
        self.assertEqual(facts["unreadable_images"], 2)
        self.assertIn("images/2.png", facts["unreadable"][0])
        self.assertIn("images/4.png", facts["unreadable"][1])
        self.assertIn("labels.csv:5", facts["labels_csv"])
        self.assertIn("dataset.json", facts["dataset_json_problem"])
        self.assertEqual(facts["images_by_label_and_split"]["a"], {"train": 2, "test": 1})

    def test_mixed_depths_are_unfit_for_training(self):
        folder = self.path("hips")
        shutil.copytree(phantoms(), folder)
        name = sorted(os.listdir(os.path.join(folder, "images")))[0]
        image = Image.open(os.path.join(folder, "images", name))
        image.resize((32, 32)).save(os.path.join(folder, "images", name))
        facts = self.inspect(folder, "mixed")
        self.assertIn("mixed", facts["labels_csv"])
        self.assertEqual(facts["sizes"]["32x32, 8 bits"], 1)

    def test_findings_that_may_be_together_are_counted_one_by_one(self):
        write(self.path("labels.csv"), "file,labels,patient_id,split\na.png,x|y,1,train\nb.png,none,2,train\nc.png,y,3,test\n")
        facts = self.inspect(self.folder, "3 images cannot be read", "dataset.json")
        self.assertEqual(facts["images_by_label_and_split"],
                         {"x": {"train": 1}, "y": {"train": 1, "test": 1}, "none": {"train": 1}})
        self.assertIn("findings", facts["labels"])
        write(self.path("labels.csv"), b"file,label,patient_id,split\na.png,\xff,1,train\nb.png,\xff,\xfe,\xfd\n")
        facts = self.inspect(self.folder, "labels.csv:2", "2 images cannot be read", "dataset.json")
        self.assertEqual(facts["images_by_label_and_split"], {"(not UTF-8)": {"train": 1}})

    def test_what_is_nothing_of_these_is_refused_in_one_line(self):
        write(self.path("text"), "hello")
        write(self.path("foreign.safetensors"), b"\x02\0\0\0\0\0\0\0{}")
        os.mkdir(self.path("data"))
        write(self.path("data/labels.csv"), "label\nx\n")
        for path, text in (("text", "text"), ("foreign.safetensors", "foreign"), ("nowhere", "No such file"),
                           (".", "neither"), ("data", "column 'file'")):
            self.refuse("inspect", self.path(path), text=text)
            self.refuse("inspect", self.path(path), "--json", text=text)
        damaged = read(newest_state(trained()))
        write(self.path("state"), damaged[:-2000] + b"\x41" + damaged[-1999:])
        self.refuse("inspect", self.path("state"), text="checksum")
        for arguments in ([], ["a", "b"], ["--bogus"]):
            self.assertEqual(roentgym("inspect", *arguments).returncode, 2)


if __name__ == "__main__":
    unittest.main()
