"""Statistics over readers against SciPy and scikit-learn, and against simulated studies."""

import unittest

try:
    import numpy as np
    from scipy import optimize, stats
    from sklearn import metrics
except ImportError as why:
    raise unittest.SkipTest(f"no scikit-learn: {why}; Debian's is python3-sklearn")

from dumped import dumped  # needs NumPy, too

WHOLE = 0  # enum srv_stat_gap


def compared(first, second, margin=0.1):
    """What dump_readers prints, as {name: array}; roc and curve as matrices. A group is (readers, trials, 3)."""
    data = first.astype(np.float64).tobytes() + second.astype(np.float64).tobytes()
    counts = [len(first), len(second), first.shape[1], margin]
    return dumped("dump_readers", counts, data)


def group(generator, readers, trials, skill=1.0, spread=0.4):
    """Readers of different skill who rate from 1 to 6; half of the images are signals."""
    truth = np.array([generator.permutation(np.arange(trials) % 2) for _ in range(readers)])
    own = generator.normal(skill, spread, (readers, 1))
    seen = generator.normal(size=(readers, trials)) + own * (truth - 0.5)
    ratings = 1 + np.searchsorted([-1, -0.5, 0, 0.5, 1], seen)
    return np.stack([truth, ratings, generator.lognormal(8, 0.5, truth.shape)], axis=2)


def each(readers):
    """The measures of each reader, by other programs."""
    values = {name: [] for name in ("accuracy", "sensitivity", "specificity", "auc", "d_prime", "criterion", "median_response_ms")}
    for reader in readers:
        truth, ratings, times = reader.T
        (tn, fp), (fn, tp) = metrics.confusion_matrix(truth == 1, ratings >= 4)
        zh, zf = stats.norm.ppf([(tp + 0.5) / (tp + fn + 1), (fp + 0.5) / (fp + tn + 1)])
        for name, value in (("accuracy", (tp + tn) / len(truth)), ("sensitivity", tp / (tp + fn)), ("specificity", tn / (tn + fp)),
                            ("auc", metrics.roc_auc_score(truth, ratings)), ("d_prime", zh - zf), ("criterion", -(zh + zf) / 2),
                            ("median_response_ms", np.median(times))):
            values[name].append(value)
    return {name: np.array(list) for name, list in values.items()}


class ReadersAgree(unittest.TestCase):
    def cases(self):
        generator = np.random.default_rng(11)
        for first, second, trials in ((4, 7, 60), (5, 5, 40), (19, 23, 60), (60, 41, 30)):
            yield group(generator, first, trials), group(generator, second, trials, 1.3, 0.8)

    def near(self, got, want, tolerance=1e-9):
        np.testing.assert_allclose(got, want, rtol=tolerance, atol=tolerance)

    def test_means_have_students_intervals(self):
        for first, second in self.cases():
            got = compared(first, second)
            for name, values in each(first).items():
                mean, se = np.mean(values), stats.sem(values)
                low, high = stats.t.interval(0.95, len(values) - 1, mean, se)
                self.near(got[name], [WHOLE, len(values), mean, np.std(values, ddof=1), se, low, high])

    def test_groups_are_compared_as_scipys_welch_test_does(self):
        for first, second in self.cases():
            got, margin = compared(first, second, 0.1), 0.1
            ours, theirs = each(first), each(second)
            for name in ours:
                a, b = ours[name], theirs[name]
                test = stats.ttest_ind(a, b, equal_var=False)
                va, vb = np.var(a, ddof=1) / len(a), np.var(b, ddof=1) / len(b)
                df = (va + vb) ** 2 / (va**2 / (len(a) - 1) + vb**2 / (len(b) - 1))
                half = stats.t.ppf(0.975, df) * (va + vb) ** 0.5
                difference = a.mean() - b.mean()
                self.near(got[name + "_welch"], [WHOLE, difference, difference - half, difference + half, df, test.statistic, test.pvalue], 1e-8)
                one_sided = stats.ttest_ind(a + margin, b, equal_var=False, alternative="greater").pvalue
                self.near(got[name + "_margin"], [one_sided < 0.025, one_sided], 1e-8)

    def test_the_mean_curve_averages_scikit_learns(self):
        for first, second in self.cases():
            rates = np.zeros((7, 2))
            for reader in first:
                truth, ratings, _ = reader.T
                for k, threshold in enumerate((7, 6, 5, 4, 3, 2, 1)):
                    rates[k] += [np.mean(ratings[truth == 0] >= threshold), np.mean(ratings[truth == 1] >= threshold)]
            self.near(compared(first, second)["roc"], rates / len(first))

    def test_the_learning_curve_and_its_fit_are_over_all_readers(self):
        generator = np.random.default_rng(12)
        n = np.arange(80)
        right = generator.random((25, 80)) < 0.9 - 0.5 * np.exp(-0.06 * n)
        readers = np.stack([np.ones(right.shape), np.where(right, 6, 1), np.ones(right.shape)], axis=2)
        got = compared(readers, readers[:2])
        own = np.array([np.convolve(row, np.ones(20) / 20, "valid") for row in right])
        half = stats.t.ppf(0.975, 24) * stats.sem(own)
        self.near(got["curve"], np.column_stack([own.mean(axis=0), own.mean(axis=0) - half, own.mean(axis=0) + half]))

        def curve(n, start, asymptote, rate):
            return asymptote - (asymptote - start) * np.exp(-rate * n)

        found, _ = optimize.curve_fit(curve, np.tile(n, 25), right.ravel(), [0.5, 0.8, 0.05], bounds=([0, 0, 1 / 80], [1, 1, 1]), xtol=1e-14, ftol=1e-14, gtol=1e-14)
        squares = np.sum((curve(n, *found) - right) ** 2)
        self.assertEqual(got["fit"][0], WHOLE)
        np.testing.assert_allclose(got["fit"][1:], [*found, squares], rtol=1e-4)

    def test_intervals_over_readers_hold_their_promise_where_pooled_answers_would_not(self):
        generator = np.random.default_rng(13)
        held = pooled = 0
        for _ in range(300):
            a, b = group(generator, 12, 40, 1, 0.8), group(generator, 12, 40, 1, 0.8)
            _, _, low, high, *_ = compared(a, b)["accuracy_welch"]
            held += low <= 0 <= high
            shares = [((one[:, :, 1] >= 4) == one[:, :, 0]).mean() for one in (a, b)]
            pooled += abs(shares[0] - shares[1]) <= 1.96 * sum(p * (1 - p) / 480 for p in shares) ** 0.5
        print(f"# no difference between arms: in {held / 3:.0f} % of studies within the interval, pooled in {pooled / 3:.0f} %")
        self.assertGreaterEqual(held, 0.92 * 300)
        self.assertLess(pooled, 0.90 * 300)


if __name__ == "__main__":
    unittest.main()
