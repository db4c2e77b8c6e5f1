"""What `roentgym train` is told: each option ends up in the state, and --resume refuses what contradicts it."""

import json
import os
import struct
import unittest

from trainer import SMALL, TrainerTest, phantoms, read, states

LEVELS = ["--levels", "4:0/0.064,8:0/0.064,16:0/0", "--tick-kimg", "0.064"]


def metadata(path):
    content = read(path)
    return json.loads(content[8:8 + struct.unpack("<Q", content[:8])[0]])["__metadata__"]


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


if __name__ == "__main__":
    unittest.main()
