"""`roentgymd replay`: the images of the log made again and compared."""

import hashlib
import os
import re
import sqlite3
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from checkpoints import FolderTest  # noqa: E402
from daemon import PROGRAM, ROOT, Learner, deck  # noqa: E402


class Replay(FolderTest):
    def setUp(self):
        super().setUp()
        self.start([deck(items=4)])
        self.learner = Learner(self.daemon)

    def replay(self, *flags):
        """(exit status, {image: verdict}, the last line, what it complains about)"""
        done = subprocess.run([PROGRAM, "replay", "--config", self.daemon.config_path, *flags], cwd=ROOT,
                              capture_output=True, text=True, timeout=60)
        lines = done.stdout.splitlines()
        verdicts = {}
        for line in lines[:-1]:
            match = re.fullmatch(r"([0-9a-f]{32})/(\d+) ([0-9a-f]{48}) (same|differs|model missing|never sent)(: .*)?",
                                 line)
            self.assertTrue(match, line)
            verdicts[match[3]] = match[4]
        return done.returncode, verdicts, lines[-1] if lines else "", done.stderr

    def show(self, n, query=""):
        url = self.learner.item(n).json["item"]["image"]
        answer = self.daemon.get(url + query)
        self.assertEqual(answer.status, 200)
        return url.split("/")[-1][:-4], answer.body

    def test_what_was_sent_comes_out_the_same_beside_the_running_daemon(self):
        shown = [self.show(1), self.show(2)]
        out = os.path.join(self.daemon.folder, "out")
        status, verdicts, last, complaint = self.replay("--all", "--out", out)
        self.assertEqual((status, last, complaint), (0, "2 the same, 0 different, 0 without their model or file, 2 never sent", ""))
        self.assertEqual(sorted(verdicts.values()), ["never sent"] * 2 + ["same"] * 2)
        for name, body in shown:
            self.assertEqual(verdicts[name], "same")
            with open(os.path.join(out, name + ".png"), "rb") as file:
                self.assertEqual(file.read(), body)
        self.assertEqual(len(os.listdir(out)), 2)

    def test_one_session_and_one_image_can_be_asked_for(self):
        name, _ = self.show(1)
        self.show(2)
        first, self.learner = self.learner, Learner(self.daemon)
        self.show(1)
        status, verdicts, last, _ = self.replay("--session", first.id)
        self.assertEqual((status, len(verdicts), last[:10]), (0, 4, "2 the same"))
        self.assertEqual(self.replay("--image", name)[:2], (0, {name: "same"}))
        self.assertEqual(len(self.replay("--all")[1]), 8)
        for flags in (("--session", "0" * 32), ("--image", "0" * 48)):
            status, verdicts, _, complaint = self.replay(*flags)
            self.assertEqual((status, verdicts), (1, {}))
            self.assertRegex(complaint, "there is no such (session|image) in it")

    def test_the_model_is_found_by_its_content_whatever_it_is_called(self):
        name, _ = self.show(1)
        self.daemon.stop()
        os.rename(self.path("default"), self.path("renamed"))
        self.put("default", 2)
        self.assertEqual(self.replay("--image", name)[:2], (0, {name: "same"}))
        os.remove(self.path("renamed"))
        status, verdicts, last, complaint = self.replay("--image", name)
        self.assertEqual((status, verdicts), (1, {name: "model missing"}))
        self.assertIn(self.sha256, complaint)

    def test_another_picture_differs(self):
        name, _ = self.show(1)
        self.show(2)
        connection = sqlite3.connect(self.daemon.db)
        with connection:
            connection.execute("UPDATE items SET seed = seed + 1 WHERE image = ?", (name,))
        connection.close()
        status, verdicts, last, _ = self.replay("--session", self.learner.id)
        self.assertEqual((status, verdicts[name]), (1, "differs"))
        self.assertEqual(last, "1 the same, 1 different, 0 without their model or file, 2 never sent")

    def test_the_data_base_stays_as_it_was_and_must_be_there(self):
        name, _ = self.show(1)
        self.daemon.stop()
        def digest():
            with open(self.daemon.db, "rb") as file:
                return hashlib.sha256(file.read()).hexdigest()
        before = digest()
        self.assertEqual(self.replay("--image", name)[0], 0)
        self.assertEqual(digest(), before)
        status, _, _, complaint = self.replay("--db", self.daemon.db + "-none", "--all")
        self.assertEqual(status, 1)
        self.assertIn("-none", complaint)
        self.assertFalse(os.path.exists(self.daemon.db + "-none"))

    def test_wrong_usage_is_2(self):
        for flags in ((), ("--all", "--image", "x"), ("--session",), ("--port", "1", "--all"), ("--all", "more"),
                      ("--all", "--device", "abacus")):
            with self.subTest(flags=flags):
                status, verdicts, _, complaint = self.replay(*flags)
                self.assertEqual((status, verdicts), (2, {}))
                self.assertEqual(complaint.count("\n"), 1)
        done = subprocess.run([PROGRAM, "replay", "--help"], capture_output=True, text=True)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertIn("--session ID", done.stdout)

    def test_a_smaller_size_that_was_sent_is_recognised(self):
        self.daemon.stop()
        self.put("default", 1, side=128)
        self.start([deck(items=4)])
        self.learner = Learner(self.daemon)
        name, body = self.show(1, "?size=64")
        out = os.path.join(self.daemon.folder, "out")
        self.assertEqual(self.replay("--image", name, "--out", out)[:2], (0, {name: "same"}))
        with open(os.path.join(out, name + ".png"), "rb") as file:
            self.assertEqual(file.read(), body)


if __name__ == "__main__":
    unittest.main()
