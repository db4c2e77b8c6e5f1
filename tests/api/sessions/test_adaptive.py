"""Decks that decide each image after the answer before: adaptive order, staircase, mastery. Learners are simulated:
they look up in the database what an image shows."""

import functools
import json
import math
import os
import random
import statistics
import sys
import threading
import time
import unittest
import uuid

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from checkpoints import FolderTest  # noqa: E402
from daemon import Learner, deck_of, source  # noqa: E402
from library_data import library, make  # noqa: E402

CLASSES = ("n1", "n2", "y1", "y2", "y3")
SOURCE = source(classes={"no": ["n1", "n2"], "yes": ["y1", "y2", "y3"]})
FIXED = {"mode": "fixed", "seed": "7"}
THRESHOLD = 0.4


deck = functools.partial(deck_of, items=40, sources=[SOURCE], rating="two_buttons")
PICKS = [{"class": name, "seed": str(seed)} for name in CLASSES for seed in (1, 2)]
STAIRCASE = {"order": {"rule": "staircase"}, "sources": [{**SOURCE, "strength": [0.05, 1]}]}
DECKS = [
    deck("adaptive", order={"rule": "adaptive"}),
    deck("repeatable", order={"rule": "adaptive", "D": 1}, draw=FIXED),
    deck("secret", order={"rule": "adaptive"}, draw=FIXED, feedback="none"),
    deck("staircase", items=50, **STAIRCASE),
    deck("listed", items=24, prevalence=None, list=PICKS, order={"rule": "adaptive"}),
    deck("mastery", mastery={"correct": 4, "of": 5, "within_s": 2}),
    deck("exam", mastery={"correct": 3, "of": 3}, feedback="none"),
    deck("fixed", items=4, draw=FIXED),
]


class Player(Learner):
    """Answers item after item; `knows(row)` tells whether it sees what an item shows."""

    def __init__(self, daemon, name, **more):
        super().__init__(daemon, name, **more)
        self.n, self.replies, self.rows = 0, [], []

    def row(self, n):
        (row,) = self.daemon.rows("SELECT * FROM items WHERE session_id = ? AND n = ?", self.id, n)
        return row

    def play(self, knows=lambda row: True, count=200, response_ms=lambda row: 3000):
        """Until the end, or `count` answers more."""
        while count and not (self.replies and self.replies[-1]["progress"]["finished"]):
            count -= 1
            self.n += 1
            row = self.row(self.n)
            self.rows.append(row)
            wrong = {"no": "yes", "yes": "no"}[row["truth"]]
            self.answer_with(row["truth"] if knows(row) else wrong, response_ms(row))
        return self

    def answer_with(self, choice, response_ms, key=None):
        self.body = {"key": key or str(uuid.uuid4()), "item": self.n, "choice": choice, "response_ms": response_ms}
        reply = self.daemon.post(self.url + "/answers", self.body, self.secret)
        assert reply.status in (200, 201), reply.body
        self.replies.append(reply.json)
        return reply

    def items(self):
        return [tuple(row) for row in self.daemon.rows(
            "SELECT class, truth, seed, strength, truncation, schedule_state FROM items WHERE session_id = ?"
            " ORDER BY n", self.id)]


class AdaptiveTest(FolderTest):
    def setUp(self):
        super().setUp()
        self.put("default", 1, classes=CLASSES)
        self.start(DECKS)

    def player(self, name, **more):
        return Player(self.daemon, name, **more)

    def drawn_player(self, name, seed):
        """One whose images, and so what comes of its answers, are the same in every run of the test."""
        made = self.daemon.post("/api/v1/simulated-learners", {"draw_seed": str(seed)}, self.daemon.admin_token())
        return self.player(name, learner=made.json["learner"]["code"])


def mean_gap(rows, name):
    places = [n for n, row in enumerate(rows) if row["class"] == name]
    return statistics.mean(later - sooner for sooner, later in zip(places, places[1:]))


class Adaptive(AdaptiveTest):
    def test_a_summary_beside_an_answer_tells_nothing_before_the_end(self):
        player = self.player("secret")
        early, over = [], threading.Event()

        def ask():
            while not over.is_set():
                told = player.summary().json["summary"]
                if told["finished"] or told["correct"] is not None or told["items"] and told["items"][0]["truth"]:
                    early.append(told["answered"])

        askers = [threading.Thread(target=ask) for _ in range(4)]
        for asker in askers:
            asker.start()
        player.play(count=39)
        over.set()
        for asker in askers:
            asker.join()
        self.assertEqual(early, [])
        self.assertTrue(player.play().summary().json["summary"]["finished"])

    def test_a_category_that_is_missed_comes_back_sooner(self):
        missed, found = [], []
        for seed in range(10):
            rows = self.drawn_player("adaptive", seed).play(lambda row: row["class"] != "y2").rows
            missed.append(mean_gap(rows, "y2"))
            found += [mean_gap(rows, "y1"), mean_gap(rows, "y3")]
        self.assertLess(1.5 * statistics.mean(missed), statistics.mean(found))

    def test_a_category_that_takes_long_comes_back_sooner(self):
        slow, fast = [], []
        for seed in range(10):
            rows = self.drawn_player("adaptive", seed).play(response_ms=lambda row: 9000 if row["class"] == "y1" else 2000).rows
            slow.append(mean_gap(rows, "y1"))
            fast += [mean_gap(rows, "y2"), mean_gap(rows, "y3")]
        self.assertLess(1.2 * statistics.mean(slow), statistics.mean(fast))

    def test_every_image_is_another_and_the_share_is_the_decks(self):
        rows = self.player("adaptive").play(lambda row: row["class"] != "n1").rows
        self.assertEqual(len(rows), 40)
        self.assertEqual(len({row["seed"] for row in rows}), 40)
        self.assertEqual(sum(row["truth"] == "yes" for row in rows), 20)

    def test_the_log_says_what_each_image_was_chosen_by_and_a_log_can_be_played_again(self):
        knows = lambda row: row["class"] in ("y2", "n1")  # noqa: E731
        one, other = (self.player("repeatable").play(knows) for _ in range(2))
        self.assertEqual(one.items(), other.items())
        self.assertNotEqual(one.rows[5]["image"], other.rows[5]["image"])
        self.assertNotEqual(one.items(), self.player("repeatable").play().items())
        log = [row for row in self.daemon.export() if row["session_id"] == one.id]
        self.assertEqual({(row["schedule_rule"], row["draw_seed"]) for row in log}, {("adaptive", "7")})
        last = {}
        for n, row in enumerate(log):
            state = json.loads(row["schedule_state"])
            self.assertEqual(CLASSES[state["category"]], row["class_label"])
            since = n - last[state["category"]][0] if state["category"] in last else None
            self.assertEqual(state["trials_since"], since)
            if since is not None:
                bracket = 1.1 * math.log(3 / 1.7) if last[state["category"]][1] else 20
                self.assertAlmostEqual(state["priority"], 0.1 * (since - 1) * bracket, places=4)
            last[state["category"]] = n, row["correct"] == "1"

    def test_the_numbers_are_told_with_the_session(self):
        self.assertEqual(self.player("repeatable").deck["order"],
                         {"rule": "adaptive", "a": 0.1, "D": 1, "b": 1.1, "r": 1.7, "W": 20, "new": 1})
        self.assertEqual(self.player("staircase").deck["order"],
                         {"rule": "staircase", "strengths": 20, "thresholds": 39, "slopes": [1, 2, 3.5, 6, 10],
                          "lapses": [0.02, 0.06], "guess": 0.5})
        self.assertEqual(self.player("mastery").deck["mastery"], {"correct": 4, "of": 5, "within_s": 2})
        self.assertIsNone(self.player("fixed").deck["order"])

    def test_images_of_a_list_come_back_and_only_their_first_answer_counts(self):
        seen = set()

        def knows(row):
            again = (row["class"], row["seed"]) in seen
            seen.add((row["class"], row["seed"]))
            return again

        player = self.player("listed").play(knows)
        summary = player.summary().json["summary"]
        log = [row for row in self.daemon.export() if row["session_id"] == player.id]
        first = [row["first_attempt"] == "1" for row in log]
        self.assertEqual((len(log), sum(first), len(seen)), (24, len(seen), len(seen)))
        self.assertLess(len(seen), 24)
        self.assertEqual([item["counts"] for item in summary["items"]], first)
        self.assertEqual([row["correct"] == "0" for row in log], first)
        self.assertEqual((summary["correct"], summary["score"]["trials"]), (0, len(seen)))
        self.assertEqual(player.replies[-1]["progress"]["correct"], 0)

    def test_images_of_a_collection_are_not_shown_twice_and_a_category_that_is_used_up_is_passed_over(self):
        data = make(os.path.join(self.daemon.folder, "data"), 12)
        self.assertEqual(library(self.daemon.config_path, "add", data, "--name", "hips").returncode, 0)
        own = {"kind": "library", "model": "default", "collection": "hips", "classes": {"no": ["no_fracture"], "yes": ["fracture"]}}
        token = self.daemon.admin_token()
        saved = self.daemon.post("/api/v1/decks", deck("mixed", items=30, sources=[SOURCE, own],
                                                       order={"rule": "adaptive"}), token)
        self.assertEqual(saved.status, 201, saved.body)
        player = self.player("mixed").play(lambda row: row["source"] == "gan")  # and so misses the library's
        shown = [row["library_image_id"] for row in player.rows if row["source"] == "library"]
        self.assertEqual((len(player.rows), len(shown), len(set(shown))), (30, 6, 6))
        self.assertTrue(all(player.item(n).status == 200 for n in range(1, 31)))
        self.assertEqual(self.daemon.get(player.item(30).json["item"]["image"]).status, 200)

    def test_a_preview_is_an_example(self):
        token = self.daemon.admin_token()
        for name, count in (("adaptive", len(CLASSES)), ("staircase", 50), ("listed", 10)):
            given = next(d for d in DECKS if d["id"] == name)
            self.assertEqual(len(self.daemon.post("/api/v1/preview", given, token).json["items"]), count)


class Secrecy(AdaptiveTest):
    def test_no_answer_changes_whether_the_next_image_shows_the_finding(self):
        right, wrong = self.player("repeatable").play(), self.player("repeatable").play(lambda row: False)
        self.assertEqual([row["truth"] for row in right.rows], [row["truth"] for row in wrong.rows])
        self.assertNotEqual([row["class"] for row in right.rows], [row["class"] for row in wrong.rows])

    def test_all_that_is_told_before_an_answer_is_the_same_whatever_was_answered(self):
        def told(player):
            heard = []
            while player.n < 12:
                item = player.item(player.n + 1)
                heard.append({**item.json["item"], "image": None})
                heard.append((player.item(player.n + 2).status, player.item(player.n + 2).code))
                heard.append(len(self.daemon.get(item.json["item"]["image"]).body))
                heard.append({**player.daemon.get(player.url, player.secret).json["session"], "id": None, "created_at": None})
                player.play(player.knows, 1)
                heard.append({**player.replies[-1], "answer": None})
            return heard

        one, other = self.player("secret"), self.player("secret")
        one.knows, other.knows = (lambda row: True), (lambda row: row["class"] in ("n1", "y1"))
        self.assertEqual(told(one), told(other))
        self.assertEqual(one.summary().json["summary"]["correct"], None)

    def test_the_threshold_is_told_at_the_end_alone(self):
        player = self.player("staircase").play(count=20)
        self.assertIsNone(player.summary().json["summary"]["threshold"])
        self.assertNotIn("strength", json.dumps([[reply["progress"] for reply in player.replies], player.item(21).json]))

    def test_the_item_after_the_open_one_is_not_there_to_be_asked_for(self):
        player = self.player("adaptive")
        for n in range(1, 4):
            self.assertEqual(player.item(n).status, 200)
            ahead = player.item(n + 1)
            self.assertEqual((ahead.status, ahead.code), (409, "item_locked"))
            early = self.daemon.post(player.url + "/answers", {"key": str(uuid.uuid4()), "item": n + 1, "choice": "no",
                                                               "response_ms": 1}, player.secret)
            self.assertEqual((early.status, early.code), (409, "item_locked"))
            player.play(count=1)

    def test_the_image_is_made_while_the_feedback_is_read(self):
        player = self.player("adaptive")
        self.assertEqual(player.image(1).status, 200)
        for n in range(1, 4):
            player.play(count=1)
            until = time.monotonic() + 120
            while self.daemon.metric("roentgymd_images_made_total") < n + 1:
                self.assertLess(time.monotonic(), until)
                time.sleep(0.01)
            found = self.daemon.metric("roentgymd_images_from_cache_total")
            self.assertEqual(player.image(n + 1).status, 200)
            self.assertEqual(self.daemon.metric("roentgymd_images_from_cache_total"), found + 1)


class Staircase(AdaptiveTest):
    def test_it_finds_a_simulated_threshold_within_its_interval_in_most_of_20_runs(self):
        draw, held, means = random.Random(5), 0, []
        for seed in range(20):
            sees = lambda row: draw.random() < 0.5 + 0.48 * (1 - math.exp(-((row["strength"] / THRESHOLD) ** 3)))  # noqa: E731
            player = self.drawn_player("staircase", seed).play(sees)
            threshold = player.summary().json["summary"]["threshold"]
            self.assertEqual(threshold["trials"], 50)
            self.assertLessEqual(threshold["low"], threshold["value"])
            held += threshold["low"] <= THRESHOLD <= threshold["high"]
            means.append(threshold["value"])
        self.assertGreaterEqual(held, 16)
        self.assertLess(abs(statistics.mean(means) - THRESHOLD), 0.07)

    def test_the_strength_that_was_shown_is_on_record_and_follows_the_answers(self):
        able, unable = self.player("staircase").play(), self.player("staircase").play(lambda row: False)
        log = [row for row in self.daemon.export() if row["session_id"] == able.id]
        for row, item in zip(log, able.rows):
            self.assertAlmostEqual(float(row["strength"]), item["strength"], places=12)
        self.assertTrue(all(abs(row["strength"] * 20 - round(row["strength"] * 20)) < 1e-9 for row in able.rows))
        self.assertEqual({row["schedule_rule"] for row in log}, {"staircase"})
        states = [json.loads(row["schedule_state"]) for row in log]
        self.assertTrue(all(s["low"] <= s["threshold"] <= s["high"] for s in states))
        self.assertAlmostEqual(states[0]["threshold"], 0.525)
        self.assertLess(states[-1]["threshold"], states[0]["threshold"])
        self.assertLess(statistics.mean(row["strength"] for row in able.rows[10:]), 0.25)
        self.assertGreater(statistics.mean(row["strength"] for row in unable.rows[10:]), 0.75)


class Mastery(AdaptiveTest):
    def test_it_ends_the_session_as_soon_as_enough_are_right_and_in_time(self):
        player = self.player("mastery").play(count=4, response_ms=lambda row: 2001)
        self.assertEqual(player.replies[-1]["progress"],
                         {"answered": 4, "of": 40, "correct": 4, "mastery_hits": 0, "finished": False})
        player.play(count=3, response_ms=lambda row: 1999)
        player.play(lambda row: False, count=1, response_ms=lambda row: 1999)
        self.assertEqual(player.replies[-1]["progress"]["mastery_hits"], 3)
        player.play(response_ms=lambda row: 1999)
        self.assertEqual(player.replies[-1]["progress"],
                         {"answered": 9, "of": 9, "correct": 8, "mastery_hits": 4, "finished": True})
        after = player.item(10)
        self.assertEqual((after.status, after.code), (409, "session_finished"))
        late = self.daemon.post(player.url + "/answers", {"key": str(uuid.uuid4()), "item": 10, "choice": "no",
                                                          "response_ms": 1}, player.secret)
        self.assertEqual((late.status, late.code), (409, "session_finished"))
        session = self.daemon.get(player.url, player.secret).json["session"]
        self.assertTrue(session["finished"])
        summary = player.summary().json["summary"]
        self.assertEqual((summary["answered"], summary["of"], summary["finished"]), (9, 9, True))

    def test_without_feedback_only_the_end_itself_tells(self):
        player = self.player("exam").play(lambda row: False, count=1).play(count=2)
        self.assertEqual([reply["progress"]["mastery_hits"] for reply in player.replies], [None] * 3)
        self.assertIsNone(player.summary().json["summary"]["score"])
        player.play()
        self.assertEqual(player.n, 4)
        self.assertEqual(player.summary().json["summary"]["correct"], 3)


class Keeping(AdaptiveTest):
    def test_a_repeated_answer_gets_the_first_reply_and_decides_nothing(self):
        player = self.player("adaptive").play(count=3)
        body, first = player.body, player.replies[-1]
        player.play(count=4)
        items = player.items()
        again = self.daemon.post(player.url + "/answers", body, player.secret)
        self.assertEqual((again.status, again.json), (200, first))
        self.assertEqual(player.items(), items)
        self.assertEqual(len(items), 8)

    def test_a_reload_and_another_device_find_the_same_item(self):
        code = self.daemon.post("/api/v1/learners", {}).json["learner"]["code"]
        player = self.player("adaptive", learner=code).play(count=5)
        there = self.daemon.get(player.url + "/items/6", code).json["item"]
        self.assertEqual(there, player.item(6).json["item"])
        self.daemon.stop()
        again = type(self.daemon)(DECKS, folder=self.daemon.folder, models=self.models)
        self.addCleanup(again.close)
        self.daemon = player.daemon = again
        self.assertEqual(there, player.item(6).json["item"])
        self.assertEqual(len(player.play().rows), 40)

    def test_of_two_answers_to_one_item_one_is_kept_and_one_item_follows(self):
        player = self.player("adaptive").play(count=1)
        taken = self.daemon.post(player.url + "/answers", {**player.body, "key": str(uuid.uuid4())}, player.secret)
        self.assertEqual((taken.status, taken.code), (409, "already_answered"))
        self.assertEqual(len(player.items()), 2)

    def test_the_second_time_through_the_same_images_is_on_record_as_such(self):
        code = self.daemon.post("/api/v1/learners", {}).json["learner"]["code"]
        sessions = [self.player("fixed", learner=code).play(lambda row: False), self.player("fixed", learner=code).play(),
                    self.player("fixed").play()]
        log = self.daemon.export()
        firsts = [{row["first_attempt"] for row in log if row["session_id"] == s.id} for s in sessions]
        self.assertEqual(firsts, [{"1"}, {"0"}, {"1"}])
        self.assertEqual(sessions[1].summary().json["summary"]["correct"], 4)  # its own


if __name__ == "__main__":
    unittest.main()
