"""Many checkpoints in the models folder: listed, loaded on demand, pushed out, replaced while they are used."""

import os
import re
import sys
import threading
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from checkpoints import FolderTest, changed, checkpoint, replace  # noqa: E402
from daemon import CHECKPOINT, Daemon, Learner, deck, need_checkpoint  # noqa: E402


class OnDemand(FolderTest):
    def test_every_checkpoint_is_listed_and_loaded_when_it_is_asked_for(self):
        second = self.put("second-2_x", 2, side=128, licence="not for sale")
        for name in ("No id", "UPPER", ".hidden"):
            self.put(name, 3)
        self.start()
        self.assertEqual([model["id"] for model in self.daemon.get("/api/v1/models").json["models"]],
                         ["default", "second-2_x"])
        self.assertEqual(self.model()["state"], "loaded")
        model = self.model("second-2_x")
        self.assertEqual([model[key] for key in ("state", "sha256", "device", "reason", "resolution", "licence")],
                         ["available", None, None, None, 128, "not for sale"])
        answer = self.sample("second-2_x")
        self.assertEqual((answer.status, self.drawn_by(answer)), (200, second))
        model = self.model("second-2_x")
        self.assertEqual((model["state"], model["sha256"]), ("loaded", second))
        self.assertRegex(model["device"], "^cpu ")
        self.assertEqual(len(re.findall("left out", self.daemon.log())), 1)
        self.assertEqual(self.sample("UPPER").code, "unknown_model")

    def test_decks_may_be_on_different_models(self):
        other = self.put("other", 2, classes=("intact", "implant"))
        choices = [{"id": "intact", "label": "No"}, {"id": "implant", "label": "Yes"}]
        self.start([deck(), deck("implants", model="other", choices=choices)])
        for name, sha256 in (("default", self.sha256), ("implants", other)):
            learner = Learner(self.daemon, name)
            self.assertEqual(learner.image(1).status, 200)
            self.assertEqual(self.version_of(learner), sha256)

    def version_of(self, learner):
        return self.daemon.rows("SELECT sha256 FROM models m JOIN session_models s ON s.model_id = m.id WHERE s.session_id = ?",
                                learner.id)[0]["sha256"]

    def put_large(self, name):
        """A model of some MB: the default checkpoint under another name."""
        with open(CHECKPOINT, "rb") as file:
            return replace(self.path(name), changed(file.read(), name=name))

    def test_what_was_used_longest_ago_makes_room(self):
        need_checkpoint()
        for name in ("default", "a", "b", "c"):
            self.put_large(name)
        self.start()
        one = self.model()["memory_bytes"]
        limit = (3 * one + one // 2) >> 20
        self.daemon.stop()
        self.start(model_memory_mb=limit)
        for name in ("a", "default", "b", "default", "c", "a"):
            self.assertEqual(self.sample(name, query="?size=256").status, 200)
            self.assertEqual(self.model(name)["state"], "loaded")
        states = {name: self.model(name)["state"] for name in ("default", "a", "b", "c")}
        self.assertEqual(states, {"default": "loaded", "a": "loaded", "b": "available", "c": "loaded"})
        self.assertEqual(self.daemon.metric("roentgymd_models_loaded"), 3)
        self.assertEqual(self.daemon.metric("roentgymd_model_evictions_total"), 2)
        self.assertLessEqual(self.daemon.metric("roentgymd_model_memory_bytes"), limit << 20)

    def test_a_model_that_is_larger_than_the_limit_says_so(self):
        need_checkpoint()
        self.put_large("large")
        self.start(model_memory_mb=2)
        model = self.model("large")
        self.assertEqual(model["state"], "broken")
        self.assertRegex(model["reason"], r"^needs about \d+ MB, more than the 2 MB of model_memory_mb$")
        refused = self.sample("large")
        self.assertEqual((refused.status, refused.code), (503, "model_unavailable"))
        self.assertGreaterEqual(int(refused.headers["Retry-After"]), 1)
        self.put_large("default")
        with self.assertRaisesRegex(AssertionError, "more than the 2 MB of model_memory_mb"):
            Daemon([deck()], models=self.models, model_memory_mb=2)

    def test_the_key_of_the_old_configuration_is_named(self):
        with self.assertRaisesRegex(AssertionError, "model: is no longer a key: every deck names its own model"):
            Daemon([deck()], models=self.models, model="default")


class Replacing(FolderTest):
    def test_running_sessions_finish_with_their_version_and_new_ones_get_the_new_one(self):
        self.start()
        old = Learner(self.daemon)
        before = old.image(1)
        self.assertEqual(old.answer(1).status, 201)
        new_sha256 = self.put("default", 2)
        self.wait_for_version(new_sha256)
        new = Learner(self.daemon)
        self.assertEqual(new.image(1).status, 200)
        for n in range(2, 5):
            self.assertEqual(old.image(n).status, 200)
            self.assertEqual(old.answer(n).status, 201)
        self.assertEqual(old.image(1).body, before.body)
        self.assertEqual(old.summary().json["summary"]["answered"], 4)
        versions = self.daemon.rows("SELECT s.session_id AS id, sha256 FROM models m JOIN session_models s ON s.model_id = m.id")
        self.assertEqual({row["id"]: row["sha256"] for row in versions}, {old.id: self.sha256, new.id: new_sha256})
        self.assertEqual(self.daemon.metric("roentgymd_models_loaded"), 2)
        self.assertEqual({row["model_sha256"] for row in self.daemon.export()}, {self.sha256})

    def test_the_tag_of_a_sample_changes_with_the_version(self):
        self.start()
        tag = self.sample().headers["ETag"]
        self.assertEqual(self.sample(If_None_Match=tag).status, 304)
        self.wait_for_version(self.put("default", 2))
        answer = self.sample(If_None_Match=tag)
        self.assertEqual(answer.status, 200)
        self.assertNotEqual(answer.headers["ETag"], tag)

    def test_when_a_version_is_gone_its_learners_are_told_and_it_may_come_back(self):
        self.start()
        learner = Learner(self.daemon)
        image = learner.item(1).json["item"]["image"]
        before = learner.image(1).body
        self.put("default", 2)
        self.restart()
        learner.daemon = self.daemon
        for answer in (self.daemon.get(image), learner.item(1)):
            self.assertEqual((answer.status, answer.code), (410, "model_gone"))
            self.assertIn("start a new session", answer.json["error"]["message"])
        self.assertEqual(learner.summary().status, 200)
        self.assertEqual(Learner(self.daemon).image(1).status, 200)
        self.put("archive", 1)
        self.wait_for(bool, "archive")
        self.assertEqual(learner.image(1).body, before)
        self.assertEqual(learner.answer(1).status, 201)

    def test_no_request_fails_while_files_are_replaced_20_times(self):
        self.put("other", 100)
        self.start([deck(items=200)])
        stop, wrong, served = threading.Event(), [], []

        def ask(number):
            learner, n = Learner(self.daemon), 1
            while not stop.is_set():
                answers = [self.sample("default" if number % 2 else "other", n), learner.image(n), learner.answer(n)]
                wrong.extend(answer for answer in answers if answer.status not in (200, 201))
                served.append(len(answers))
                n += 1
                if n == 201:
                    learner, n = Learner(self.daemon), 1

        workers = [threading.Thread(target=ask, args=(number,)) for number in range(4)]
        for worker in workers:
            worker.start()
        for i in range(4):
            for k in range(5):
                sha256 = self.put("default", 2 + 5 * i + k)
                time.sleep(0.1)
            other = self.put("other", 101 + i)
            self.wait_for_version(sha256)
            self.wait_for_version(other, "other")
        while sum(served) <= 100 and not wrong:
            time.sleep(0.01)
        stop.set()
        for worker in workers:
            worker.join()
        self.assertEqual([(answer.status, answer.body[:200]) for answer in wrong], [])
        self.assertGreaterEqual(self.daemon.metric("roentgymd_model_loads_total"), 10)
        self.assertEqual(self.daemon.metric("roentgymd_model_failures_total"), 0)


class BadFiles(FolderTest):
    def test_a_bad_file_never_takes_the_version_in_memory_down(self):
        whole = checkpoint(50)
        header = 8 + int.from_bytes(whole[:8], "little")
        bad = {
            "nothing": b"", "short": whole[:20], "header": whole[:header], "half": whole[: len(whole) // 2],
            "almost": whole[:-1], "longer": whole + b"\0", "text": b"hello, this is a letter\n" * 50,
            "png": b"\x89PNG\r\n\x1a\n" + bytes(100), "huge": b"\xff" * 64, "nan": whole[:-4] + b"\xff" * 4,
            "version": checkpoint(51, format_version="99"), "foreign": checkpoint(52, format="other"),
            "classes": checkpoint(53, classes=("no", "yes")),
        }
        decks = [deck()] + [deck(name, model=name) for name in bad]
        kept = {name: self.put(name, 10 + i) for i, name in enumerate(bad)}
        self.start(decks)
        for name, content in bad.items():
            replace(self.path(name), content)
        for name in bad:
            with self.subTest(name=name):
                model = self.wait_for(lambda model: model["reason"], name)
                self.assertEqual((model["state"], model["sha256"]), ("loaded", kept[name]))
                self.assertNotIn(self.models, model["reason"])
                self.assertEqual(self.drawn_by(self.sample(name)), kept[name])
                self.assertEqual(Learner(self.daemon, name).image(1).status, 200)
                lines = re.findall(f"model {name}: .*; the version in memory goes on", self.daemon.log())
                self.assertEqual(len(lines), 1)
        self.assertEqual(self.daemon.metric("roentgymd_model_failures_total"), len(bad))
        for i, name in enumerate(bad):
            kept[name] = self.put(name, 30 + i)
        for name in bad:
            self.assertIsNone(self.wait_for_version(kept[name], name)["reason"])

    def test_a_bad_file_that_nobody_has_loaded_is_an_error_until_it_is_mended(self):
        replace(self.path("bad"), b"no checkpoint")
        self.start()
        model = self.model("bad")
        self.assertEqual((model["state"], "name" in model), ("broken", False))
        self.assertEqual(self.sample("bad").code, "model_unavailable")
        self.put("bad", 2)
        self.wait_for(lambda model: model["state"] == "available", "bad")
        self.assertEqual(self.sample("bad").status, 200)


if __name__ == "__main__":
    unittest.main()
