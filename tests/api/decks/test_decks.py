"""Decks of format 2: what they draw, how they ask, what they tell, and what of it is on record."""

import functools
import json
import os
import sqlite3
import sys
import time
import unittest
import uuid

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from daemon import Daemon, DaemonTest, Learner, deck, deck_of, need_checkpoint, source  # noqa: E402

SOURCE = source()
CHOICES = [{"id": "nothing", "label": "Nothing"}, {"id": "broken", "label": "Broken"}]
deck_2 = functools.partial(deck_of, choices=CHOICES)
PICKS = [{"class": "fracture", "seed": "11", "strength": 0.5},
         {"class": "no_fracture", "seed": "18446744073709551615"},
         {"class": "fracture", "seed": "12", "strength": 0.75, "truncation": 0.25}]


class Drawing(DaemonTest):
    decks = [
        deck_2("fixed", draw={"mode": "fixed", "seed": "5"}),
        deck_2("fresh"),
        deck_2("ranges", items=20, sources=[{**SOURCE, "strength": [0.25, 0.75], "truncation": 0.5}]),
        deck_2("pairs", items=8, pairs=True),
        deck_2("list", list=PICKS, order={"rule": "given"}, items=None, prevalence=None),
        deck_2("easy", list=PICKS, order={"rule": "easy_first"}, items=None, prevalence=None),
    ]

    def items(self, learner):
        return [tuple(row) for row in self.daemon.rows(
            "SELECT class, truth, seed, strength, truncation, pair FROM items WHERE session_id = ? ORDER BY n",
            learner.id)]

    def test_a_fixed_deck_shows_everyone_the_same_images_in_the_same_order_under_other_names(self):
        one, other = Learner(self.daemon, "fixed"), Learner(self.daemon, "fixed")
        self.assertEqual(self.items(one), self.items(other))
        self.assertNotEqual(one.item(1).json["item"]["image"], other.item(1).json["item"]["image"])
        self.assertEqual(one.image(1).body, other.image(1).body)

    def test_a_fresh_deck_shows_nobody_what_another_sees(self):
        seeds = [item[2] for _ in range(5) for item in self.items(Learner(self.daemon, "fresh"))]
        self.assertEqual(len(set(seeds)), 20)

    def test_the_truth_is_the_choice_that_the_class_stands_for(self):
        learner = Learner(self.daemon, "fresh")
        for n, (name, truth, *_) in enumerate(self.items(learner), 1):
            self.assertEqual(truth, {"fracture": "broken", "no_fracture": "nothing"}[name])
            answer = learner.answer(n, "broken").json
            self.assertEqual((answer["feedback"]["truth"], answer["feedback"]["correct"]), (truth, truth == "broken"))
        self.assertEqual(learner.summary().json["summary"]["correct"], 2)
        row = [row for row in self.daemon.export() if row["session_id"] == learner.id][0]
        self.assertEqual((row["class_label"], row["truth"]), self.items(learner)[0][:2])

    def test_what_was_drawn_from_a_range_is_on_record(self):
        items = self.items(Learner(self.daemon, "ranges"))
        self.assertTrue(all(0.25 <= item[3] < 0.75 and item[4] == 0.5 for item in items))
        self.assertEqual(len({item[3] for item in items}), 20)

    def test_pairs_are_one_seed_with_both_classes(self):
        items = self.items(Learner(self.daemon, "pairs"))
        for pair in range(1, 5):
            seeds = {item[2] for item in items if item[5] == pair}
            self.assertEqual(sorted(item[0] for item in items if item[5] == pair), ["fracture", "no_fracture"])
            self.assertEqual(len(seeds), 1)

    def test_the_sample_of_a_pair_is_told_when_both_of_its_images_are_answered(self):
        learner = Learner(self.daemon, "pairs")
        pairs = [item[5] for item in self.items(learner)]
        for n, pair in enumerate(pairs, 1):
            told = learner.answer(n, "broken").json["feedback"]["sample"]
            self.assertEqual(told is not None, pair in pairs[:n - 1])
        self.assertTrue(all(learner.item(n).json["item"]["feedback"]["sample"] for n in range(1, 9)))

    def test_a_list_is_shown_as_given_or_by_falling_strength(self):
        given = [("fracture", "broken", "11", 0.5, 1.0, None),
                 ("no_fracture", "nothing", str(2**64 - 1), 1.0, 1.0, None),
                 ("fracture", "broken", "12", 0.75, 0.25, None)]
        self.assertEqual(self.items(Learner(self.daemon, "list")), given)
        self.assertEqual(self.items(Learner(self.daemon, "easy")), [given[1], given[2], given[0]])
        self.assertEqual(Learner(self.daemon, "list").deck["items"], 3)

    def test_the_public_deck_tells_nothing_of_the_drawing(self):
        for public in self.daemon.get("/api/v1/decks").json["decks"]:
            self.assertEqual(set(public), {"id", "title", "description", "question", "choices", "rating", "feedback",
                                           "time_limit_s", "items", "images", "models", "order", "mastery"})


class Asking(DaemonTest):
    decks = [
        deck_2("buttons", rating="two_buttons"),
        deck_2("right", feedback="correct"),
        deck_2("exam", feedback="none"),
        deck_2("timed", time_limit_s=3),
        deck("old", feedback="none"),
    ]

    def test_two_buttons_take_no_confidence_and_are_the_ends_of_the_scale(self):
        learner = Learner(self.daemon, "buttons")
        body = {"key": "00000000-0000-4000-8000-000000000001", "item": 1, "choice": "broken", "response_ms": 10}
        refused = self.daemon.post(learner.url + "/answers", {**body, "confidence": 2}, learner.secret)
        self.assertEqual((refused.status, refused.code), (400, "malformed_request"))
        self.assertEqual(self.daemon.post(learner.url + "/answers", body, learner.secret).json["answer"]["rating"], 6)
        other = {**body, "key": body["key"][:-1] + "2", "item": 2, "choice": "nothing"}
        self.assertEqual(self.daemon.post(learner.url + "/answers", other, learner.secret).json["answer"]["rating"], 1)

    def test_confidence_is_needed_where_it_is_asked_for(self):
        learner = Learner(self.daemon, "right")
        body = {"key": "00000000-0000-4000-8000-000000000001", "item": 1, "choice": "broken", "response_ms": 10}
        self.assertEqual(self.daemon.post(learner.url + "/answers", body, learner.secret).status, 400)

    def test_feedback_tells_what_the_deck_says(self):
        right = Learner(self.daemon, "right").answer(1, "broken").json
        exam = Learner(self.daemon, "exam").answer(1, "broken").json
        self.assertEqual((right["feedback"]["truth"], type(right["feedback"]["correct"])), (None, bool))
        self.assertEqual(right["progress"]["correct"], int(right["feedback"]["correct"]))
        self.assertEqual((exam["feedback"], exam["progress"]["correct"]), (None, None))

    def test_an_answer_after_the_time_limit_is_kept_and_marked(self):
        learner = Learner(self.daemon, "timed")
        self.assertEqual(learner.deck["time_limit_s"], 3)
        answers = ((1, 2900, {}), (2, 3100, {}), (3, 3100, {"timed_out": False}), (4, 2999, {"timed_out": True}))
        for n, response_ms, claim in answers:
            self.assertEqual(learner.answer(n, "broken", response_ms=response_ms, **claim).status, 201)
        rows = [row for row in self.daemon.export() if row["session_id"] == learner.id]
        self.assertEqual([row["timed_out"] for row in rows], ["0", "1", "1", "1"])

    def test_the_server_keeps_how_long_the_item_was_there_by_its_own_clock(self):
        learner = Learner(self.daemon, "timed")
        began = time.monotonic()
        learner.answer(1, "broken")
        time.sleep(0.3)
        learner.answer(2, "broken", response_ms=10)
        most = (time.monotonic() - began) * 1000 + 50
        first, second = [float(row["at_item_ms"]) for row in self.daemon.export() if row["session_id"] == learner.id]
        self.assertGreaterEqual(first, 0)
        self.assertTrue(300 <= second <= most, (second, most))

    def test_an_older_answer_that_comes_again_moves_no_clock(self):
        learner = Learner(self.daemon, "timed")
        key = str(uuid.uuid4())
        self.assertEqual((learner.answer(1, "broken", key=key).status, learner.answer(2, "broken").status), (201, 201))
        time.sleep(0.3)
        self.assertEqual(learner.answer(1, "broken", key=key).status, 200)
        learner.answer(3, "broken")
        third = [float(row["at_item_ms"]) for row in self.daemon.export() if row["session_id"] == learner.id][2]
        self.assertGreaterEqual(third, 300)

    def test_the_keys_of_before_are_still_read(self):
        learner = Learner(self.daemon, "old")
        self.assertEqual((learner.deck["rating"], learner.deck["time_limit_s"]), ("confidence", 0))
        self.assertEqual(learner.answer(1, "fracture").status, 201)


class Restart(unittest.TestCase):
    def test_a_session_goes_on_under_the_deck_that_it_started_with(self):
        need_checkpoint()
        daemon = Daemon([deck_2("hips")])
        self.addCleanup(daemon.close)
        learner = Learner(daemon, "hips")
        key = str(uuid.uuid4())
        learner.answer(1, "broken", key=key)
        daemon.stop()
        again = Daemon([deck_2("hips", rating="two_buttons", question="Other?")], folder=daemon.folder)
        self.addCleanup(again.close)
        learner.daemon = again
        self.assertEqual(learner.item(2).json["item"]["question"], "Is there a fracture?")
        self.assertEqual(learner.answer(1, "broken", key=key).status, 200)  # as its reply was lost
        self.assertEqual(learner.answer(2, "broken", confidence=1).json["answer"]["rating"], 4)
        rows = [row for row in again.export() if row["session_id"] == learner.id]
        self.assertEqual(rows[1]["at_item_ms"], "")  # the clock began with this process

    def test_a_session_of_an_older_database_goes_on_though_its_deck_has_the_keys_of_before(self):
        need_checkpoint()
        daemon = Daemon([deck()])
        self.addCleanup(daemon.close)
        learner = Learner(daemon)
        daemon.stop()
        connection = sqlite3.connect(daemon.db)
        with connection:
            connection.execute("DROP TRIGGER deck_versions_never_change")
            connection.execute("UPDATE deck_versions SET definition = ?",
                               (json.dumps({**deck(), "strength": 1.0, "truncation": 1.0}),))
        connection.close()
        learner.daemon = Daemon([deck()], folder=daemon.folder)
        self.addCleanup(learner.daemon.close)
        self.assertEqual(learner.item(1).json["item"]["question"], "Is there a fracture?")
        self.assertEqual(learner.answer(1).status, 201)
        self.assertEqual(learner.summary().json["summary"]["answered"], 1)


if __name__ == "__main__":
    unittest.main()
