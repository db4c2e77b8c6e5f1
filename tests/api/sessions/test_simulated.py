"""Learners that a program plays: marked, left out of what people did, and the only ones whose truths are told."""

import json
import os
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from accounts import first_admin, staff  # noqa: E402
from checkpoints import FolderTest  # noqa: E402
from daemon import Learner, deck, table  # noqa: E402
from exports import CSV, JSONL, ZIP, fetch  # noqa: E402


class Simulated(FolderTest):
    def setUp(self):
        super().setUp()
        self.start([deck(items=4)])
        self.admin = first_admin(self.daemon)
        self.person, self.program = (self.learner(simulated) for simulated in (False, True))

    def code(self, simulated, seed="1"):
        answer = self.admin.post("/api/v1/simulated-learners", {"draw_seed": seed}) if simulated else self.daemon.request(
            "POST", "/api/v1/learners")
        return answer.json["learner"]["code"]

    def learner(self, simulated, seed="1"):
        return Learner(self.daemon, learner=self.code(simulated, seed))

    def truths(self, learner):
        return self.admin.get(learner.url + "/truths")

    def answer_all(self, learner, n=4):
        for i in range(1, n + 1):
            learner.image(i)
            self.assertEqual(learner.answer(i).status, 201)

    def test_truths_are_told_of_a_simulated_session_before_its_answers(self):
        rows = self.daemon.rows("SELECT n, truth, class, source FROM items WHERE session_id = ? ORDER BY n", self.program.id)
        self.assertEqual(self.truths(self.program).json["truths"], [dict(row) for row in rows])
        self.assertEqual(len(rows), 4)
        action = self.daemon.rows("SELECT action, object FROM audit ORDER BY id DESC LIMIT 1")[0]
        self.assertEqual(tuple(action), ("truths", "session:simulated"))

    def test_of_a_persons_session_nobody_is_told_anything(self):
        for url in (self.person.url, Learner(self.daemon).url, "/api/v1/sessions/" + "0" * 32):
            answer = self.admin.get(url + "/truths")
            self.assertEqual((answer.status, answer.code), (409, "not_simulated"))

    def test_neither_the_sessions_secret_nor_another_role_opens_them(self):
        self.assertEqual(self.daemon.get(self.program.url + "/truths", self.program.secret).status, 401)
        self.assertEqual(staff(self.admin, "researcher").get(self.program.url + "/truths").status, 403)

    def test_an_export_has_peoples_answers_or_simulated_ones_and_says_which(self):
        self.answer_all(self.person)
        self.answer_all(self.program, 3)
        for query, learner, count, mark in (("", self.person, 4, "0"), ("?simulated=true", self.program, 3, "1"),
                                            ("?simulated=false&deck=default", self.person, 4, "0")):
            rows = table(fetch(self.daemon, CSV + query).body.decode())
            self.assertEqual([(row["session_id"], row["simulated"]) for row in rows], [(learner.id, mark)] * count)
            lines = fetch(self.daemon, JSONL + query).body.decode().splitlines()
            self.assertEqual([json.loads(line)["simulated"] for line in lines], [mark == "1"] * count)
        self.assertNotEqual(fetch(self.daemon, ZIP).body, fetch(self.daemon, ZIP + "?simulated=true").body)
        self.assertEqual(fetch(self.daemon, CSV + "?simulated=perhaps", 422).code, "wrong_filter")

    def test_results_of_classes_and_decks_do_not_count_them(self):
        made = self.admin.post("/api/v1/classes", {"title": "A class", "deck": "default"}).json["class"]["code"]
        for simulated in [False] * 5 + [True] * 7:  # of fewer than five learners no educator is told anything
            code = self.code(simulated)
            answer = self.daemon.post("/api/v1/sessions", {"class": made, "learner": code}).json["session"]
            learner = self.person
            learner.id, learner.secret, learner.url = answer["id"], answer["secret"], "/api/v1/sessions/" + answer["id"]
            self.answer_all(learner)
        results = self.admin.get(f"/api/v1/classes/{made}/results").json["results"]
        self.assertEqual((results["learners"], results["answers"]), (5, 20))
        for query, readers in (("", 5), ("?simulated=true", 7), ("?simulated=false", 5)):
            self.assertIn(f'"readers":{readers}', self.admin.get("/api/v1/decks/default/statistics" + query).body.decode())
        self.assertEqual(self.admin.get("/api/v1/decks/default/statistics?simulated=2").code, "wrong_filter")

    def shown(self, learner):
        return [tuple(row) for row in self.daemon.rows(
            "SELECT class, seed, truth FROM items WHERE session_id = ? ORDER BY n", learner.id)]

    def test_its_seed_draws_its_images_and_nobody_elses(self):
        same, other = self.learner(True), self.learner(True, "2")
        self.assertEqual(self.shown(same), self.shown(self.program))
        self.assertNotEqual(self.shown(other), self.shown(self.program))
        code = self.code(True)
        first, second = Learner(self.daemon, learner=code), Learner(self.daemon, learner=code)
        self.assertEqual(self.shown(first), self.shown(self.program))
        self.assertNotEqual(self.shown(second), self.shown(first))
        self.assertNotEqual(self.shown(self.learner(False)), self.shown(self.person))

    def test_only_an_administrator_makes_one_and_it_is_on_record(self):
        body = {"draw_seed": "1"}
        self.assertEqual(self.daemon.post("/api/v1/simulated-learners", body).status, 401)
        self.assertEqual(staff(self.admin, "researcher").post("/api/v1/simulated-learners", body).status, 403)
        for seed in ("", "-1", "1.5", "x", str(2**64)):
            self.assertEqual(self.admin.post("/api/v1/simulated-learners", {"draw_seed": seed}).code, "out_of_range")
        self.assertEqual(self.daemon.rows("SELECT count(*) FROM audit WHERE action = 'learner.simulate'")[0][0], 1)


if __name__ == "__main__":
    unittest.main()
