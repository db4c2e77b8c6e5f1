"""The engine's areas, shares and their errors against scikit-learn, SciPy and NumPy, on random ratings with ties."""

import unittest

try:
    import numpy as np
    from scipy import stats
    from sklearn import metrics
except ImportError as why:
    raise unittest.SkipTest(f"no scikit-learn: {why}; Debian's is python3-sklearn")

from dumped import dumped  # needs NumPy, too
from share_interval import share_interval


def roc(truth, first, second=None, patient=None, draws=1):
    """What dump_roc prints, as {name: array}."""
    second = first if second is None else second
    patient = np.full(len(truth), -1) if patient is None else patient
    data = np.column_stack([truth, first, second, patient]).astype(np.float64).tobytes()
    return dumped("dump_roc", [len(truth), draws], data)


def random_ratings(generator, count, levels, distance=1.0):
    """Truths of both kinds, two of each at least, and ratings in `levels` steps (0: no steps)."""
    truth = generator.random(count) < generator.uniform(0.05, 0.9)
    truth[:4] = [False, True, False, True]
    rating = generator.normal(size=count) + distance * truth
    return truth, np.round(rating * levels / 4) if levels else rating


def delong_variance(truth, rating):
    """All pairs: S10 / m + S01 / n of DeLong, DeLong and Clarke-Pearson 1988."""
    wins = np.subtract.outer(rating[truth], rating[~truth])
    wins = (wins > 0) + 0.5 * (wins == 0)
    return wins.mean(axis=1).var(ddof=1) / truth.sum() + wins.mean(axis=0).var(ddof=1) / (~truth).sum()


def bootstrap(patient, statistic, draws, method="percentile"):
    """SciPy's, of whole patients: its result for statistic(indices of cases)."""
    cases = [np.flatnonzero(patient == p) for p in np.unique(patient)]
    return stats.bootstrap((np.arange(len(cases)),), lambda drawn: statistic(np.concatenate([cases[k] for k in drawn])),
                           vectorized=False, n_resamples=draws, method=method, random_state=1)


def deviations(patient, truth, *ratings):
    """Of the areas of two ratings and of their difference, over SciPy's draws of whole patients."""
    drawn = [bootstrap(patient, lambda i, r=r: metrics.roc_auc_score(truth[i], r[i]), 2000).bootstrap_distribution for r in ratings]
    return np.std([*drawn, drawn[0] - drawn[1]], axis=1)


def difference_interval(first, second, deviation):
    """From the ends of both intervals (Zou and Donner 2008), and the chance where it meets 0."""
    correlation = (deviation[0] ** 2 + deviation[1] ** 2 - deviation[2] ** 2) / (2 * deviation[0] * deviation[1])

    def ends(level):
        (low, high), (other_low, other_high) = (share_interval(v, d, level)[0] for v, d in zip((first, second), deviation))
        reach = [np.sqrt(a * a + b * b - 2 * correlation * a * b)
                 for a, b in ((first - low, other_high - second), (high - first, second - other_low))]
        return [first - second - reach[0], first - second + reach[1]]

    levels = np.linspace(1e-5, 1 - 1e-5, 2001)
    return ends(0.95), 1 - next(level for level in levels if ends(level)[0] <= 0 <= ends(level)[1])


def clustered_share(hit, patient):
    """Value and interval: the ends are where the score test of as many cases as the design effect leaves has z = 1.96."""
    value, sums = hit.mean(), [hit[patient == p] for p in np.unique(patient)]
    squares = sum((h.sum() - value * len(h)) ** 2 for h in sums)
    sizes = np.array([len(h) for h in sums])
    effect = (sizes**2).sum() / len(hit) if value in (0, 1) or len(sums) == 1 else max(1, squares / (len(hit) * value * (1 - value)))
    z2, count = stats.norm.ppf(0.975) ** 2, len(hit) / effect
    return [value, *np.sort(np.roots([1 + z2 / count, -2 * value - z2 / count, value**2]).real)]


class RocAgrees(unittest.TestCase):
    def cases(self):
        generator = np.random.default_rng(7)
        for count in (5, 8, 37, 200, 1500):
            for levels in (0, 1, 4, 20):
                for distance in (0, 1, 3):
                    yield generator, *random_ratings(generator, count, levels, distance)

    def near(self, got, want, tolerance=1e-12):
        np.testing.assert_allclose(got, want, rtol=tolerance, atol=tolerance)

    def test_area_and_average_precision_are_those_of_scikit_learn(self):
        for _, truth, rating in self.cases():
            got = roc(truth, rating)
            self.near(got["auc"], [metrics.roc_auc_score(truth, rating)])
            self.near(got["average_precision"], [metrics.average_precision_score(truth, rating)])

    def test_errors_are_delongs(self):
        for _, truth, rating in self.cases():
            self.near(roc(truth, rating)["delong"], [metrics.roc_auc_score(truth, rating), delong_variance(truth, rating)])

    def test_intervals_by_patient_are_those_of_another_bootstrap(self):
        generator = np.random.default_rng(8)
        patient = np.repeat(np.arange(120), generator.integers(1, 4, 120))
        truth = (generator.random(120) < 0.3)[patient]
        rating = np.round(2 * (generator.normal(size=120)[patient] + truth)) / 2 + 0.5 * generator.normal(size=len(patient)).round()
        other = rating + generator.normal(size=len(patient))
        got = roc(truth, rating, other, patient, draws=4000)
        area, precision = metrics.roc_auc_score, metrics.average_precision_score
        for name, statistic in (("auc", lambda i: area(truth[i], rating[i])), ("average_precision", lambda i: precision(truth[i], rating[i])),
                                ("difference", lambda i: area(truth[i], rating[i]) - area(truth[i], other[i]))):
            low, high, used, p = got[f"{name}_interval"]
            self.assertEqual(used, 4000)
            want = bootstrap(patient, statistic, 2000)
            width = want.confidence_interval.high - want.confidence_interval.low
            self.near([low, high], want.confidence_interval, 0.15 * width)
            drawn = want.bootstrap_distribution
            self.assertAlmostEqual(p, 2 * min((drawn <= 0).mean(), (drawn >= 0).mean()), delta=0.02, msg=name)
            low, high, p = got[f"{name}_share"]
            if name == "difference":
                ends, chance = difference_interval(area(truth, rating), area(truth, other), deviations(patient, truth, rating, other))
            else:
                ends, chance = share_interval(got[name][0], want.standard_error)
            self.near([low, high], ends, 0.08 * width)
            self.assertAlmostEqual(p, max(chance, 2 / 4001), delta=0.02, msg=name)

    def test_an_area_of_few_patients_has_nearly_the_interval_that_is_corrected_for_bias_and_acceleration(self):
        generator = np.random.default_rng(11)
        for _ in range(5):
            truth, rating = random_ratings(generator, 50, 0, 1.8)
            got = roc(truth, rating, patient=np.arange(50), draws=4000)
            want = bootstrap(np.arange(50), lambda i: metrics.roc_auc_score(truth[i], rating[i]) if 0 < truth[i].sum() < 50 else 0.5, 2000, "BCa").confidence_interval
            self.near(got["auc_share"][:2], want, 0.3 * (want.high - want.low))

    def test_an_area_of_one_has_wilsons_interval_of_the_rarer_kind(self):
        truth = np.arange(40) < 9
        got = roc(truth, truth * 1.0, patient=np.arange(40) // 2, draws=200)["auc_share"]
        few = stats.binomtest(5, 5).proportion_ci(method="wilson")
        self.near(got[:2], [few.low, few.high])

    def test_shares_have_wilsons_interval_of_as_many_cases_as_the_patients_leave(self):
        generator = np.random.default_rng(10)
        for patients, most, level in ((1, 6, 0), (5, 1, 0), (5, 6, 0), (40, 2, 1), (40, 3, -9), (40, 3, 9), (300, 2, 0.5), (300, 5, 2)):
            patient = generator.permutation(np.repeat(np.arange(patients), generator.integers(1, most + 1, patients)))
            rating = level + generator.normal(size=patients)[patient] + generator.normal(size=len(patient))
            truth = generator.random(len(patient)) < 0.7
            truth[:2] = [True, False]
            got = roc(truth, rating, patient=patient)["share"]
            self.near(got, clustered_share(rating[truth] > 0, patient[truth]), 1e-9)
            apart = roc(truth, rating)["share"]
            plain = stats.binomtest(int((rating[truth] > 0).sum()), int(truth.sum())).proportion_ci(method="wilson")
            self.near(apart[1:], [plain.low, plain.high], 1e-9)

    def test_more_images_of_the_same_patients_do_not_narrow_the_interval(self):
        truth, rating = random_ratings(np.random.default_rng(9), 100, 0)
        once = roc(truth, rating, patient=np.arange(100), draws=500)
        copies = roc(*(np.repeat(v, 4) for v in (truth, rating, rating, np.arange(100))), draws=500)
        self.near(copies["auc_interval"], once["auc_interval"])
        self.near(copies["share"], once["share"])
        apart = roc(np.repeat(truth, 4), np.repeat(rating, 4), draws=500)["auc_interval"]
        self.assertLess(apart[1] - apart[0], 0.65 * (once["auc_interval"][1] - once["auc_interval"][0]))


if __name__ == "__main__":
    unittest.main()
