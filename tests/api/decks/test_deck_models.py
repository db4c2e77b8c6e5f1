"""Several models in one deck: each item by its own, in session, images, log, export and replay; what cannot be
started."""

import collections
import functools
import os
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from checkpoints import FolderTest, changed, checkpoint, replace  # noqa: E402
from daemon import CHECKPOINT, PROGRAM, ROOT, Daemon, Learner, deck_of, need_checkpoint, pixels, source  # noqa: E402
from library_data import library, make  # noqa: E402

deck_2 = functools.partial(deck_of, items=12)
TWO = [source("default"), source("other", weight=2)]
LIST = deck_2("list", *TWO, list=[{"class": "fracture", "seed": "5", **more} for more in ({}, {"model": "other"})],
              order={"rule": "given"}, items=None, prevalence=None)


class Models(FolderTest):
    def setUp(self):
        super().setUp()
        self.other = self.put("other", 2)

    def start(self, *decks, **settings):
        super().start(list(decks) or [deck_2("default", *TWO), LIST], **settings)

    def items(self, learner):
        return self.daemon.rows(
            "SELECT i.n, i.class, i.seed, i.image, m.name, m.sha256 FROM items i JOIN session_models k"
            " ON k.session_id = i.session_id AND k.place = i.model JOIN models m ON m.id = k.model_id"
            " WHERE i.session_id = ? ORDER BY i.n", learner.id)

    def test_items_are_drawn_by_the_models_in_shares_of_the_sources_weights(self):
        self.start()
        drawn = collections.Counter(item["sha256"] for _ in range(20) for item in self.items(Learner(self.daemon)))
        self.assertEqual(set(drawn), {self.sha256, self.other})
        self.assertTrue(120 < drawn[self.other] < 200, drawn)  # of 240, 160 on average: 5 standard deviations

    def test_each_image_is_that_of_its_own_model(self):
        self.start()
        learner = Learner(self.daemon, "list")
        self.assertEqual([item["name"] for item in self.items(learner)], ["noise-1", "noise-2"])
        shown = [pixels(learner.image(n).body) for n in (1, 2)]
        self.assertNotEqual(shown[0], shown[1])
        for path, image in zip(("default", "other"), shown):
            only = {**deck_2("only", source(path)), "list": [{"class": "fracture", "seed": "5"}]}
            alone = Daemon([{k: v for k, v in only.items() if k not in ("items", "prevalence")}], models=self.models)
            self.addCleanup(alone.close)
            self.assertEqual(pixels(Learner(alone, "only").image(1).body), image)

    def test_session_export_and_replay_name_the_model_of_each(self):
        self.start()
        learner = Learner(self.daemon)
        self.assertEqual(learner.deck["models"], ["default", "other"])
        self.assertEqual(self.daemon.get(learner.url, learner.secret).json["session"]["models"],
                         [{"name": name, "training_data": "simulated"} for name in ("noise-1", "noise-2")])
        for n in range(1, 13):
            self.assertEqual(learner.image(n).status, 200)
            self.assertEqual(learner.answer(n, "yes").status, 201)
        rows = {row["item"]: row for row in self.daemon.export()}
        for item in self.items(learner):
            self.assertEqual(rows[str(item["n"])]["model_sha256"], item["sha256"])
        done = subprocess.run([PROGRAM, "replay", "--config", self.daemon.config_path, "--all"], cwd=ROOT,
                              capture_output=True, text=True, timeout=60)
        self.assertEqual((done.returncode, done.stdout.splitlines()[-1]),
                         (0, "12 the same, 0 different, 0 without their model or file, 0 never sent"), done.stderr)

    def test_a_session_keeps_the_versions_of_both_and_ends_when_one_is_gone(self):
        self.start()
        learner = Learner(self.daemon)
        self.assertEqual(learner.image(1).status, 200)
        new = self.put("other", 3)
        self.wait_for_version(new, "other")
        self.assertEqual(learner.image(2).status, 200)
        self.assertEqual({item["sha256"] for item in self.items(learner)}, {self.sha256, self.other})
        self.daemon.stop()
        self.daemon = Daemon([deck_2("default", *TWO)], folder=self.daemon.folder, models=self.models)
        self.addCleanup(self.daemon.close)
        learner.daemon = self.daemon
        for n in (1, 2):  # whichever model drew it: a session that lacks one is over
            answer = learner.item(n)
            self.assertEqual((answer.status, answer.code), (410, "model_gone"))

    def test_what_cannot_be_started_says_why(self):
        self.put("wide", 4, side=128)
        self.start(deck_2("default", source("default")), deck_2("sizes", source("default"), source("wide")),
                   deck_2("lacks", source("default"), {**source("other"), "classes": {"no": ["no_fracture"], "yes": ["fracture"]}}))
        answer = self.daemon.post("/api/v1/sessions", {"deck": "sizes"})
        self.assertEqual((answer.status, answer.code), (409, "deck_unavailable"))
        self.assertIn('"wide" draws 128 pixels, not 64', answer.json["error"]["message"])
        self.assertNotIn("sizes", [deck["id"] for deck in self.daemon.get("/api/v1/decks").json["decks"]])
        replace(self.path("other"), checkpoint(5, classes=("no_fracture", "implant")))
        os.remove(self.path("wide"))
        self.restart()
        self.assertNotIn("lacks", [deck["id"] for deck in self.daemon.get("/api/v1/decks").json["decks"]])

    def test_models_that_do_not_fit_into_memory_together_start_nothing(self):
        need_checkpoint()
        with open(CHECKPOINT, "rb") as file:
            content = file.read()
        for name in ("default", "other"):
            replace(self.path(name), changed(content, name=name))
        self.start(deck_2("one", source("default")))
        limit = self.model()["memory_bytes"] * 3 // 2 >> 20
        self.daemon.stop()
        self.start(deck_2("one", source("default")), model_memory_mb=limit)
        from accounts import first_admin  # pylint: disable=import-outside-toplevel
        admin = first_admin(self.daemon)
        answer = admin.post("/api/v1/decks", deck_2("both", *TWO))
        self.assertEqual(answer.status, 201, answer.body)
        answer = self.daemon.post("/api/v1/sessions", {"deck": "both"})
        self.assertEqual((answer.status, answer.code), (409, "deck_unavailable"))
        self.assertIn("do not fit into the memory", answer.json["error"]["message"])

    def test_an_image_of_the_library_takes_the_size_of_its_sources_model(self):
        mixed = deck_2("mixed", source("default"), {**source("other"), "kind": "library", "collection": "hips"})
        self.start(mixed)
        data = make(os.path.join(self.daemon.folder, "data"), 32, 96)
        self.assertEqual(library(self.daemon.config_path, "add", data, "--name", "hips").returncode, 0)
        learner = Learner(self.daemon, "mixed")
        for n in range(1, 13):
            self.assertEqual(len(learner.image(n).body), len(learner.image(1).body))
            self.assertEqual(learner.answer(n, "no").status, 201)


if __name__ == "__main__":
    unittest.main()
