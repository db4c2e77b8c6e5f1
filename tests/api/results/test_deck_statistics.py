"""Statistics of a deck's learners together: each reader first, then over readers; nothing of few for educators."""

import os
import statistics
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from accounts import first_admin, staff  # noqa: E402
from daemon import DaemonTest, Learner, deck  # noqa: E402

MEASURES = ("accuracy", "sensitivity", "specificity", "auc", "d_prime", "criterion", "median_response_ms")


class DeckStatistics(DaemonTest):
    decks = [deck(items=8), deck("other", items=4), deck("edited", items=4)]

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        admin = first_admin(cls.daemon)
        cls.educator, cls.researcher = staff(admin, "educator"), staff(admin, "researcher")
        cls.accuracies = []
        for k in range(6):
            cls.accuracies.append(cls.read(k))

    @classmethod
    def read(cls, k, name="default", **more):
        """A session in which the first k answers are right; its share right."""
        learner = Learner(cls.daemon, name, **more)
        rows = cls.daemon.rows("SELECT n, class FROM items WHERE session_id = ? ORDER BY n", learner.id)
        for row in rows:
            wrong = {"fracture": "no_fracture", "no_fracture": "fracture"}[row["class"]]
            answer = learner.answer(row["n"], row["class"] if row["n"] <= k else wrong, response_ms=1000 * (k + 1) + row["n"])
            assert answer.status == 201, answer.body
        return k / len(rows)

    def told(self, by, name="default", query=""):
        answer = by.get(f"/api/v1/decks/{name}/statistics{query}")
        self.assertEqual(answer.status, 200, answer.body)
        return answer.json["statistics"]

    def test_means_are_taken_over_readers(self):
        told = self.told(self.researcher)
        self.assertEqual((told["deck"], told["version"], told["versions"], told["fewest_shown"]), ("default", 1, [1], 1))
        score = told["score"]
        self.assertEqual((score["readers"], score["trials"]), (6, 48))
        accuracy = score["accuracy"]
        self.assertAlmostEqual(accuracy["value"], statistics.mean(self.accuracies))
        self.assertAlmostEqual(accuracy["sd"], statistics.stdev(self.accuracies))
        half = 2.570581835636314 * statistics.stdev(self.accuracies) / 6**0.5  # Student's t with 5 degrees of freedom
        self.assertAlmostEqual(accuracy["high"] - accuracy["value"], half)
        self.assertAlmostEqual(accuracy["value"] - accuracy["low"], half)
        self.assertAlmostEqual(score["median_response_ms"]["value"], 3504.5)
        self.assertEqual((score["roc"][0], score["roc"][-1]), ({"rating": None, "false_alarms": 0, "hits": 0},
                                                               {"rating": 1, "false_alarms": 1, "hits": 1}))
        self.assertEqual((score["learning_curve"]["average"], score["learning_curve"]["gap"]), ([], "too_few"))
        self.assertEqual({(c["class"], c["source"], c["truth"]) for c in score["classes"]},
                         {("fracture", "gan", "fracture"), ("no_fracture", "gan", "no_fracture")})

    def test_educators_are_told_of_five_and_more_and_rounded(self):
        score = self.told(self.educator)["score"]
        self.assertEqual(score["readers"], 6)
        self.assertEqual(score["accuracy"]["value"], round(statistics.mean(self.accuracies), 2))
        self.assertEqual(score["median_response_ms"]["value"] % 100, 0)

    def test_educators_are_told_nothing_of_four(self):
        for k in range(4):
            self.read(k, "other")
        told = self.told(self.educator, "other")
        self.assertEqual(told["fewest_shown"], 5)
        score = told["score"]
        self.assertEqual((score["readers"], score["trials"], score["roc"]), (None, None, []))
        for mean in [score[name] for name in MEASURES] + [c["accuracy"] for c in score["classes"]]:
            self.assertEqual(mean, {"readers": None, "value": None, "sd": None, "se": None, "low": None, "high": None,
                                    "gap": "too_few"})
        self.assertEqual(self.told(self.researcher, "other")["score"]["readers"], 4)

    def test_a_learner_who_keeps_a_code_is_one_reader(self):
        code = self.daemon.request("POST", "/api/v1/learners").json["learner"]["code"]
        for k in (1, 3):
            self.read(k, "edited", learner=code)
        score = self.told(self.researcher, "edited")["score"]
        self.assertEqual((score["readers"], score["trials"], score["accuracy"]["value"]), (1, 8, 0.5))
        self.assertEqual(score["accuracy"]["gap"], "one_of_a_kind")

    def test_versions_are_told_apart(self):
        definition = {**self.educator.get("/api/v1/decks/default").json, "id": "mine", "title": "Mine"}
        self.assertEqual(self.educator.post("/api/v1/decks", definition).status, 201)
        empty = self.told(self.researcher, "mine")
        self.assertEqual((empty["version"], empty["versions"], empty["score"]["readers"]), (1, [], 0))
        self.read(8, "mine")
        saved = self.educator.post("/api/v1/decks/mine", {**definition, "title": "Mine, again"}, If_Match='"1"')
        self.assertEqual(saved.status, 200, saved.body)
        self.assertEqual(self.told(self.researcher, "mine")["version"], 1)
        self.read(0, "mine")
        self.assertEqual(self.told(self.researcher, "mine")["versions"], [2, 1])
        self.assertEqual(self.told(self.researcher, "mine")["score"]["accuracy"]["value"], 0)
        self.assertEqual(self.told(self.researcher, "mine", "?version=1")["score"]["accuracy"]["value"], 1)
        for path, status in (("mine/statistics?version=3", 404), ("none/statistics", 404), ("mine/statistics?version=0", 422),
                             ("mine/statistics?version=x", 422), ("mine/statistics?deck=1", 400)):
            self.assertEqual(self.researcher.get("/api/v1/decks/" + path).status, status, path)


if __name__ == "__main__":
    unittest.main()
