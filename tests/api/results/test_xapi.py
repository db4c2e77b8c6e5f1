"""xAPI statements, read by the validation of Learning Locker, a record store that passed xAPI's conformance tests."""

import datetime
import json
import os
import sqlite3
import subprocess
import sys
import tempfile
import unittest
import uuid

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from checkpoints import FolderTest  # noqa: E402
from daemon import ROOT, Learner, deck  # noqa: E402
from exports import fetch  # noqa: E402

VALIDATORS = os.path.join(ROOT, "tests/validators")
XAPI = "/api/v1/export/xapi.jsonl"
HOME = "https://roentgym.example.org"
FIXED = {"format": 2, "id": "fixed", "title": "Hips", "question": "Is it \"broken\"?\n=1+1", "items": 4, "prevalence": 0.5,
         "choices": [{"id": "no_fracture", "label": "No"}, {"id": "fracture", "label": "Yes"}],
         "draw": {"mode": "fixed", "seed": "5"},
         "sources": [{"kind": "gan", "model": "default", "classes": {"no": ["no_fracture"], "yes": ["fracture"]}}]}


def problems(text):
    """What Learning Locker says against the statements."""
    if not os.path.isdir(os.path.join(VALIDATORS, "node_modules/@learninglocker")):
        raise unittest.SkipTest("npm modules of tests/validators are not installed")
    with tempfile.NamedTemporaryFile("w", suffix=".jsonl", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        done = subprocess.run(["node", "xapi.js", file.name], cwd=VALIDATORS, text=True, capture_output=True, timeout=60)
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert said["statements"] == text.count("\n")
    return said["errors"]


class Statements(FolderTest):
    def setUp(self):
        super().setUp()
        self.start([FIXED, deck(items=4)], public_url=HOME)
        self.learners = [Learner(self.daemon, "fixed"), Learner(self.daemon, "fixed")]
        for learner in self.learners:
            for n in range(1, 4):
                if n < 3:
                    learner.image(n)
                answer = learner.answer(n, "fracture" if n % 2 else "no_fracture", 1 + n % 3, response_ms=1234.567 * n,
                                        blur_ms=12.5, viewer_actions=[{"zoom": 2}], timed_out=False)
                self.assertEqual(answer.status, 201)

    def text(self, query="?deck=fixed"):
        answer = fetch(self.daemon, XAPI + query)
        self.assertEqual(answer.headers["Content-Type"], "application/jsonl")
        return answer.body.decode()

    def statements(self):
        return [json.loads(line) for line in self.text().splitlines()]

    def test_learning_locker_finds_nothing_wrong(self):
        self.assertEqual(problems(self.text()), [])

    def test_learning_locker_would_find_something(self):
        statement = self.statements()[0]
        for wrong in ({**statement, "timestamp": "yesterday"}, {**statement, "actor": {"name": "x"}},
                      {**statement, "result": {"duration": "3.42 s"}}, {**statement, "rating": 6}):
            self.assertEqual(len(problems(json.dumps(wrong) + "\n")), 1)

    def test_a_statement_says_what_the_row_of_the_log_says(self):
        rows = {(row["session_id"], row["item"]): row for row in self.daemon.export()}
        said = self.statements()
        self.assertEqual(len(said), len(rows))
        for statement, row in zip(said, rows.values(), strict=True):
            self.assertEqual(statement["verb"]["id"], "http://adlnet.gov/expapi/verbs/answered")
            self.assertEqual(statement["timestamp"], row["received_at"])
            definition = statement["object"]["definition"]
            self.assertEqual((definition["interactionType"], definition["correctResponsesPattern"]),
                             ("choice", [row["truth"]]))
            self.assertEqual(definition["description"], {"und": FIXED["question"]})
            result, extensions = statement["result"], statement["result"]["extensions"]
            self.assertEqual((result["response"], result["success"]), (row["choice"], row["correct"] == "1"))
            self.assertEqual(result["duration"], f"PT{float(row['response_ms']) / 1000:.2f}S")
            self.assertEqual(extensions[HOME + "/x/response_ms"], float(row["response_ms"]))
            self.assertEqual((extensions[HOME + "/x/rating"], extensions[HOME + "/x/timed_out"]), (int(row["rating"]), False))
            context = statement["context"]
            self.assertEqual(context["contextActivities"]["parent"][0]["id"], HOME + "/decks/fixed")
            self.assertEqual(context["revision"], "1")
            self.assertEqual(context["extensions"][HOME + "/x/seed"], row["seed"])

    def test_names_are_the_same_in_every_export_and_tell_no_session(self):
        self.assertEqual(self.text(), self.text())
        for learner in self.learners:
            self.assertNotIn(learner.id, self.text())
            self.assertNotIn(str(uuid.UUID(learner.id)), self.text())
        said = self.statements()
        self.assertEqual(len({statement["id"] for statement in said}), 6)
        for of_session in (lambda one: one["actor"]["account"]["name"], lambda one: one["context"]["registration"]):
            self.assertEqual([of_session(one) == of_session(said[0]) for one in said], [True] * 3 + [False] * 3)
        # The third item's image was never sent, so that nothing says that both saw the same.
        activities = [statement["object"]["id"] for statement in said]
        self.assertEqual(activities[:2], activities[3:5])
        self.assertNotEqual(activities[2], activities[5])

    def test_an_answer_from_the_future_has_no_time(self):
        """The server's clock was wrong when it came."""
        self.daemon.stop()
        connection = sqlite3.connect(self.daemon.db)
        with connection:
            connection.execute("UPDATE answers SET received_at = '2999-01-01T00:00:00.000Z' WHERE item = 2")
        connection.close()
        self.restart()
        said = self.statements()
        now = datetime.datetime.now(datetime.timezone.utc)
        self.assertEqual([("timestamp" in one) for one in said], [True, False, True] * 2)
        for one in said:
            if "timestamp" in one:
                self.assertLessEqual(datetime.datetime.fromisoformat(one["timestamp"].replace("Z", "+00:00")), now)

    def test_it_is_of_one_deck(self):
        self.assertEqual(fetch(self.daemon, XAPI, 422).code, "wrong_filter")
        self.assertEqual(fetch(self.daemon, XAPI + "?deck=none", 422).code, "wrong_filter")
        self.assertEqual(self.text("?deck=default"), "")


if __name__ == "__main__":
    unittest.main()
