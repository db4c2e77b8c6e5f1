"""Learners without accounts: a code by which a drill is gone on with elsewhere, and nothing else."""

import os
import re
import sys
import unittest
import uuid

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from daemon import DaemonTest, Learner, deck  # noqa: E402


class Codes(DaemonTest):
    decks = [deck(items=3), deck("exam", items=2, feedback="none"), {
        "format": 2, "id": "fixed", "title": "Fixed", "question": "?", "items": 2, "prevalence": 0.5,
        "choices": [{"id": "no_fracture", "label": "No"}, {"id": "fracture", "label": "Yes"}],
        "draw": {"mode": "fixed", "seed": "7"},
        "sources": [{"kind": "gan", "model": "default", "classes": {"no": ["no_fracture"], "yes": ["fracture"]}}]}]

    def code(self):
        answer = self.daemon.request("POST", "/api/v1/learners")
        self.assertEqual(answer.status, 201)
        return answer.json["learner"]["code"]

    def start(self, code, deck_id="default"):
        answer = self.daemon.post("/api/v1/sessions", {"deck": deck_id, "learner": code})
        self.assertEqual(answer.status, 201)
        return answer.json["session"]

    def sessions(self, code):
        return self.daemon.get("/api/v1/learner", code).json["sessions"]

    def answer(self, session, n, secret):
        return self.daemon.post(f"/api/v1/sessions/{session['id']}/answers",
                                {"key": str(uuid.uuid4()), "item": n, "choice": "fracture", "confidence": 2,
                                 "response_ms": 900}, secret)

    def test_a_drill_goes_on_elsewhere_with_the_code_alone(self):
        code = self.code()
        session = self.start(code)
        self.assertEqual(self.answer(session, 1, session["secret"]).status, 201)
        (seen,) = self.sessions(code)
        self.assertEqual((seen["id"], seen["answered"], seen["finished"]), (session["id"], [1], False))
        self.assertNotIn("secret", seen)
        url = f"/api/v1/sessions/{session['id']}"
        self.assertEqual(self.daemon.get(url, code).json["session"], seen)
        self.assertEqual(self.daemon.get(url + "/items/2", code).status, 200)
        for n in (2, 3):
            self.assertEqual(self.answer(session, n, code).status, 201)
        self.assertEqual(self.daemon.get(url + "/summary", code).status, 200)
        self.assertTrue(self.sessions(code)[0]["finished"])

    def test_each_sees_the_own_sessions_only(self):
        one, other = self.code(), self.code()
        mine = [self.start(one)["id"], self.start(one, "exam")["id"]]
        theirs = self.start(other)
        nobodys = Learner(self.daemon)
        self.assertEqual({s["id"] for s in self.sessions(one)}, set(mine))
        self.assertEqual([s["id"] for s in self.sessions(other)], [theirs["id"]])
        self.assertEqual(self.sessions(self.code()), [])
        for identity in (theirs["id"], nobodys.id):
            self.assertEqual(self.daemon.get(f"/api/v1/sessions/{identity}", one).code, "wrong_secret")

    def test_what_was_sent_to_a_learner_before_is_counted_over_their_sessions(self):
        one, other = self.code(), self.code()
        told = []
        for code, deck_id in ((one, "fixed"), (one, "fixed"), (other, "fixed"), (one, "default")):
            learner = Learner(self.daemon, deck_id, learner=code)
            for n in (1, 1, 2):  # sent again it is the same exposure
                self.assertEqual(learner.image(n).status, 200)
                learner.answer(n, key="00000000-0000-4000-8000-%012d" % n)
            rows = [row for row in self.daemon.export() if row["session_id"] == learner.id]
            self.assertEqual({row["device"] for row in rows}, {self.model["device"]})
            told.append([row["prior_exposures"] for row in rows])
        self.assertEqual(told, [["0", "0"], ["1", "1"], ["0", "0"], ["0", "0"]])
        anonymous = Learner(self.daemon, "fixed")
        anonymous.image(1)
        anonymous.answer(1)
        self.assertEqual([row["prior_exposures"] for row in self.daemon.export() if row["session_id"] == anonymous.id], ["0"])

    def test_a_code_may_be_typed_as_people_type(self):
        code = self.code()
        self.start(code)
        for typed in (code.lower(), code.replace("-", ""), code.replace("-", " "), " " + code.lower().replace("-", " ")):
            self.assertEqual(len(self.daemon.get("/api/v1/learner", typed).json["sessions"]), 1)

    def test_what_is_no_code_opens_nothing(self):
        code = self.code()
        wrong = ("", "x", "-" * 19, code[:-1], code + "B", code[:-1] + "A", code[:-1] + "0", "' OR 1=1 --",
                 code.replace("-", "\u2013"), "B" * 5000, Learner(self.daemon).secret)
        for text in wrong:
            answer = self.daemon.get("/api/v1/learner", text.encode().decode("latin-1") or None)
            self.assertEqual((answer.status, answer.code), (401, "wrong_code"))
            answer = self.daemon.post("/api/v1/sessions", {"deck": "default", "learner": text})
            self.assertEqual((answer.status, answer.code), (422, "unknown_learner"))

    def test_codes_are_random_kept_as_hashes_and_in_no_log(self):
        codes = [self.code() for _ in range(50)]
        self.assertEqual(len(set(codes)), 50)
        letters = "".join(codes).replace("-", "")
        self.assertEqual(len(set(letters)), 20)
        self.assertIsNone(re.search("[AEIOUY0-9]", letters))
        with open(self.daemon.db, "rb") as file, open(self.daemon.db + "-wal", "rb") as log:
            kept = file.read() + log.read()
        for code in codes:
            self.assertNotIn(code.encode(), kept)
            self.assertNotIn(code.replace("-", "").encode(), kept)
            self.assertNotIn(code, self.daemon.log())

    def score(self, code, deck_id):
        answer = self.daemon.get("/api/v1/learner/statistics?deck=" + deck_id, code)
        self.assertEqual(answer.status, 200, answer.body)
        return answer.json["statistics"]["score"]

    def test_answers_to_a_deck_count_over_all_sessions(self):
        code, other = self.code(), self.code()
        self.assertEqual((self.score(code, "default")["trials"], self.score(code, "none")["trials"]), (0, 0))
        for items in (3, 1, 3):
            session = self.start(code)
            for n in range(1, items + 1):
                self.answer(session, n, code)
        self.answer(self.start(other), 1, other)
        score = self.score(code, "default")
        self.assertEqual(score["trials"], 7)
        rows = self.daemon.rows("SELECT a.correct FROM answers a JOIN session_learners k ON k.session_id = a.session_id"
                                " WHERE k.learner_id = (SELECT learner_id FROM session_learners WHERE session_id = ?)", session["id"])
        self.assertAlmostEqual(score["accuracy"]["value"], sum(row["correct"] for row in rows) / 7)
        self.assertIsNone(score["accuracy"]["se"])
        self.assertLess(score["accuracy"]["low"], score["accuracy"]["high"])

    def test_a_deck_without_feedback_counts_at_its_end_alone(self):
        code = self.code()
        session = self.start(code, "exam")
        self.answer(session, 1, code)
        self.assertEqual(self.score(code, "exam")["trials"], 0)
        self.answer(session, 2, code)
        self.answer(self.start(code, "exam"), 1, code)
        self.assertEqual(self.score(code, "exam")["trials"], 2)

    def test_the_same_image_counts_once(self):
        code = self.code()
        for _ in range(2):
            session = self.start(code, "fixed")
            for n in (1, 2):
                self.answer(session, n, code)
        self.assertEqual(self.score(code, "fixed")["trials"], 2)

    def test_statistics_are_for_the_learner_alone(self):
        for secret in (None, "x", self.start(self.code())["secret"]):
            self.assertEqual(self.daemon.get("/api/v1/learner/statistics?deck=default", secret).code, "wrong_code")
        for query, status in (("", 422), ("?deck=A%20B", 422), ("?deck=default&more=1", 400)):
            self.assertEqual(self.daemon.get("/api/v1/learner/statistics" + query, self.code()).status, status)


if __name__ == "__main__":
    unittest.main()
