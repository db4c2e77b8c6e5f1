"""The sliced Wasserstein distance, in training and by `roentgym evaluate swd`."""

import json
import os
import unittest

from trainer import SMALL, TrainerTest, phantoms, read, roentgym, trained, write

LEVELS = ["--levels", "4:0/0.1,8:0/0.1,16:0.1/0.3", "--tick-kimg", "0.1"]


class InTraining(TrainerTest):
    def measures(self, *more):
        self.succeed("train", "--data", phantoms(), "--out", self.path("run"), *SMALL, *LEVELS, *more)
        lines = [json.loads(line) for line in read(self.path("run/metrics.jsonl")).decode().splitlines()]
        return [(line["kimg"], line["side"], line["swd"]) for line in lines if "swd" in line], lines

    def test_it_is_measured_beside_its_floor_at_whole_levels_of_16_pixels_and_more(self):
        measures, lines = self.measures("--metric-kimg", "0.2", "--metric-images", "8")
        self.assertEqual([int(kimg * 10) for kimg, _, _ in measures], [4, 6])
        self.assertGreater(len(lines), len(measures))
        for _, side, swd in measures:
            self.assertEqual((side, swd["form"], swd["images"], swd["sides"]), (16, "swd-3x", 8, [16]))
            self.assertEqual((swd["distance"], swd["floor"]), ([swd["mean"]], [swd["floor_mean"]]))
            self.assertGreater(swd["mean"], swd["floor_mean"])
        self.assertEqual(measures[0][2]["floor"], measures[1][2]["floor"])

    def test_by_default_the_end_is_measured_with_half_the_training_images(self):
        measures, lines = self.measures()
        self.assertEqual([kimg for kimg, _, _ in measures], [lines[-1]["kimg"]])
        self.assertLess(measures[0][2]["images"], 40)

    def test_it_can_be_off(self):
        self.assertEqual(self.measures("--metric-kimg", "0")[0], [])


class Evaluate(TrainerTest):
    def evaluate(self, *arguments, threads=1):
        """(figures, what was printed)"""
        path = self.path("figures.json")
        output = self.succeed("evaluate", "swd", "--json", path, *arguments, threads=threads)
        return json.loads(read(path)), output

    def some_images(self, start, step):
        """Some images of the phantoms as plain files."""
        folder = self.path(f"folder{start}")
        os.mkdir(folder)
        for name in sorted(os.listdir(os.path.join(phantoms(), "images")))[start::step]:
            write(os.path.join(folder, name), read(phantoms(), "images", name))
        return folder

    def test_a_model_is_compared_at_its_side_in_both_forms_beside_the_floor(self):
        model = os.path.join(trained(), "generator.safetensors")
        figures, output = self.evaluate("--real", phantoms(), "--model", model, "--images", 12)
        self.assertEqual((figures["images"], figures["side"], figures["as_many_as_published"]), (12, 16, False))
        self.assertIn("not comparable with published figures", output)
        self.assertIn("simulated", figures["real"])
        for form in ("swd-3x", "swd-1"):
            self.assertEqual([level["side"] for level in figures[form]["levels"]], [16])
            self.assertGreater(figures[form]["mean"], 2 * figures[form]["floor_mean"])
            self.assertIn(f"{figures[form]['mean']:.2f}", output)
        again, _ = self.evaluate("--real", phantoms(), "--model", model, "--images", 12, threads=2)
        self.assertEqual(figures, again)

    def test_real_images_are_about_as_far_from_real_ones_as_the_floor(self):
        figures, _ = self.evaluate("--real", self.some_images(0, 2), "--fake", self.some_images(1, 2), "--form", "swd-3x")
        self.assertNotIn("swd-1", figures)
        self.assertEqual([level["side"] for level in figures["swd-3x"]["levels"]], [64, 32, 16])
        self.assertLess(figures["swd-3x"]["mean"], 1.5 * figures["swd-3x"]["floor_mean"])
        # The same path again: a result gives way to a result.
        other, _ = self.evaluate("--real", self.path("folder0"), "--fake", self.path("folder1"), "--seed", 2)
        self.assertNotEqual(figures["swd-3x"]["mean"], other["swd-3x"]["mean"])
        self.assertLess(abs(figures["swd-3x"]["mean"] / other["swd-3x"]["mean"] - 1), 0.2)

    def test_what_cannot_be_compared_is_refused_and_nothing_is_written(self):
        good, out = self.some_images(0, 4), self.path("figures.json")
        os.mkdir(self.path("empty"))
        os.mkdir(self.path("damaged"))
        for k in range(4):
            write(self.path(f"damaged/{k}.png"), read(good, sorted(os.listdir(good))[k])[:200 if k == 2 else None])
        for real, fake, text in ((good, self.path("empty"), "empty"), (self.path("nowhere"), good, "nowhere"),
                                 (good, self.path("damaged"), "2.png")):
            done = roentgym("evaluate", "swd", "--real", real, "--fake", fake, "--json", out)
            self.assertEqual((done.returncode, len(done.stderr.splitlines())), (1, 1), done.stderr)
            self.assertIn(text, done.stderr)
            self.assertFalse(os.path.exists(out))
        swd = ["evaluate", "swd", "--real", good]
        write(out, "{}")
        self.refuse(*swd, "--fake", good, "--json", out, text=out + ": is there already")
        self.assertEqual(read(out), b"{}")
        self.refuse(*swd, "--model", os.path.join(good, sorted(os.listdir(good))[0]), text="safetensors")
        self.refuse(*swd, "--fake", good, "--images", 1000, text="--images 1000")
        model = os.path.join(trained(), "generator.safetensors")
        self.refuse("evaluate", "swd", "--real", phantoms(), "--model", model, "--device", "cuda", text="device cuda")
        for wrong in (["evaluate"], ["evaluate", "fid"], swd, [*swd, "--fake", good, "--model", "m"],
                      [*swd, "--fake", good, "--form", "swd-2"], [*swd, "--fake", good, "--images", "0"],
                      [*swd, "--fake", good, "--memory-gib", "0"], [*swd, "--fake", good, "more"],
                      [*swd, "--fake", good, "--device", "tpu"]):
            self.assertEqual(roentgym(*wrong).returncode, 2, wrong)


if __name__ == "__main__":
    unittest.main()
