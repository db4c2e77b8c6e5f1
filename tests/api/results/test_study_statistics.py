"""What comes of a study: who came how far, and what was learnt, each participant first and then over participants."""

import math
import os
import statistics
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import studies  # noqa: E402
from accounts import first_admin, staff  # noqa: E402
from daemon import BUILD, DaemonTest, deck  # noqa: E402
from study_rows import DECKS, StudyRows  # noqa: E402

URL = "/api/v1/studies/"
T975 = 4.302652729911275  # scipy.stats.t.ppf(0.975, 2)


def first_wrong(count):
    """A reader who errs at the first `count` items."""
    def rate(n, truth):
        return {"yes": "no", "no": "yes"}[truth] if n <= count else truth, 1 if n == 1 else 3
    return rate


def auc(pairs):
    """By comparing all pairs of (truth, rating)."""
    signals = [rating for truth, rating in pairs if truth == "yes"]
    noises = [rating for truth, rating in pairs if truth == "no"]
    return sum((s > n) + (s == n) / 2 for s in signals for n in noises) / len(signals) / len(noises)


def welch(a, b):
    """Difference, its interval's half, and the degrees of freedom, for groups of 3."""
    va, vb = statistics.variance(a) / len(a), statistics.variance(b) / len(b)
    df = (va + vb) ** 2 / (va**2 / (len(a) - 1) + vb**2 / (len(b) - 1))
    return statistics.mean(a) - statistics.mean(b), math.sqrt(va + vb), df


class Results(DaemonTest):
    decks = DECKS

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.admin = first_admin(cls.daemon)
        cls.researcher, cls.educator = staff(cls.admin, "researcher"), staff(cls.admin, "educator")
        cls.study = StudyRows(cls.daemon)
        cls.who = {}
        for arm, errors in (("gan", (0, 1, 2)), ("real", (1, 3, 4))):
            for count in errors:
                code = cls.study.enrol(arm)
                cls.who[code] = arm, count
                for phase, deck, days in (("pre", "exam", 0), ("train", "practice", 1), ("post", "exam", 3)):
                    cls.study.read(code, phase, deck, first_wrong(count), days)
        cls.stopped = cls.study.enrol("gan", "south")
        cls.study.read(cls.stopped, "pre", "exam", first_wrong(6), finish=False)
        cls.study.end(cls.stopped, "stop")
        cls.idle = cls.study.enrol("real", "south")
        with cls.study.write() as db:
            for form, arm, phase in (("stop", "gan", "pre"), ("delete", "real", None), ("delete", "real", "train")):
                db.execute("INSERT INTO withdrawals (study_id, at, form, arm, stratum, phase) VALUES (?, '2026-01-05T00:00:00.000Z', ?, ?, 'south', ?)",
                           (cls.study.id, form, arm, phase))

    def get(self, path, by=None, status=200):
        answer = (by or self.researcher).get(URL + path)
        self.assertEqual(answer.status, status, answer.body[:300])
        return answer.json

    def told(self, query=""):
        return self.get("trial/statistics" + query)["statistics"]

    def cell(self, phase, arm):
        return next(c for c in self.told()["cells"] if (c["phase"], c["arm"]) == (phase, arm))

    def accuracies(self, arm, of):
        return [1 - count / of for _, (own, count) in self.who.items() if own == arm]

    def areas(self, arm, phase):
        rows = self.daemon.rows("SELECT q.code, i.truth, a.rating FROM participants q JOIN participant_sessions e ON e.participant_id = q.id"
                                " JOIN answers a ON a.session_id = e.session_id JOIN items i ON i.session_id = a.session_id AND i.n = a.item"
                                " WHERE q.arm = ? AND e.phase = ? AND e.finished_at IS NOT NULL", arm, phase)
        return {code: auc([(row["truth"], row["rating"]) for row in rows if row["code"] == code]) for code in {row["code"] for row in rows}}

    def test_a_cell_is_the_mean_over_those_who_finished_the_test(self):
        for arm in ("gan", "real"):
            cell = self.cell("pre", arm)
            self.assertEqual(cell["kind"], "test")
            score, values = cell["score"], self.accuracies(arm, 6)
            self.assertEqual((score["readers"], score["trials"]), (3, 18))  # not who stopped, not who is idle
            mean, sd = statistics.mean(values), statistics.stdev(values)
            self.assertAlmostEqual(score["accuracy"]["value"], mean)
            self.assertAlmostEqual(score["accuracy"]["low"], mean - T975 * sd / 3**0.5)
            self.assertAlmostEqual(score["accuracy"]["high"], mean + T975 * sd / 3**0.5)
            self.assertAlmostEqual(score["auc"]["value"], statistics.mean(self.areas(arm, "pre").values()))
            self.assertAlmostEqual(score["median_response_ms"]["value"], 1003.5)

    def test_each_participant_is_told_by_code_with_delongs_interval(self):
        areas = self.areas("real", "post")
        told = {one["participant_id"]: one for one in self.cell("post", "real")["participants"]}
        self.assertEqual(set(told), set(areas))
        for code, one in told.items():
            self.assertAlmostEqual(one["auc"]["value"], areas[code])
            self.assertAlmostEqual(one["accuracy"], 1 - self.who[code][1] / 6)
            if one["auc"]["gap"] is None:
                self.assertLess(one["auc"]["low"], one["auc"]["value"])

    def test_arms_are_compared_over_participants(self):
        told = {(d["phase"], d["arm"]): d for d in self.told("?reference=real")["differences"]}
        self.assertEqual(set(told), {("pre", "gan"), ("train", "gan"), ("post", "gan")})
        difference, se, df = welch(self.accuracies("gan", 6), self.accuracies("real", 6))
        got = told["pre", "gan"]["accuracy"]
        self.assertEqual((told["pre", "gan"]["reference"], got["non_inferiority"]), ("real", None))
        for name, value in (("value", difference), ("se", se), ("df", df), ("t", difference / se)):
            self.assertAlmostEqual(got[name], value)
        # scipy.stats.ttest_ind([1, 5/6, 4/6], [5/6, 3/6, 2/6], equal_var=False)
        self.assertAlmostEqual(got["t"], 1.5811388300841898)
        self.assertAlmostEqual(got["p"], 0.20017303952050958)
        self.assertAlmostEqual((got["high"] - got["low"]) / 2 / se, (got["high"] - difference) / se)
        back = self.told("?reference=gan")["differences"][0]
        self.assertAlmostEqual(back["accuracy"]["value"], -difference)

    def test_non_inferiority_is_told_against_the_margin(self):
        got = {d["phase"]: d for d in self.told("?reference=real&measure=accuracy&margin=0.9")["differences"]}["pre"]
        self.assertTrue(got["accuracy"]["non_inferiority"]["shown"])
        self.assertLess(got["accuracy"]["non_inferiority"]["p"], 0.025)
        self.assertIsNone(got["auc"]["non_inferiority"])
        classes = {c["class"]: c["accuracy"] for c in got["classes"]}
        self.assertEqual(set(classes), {"fracture", "no_fracture"})
        self.assertAlmostEqual(sum(c["value"] for c in classes.values()) / 2, got["accuracy"]["value"])
        self.assertTrue(all(c["non_inferiority"] for c in classes.values()))
        got = {d["phase"]: d for d in self.told("?reference=gan&measure=accuracy&margin=0.05")["differences"]}["pre"]
        self.assertFalse(got["accuracy"]["non_inferiority"]["shown"])
        self.assertLess(got["accuracy"]["low"], -0.05)

    def test_wrong_questions_are_named(self):
        for query, word in (("?reference=none", "reference:"), ("?measure=luck", "measure:"), ("?margin=0", "margin:"),
                            ("?margin=-1", "margin:"), ("?margin=x", "margin:"), ("?measure=criterion", "measure:")):
            self.assertIn(word, self.get("trial/statistics" + query, status=422)["error"]["message"])
        self.get("trial/statistics?deck=1", status=400)

    def test_the_flow_has_everybody_once_in_every_phase(self):
        flow = self.get("trial/flow")["flow"]
        arms = {arm["arm"]: arm for arm in flow["arms"]}
        self.assertEqual({name: arm["randomised"] for name, arm in arms.items()}, {"gan": 4, "real": 6})
        self.assertEqual((flow["consented"], flow["randomised"], flow["state"]), (10, 10, "open"))
        self.assertEqual({s["stratum"]: s["count"] for s in arms["real"]["strata"]}, {"north": 3, "south": 3})
        self.assertEqual(flow["withdrawn"], {"stop": 1, "delete": 2, "anonymise": 0})
        places = ("finished", "under_way", "waiting", "never_started", "not_finished", "withdrew", "deleted")
        for phase in flow["phases"]:
            self.assertEqual(sum(phase[place] for place in places), arms[phase["arm"]]["randomised"], phase)
        pre = {phase["arm"]: phase for phase in flow["phases"] if phase["phase"] == "pre"}
        self.assertEqual((pre["gan"]["finished"], pre["real"]["finished"], pre["real"]["deleted"]), (3, 3, 2))
        self.assertEqual(pre["real"]["never_started"], 1)  # the window closed a day after enrolment
        self.assertEqual(pre["gan"]["not_finished"] + pre["gan"]["withdrew"], 1)

    def test_participants_are_listed_by_code_with_what_they_did(self):
        listed = {p["participant_id"]: p for p in self.get("trial/participants")["participants"]}
        self.assertEqual(set(listed), {*self.who, self.stopped, self.idle})
        self.assertEqual(list(listed), sorted(listed))
        for code, (arm, _) in self.who.items():
            self.assertEqual((listed[code]["arm"], listed[code]["enrolled_on"]), (arm, "2026-01-02"))
            self.assertEqual([(p["phase"], p["state"], p["answers"]) for p in listed[code]["phases"]],
                             [("pre", "done", 6), ("train", "done", 4), ("post", "done", 6)])
        self.assertEqual((listed[self.stopped]["ended_how"], listed[self.stopped]["phases"][0]["answers"]), ("stop", 5))
        self.assertEqual(listed[self.idle]["phases"][0], {"phase": "pre", "state": "missed", "started": False, "answers": 0})

    def test_decks_count_no_answers_of_studies(self):
        told = self.researcher.get("/api/v1/decks/exam/statistics").json["statistics"]
        self.assertEqual((told["versions"], told["score"]["readers"]), ([], 0))

    def test_educators_see_none_of_it(self):
        for path in ("flow", "statistics", "participants", "export/responses.csv", "export/package.zip"):
            self.assertEqual(self.educator.get(f"{URL}trial/{path}").code, "wrong_role")
        for path in ("flow", "statistics", "participants"):
            self.assertEqual(self.get(f"none/{path}", status=404)["error"]["code"], "unknown_study")


class Rehearsed(studies.StudyTest):
    """Simulated learners, who learn from drawn images and hardly from the library's."""

    decks = [deck("default", items=2), {**studies.TEST, "items": 12}, {**studies.TRAIN_GAN, "items": 60, "feedback": "truth"},
             {**studies.TRAIN_REAL, "items": 12, "feedback": "truth"}]

    def test_the_difference_that_was_put_into_a_study_is_found_in_it(self):
        path = self.open("rehearsal", strata=[], blocks=[2])
        done = subprocess.run([os.path.join(BUILD, "roentgym"), "simulate", "--study", "rehearsal", "--learners", "60", "--server",
                               f"http://127.0.0.1:{self.daemon.port}", "--admin-token-file", os.path.join(self.daemon.folder, "admin-token"),
                               "--no-images", "--skill", "d=0.8,max=3,gan:learn=0.05,library:learn=0.001,spread=0.3"],
                              text=True, capture_output=True, timeout=120)
        self.assertEqual(done.returncode, 0, done.stderr)
        told = self.researcher.get(path + "/statistics?simulated=true&reference=real&measure=auc&margin=0.05").json["statistics"]
        differences = {d["phase"]: d["auc"] for d in told["differences"]}
        self.assertLess(abs(differences["before"]["value"]), 4 * differences["before"]["se"])
        self.assertGreater(differences["after"]["low"], 0)
        self.assertTrue(differences["after"]["non_inferiority"]["shown"])
        training = next(c for c in told["cells"] if (c["phase"], c["arm"]) == ("practice", "drawn"))["score"]["learning_curve"]
        self.assertIsNone(training["gap"])
        self.assertGreater(training["fit"]["last"], training["fit"]["start"] + 0.1)
        flow = self.researcher.get(path + "/flow?simulated=true").json["flow"]
        self.assertEqual({arm["randomised"] for arm in flow["arms"]}, {30})
        self.assertEqual({phase["finished"] for phase in flow["phases"]}, {30})
        self.assertEqual(self.researcher.get(path + "/flow").json["flow"]["randomised"], 0)


if __name__ == "__main__":
    unittest.main()
