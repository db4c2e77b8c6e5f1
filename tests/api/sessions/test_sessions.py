"""The drill over HTTP: sessions, items, images, answers, summary, export."""

import concurrent.futures
import hashlib
import os
import re
import sqlite3
import statistics
import sys
import time
import unittest
import uuid

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from daemon import Daemon, DaemonTest, Learner, deck, need_checkpoint, png_chunks, png_header  # noqa: E402


def truths(daemon, learner):
    """The classes of the learner's items, from the database."""
    rows = daemon.rows("SELECT class FROM items WHERE session_id = ? ORDER BY n", learner.id)
    return [row["class"] for row in rows]


def z(p):
    return statistics.NormalDist().inv_cdf(p)


class Drill(DaemonTest):
    def test_a_drill_of_ten_is_in_the_database_and_the_export_as_it_was_answered(self):
        learner = Learner(self.daemon)
        given = []
        for n in range(1, 11):
            image = learner.image(n)
            choice, confidence = ("fracture", "no_fracture")[n % 2], 1 + n % 3
            answer = learner.answer(n, choice, confidence, response_ms=1000.25 + n)
            self.assertEqual(answer.status, 201)
            rating = 3 + confidence if choice == "fracture" else 4 - confidence
            self.assertEqual(answer.json["answer"]["rating"], rating)
            self.assertEqual(answer.json["progress"]["answered"], n)
            given.append((n, choice, confidence, rating, 1000.25 + n, hashlib.sha256(image.body).hexdigest()))
        rows = self.daemon.rows("SELECT a.*, i.class, i.seed, i.image_sha256 FROM answers a JOIN items i ON"
                                " i.session_id = a.session_id AND i.n = a.item WHERE a.session_id = ? ORDER BY item",
                                learner.id)
        self.assertEqual([(r["item"], r["choice"], r["confidence"], r["rating"], r["response_ms"], r["image_sha256"])
                          for r in rows], given)
        exported = [row for row in self.daemon.export() if row["session_id"] == learner.id]
        self.assertEqual(len(exported), 10)
        for row, cells in zip(rows, exported):
            self.assertEqual(cells["deck_id"], "default")
            self.assertEqual((int(cells["item"]), cells["choice"], int(cells["rating"])),
                             (row["item"], row["choice"], row["rating"]))
            self.assertEqual((cells["seed"], cells["class_label"], cells["truth"]),
                             (row["seed"], row["class"], row["class"]))
            self.assertEqual(cells["correct"], str(int(row["choice"] == row["class"])))
            self.assertEqual(float(cells["response_ms"]), row["response_ms"])
            self.assertEqual(cells["received_at"], row["received_at"])
            self.assertEqual((cells["model_sha256"], cells["training_data"]),
                             (self.model["sha256"], self.model["training_data"]))
            self.assertEqual(cells["image_sha256"], row["image_sha256"])

    def test_half_of_the_items_are_fractures_and_their_order_varies(self):
        orders = set()
        for _ in range(6):
            classes = truths(self.daemon, Learner(self.daemon))
            self.assertEqual(classes.count("fracture"), 5)
            orders.add(tuple(classes))
        self.assertGreater(len(orders), 1)

    def test_feedback_and_progress_agree_with_the_truth(self):
        learner, correct = Learner(self.daemon), 0
        for n, truth in enumerate(truths(self.daemon, learner), 1):
            answer = learner.answer(n, "fracture").json
            correct += truth == "fracture"
            self.assertEqual((answer["feedback"]["truth"], answer["feedback"]["correct"]), (truth, truth == "fracture"))
            self.assertEqual(answer["progress"], {"answered": n, "of": 10, "correct": correct, "mastery_hits": None,
                                                  "finished": n == 10})

    def test_the_summary_is_what_its_formulas_say(self):
        learner = Learner(self.daemon)
        classes, trials = truths(self.daemon, learner), []
        nothing_yet = learner.summary().json["summary"]["score"]
        self.assertEqual((nothing_yet["accuracy"]["value"], nothing_yet["auc"]["gap"]), (None, "too_few"))
        for n, truth in enumerate(classes, 1):
            right = n % 4 != 0
            choice = truth if right else {"fracture": "no_fracture", "no_fracture": "fracture"}[truth]
            answer = learner.answer(n, choice, 1 + n % 3, response_ms=100.0 * n)
            trials.append((truth == "fracture", answer.json["answer"]["rating"], right))
        summary = learner.summary().json["summary"]
        signals = [rating for signal, rating, _ in trials if signal]
        noises = [rating for signal, rating, _ in trials if not signal]
        auc = sum((s > n) + (s == n) / 2 for s in signals for n in noises) / (len(signals) * len(noises))
        hits, alarms = sum(r >= 4 for r in signals), sum(r >= 4 for r in noises)
        hit, alarm = (hits + 0.5) / (len(signals) + 1), (alarms + 0.5) / (len(noises) + 1)
        score = summary["score"]
        for name, value in (("auc", auc), ("d_prime", z(hit) - z(alarm)), ("criterion", -(z(hit) + z(alarm)) / 2),
                            ("accuracy", 0.8), ("sensitivity", hits / len(signals)),
                            ("specificity", 1 - alarms / len(noises))):
            self.assertAlmostEqual(score[name]["value"], value, 9, name)
            if score[name]["gap"] is None:
                self.assertLess(score[name]["low"], score[name]["high"], name)
                self.assertTrue(score[name]["low"] <= score[name]["value"] <= score[name]["high"], name)
        self.assertEqual(score["counts"], {"hits": hits, "misses": len(signals) - hits, "false_alarms": alarms,
                                           "correct_rejections": len(noises) - alarms})
        self.assertEqual((score["roc"][0]["rating"], score["roc"][-1]["hits"]), (None, 1))
        self.assertEqual((summary["correct"], summary["answered"], summary["of"]), (8, 10, 10))
        self.assertEqual((summary["median_response_ms"], score["response_ms"]["all"]["median"]), (550, 550))
        self.assertEqual((score["response_ms"]["right"]["count"], score["response_ms"]["wrong"]["count"]), (8, 2))
        self.assertEqual((score["learning_curve"]["average"], score["learning_curve"]["gap"]), ([], "too_few"))
        self.assertEqual([item["truth"] for item in summary["items"]], classes)
        self.assertTrue(learner.daemon.get(learner.url, learner.secret).json["session"]["finished"])

    def test_images_are_made_before_they_are_asked_for(self):
        daemon = Daemon()
        self.addCleanup(daemon.close)
        learner = Learner(daemon)
        urls = [learner.item(n).json["item"]["image"] for n in (1, 2)]
        self.wait_for_images(daemon, 4)  # three from the start, and the one three after item 1
        for url in urls:
            self.assertEqual(daemon.get(url).status, 200)
        self.assertEqual(daemon.metric("roentgymd_images_from_cache_total"), 2)
        self.wait_for_images(daemon, 5)
        self.assertEqual(daemon.metric("roentgymd_images_made_total"), 5)

    def test_images_are_made_ahead_in_the_size_that_the_learner_asks_for(self):
        daemon = Daemon()
        self.addCleanup(daemon.close)
        learner = Learner(daemon)
        side = daemon.get("/api/v1/models").json["models"][0]["sizes"][0]
        urls = [learner.item(n).json["item"]["image"] + f"?size={side}" for n in (1, 2)]
        self.wait_for_images(daemon, 4)
        daemon.get(urls[0])
        self.wait_for_images(daemon, 8)  # item 1 and the three after it, small
        daemon.get(urls[1])
        self.assertEqual(daemon.metric("roentgymd_images_from_cache_total"), 1)

    def wait_for_images(self, daemon, count):
        for _ in range(2000):
            if daemon.metric("roentgymd_images_made_total") >= count:
                return
            time.sleep(0.05)
        self.fail(f"{count} images were not made")

    def test_a_session_goes_on_after_a_restart(self):
        daemon = Daemon()
        self.addCleanup(daemon.close)
        learner = Learner(daemon)
        learner.answer(1)
        image = learner.image(2).body
        daemon.stop()
        learner.daemon = again = Daemon(folder=daemon.folder)
        self.addCleanup(again.close)
        session = again.get(learner.url, learner.secret).json["session"]
        self.assertEqual((session["answered"], session["finished"]), ([1], False))
        self.assertEqual(learner.image(2).body, image)
        self.assertEqual(learner.answer(2).json["progress"]["answered"], 2)


class Secrecy(DaemonTest):
    def test_nothing_before_the_answer_holds_class_seed_or_prevalence(self):
        learner = Learner(self.daemon)
        seen = [self.daemon.get(learner.url, learner.secret), learner.summary()]
        for n in (1, 2):
            item = learner.item(n)
            image = self.daemon.get(item.json["item"]["image"])
            seen += [item, image]
        rows = self.daemon.rows("SELECT * FROM items WHERE session_id = ?", learner.id)
        for answer in seen:
            text = repr(answer.headers.items()).encode() + answer.body
            self.assertNotIn(b"prevalence", text)
            self.assertNotIn(b"truth\":\"", text.replace(b'"feedback":"truth"', b""))
            for row in rows:
                self.assertNotIn(row["seed"].encode(), text)

    def test_images_of_both_classes_look_the_same_from_outside(self):
        learner, heads = Learner(self.daemon), {}
        for n, truth in enumerate(truths(self.daemon, learner), 1):
            image = learner.image(n)
            chunks = png_chunks(image.body)
            self.assertEqual([kind for kind, _ in chunks], ["IHDR", "IDAT", "IEND"])
            self.assertEqual(png_header(image.body)[2:], (8, 0))
            self.assertEqual(image.headers["Cache-Control"], "private, max-age=86400, immutable")
            self.assertIsNone(image.headers["ETag"])
            heads.setdefault(truth, set()).add(
                tuple((k, v) for k, v in image.headers.items() if k not in ("Date", "X-Request-Id")) + (len(image.body),))
            learner.answer(n)
        self.assertEqual(len(heads), 2)
        self.assertEqual(heads["fracture"], heads["no_fracture"])
        self.assertEqual(len(heads["fracture"]), 1)

    def test_image_names_are_random_and_not_shared(self):
        names = set()
        for _ in range(3):
            learner = Learner(self.daemon)
            rows = self.daemon.rows("SELECT image FROM items WHERE session_id = ?", learner.id)
            names |= {row["image"] for row in rows}
        self.assertEqual(len(names), 30)
        self.assertTrue(all(re.fullmatch("[0-9a-f]{48}", name) for name in names))

    def test_the_secret_itself_is_not_stored(self):
        learner = Learner(self.daemon)
        row = self.daemon.rows("SELECT * FROM sessions WHERE id = ?", learner.id)[0]
        self.assertNotIn(learner.secret, [row[key] for key in row.keys()])
        self.assertNotIn(learner.secret, self.daemon.log())
        self.assertNotIn(learner.id, self.daemon.log())
        self.assertNotIn("127.0.0.1", self.daemon.log())

    def test_images_come_smaller_on_request(self):
        url = Learner(self.daemon).item(1).json["item"]["image"]
        side = self.model["sizes"][0]
        self.assertEqual(png_header(self.daemon.get(f"{url}?size={side}").body)[:2], (side, side))
        self.assertEqual(self.daemon.get(url + "?size=7").code, "size_not_offered")
        self.assertEqual(self.daemon.get(url + "?seed=7").status, 400)
        self.assertEqual(self.daemon.get("/api/v1/images/" + "0" * 48 + ".png").code, "unknown_image")


class NoFeedback(DaemonTest):
    decks = [deck(feedback="none", items=4), deck("skewed", items=10, prevalence=0.1)]

    def test_truths_stay_hidden_until_the_last_answer(self):
        learner = Learner(self.daemon)
        for n in range(1, 5):
            answer = learner.answer(n).json
            self.assertIsNone(answer["feedback"])
            self.assertIsNone(answer["progress"]["correct"])
            summary = learner.summary().json["summary"]
            told = n == 4
            self.assertEqual(summary["correct"] is not None, told)
            self.assertEqual(summary["score"] is not None, told)
            self.assertEqual([item["truth"] is not None for item in summary["items"]], [told] * n)

    def test_a_deck_keeps_its_prevalence(self):
        learner = Learner(self.daemon, "skewed")
        self.assertEqual(truths(self.daemon, learner).count("fracture"), 1)


class Answers(DaemonTest):
    def count(self, learner):
        return self.daemon.rows("SELECT count(*) AS n FROM answers WHERE session_id = ?", learner.id)[0]["n"]

    def test_the_same_key_twice_is_one_row_and_one_reply(self):
        learner, key = Learner(self.daemon), str(uuid.uuid4())
        first = learner.answer(1, key=key)
        learner.answer(2)
        again = learner.answer(1, key=key)
        self.assertEqual((first.status, again.status), (201, 200))
        self.assertEqual(first.body, again.body)
        self.assertEqual(self.count(learner), 2)

    def test_the_same_key_with_other_content_and_another_key_for_the_item_are_refused(self):
        learner, key = Learner(self.daemon), str(uuid.uuid4())
        learner.answer(1, key=key)
        for change in ({"choice": "no_fracture"}, {"confidence": 3}, {"response_ms": 1.0}):
            self.assertEqual(learner.answer(1, key=key, **change).code, "key_reused")
        self.assertEqual(learner.answer(2, key=key).code, "key_reused")
        refused = learner.answer(1)
        self.assertEqual((refused.status, refused.code), (409, "already_answered"))
        self.assertEqual(self.count(learner), 1)

    def test_many_equal_requests_at_once_are_one_row(self):
        learner, key = Learner(self.daemon), str(uuid.uuid4())
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(lambda _: learner.answer(1, key=key), range(24)))
        self.assertEqual(sorted(answer.status for answer in answers), [200] * 23 + [201])
        self.assertEqual(len({answer.body for answer in answers}), 1)
        self.assertEqual(self.count(learner), 1)

    def test_many_different_keys_at_once_are_one_row(self):
        learner = Learner(self.daemon)
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(lambda _: learner.answer(1), range(16)))
        self.assertEqual(sorted(answer.status for answer in answers), [201] + [409] * 15)
        self.assertEqual(self.count(learner), 1)

    def test_items_open_two_ahead_and_in_any_order_among_these(self):
        learner = Learner(self.daemon)
        for call in (learner.item, learner.answer):
            refused = call(3)
            self.assertEqual((refused.status, refused.code), (409, "item_locked"))
        self.assertEqual(learner.answer(2).status, 201)
        self.assertEqual(learner.item(3).status, 200)
        self.assertEqual(learner.item(4).status, 409)
        self.assertEqual(learner.answer(1).status, 201)
        self.assertTrue(learner.item(1).json["item"]["answered"])
        session = self.daemon.get(learner.url, learner.secret).json["session"]
        self.assertEqual(session["answered"], [1, 2])

    def test_items_outside_the_deck_do_not_exist(self):
        learner = Learner(self.daemon)
        for n in ("0", "11", "-1", "x", "1.0", "99999999999999999999"):
            self.assertEqual(learner.item(n).code, "unknown_item")

    def test_a_finished_session_takes_no_more_answers(self):
        learner = Learner(self.daemon)
        for n in range(1, 11):
            self.assertEqual(learner.answer(n).status, 201)
        self.assertEqual(learner.answer(10).code, "already_answered")
        self.assertEqual(learner.answer(11).code, "out_of_range")
        self.assertEqual(self.count(learner), 10)

    def test_unknown_and_foreign_sessions_are_refused(self):
        learner, other = Learner(self.daemon), Learner(self.daemon)
        for secret in (other.secret, "x", "", learner.secret + " ", learner.secret.upper() + "0"):
            learner_secret, learner.secret = learner.secret, secret
            for call in (lambda: learner.answer(1), lambda: learner.item(1), learner.summary):
                refused = call()
                self.assertEqual((refused.status, refused.headers["WWW-Authenticate"]), (401, "Bearer"))
            learner.secret = learner_secret
        learner.url = "/api/v1/sessions/" + "0" * 32
        for call in (lambda: learner.answer(1), lambda: learner.item(1), learner.summary):
            self.assertEqual(call().code, "unknown_session")
        self.assertEqual(self.count(learner), 0)

    def test_wrong_values_and_types_are_refused_and_change_nothing(self):
        learner = Learner(self.daemon)
        key = str(uuid.uuid4())
        good = {"key": key, "item": 1, "choice": "fracture", "confidence": 1, "response_ms": 1.5}
        out_of_range = [{"item": 0}, {"item": 11}, {"item": 2**63 - 1}, {"choice": "sprain"}, {"choice": ""},
                        {"confidence": 0}, {"confidence": 4}, {"response_ms": -1}, {"response_ms": 1e9},
                        {"key": "x"}, {"key": key.replace("-", "x")}, {"key": key + "0"}]
        malformed = [{"item": "1"}, {"item": 1.5}, {"item": None}, {"choice": 1}, {"confidence": True},
                     {"response_ms": "1"}, {"key": 5}, {"extra": 1}, {"item": 2**64}]
        for change in out_of_range:
            with self.subTest(change=change):
                answer = self.daemon.post(learner.url + "/answers", {**good, **change}, learner.secret)
                self.assertEqual((answer.status, answer.code), (422, "out_of_range"))
        for change in malformed:
            with self.subTest(change=change):
                answer = self.daemon.post(learner.url + "/answers", {**good, **change}, learner.secret)
                self.assertEqual(answer.status, 400)
        for name in good:
            with self.subTest(missing=name):
                answer = self.daemon.post(learner.url + "/answers", {k: v for k, v in good.items() if k != name},
                                          learner.secret)
                self.assertEqual((answer.status, answer.code), (400, "malformed_request"))
                self.assertIn(name, answer.json["error"]["message"])
        for body in ("", "{", "nonsense", "[]", "null", '{"key":"\ud800"}'.encode("utf-8", "surrogatepass"), b"\xff"):
            with self.subTest(body=body):
                self.assertEqual(self.daemon.post(learner.url + "/answers", body, learner.secret).status, 400)
        self.assertEqual(self.count(learner), 0)
        self.assertEqual(self.daemon.post(learner.url + "/answers", good, learner.secret).status, 201)

    CONTEXT = {"timed_out": False, "blur_ms": 12.5, "viewer_actions": [{"at": 3, "do": "zoom", "to": 2.5}],
               "wl_centre": 120.5, "wl_width": 255, "zoom_max": 2.5, "viewport_px": "1280x720", "dpr": 1.5,
               "input_type": "keyboard", "ui_version": "1.2.0-rc.1"}

    def test_what_the_page_tells_about_an_answer_is_kept_and_exported(self):
        learner, key = Learner(self.daemon), str(uuid.uuid4())
        self.assertEqual(learner.answer(1, key=key, **self.CONTEXT).status, 201)
        self.assertEqual(learner.answer(1, key=key, **self.CONTEXT).status, 200)
        self.assertEqual(learner.answer(2, blur_ms=0).status, 201)
        self.assertEqual(learner.answer(3).status, 201)
        first, second, third = [row for row in self.daemon.export() if row["session_id"] == learner.id]
        for name, value in self.CONTEXT.items():
            cell = {"timed_out": "0", "viewer_actions": '[{"at":3,"do":"zoom","to":2.5}]'}.get(name, str(value))
            self.assertIn(first[name], (cell, cell + ".0"), name)
            self.assertEqual(second[name], "0.0" if name == "blur_ms" else "", name)
            self.assertEqual(third[name], "", name)
        self.assertEqual([row["prev_item"] for row in (first, second, third)], ["", "1", "2"])
        self.assertEqual({(row["deck_version"], row["prior_exposures"]) for row in (first, second, third)}, {("1", "")})
        rows = self.daemon.rows("SELECT count(*) AS n FROM answer_context c JOIN answers a ON a.id = c.answer_id"
                                " WHERE a.session_id = ?", learner.id)
        self.assertEqual(rows[0]["n"], 2)

    def test_wrong_context_is_refused_and_changes_nothing(self):
        learner = Learner(self.daemon)
        out_of_range = [{"blur_ms": -1}, {"blur_ms": 1e9}, {"wl_centre": 1e7}, {"wl_width": 0}, {"zoom_max": 0},
                        {"dpr": 0}, {"viewport_px": "0x7"}, {"viewport_px": "1280"}, {"viewport_px": "99999x1"},
                        {"viewport_px": "12x34x5"}, {"input_type": "mind"}, {"input_type": ""}, {"ui_version": ""},
                        {"ui_version": "=1+1"}, {"ui_version": "1" * 41}, {"viewer_actions": [1]},
                        {"viewer_actions": [{"x": "y" * 9000}]}, {"viewer_actions": [{"x": ";=1+1"}]},
                        {"viewer_actions": [{"x": [{"I am Jane": 1}]}]}, {"viewer_actions": [{"\u2028": 1}]}]
        malformed = [{"timed_out": 1}, {"blur_ms": "1"}, {"viewer_actions": {}}, {"dpr": None}, {"input_type": 1}]
        for changes, status in ((out_of_range, 422), (malformed, 400)):
            for change in changes:
                with self.subTest(change=change):
                    self.assertEqual(learner.answer(1, **change).status, status)
        self.assertEqual(self.count(learner), 0)

    def test_unknown_decks_are_refused(self):
        before = self.daemon.rows("SELECT count(*) AS n FROM sessions")[0]["n"]
        self.assertEqual(self.daemon.post("/api/v1/sessions", {"deck": "other"}).code, "unknown_deck")
        self.assertEqual(self.daemon.post("/api/v1/sessions", {}).status, 400)
        self.assertEqual(self.daemon.post("/api/v1/sessions", {"deck": 1}).status, 400)
        self.assertEqual(self.daemon.rows("SELECT count(*) AS n FROM sessions")[0]["n"], before)


class Export(DaemonTest):
    def test_only_the_admin_token_opens_the_export(self):
        path = "/api/v1/export/responses.csv"
        self.assertEqual(self.daemon.get(path).status, 401)
        self.assertEqual(self.daemon.get(path, "0" * 64).code, "wrong_token")
        self.assertEqual(self.daemon.get(path, Learner(self.daemon).secret).status, 401)

    def test_more_answers_than_one_page_come_out_once_each(self):
        daemon = Daemon([deck(items=1)])
        self.addCleanup(daemon.close)
        Learner(daemon).answer(1)
        connection = sqlite3.connect(daemon.db)
        with connection:  # 1,500 sessions more, copies of the first
            for table, columns in (("sessions", "secret_sha256, deck_version_id, server_version, created_at"),
                                   ("session_models", "place, model_id"),
                                   ("items", "n, class, seed, strength, truncation"),
                                   ("answers", "item, key, choice, confidence, rating, correct, response_ms,"
                                               " received_at")):
                name = "id" if table == "sessions" else "session_id"
                more = ", image" if table == "items" else ""
                value = ", printf('%048x', k)" if more else ""
                connection.execute(f"WITH RECURSIVE copy (k) AS (SELECT 1 UNION ALL SELECT k + 1 FROM copy"
                                   f" WHERE k < 1500) INSERT INTO {table} ({name}, {columns}{more})"
                                   f" SELECT printf('%032x', k), {columns}{value} FROM copy, {table}")
        connection.close()
        exported = [row["session_id"] for row in daemon.export()]
        self.assertEqual(exported[:1500], [f"{k:032x}" for k in range(1, 1501)])
        self.assertEqual(len(exported), 1501)


class OtherModel(unittest.TestCase):
    def test_a_session_of_another_checkpoint_gets_no_wrong_picture(self):
        need_checkpoint()
        daemon = Daemon()
        self.addCleanup(daemon.close)
        learner = Learner(daemon)
        url = learner.item(1).json["item"]["image"]
        daemon.stop()
        connection = sqlite3.connect(daemon.db)
        with connection:
            connection.execute("UPDATE models SET sha256 = ?", ("0" * 64,))
        connection.close()
        again = Daemon(folder=daemon.folder)
        self.addCleanup(again.close)
        answer = again.get(url)
        self.assertEqual((answer.status, answer.code), (410, "model_gone"))


if __name__ == "__main__":
    unittest.main()
