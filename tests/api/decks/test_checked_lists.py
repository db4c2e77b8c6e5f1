"""Decks that draw from NAME.checked.json, the images of a model that a classifier has passed: nothing else is shown,
to a learner who keeps a code none twice, and nobody is told what is on the list."""

import json
import os
import shutil
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from accounts import first_admin  # noqa: E402
from daemon import CHECKPOINT, Daemon, Learner, need_checkpoint  # noqa: E402

SEEDS = {"no_fracture": [1000 + k for k in range(6)], "fracture": [2**64 - 1 - k for k in range(5)]}
SOURCE = {"kind": "gan", "model": "mine", "checked": True, "classes": {"no": ["no_fracture"], "yes": ["fracture"]}}
ALL = {str(seed) for seeds in SEEDS.values() for seed in seeds}


def deck_of(name, *sources, **changes):
    return {"format": 2, "id": name, "title": "Hips", "question": "Is there a fracture?",
            "choices": [{"id": "no", "label": "No"}, {"id": "yes", "label": "Yes"}],
            "items": 4, "prevalence": 0.5, "sources": list(sources or [SOURCE]), **changes}


class CheckedLists(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        need_checkpoint()
        cls.models = tempfile.mkdtemp(prefix="checked-")
        cls.addClassCleanup(shutil.rmtree, cls.models)
        shutil.copy(CHECKPOINT, os.path.join(cls.models, "mine.safetensors"))
        open_source = {key: value for key, value in SOURCE.items() if key != "checked"}
        cls.daemon = Daemon([deck_of("passed"), deck_of("fixed", draw={"mode": "fixed", "seed": "7"}),
                             deck_of("open", open_source), deck_of("whole", items=10),
                             deck_of("too_many", items=12), deck_of("twice", SOURCE, {**SOURCE, "weight": 3}, items=10)],
                            models=cls.models)
        cls.addClassCleanup(cls.daemon.close)
        cls.sha256 = cls.daemon.get("/api/v1/models").json["models"][0]["sha256"]
        cls.admin = first_admin(cls.daemon)

    def setUp(self):
        self.write({"format": 1, "model_sha256": self.sha256,
                    "classes": {name: [str(seed) for seed in seeds] for name, seeds in SEEDS.items()}})

    def write(self, content):
        path = os.path.join(self.models, "mine.checked.json")
        with open(path, "w", encoding="utf-8") as file:
            file.write(content if isinstance(content, str) else json.dumps(content))

    def drawn(self, learner):
        return [(row["class"], row["seed"], row["strength"], row["truncation"]) for row in self.daemon.rows(
            "SELECT * FROM items WHERE session_id = ? ORDER BY n", learner.id)]

    def test_only_what_the_list_has_of_the_class_is_drawn_and_nothing_twice(self):
        met = set()
        for name in ("passed", "passed", "passed", "fixed", "whole", "twice"):
            drawn = self.drawn(Learner(self.daemon, name))
            for label, seed, strength, truncation in drawn:
                self.assertIn(int(seed), SEEDS[label])
                self.assertEqual((strength, truncation), (1, 1))
            self.assertEqual(len({seed for _, seed, _, _ in drawn}), len(drawn))
            met |= {seed for _, seed, _, _ in drawn}
        self.assertEqual(len(met & {str(seed) for seed in SEEDS["fracture"]}), 5)

    def test_a_fixed_deck_shows_everybody_the_same(self):
        one, other = (self.drawn(Learner(self.daemon, "fixed")) for _ in range(2))
        self.assertEqual(one, other)

    def test_a_learner_with_a_code_is_shown_none_twice_until_the_list_is_used_up(self):
        code = self.daemon.request("POST", "/api/v1/learners").json["learner"]["code"]
        Learner(self.daemon, "passed", learner=code)  # whose images are never asked for
        seen = []
        for _ in range(2):
            learner = Learner(self.daemon, "passed", learner=code)
            seen += [seed for _, seed, _, _ in self.drawn(learner)]
            for n in range(1, 5):
                self.assertEqual(learner.image(n).status, 200)
                learner.answer(n, "yes")
        self.assertEqual(len(set(seen)), 8)
        answer = self.daemon.post("/api/v1/sessions", {"deck": "passed", "learner": code})
        self.assertEqual((answer.status, answer.code), (409, "images_missing"))
        self.assertIn("has too few checked images of class", self.daemon.log())
        self.assertEqual(len(self.drawn(Learner(self.daemon, "fixed", learner=code))), 4)
        self.assertEqual(len(self.drawn(Learner(self.daemon, "passed"))), 4)

    def test_an_image_that_waited_in_two_sessions_is_no_first_attempt_in_the_second(self):
        code = self.daemon.request("POST", "/api/v1/learners").json["learner"]["code"]
        first, second = (Learner(self.daemon, "whole", learner=code) for _ in range(2))
        for learner in (first, second):
            for n in range(1, 11):
                self.assertEqual((learner.image(n).status, learner.answer(n, "yes").status), (200, 201))
        told = self.drawn(first)
        attempts = [row["first_attempt"] for row in self.daemon.rows(
            "SELECT first_attempt FROM answers WHERE session_id = ? ORDER BY item", second.id)]
        self.assertEqual(attempts, [int(item not in told) for item in self.drawn(second)])

    def test_no_session_finds_an_image_made_for_another(self):
        made = []
        for _ in range(2):
            learner = Learner(self.daemon, "whole")
            for n in range(1, 11):
                self.assertEqual((learner.image(n).status, learner.answer(n, "yes").status), (200, 201))
            made.append(self.daemon.metric("roentgymd_images_made_total"))
        self.assertEqual(made[1] - made[0], 10)

    def test_too_few_images_start_no_session(self):
        answer = self.daemon.post("/api/v1/sessions", {"deck": "too_many"})
        self.assertEqual((answer.status, answer.code), (409, "images_missing"))
        self.assertIn('"mine" has too few checked images', self.admin.post("/api/v1/preview", deck_of("p", items=12)).body.decode()
                      .replace("\\", ""))

    def test_a_list_that_cannot_be_used_starts_no_session_and_the_log_says_why(self):
        whole = {"format": 1, "model_sha256": self.sha256, "classes": {}}
        for content, why in (
            (None, "No such file"), ("{", "is no JSON"), ({**whole, "format": 2}, "format: must be 1"),
            ({**whole, "model_sha256": "0" * 64}, "is the list of another model"),
            ({**whole, "more": 1}, "more: unknown key"), ({**whole, "classes": {"fracture": [7]}}, "classes.fracture[0]: must be"),
            ({**whole, "classes": {"fracture": ["1", str(2**64)]}}, "classes.fracture[1]: must be"),
            ({**whole, "classes": {"fracture": "1"}}, "classes: must be"),
            ({**whole, "classes": {str(k): [] for k in range(65)}}, "classes: must be at most 64"),
            (" " * (8 << 20) + "{}", "mine.checked.json"),
        ):
            if content is None:
                os.remove(os.path.join(self.models, "mine.checked.json"))
            else:
                self.write(content)
            before = len(self.daemon.log())
            for name in ("passed", "fixed"):
                answer = self.daemon.post("/api/v1/sessions", {"deck": name})
                self.assertEqual((answer.status, answer.code), (409, "deck_unavailable"), content)
                self.assertNotIn(self.models, answer.body.decode())
            self.assertIn(why, self.daemon.log()[before:])
            self.assertEqual(len(self.drawn(Learner(self.daemon, "open"))), 4)

    def test_an_exclusion_moves_no_other_image(self):
        deck = deck_of("mine", draw={"mode": "fixed", "seed": "9"}, items=6)
        self.assertEqual(self.admin.post("/api/v1/decks", deck).status, 201)
        before = self.drawn(Learner(self.daemon, "mine"))
        deck["exclude"] = [{"class": before[2][0], "seed": before[2][1]}]
        self.assertEqual(self.admin.post("/api/v1/decks/mine", deck, **{"If-Match": '"1"'}).status, 200)
        after = self.drawn(Learner(self.daemon, "mine"))
        self.assertEqual([n for n in range(6) if before[n] != after[n]], [2])
        self.assertNotIn(before[2], after)
        self.assertEqual(before[2][0], after[2][0])

    def test_a_preview_shows_checked_images_and_the_deck_reads_back(self):
        items = self.admin.post("/api/v1/preview", deck_of("p")).json["items"]
        self.assertLessEqual({item["seed"] for item in items}, ALL)
        self.assertEqual(self.admin.get("/api/v1/decks/passed").json["sources"][0]["checked"], True)

    def test_what_a_learner_gets_says_nothing_of_the_list(self):
        checked, plain = (Learner(self.daemon, name) for name in ("passed", "open"))
        for learner in (checked, plain):
            answers = [learner.item(1), learner.image(1)]
            text = " ".join(str(dict(answer.headers)) for answer in answers) + answers[0].body.decode()
            self.assertNotIn("checked", text)
            self.assertFalse([seed for seed in ALL if seed in text])
        self.assertEqual(checked.item(2).json["item"].keys(), plain.item(2).json["item"].keys())
        for path in ("/mine.checked.json", "/models/mine.checked.json", "/api/v1/models/mine.checked.json",
                     "/api/v1/models/mine.checked/card"):
            self.assertIn(self.daemon.request("GET", path, check=False).status, (401, 404))
        self.assertNotIn("checked", self.daemon.get("/api/v1/decks").body.decode())


if __name__ == "__main__":
    unittest.main()
