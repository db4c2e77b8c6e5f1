"""The staircase's numbers against QUEST+ written down once more, in NumPy, from Watson (2017): likelihoods by
broadcasting, Bayes' rule, the expected entropy of each strength as the mean over both answers."""

import os
import subprocess
import unittest

try:
    import numpy as np
except ImportError as why:
    raise unittest.SkipTest(f"no NumPy: {why}; Debian's is python3-numpy")


class QuestPlus:
    def __init__(self, low, high, strengths, thresholds, guess, slopes, lapses):
        self.x = np.linspace(low, high, strengths)
        self.t = np.linspace(low, high, thresholds)
        x, t, b, l = np.meshgrid(self.x, self.t, slopes, lapses, indexing="ij")
        right = guess + (1 - guess - l) * (1 - np.exp(-((x / t) ** b)))
        self.likelihood = np.stack([1 - right, right])  # (answer, strength, threshold, slope, lapse)
        self.posterior = np.full(right.shape[1:], 1 / right[0].size)

    def expected_entropy(self):
        joint = self.likelihood * self.posterior
        chance = joint.sum(axis=(2, 3, 4), keepdims=True)
        after = joint / chance
        entropy = -np.where(after > 0, after * np.log(np.where(after > 0, after, 1)), 0).sum(axis=(2, 3, 4))
        return (chance[:, :, 0, 0, 0] * entropy).sum(axis=0)

    def answer(self, strength, right):
        likelihood = self.likelihood[right, np.argmin(abs(self.x - strength))]
        self.posterior = self.posterior * likelihood
        self.posterior /= self.posterior.sum()

    def threshold(self):
        marginal = self.posterior.sum(axis=(1, 2))
        below = np.cumsum(marginal)
        return (marginal @ self.t, self.t[np.argmax(below >= 0.025)], self.t[np.argmax(below >= 0.975)])


def dump(low, high, strengths, thresholds, guess, slopes, lapses, answers):
    program = os.path.join(os.environ.get("ROENTGYM_BUILD", "build"), "tests/oracle/dump_quest_plus")
    lists = [",".join(map(repr, values)) for values in (slopes, lapses)]
    done = subprocess.run([program, *map(str, (low, high, strengths, thresholds, guess)), *lists, answers],
                          capture_output=True, check=True)
    return [np.array([float(cell) for cell in line.split()]) for line in done.stdout.decode().splitlines()]


class Staircase(unittest.TestCase):
    def check(self, seed, *settings):
        answers = "".join("01"[int(bit)] for bit in np.random.default_rng(seed).random(80) < 0.8)
        ours, theirs = dump(*settings, answers), QuestPlus(*settings)
        self.assertEqual(len(ours), len(answers) + 1)
        for n, (strength, value, low, high, *entropies) in enumerate(ours):
            expected = theirs.expected_entropy()
            np.testing.assert_allclose(entropies, expected, rtol=0, atol=1e-11)
            # Which of two strengths is best is a matter of rounding where they are as good.
            self.assertLess(expected[np.argmin(abs(theirs.x - strength))] - expected.min(), 1e-11)
            np.testing.assert_allclose((value, low, high), theirs.threshold(), rtol=0, atol=1e-11)
            if n < len(answers):
                theirs.answer(strength, int(answers[n]))

    def test_the_defaults_agree_with_numpy_at_every_one_of_80_answers(self):
        self.check(1, 0.05, 1, 20, 39, 0.5, (1.0, 2.0, 3.5, 6.0, 10.0), (0.02, 0.06))

    def test_other_settings_do_too(self):
        self.check(2, 0.2, 0.6, 7, 11, 0.3, (2.5,), (0.0,))
        self.check(3, 0.01, 1, 40, 79, 0.5, (0.5, 1.0, 2.0, 3.0, 4.0, 5.0, 8.0, 20.0), (0.0, 0.01, 0.05, 0.2))


if __name__ == "__main__":
    unittest.main()
