"""trainer/neighbours beside scikit-learn and SciPy: principal components, t-SNE, trustworthiness, the test of Mann
and Whitney."""

import unittest

try:
    import numpy as np
    from scipy.stats import mannwhitneyu
    from sklearn.decomposition import PCA
    from sklearn.manifold import TSNE, trustworthiness
except ImportError as why:
    raise unittest.SkipTest(f"{why}; Debian's are python3-sklearn and python3-scipy")

from dumped import dumped  # needs NumPy, too

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


class MannWhitney(unittest.TestCase):
    def test_effect_and_p_agree_with_scipys_with_and_without_ties(self):
        random = np.random.default_rng(3)
        for x_count, y_count, digits, shift in ((64, 64, 9, 0), (64, 50, 1, -0.3), (20, 90, 0, 0), (8, 8, 9, -3)):
            x = np.round(random.normal(size=x_count) + shift, digits)
            y = np.round(random.normal(size=y_count), digits)
            effect, p = dumped("dump_neighbours", ["mann-whitney", x_count, y_count],
                               np.concatenate([x, y]).tobytes())["mann_whitney"]
            want = mannwhitneyu(x, y, alternative="less", method="asymptotic")
            self.assertAlmostEqual(p, want.pvalue, places=12)
            self.assertAlmostEqual(effect, 1 - want.statistic / (x_count * y_count), places=12)


if __name__ == "__main__":
    unittest.main()
