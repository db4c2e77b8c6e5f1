"""The learners' statistics against scikit-learn, SciPy and NumPy, against brute force, and against published
figures."""

import unittest

try:
    import numpy as np
    from scipy import optimize, stats
    from sklearn import metrics
except ImportError as why:
    raise unittest.SkipTest(f"no scikit-learn: {why}; Debian's is python3-sklearn")

from dumped import dumped  # needs NumPy, too

WHOLE, NO_SPREAD = 0, 1  # enum srv_stat_gap
FLAT = 5
Z = stats.norm.ppf(0.975)


def statistics(truth, ratings, times=None):
    """What dump_statistics prints, as {name: array}; roc and average as matrices."""
    times = np.ones(len(truth)) if times is None else times
    data = np.column_stack([truth, ratings, times]).astype(np.float64).tobytes()
    return dumped("dump_statistics", [len(truth)], data)


def random_trials(generator, count, levels, distance=1.0):
    """Truths of both kinds and ratings on a scale of `levels` steps (0: no steps), so few steps mean many ties."""
    truth = generator.random(count) < generator.uniform(0.2, 0.8)
    truth[:4] = [False, True, False, True]
    strength = generator.normal(size=count) + distance * truth
    if levels:
        edges = np.quantile(strength, np.arange(1, levels) / levels)
        strength = 1 + np.searchsorted(edges, strength)
    return truth, strength


def placements(truth, ratings):
    """DeLong's components by comparing all pairs, those of the signals and those of the noises."""
    x, y = ratings[truth][:, None], ratings[~truth][None, :]
    wins = (x > y) + 0.5 * (x == y)
    return wins.mean(axis=1), wins.mean(axis=0)


def brute_variance(truth, ratings):
    """Of the area: S10 / m + S01 / n."""
    return sum(np.var(v, ddof=1) / len(v) for v in placements(truth, ratings))


def jackknife_error(truth, ratings):
    """Leaving out one signal, or one noise, at a time."""
    variance = 0
    for kind in (True, False):
        left = [metrics.roc_auc_score(np.delete(truth, i), np.delete(ratings, i)) for i in np.flatnonzero(truth == kind)]
        variance += np.var(left) * (len(left) - 1)
    return variance**0.5


def expand(noise_counts, signal_counts):
    """Ratings 1, 2, ... from how often each was given."""
    truth = np.repeat([False, True], [sum(noise_counts), sum(signal_counts)])
    steps = np.arange(1, len(noise_counts) + 1)
    return truth, np.concatenate([np.repeat(steps, noise_counts), np.repeat(steps, signal_counts)])


class StatisticsAgree(unittest.TestCase):
    def cases(self):
        generator = np.random.default_rng(1)
        for count in (8, 10, 37, 200, 3000):
            for levels in (0, 2, 6, 50):
                yield generator, *random_trials(generator, count, levels)

    def near(self, got, want, tolerance=1e-9):
        np.testing.assert_allclose(got, want, rtol=tolerance, atol=tolerance)

    def test_curve_and_area_are_those_of_scikit_learn(self):
        for _, truth, ratings in self.cases():
            got = statistics(truth, ratings)
            alarms, hits, thresholds = metrics.roc_curve(truth, ratings, drop_intermediate=False)
            self.near(got["roc"][:, 1:], np.column_stack([alarms, hits]))
            self.near(got["roc"][1:, 0], thresholds[1:])
            self.assertEqual(got["roc"][0, 0], np.inf)
            self.near(got["auc"][1], metrics.roc_auc_score(truth, ratings))
            self.near(got["auc"][1], metrics.auc(got["roc"][:, 1], got["roc"][:, 2]))
            u = stats.mannwhitneyu(ratings[truth], ratings[~truth]).statistic
            self.near(got["auc"][1], u / truth.sum() / (~truth).sum())

    def test_the_error_of_the_area_is_delongs(self):
        for _, truth, ratings in self.cases():
            gap, area, se, low, high = statistics(truth, ratings)["auc"]
            variance = brute_variance(truth, ratings)
            if area in (0, 1):
                self.assertEqual((gap, variance), (NO_SPREAD, 0))
                continue
            self.assertEqual(gap, WHOLE)
            self.near(se, variance**0.5)
            logit, half = np.log(area / (1 - area)), Z * se / area / (1 - area)
            self.near([low, high], 1 / (1 + np.exp([half - logit, -half - logit])))
            if len(truth) == 200:  # another estimator of the same error
                self.near(se, jackknife_error(truth, ratings), 0.05)

    def test_the_area_of_hanley_and_mcneil_1982_has_the_published_error(self):
        # 58 normal and 51 abnormal CT images rated 1..5; their Mann-Whitney area is 0.893. DeLong's error, 0.0307,
        # is in Stata's manual ([R] roctab), which uses this example.
        truth, ratings = expand([33, 6, 6, 11, 2], [3, 2, 2, 11, 33])
        _, area, se, *_ = statistics(truth, ratings)["auc"]
        self.assertEqual((round(area, 4), round(se, 4)), (0.8932, 0.0307))

    def test_shares_have_wilson_intervals(self):
        for _, truth, ratings in self.cases():
            got = statistics(truth, ratings)
            (tn, fp), (fn, tp) = metrics.confusion_matrix(truth, ratings >= 4, labels=[False, True])
            self.assertEqual(list(got["counts"]), [tp, fn, fp, tn])
            for name, part, whole in (("accuracy", tp + tn, tp + tn + fp + fn), ("sensitivity", tp, tp + fn), ("specificity", tn, tn + fp)):
                interval = stats.binomtest(int(part), int(whole)).proportion_ci(method="wilson")
                gap, value, _, low, high = got[name]
                self.assertEqual(gap, WHOLE)
                self.near([value, low, high], [part / whole, interval.low, interval.high])

    def test_wilson_intervals_are_those_of_newcombe_1998(self):
        # Newcombe, Statistics in Medicine 17:857, table I, method 3
        for part, whole, low, high in ((81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0, 0.1611), (1, 29, 0.0061, 0.1718)):
            truth = np.ones(whole)
            got = statistics(truth, np.where(np.arange(whole) < part, 6, 1))["sensitivity"]
            self.near(got[3:], [low, high], 5.1e-5)

    def test_d_prime_and_criterion_have_the_errors_of_gourevitch_and_galanter(self):
        for _, truth, ratings in self.cases():
            got = statistics(truth, ratings)
            hits, misses, alarms, rejections = got["counts"]
            h, f = (hits + 0.5) / (hits + misses + 1), (alarms + 0.5) / (alarms + rejections + 1)
            zh, zf = stats.norm.ppf([h, f])
            variance = h * (1 - h) / (hits + misses) / stats.norm.pdf(zh) ** 2 + f * (1 - f) / (alarms + rejections) / stats.norm.pdf(zf) ** 2
            for name, value, se in (("d_prime", zh - zf, variance**0.5), ("criterion", -(zh + zf) / 2, variance**0.5 / 2)):
                self.near(got[name], [WHOLE, value, se, value - Z * se, value + Z * se])

    def test_the_errors_of_d_prime_and_criterion_are_those_of_simulated_readers(self):
        generator = np.random.default_rng(3)
        n, h, f = 200, 0.8, 0.3
        hits, alarms = generator.binomial(n, h, 20000), generator.binomial(n, f, 20000)
        zh, zf = stats.norm.ppf((hits + 0.5) / (n + 1)), stats.norm.ppf((alarms + 0.5) / (n + 1))
        truth = np.arange(2 * n) < n
        ratings = np.concatenate([np.arange(n) < h * n, np.arange(n) < f * n]) * 5 + 1
        got = statistics(truth, ratings)
        self.near(got["d_prime"][2], np.std(zh - zf), 0.03)
        self.near(got["criterion"][2], np.std((zh + zf) / 2), 0.03)

    def test_normal_quantiles_are_those_of_scipy(self):
        got = statistics([0, 1], [1, 6])["quantile"][:, 0]
        self.near(got, stats.norm.ppf(np.arange(1, 100) / 100), 1e-12)

    def test_quartiles_are_those_of_numpy(self):
        for generator, truth, ratings in self.cases():
            times = generator.lognormal(8, 1, len(truth))
            got = statistics(truth, ratings, times)
            right = (ratings >= 4) == truth
            for name, some in (("all", times), ("right", times[right]), ("wrong", times[~right])):
                if len(some):
                    self.near(got[name], [WHOLE, len(some), *np.percentile(some, [25, 50, 75])])

    def test_the_moving_average_is_a_convolution(self):
        generator = np.random.default_rng(4)
        truth, ratings = random_trials(generator, 150, 6)
        got = statistics(truth, ratings)["average"][:, 0]
        self.near(got, np.convolve((ratings >= 4) == truth, np.ones(20) / 20, "valid"))


def learner(generator, count, start, asymptote, rate):
    """A learner's truths and ratings whose chance to be right follows the curve."""
    n = np.arange(count)
    right = generator.random(count) < asymptote - (asymptote - start) * np.exp(-rate * n)
    truth = generator.random(count) < 0.5
    return truth, np.where(right == truth, 6, 1), right


def curve(n, start, asymptote, rate):
    return asymptote - (asymptote - start) * np.exp(-rate * n)


class LearningCurveAgrees(unittest.TestCase):
    def test_the_fit_is_no_worse_than_the_best_of_many_by_curve_fit(self):
        generator = np.random.default_rng(5)
        shapes = ((60, 0.4, 0.9, 0.05), (200, 0.5, 0.9, 0.03), (200, 0.2, 1.0, 0.1), (1000, 0.5, 0.8, 0.01), (100, 0.9, 0.5, 0.05))
        learners = [learner(generator, *shape) for shape in (*shapes, *[(80, 0.6, 0.6, 0.05)] * 20)]
        n = np.arange(50)  # a bad spell early on: over the rate the sum has two dips, of which the lower is narrow
        right = np.where((n >= 5) & (n < 15), n % 2 == 1, n % 10 != 0)
        learners.append((np.ones(50, bool), np.where(right, 6, 1), right))
        for truth, ratings, right in learners:
            count = len(right)
            n = np.arange(count)
            best, values = np.inf, None
            for guess in np.geomspace(1.01 / count, 0.99, 12):
                try:
                    found, _ = optimize.curve_fit(curve, n, right, [0.5, 0.7, guess], bounds=([0, 0, 1 / count], [1, 1, 1]), xtol=1e-14, ftol=1e-14, gtol=1e-14)
                except RuntimeError:
                    continue
                squares = np.sum((curve(n, *found) - right) ** 2)
                if squares < best:
                    best, values = squares, found
            gap, got_start, got_asymptote, got_rate, last, squares = statistics(truth, ratings)["fit"]
            self.assertLessEqual(squares, best + 1e-9 * count)
            np.testing.assert_allclose(squares, np.sum((curve(n, got_start, got_asymptote, got_rate) - right) ** 2), rtol=1e-9)
            if squares > best - 1e-7:  # where SciPy found the same bottom
                np.testing.assert_allclose([got_start, got_asymptote, got_rate], values, atol=2e-3)
            np.testing.assert_allclose(last, curve(count - 1, got_start, got_asymptote, got_rate), rtol=1e-9)

    def test_a_steep_rise_is_seen_and_a_steady_reader_is_called_flat(self):
        generator = np.random.default_rng(6)
        for count, seen_at_least in ((100, 0.75), (200, 0.95)):
            rising = [statistics(*learner(generator, count, 0.2, 0.95, 0.05)[:2])["fit"][0] == WHOLE for _ in range(100)]
            steady = [statistics(*learner(generator, count, 0.7, 0.7, 0.05)[:2])["fit"][0] == FLAT for _ in range(100)]
            print(f"# {count} trials: {np.mean(rising):.2f} of the rising seen, {np.mean(steady):.2f} of the steady called flat")
            self.assertGreaterEqual(np.mean(rising), seen_at_least)
            self.assertGreaterEqual(np.mean(steady), 0.93)


if __name__ == "__main__":
    unittest.main()
