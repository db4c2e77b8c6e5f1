"""The sliced Wasserstein distance in training."""

import json
import unittest

from trainer import SMALL, TrainerTest, phantoms, read

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


if __name__ == "__main__":
    unittest.main()
