"""What `roentgym train` is told: each option ends up in the state, and --resume refuses what contradicts it."""

import csv
import json
import os
import shutil
import unittest

from trainer import SMALL, TrainerTest, edit_state, phantoms, png_header, read, safetensors_header, states, trained, write

LEVELS = ["--levels", "4:0/0.064,8:0/0.064,16:0/0", "--tick-kimg", "0.064"]


def metadata(path):
    return safetensors_header(path)["__metadata__"]


class Options(TrainerTest):
    def setUp(self):
        super().setUp()
        self.out = self.path("run")
        self.train = ["train", "--data", phantoms(), "--out", self.out, *SMALL, *LEVELS]

    def config(self):
        return json.loads(metadata(max(states(self.out)))["config"])

    def test_what_is_given_is_in_the_state_and_the_checkpoint(self):
        self.succeed(*self.train, "--fused-scale", "off", "--label-norm", "latent_only", "--conditioning",
                     "projection", "--mbstd-group", 0, "--pixel-norm-epsilon", "1e-4", "--minibatch",
                     "4:8,8:16", "--lr", "8:0.003", "--seed", 9)
        config = self.config()
        self.assertEqual([config[key] for key in ("preset", "fused_scale", "label_norm", "conditioning",
                                                  "mbstd_group", "seed", "label_kind")],
                         ["cpu-small", False, "latent_only", "projection", 0, 9, "classes"])
        self.assertAlmostEqual(config["pixel_norm_epsilon"], 1e-4)
        self.assertEqual([level["minibatch"] for level in config["levels"]], [8, 16, 16])
        self.assertAlmostEqual(config["levels"][1]["lr"], 0.003)
        about = metadata(os.path.join(self.out, "generator.safetensors"))
        self.assertEqual([about[key] for key in ("fused_scale", "label_norm", "conditioning", "label_kind",
                                                 "mbstd_group")],
                         ["false", "latent_only", "projection", "classes", "0"])
        self.assertAlmostEqual(float(about["pixel_norm_epsilon"]), 1e-4)

    def test_resume_names_the_option_that_contradicts_the_state_and_changes_nothing(self):
        self.succeed(*self.train, "--seed", 3)
        before = sorted(os.listdir(self.out))
        resume = ["train", "--data", phantoms(), "--out", self.out, "--resume"]
        for option, text in (("--lr", "0.01"), ("--minibatch", "8:4"), ("--levels", "4:0/1"), ("--seed", 4),
                             ("--resolution", 32), ("--preset", "v2"), ("--fmap-base", 64),
                             ("--conditioning", "projection"), ("--fused-scale", "off"), ("--loss", "r3"),
                             ("--levels", "32:1/1"), ("--mirror", "on"), ("--tick-kimg", 1)):
            with self.subTest(option=option, text=text):
                self.refuse(*resume, option, text, text=f"{option} {text} contradicts")
                self.assertEqual(sorted(os.listdir(self.out)), before)
        self.refuse(*resume, "--seed", 3, "--lr", "16:0.01", text="--lr 16:0.01 contradicts")
        self.succeed(*resume, *SMALL, *LEVELS, "--seed", 3, "--preset", "cpu-small", "--conditioning",
                     "classifier")

    def test_a_run_keeps_the_name_of_its_model_until_another_is_given(self):
        def name():
            return metadata(os.path.join(self.out, "generator.safetensors"))["name"]

        def lengthen(metadata, _):
            config = json.loads(metadata["config"])
            config["levels"][-1]["train_kimg"] += 0.064
            metadata["config"] = json.dumps(config)

        resume = ["train", "--data", phantoms(), "--out", self.out, "--resume"]
        self.succeed(*self.train, "--name", "hüfte")
        for extra, kept in (([], "hüfte"), (["--name", "hip"], "hip"), ([], "hip")):
            edit_state(states(self.out)[-1], lengthen)
            os.unlink(os.path.join(self.out, "generator.safetensors"))
            self.succeed(*resume, *extra)
            self.assertEqual([name(), self.config()["name"]], [kept, kept])
        for wrong in ("", "x" * 128):
            self.refuse(*resume, "--name", wrong, status=2, text="--name")

    def test_values_out_of_range_and_words_not_known_are_wrong_usage(self):
        for resume in ([], ["--resume"]):
            for wrong in (["--minibatch", 0], ["--minibatch", "8:x"], ["--minibatch", "24:4"], ["--lr", 0],
                          ["--lr", "fast"], ["--conditioning", "both"], ["--label-norm", "none"],
                          ["--fused-scale", "true"], ["--mbstd-group", 257], ["--mbstd-group", -1],
                          ["--pixel-norm-epsilon", 2]):
                with self.subTest(wrong=wrong, resume=resume):
                    self.refuse(*self.train, *resume, *wrong, status=2, text=wrong[0][2:])
        self.refuse(*self.train, "--resume", "--grow-from", "x", status=2, text="--grow-from")
        self.assertFalse(os.path.exists(self.out))

    def relabel(self, change):
        """Folder of the phantoms with another labels.csv: change(rows as dictionaries) returns its rows."""
        folder = self.path("data")
        os.makedirs(folder, exist_ok=True)
        for name in ("images", "dataset.json"):
            if not os.path.exists(os.path.join(folder, name)):
                os.symlink(os.path.join(phantoms(), name), os.path.join(folder, name))
        rows = change(self.rows(phantoms()))
        with open(os.path.join(folder, "labels.csv"), "w", encoding="utf-8") as file:
            table = csv.DictWriter(file, rows[0])
            table.writeheader()
            table.writerows(rows)
        return folder

    def test_findings_are_trained_offered_one_by_one_and_none(self):
        def findings(rows):
            for i, row in enumerate(rows):
                row["labels"] = ["none", "effusion", "mass|effusion", "mass"][i % 4]
                del row["label"]
            return rows

        data = self.relabel(findings)
        os.unlink(os.path.join(data, "dataset.json"))
        write(os.path.join(data, "dataset.json"), '{"name": "findings", "simulated": true}')
        train = ["train", "--data", data, "--out", self.out, *SMALL, *LEVELS, "--minibatch", 4]
        self.refuse(*train, "--labels", "classes", text='column "labels", which is multi')
        for conditioning in ("classifier", "projection"):
            with self.subTest(conditioning=conditioning):
                shutil.rmtree(self.out, ignore_errors=True)
                self.succeed(*train, "--labels", "multi", "--conditioning", conditioning)
                self.assertEqual([self.config()["label_kind"], self.config()["label_count"]], ["multi", 2])
                model = os.path.join(self.out, "generator.safetensors")
                self.assertEqual(json.loads(metadata(model)["classes"]), ["effusion", "mass"])
                sheet = png_header(read(self.out, "sheet-00000.128.png"))
                self.assertEqual(sheet[:2], (8 * 18 + 2, 3 * 18 + 2))
        self.refuse("train", "--data", data, "--out", self.out, "--resume", "--labels", "none",
                    text="--labels none contradicts")
        self.made_like(data, model)

    def made_like(self, data, model):
        """Samples like the training split have its findings, and are a data set of findings again."""
        made = self.path("made")
        self.succeed("sample", "--model", model, "--like", data, "--out", made)
        rows = self.rows(made)
        self.assertEqual([row["labels"] for row in rows],
                         ["|".join(sorted(row["labels"].split("|"))) for row in self.rows(data)
                          if row["split"] == "train"])
        self.assertEqual({row["label_vector"] for row in rows if row["labels"] == "effusion|mass"}, {"1,1"})
        about = json.loads(read(made, "dataset.json"))
        self.assertEqual(about["classes"], ["effusion", "mass"])
        self.assertEqual(set(about["images_of_class"]), {"effusion", "mass", "none"})
        self.succeed("train", "--data", made, "--out", self.path("again"), *SMALL, *LEVELS, "--minibatch", 4)
        self.succeed("sample", "--model", model, "--seeds", "1..2", "--out", self.path("each"))
        self.assertEqual([row["labels"] for row in self.rows(self.path("each"))],
                         ["effusion", "effusion", "mass", "mass", "none", "none"])
        self.refuse("sample", "--model", os.path.join(trained(), "generator.safetensors"), "--like", data,
                    "--out", self.path("no"), text="labels.csv:2: has no finding")

    def rows(self, folder):
        with open(os.path.join(folder, "labels.csv"), encoding="utf-8") as file:
            return list(csv.DictReader(file))

    def test_without_labels_there_is_one_class_any(self):
        self.refuse(*self.train, "--labels", "multi", text='column "label", which is classes')
        self.succeed(*self.train, "--labels", "none")
        self.assertEqual(self.config()["label_count"], 0)
        self.succeed("train", "--data", phantoms(), "--out", self.out, "--resume", "--labels", "none")
        self.refuse("train", "--data", phantoms(), "--out", self.out, "--resume", "--labels", "classes",
                    text="--labels classes contradicts")
        self.refuse(*self.train, "--labels", "some", status=2, text="--labels 'some'")
        self.assertEqual(json.loads(metadata(os.path.join(self.out, "generator.safetensors"))["classes"]), [])
        self.assertEqual(png_header(read(self.out, "sheet-00000.128.png"))[1], 18 + 2)

    def test_a_class_of_fewer_images_than_a_minibatch_is_named(self):
        def few(rows):
            kept = [row for row in rows if row["label"] == "no_fracture"]
            train = [row for row in rows if row["label"] == "fracture" and row["split"] == "train"]
            return kept + train[:3]

        data = self.relabel(few)
        train = ["train", "--data", data, "--out", self.out, *SMALL, *LEVELS]
        self.refuse(*train, "--minibatch", 4,
                    text='class "fracture" has 3 training images, fewer than a minibatch of 4')
        self.assertFalse(os.path.exists(self.out))
        self.succeed(*train, "--minibatch", "2", "--mbstd-group", 2)
        shutil.rmtree(self.out)
        self.succeed(*train, "--minibatch", 4, "--labels", "none")


if __name__ == "__main__":
    unittest.main()
