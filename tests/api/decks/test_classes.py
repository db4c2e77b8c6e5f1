"""Classes: an educator's link, and results of all learners together or of none."""

import os
import sys
import unittest
import uuid

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from accounts import Browser, first_admin, staff  # noqa: E402
from daemon import DaemonTest, deck  # noqa: E402

CLASSES = "/api/v1/classes"


class Classes(DaemonTest):
    decks = [deck(items=2), deck("exam", items=3, feedback="none")]

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.admin = first_admin(cls.daemon)
        cls.educator = staff(cls.admin, "educator", "anna")
        cls.other = staff(cls.admin, "educator", "bert")

    def make(self, title="Third year", deck_id="default", by=None):
        answer = (by or self.educator).post(CLASSES, {"title": title, "deck": deck_id})
        self.assertEqual(answer.status, 201)
        return answer.json["class"]["code"]

    def learner(self):
        return self.daemon.request("POST", "/api/v1/learners").json["learner"]["code"]

    def start(self, code, learner=None):
        return self.daemon.post("/api/v1/sessions", {"class": code, "learner": learner or self.learner()})

    def answer(self, started, right):
        session = started.json["session"]
        (row,) = self.daemon.rows("SELECT class FROM items WHERE session_id = ? AND n = 1", session["id"])
        choice = row["class"] if right else {"fracture": "no_fracture", "no_fracture": "fracture"}[row["class"]]
        body = {"key": str(uuid.uuid4()), "item": 1, "choice": choice, "confidence": 2, "response_ms": 900}
        self.assertEqual(self.daemon.post(f"/api/v1/sessions/{session['id']}/answers", body, session["secret"]).status, 201)

    def results(self, code, by=None):
        return (by or self.educator).get(f"{CLASSES}/{code}/results").json["results"]

    def test_learners_start_the_classs_deck_through_its_code(self):
        code = self.make(deck_id="exam")
        self.assertEqual(self.daemon.get(f"{CLASSES}/{code}").json["class"],
                         {"code": code, "title": "Third year", "deck": "exam", "closed": False})
        started = self.start(code)
        self.assertEqual((started.status, started.json["session"]["deck"]["id"]), (201, "exam"))
        for body, status, error in (
                ({"class": code}, 422, "learner_needed"),
                ({"class": code, "learner": "x"}, 422, "unknown_learner"),
                ({"class": code, "deck": "exam", "learner": self.learner()}, 400, "malformed_request"),
                ({"class": "0123456789", "learner": self.learner()}, 422, "unknown_class"),
                ({"class": "' OR 1=1 --", "learner": self.learner()}, 422, "unknown_class"),
                ({"learner": self.learner()}, 400, "malformed_request")):
            answer = self.daemon.post("/api/v1/sessions", body)
            self.assertEqual((answer.status, answer.code), (status, error))

    def test_fewer_than_five_learners_are_not_told_of(self):
        code = self.make()
        self.assertEqual(self.results(code), {"learners": 0, "answered_by": 0, "answers": None, "accuracy": None,
                                              "fewest_shown": 5})
        started = [self.start(code) for _ in range(6)]
        for i in range(4):
            self.answer(started[i], right=True)
            told = self.results(code)
            self.assertEqual((told["learners"], told["answered_by"], told["answers"], told["accuracy"]),
                             (6, None, None, None))
        self.answer(started[4], right=False)
        self.assertEqual(self.results(code), {"learners": 6, "answered_by": 5, "answers": 5, "accuracy": 0.8,
                                              "fewest_shown": 5})

    def test_one_learner_with_many_sessions_is_one(self):
        code, learner = self.make(), self.learner()
        for _ in range(7):
            self.answer(self.start(code, learner), right=True)
        self.assertEqual(self.results(code), {"learners": None, "answered_by": None, "answers": None, "accuracy": None,
                                              "fewest_shown": 5})

    def test_each_educator_has_the_own_classes_and_an_administrator_all(self):
        mine, theirs = self.make("Mine"), self.make("Theirs", by=self.other)

        def listed(by):
            return {c["code"] for c in by.get(CLASSES).json["classes"]}

        self.assertIn(mine, listed(self.educator))
        self.assertNotIn(theirs, listed(self.educator))
        self.assertLessEqual({mine, theirs}, listed(self.admin))
        for what, call in (("results", self.educator.get), ("close", self.educator.post)):
            answer = call(f"{CLASSES}/{theirs}/{what}")
            self.assertEqual((answer.status, answer.code), (404, "unknown_class"))
        self.assertEqual(self.results(theirs, self.admin)["learners"], 0)

    def test_a_closed_class_starts_nothing_more_and_what_runs_goes_on(self):
        code = self.make()
        running = self.start(code)
        self.assertEqual(self.educator.post(f"{CLASSES}/{code}/close").json["class"]["closed"], True)
        self.assertEqual(self.start(code).code, "class_closed")
        self.answer(running, right=True)
        self.assertEqual(self.educator.post(f"{CLASSES}/{code}/close").status, 200)
        entries = [e["action"] for e in self.admin.get("/api/v1/audit?limit=3").json["entries"]]
        self.assertEqual(entries.count("class.close"), 1)

    def test_classes_that_cannot_be_made_are_refused(self):
        for body, status in (({"title": "", "deck": "default"}, 422), ({"title": "x" * 121, "deck": "default"}, 422),
                             ({"title": "a\nb", "deck": "default"}, 422), ({"title": "a", "deck": "none"}, 422),
                             ({"title": "a"}, 400), ({"title": 1, "deck": "default"}, 400)):
            self.assertEqual(self.educator.post(CLASSES, body).status, status)
        self.assertEqual(Browser(self.daemon).get(f"{CLASSES}/0123456789").code, "unknown_class")


if __name__ == "__main__":
    unittest.main()
