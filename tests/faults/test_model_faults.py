"""What happens to models that are in use when their files are written over, removed or out of reach."""

import hashlib
import os
import shutil
import sys
import threading
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../api"))
from checkpoints import CHANGE_S, FolderTest, checkpoint, replace  # noqa: E402
from daemon import Learner, deck  # noqa: E402


class InPlace(FolderTest):
    def test_no_mixture_of_two_versions_is_ever_drawn_from(self):
        """Somebody copies over the file all the time, as cp does: the old bytes go piece by piece."""
        self.start()
        versions = [checkpoint(1), checkpoint(2)]
        self.assertEqual(len(versions[0]), len(versions[1]))
        sha256 = [self.sha256, hashlib.sha256(versions[1]).hexdigest()]
        drawn = set()

        def copy_over():
            for i in range(1, 10):
                with open(self.path("default"), "r+b", buffering=0) as file:
                    for at in range(0, len(versions[0]), 2000):
                        file.write(versions[i % 2][at : at + 2000])
                        time.sleep(0.003)
                if i % 3 == 0:  # now and then it stays whole until it is taken
                    self.wait_for_version(sha256[i % 2])

        writer = threading.Thread(target=copy_over)
        writer.start()
        seed = 0
        while writer.is_alive():
            seed += 1
            answer = self.sample(seed=seed)
            self.assertEqual(answer.status, 200)
            drawn.add(self.drawn_by(answer))
        writer.join()
        drawn.add(self.drawn_by(self.sample()))  # by the last one, which nobody has waited for yet
        self.assertEqual(drawn, set(sha256))

    def test_half_a_file_is_told_and_the_whole_one_is_taken(self):
        self.start()
        content = checkpoint(2)
        with open(self.path("default"), "wb", buffering=0) as file:
            file.write(content[: len(content) // 2])
            model = self.wait_for(lambda model: model["reason"])
            self.assertEqual((model["state"], model["sha256"]), ("loaded", self.sha256))
            file.write(content[len(content) // 2 :])
        self.wait_for(lambda model: model["sha256"] != self.sha256 and model["reason"] is None)
        self.assertEqual(self.sample().status, 200)


class Removed(FolderTest):
    def test_without_its_file_a_model_is_refused_to_new_sessions_and_kept_for_running_ones(self):
        self.start()
        learner = Learner(self.daemon)
        os.remove(self.path("default"))
        model = self.wait_for(lambda model: model["state"] == "broken")
        self.assertEqual(model["reason"], "No such file or directory")
        for answer in (self.sample(), self.daemon.post("/api/v1/sessions", {"deck": "default"})):
            self.assertEqual((answer.status, answer.code), (503, "model_unavailable"))
        for n in range(1, 5):
            self.assertEqual(learner.image(n).status, 200)
            self.assertEqual(learner.answer(n).status, 201)
        self.assertEqual(self.daemon.get("/readyz").status, 200)
        self.put("default", 1)
        self.wait_for_version(self.sha256)
        self.assertEqual(self.daemon.metric("roentgymd_model_loads_total"), 1)
        Learner(self.daemon)

    def test_a_model_of_no_deck_is_forgotten_with_its_file(self):
        self.put("other", 2)
        self.start()
        self.assertEqual(self.sample("other").status, 200)
        os.remove(self.path("other"))
        until = time.monotonic() + CHANGE_S
        while self.model("other"):
            self.assertLess(time.monotonic(), until)
            time.sleep(0.05)
        self.assertEqual(self.sample("other").code, "unknown_model")
        self.assertEqual(self.daemon.metric("roentgymd_models_loaded"), 1)

    def test_without_the_folder_all_that_is_in_memory_goes_on(self):
        self.put("other", 2)
        self.start()
        learner = Learner(self.daemon)
        aside = self.models + ".aside"
        os.rename(self.models, aside)
        self.addCleanup(shutil.rmtree, aside, ignore_errors=True)
        until = time.monotonic() + CHANGE_S
        while "the folder cannot be read" not in self.daemon.log():
            self.assertLess(time.monotonic(), until)
            time.sleep(0.05)
        time.sleep(1.5)  # a second look must not tell it again
        self.assertEqual(self.sample(seed=9).status, 200)
        self.assertEqual(learner.image(1).status, 200)
        Learner(self.daemon)
        self.assertEqual(self.daemon.log().count("the folder cannot be read"), 1)
        os.mkdir(self.models)  # an empty one is another matter: then the files are gone
        self.wait_for(lambda model: model["state"] == "broken")
        self.assertEqual(learner.image(2).status, 200)
        os.rmdir(self.models)
        os.rename(aside, self.models)
        self.wait_for_version(self.sha256)
        self.assertEqual(self.sample("other").status, 200)

    @unittest.skipIf(os.geteuid() == 0, "root may read everything")
    def test_a_file_that_may_not_be_read_leaves_the_version_in_memory(self):
        self.start()
        os.chmod(self.path("default"), 0)
        model = self.wait_for(lambda model: model["reason"])
        self.assertEqual((model["state"], model["reason"]), ("loaded", "Permission denied"))
        os.chmod(self.path("default"), 0o600)
        self.wait_for(lambda model: model["reason"] is None)


class Start(FolderTest):
    def test_other_files_do_not_keep_the_daemon_from_starting(self):
        replace(self.path("broken"), b"no checkpoint")
        os.mkdir(self.path("folder"))
        os.mkfifo(self.path("pipe"))
        os.symlink("nowhere", self.path("dangling"))
        self.start([deck(items=4)])
        states = {name: self.model(name)["state"] for name in ("default", "broken", "folder", "pipe")}
        self.assertEqual(states, {"default": "loaded", "broken": "broken", "folder": "broken", "pipe": "broken"})
        self.assertIsNone(self.model("dangling"))

    def test_a_folder_that_is_not_there_ends_the_start(self):
        with self.assertRaisesRegex(AssertionError, "roentgymd: .*/none: No such file or directory"):
            self.models += "/none"
            self.start()


if __name__ == "__main__":
    unittest.main()
