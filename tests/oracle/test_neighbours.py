"""trainer/neighbours beside scikit-learn and SciPy: principal components, t-SNE, trustworthiness, and how much
nearer samples are."""

import unittest

try:
    import numpy as np
    from scipy.stats import mannwhitneyu
    from sklearn.decomposition import PCA
    from sklearn.manifold import TSNE, trustworthiness
except ImportError as why:
    raise unittest.SkipTest(f"{why}; Debian's are python3-sklearn and python3-scipy")

from dumped import dumped  # needs NumPy, too
from share_interval import share_interval

COUNT, WIDTH, COMPONENTS = 200, 64, 20


def clusters(seed):
    """Points about six centres in a few directions, and noise in all."""
    random = np.random.default_rng(seed)
    centres = random.normal(size=(6, WIDTH)) * 2
    inner = random.normal(size=(COUNT, 3)) @ random.normal(size=(3, WIDTH))
    points = centres[random.integers(6, size=COUNT)] + inner + random.normal(size=(COUNT, WIDTH)) / 2
    return points.astype(np.float32).astype(np.float64)


class Tsne(unittest.TestCase):
    def test_components_and_places_are_as_good_as_scikit_learns(self):
        points = clusters(1)
        got = dumped("dump_neighbours", ["tsne", COUNT, WIDTH, COMPONENTS], points.tobytes())
        want = PCA(COMPONENTS, svd_solver="full").fit_transform(points)
        spread = np.var(got["components"], axis=0).sum(), np.var(want, axis=0).sum()
        self.assertAlmostEqual(spread[0] / spread[1], 1, places=3)
        for k in range(7):  # of which noise has no part
            a, b = got["components"][:, k], want[:, k]
            self.assertLess(min(np.abs(a - b).max(), np.abs(a + b).max()), 1e-4 * np.abs(b).max(), k)

        own = trustworthiness(points, got["places"], n_neighbors=5)
        self.assertAlmostEqual(got["trustworthiness"][0], own, places=9)
        theirs = TSNE(perplexity=30, init="pca", learning_rate="auto", random_state=1, method="exact")
        peer = trustworthiness(points, theirs.fit_transform(want), n_neighbors=5)
        print(f"# trustworthiness {own:.4f}, scikit-learn's {peer:.4f}")
        self.assertGreater(own, peer - 0.01)


class Effect(unittest.TestCase):
    def test_effect_is_mann_and_whitneys_and_its_interval_draws_held_out_patients(self):
        random = np.random.default_rng(3)
        for samples, held_out, digits, shift in ((64, 64, 9, 0), (64, 50, 1, -0.3), (20, 90, 0, 0), (12, 12, 9, -3)):
            x = np.round(random.normal(size=samples) + shift, digits).astype(np.float32) + 8
            own = np.repeat(random.normal(size=held_out // 2), 2)
            y = np.round((own + random.normal(size=held_out)) / 2**0.5, digits).astype(np.float32) + 8
            effect, low, high, p = dumped("dump_neighbours", ["effect", samples, held_out],
                                          np.concatenate([x, y]).astype(np.float64).tobytes())["effect"]
            self.assertAlmostEqual(effect, 1 - mannwhitneyu(x, y).statistic / (samples * held_out), places=12)

            wins = (x[:, None] < y) + 0.5 * (x[:, None] == y)  # samples and patients are drawn from one urn
            patients = wins.reshape(samples, held_out // 2, 2).mean(axis=2)
            drawn = []
            for _ in range(2000):
                urn = random.integers(samples + held_out // 2, size=samples + held_out // 2)
                s, h = urn[urn < samples], urn[urn >= samples] - samples
                drawn.append(patients[np.ix_(s, h)].mean() if len(s) and len(h) else np.nan)
            want, chance = share_interval(effect, np.nanstd(drawn, ddof=1))
            np.testing.assert_allclose([low, high], want, atol=0.08 * (want[1] - want[0]))
            self.assertAlmostEqual(p, max(chance, 2 / 2001), delta=0.03)


if __name__ == "__main__":
    unittest.main()
