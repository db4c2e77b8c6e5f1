"""The library under kill -9, a full disk and two who change it at once: whole, or not there, and no remains."""

import glob
import hashlib
import json
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "api"))
from daemon import PROGRAM, Daemon, deck, read_rows  # noqa: E402
from library_data import library, make  # noqa: E402

IMAGES = 60


class LibraryFaults(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="roentgymd-library-")
        self.addCleanup(shutil.rmtree, self.folder)
        self.library = os.path.join(self.folder, "library")
        self.db = os.path.join(self.folder, "roentgym.db")
        self.config = os.path.join(self.folder, "config.json")
        with open(self.config, "w", encoding="utf-8") as file:
            json.dump({"db": self.db, "library": self.library, "decks": [deck()]}, file)
        self.data = make(os.path.join(self.folder, "data"), count=IMAGES)
        library(self.config, "list")  # makes the database

    def check(self):
        """Every collection that is seen has all its files, whole."""
        rows = read_rows(self.db, "SELECT c.folder, i.sha256 FROM collections c JOIN library_images i"
                                  " ON i.collection_id = c.id WHERE c.removed_at IS NULL")
        self.assertIn(len(rows), (0, IMAGES))
        for folder, sha256 in rows:
            found = glob.glob(os.path.join(self.library, folder + "*", sha256[:2], sha256 + ".grey"))
            self.assertEqual(len(found), 1)
            with open(found[0], "rb") as file:
                self.assertEqual(hashlib.sha256(file.read()).hexdigest(), sha256)
        return len(rows) > 0

    def cut_short(self, *arguments):
        process = subprocess.Popen([PROGRAM, "library", *arguments, "--config", self.config],
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(random.uniform(0, 0.12))
        process.send_signal(signal.SIGKILL)
        process.wait()

    def test_a_kill_at_any_time_leaves_all_or_nothing_and_no_remains(self):
        there = False
        for _ in range(60):
            if there:
                self.cut_short("remove", "hips")
            else:
                self.cut_short("add", self.data, "--name", "hips")
            there = self.check()
        if there:
            self.assertEqual(library(self.config, "remove", "hips").returncode, 0)
        self.assertEqual(library(self.config, "add", self.data, "--name", "hips").returncode, 0)
        self.assertTrue(self.check())
        self.assertEqual(len(os.listdir(self.library)), 1)

    def test_the_daemons_start_clears_what_a_kill_has_left(self):
        self.assertEqual(library(self.config, "add", self.data, "--name", "hips").returncode, 0)
        kept = os.listdir(self.library)
        os.makedirs(os.path.join(self.library, "0" * 32 + ".pending", "ab"))
        os.rename(os.path.join(self.library, kept[0]), os.path.join(self.library, kept[0] + ".pending"))
        daemon = Daemon(folder=self.folder, library=self.library)
        self.addCleanup(daemon.end_if_running)
        self.assertEqual(os.listdir(self.library), kept)
        self.assertTrue(self.check())
        self.assertEqual(library(self.config, "remove", "hips").returncode, 0)
        self.assertEqual(daemon.stop(), 0)

    def test_a_database_that_knows_nothing_of_it_takes_nothing_away(self):
        self.assertEqual(library(self.config, "add", self.data, "--name", "hips").returncode, 0)
        other = os.path.join(self.folder, "other.db")
        self.assertEqual(library(self.config, "add", self.data, "--name", "hips", "--db", other).returncode, 0)
        self.assertTrue(self.check())
        self.assertEqual(len(os.listdir(self.library)), 2)

    def test_a_full_disk_is_refused_and_leaves_nothing(self):
        answer = library(self.config, "add", self.data, "--name", "hips",
                         preexec_fn=lambda: (signal.signal(signal.SIGXFSZ, signal.SIG_IGN),
                                             resource.setrlimit(resource.RLIMIT_FSIZE, (4000, 4000))))
        self.assertEqual(answer.returncode, 1)
        self.assertFalse(self.check())
        self.assertEqual(glob.glob(os.path.join(self.library, "*")), [])

    def test_of_two_who_add_the_same_name_at_once_one_is_refused(self):
        both = [subprocess.Popen([PROGRAM, "library", "add", self.data, "--name", "hips", "--config", self.config],
                                 stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) for _ in range(2)]
        self.assertEqual(sorted(process.wait(timeout=60) for process in both), [0, 1])
        self.assertTrue(self.check())
        self.assertEqual(len(os.listdir(self.library)), 1)


if __name__ == "__main__":
    unittest.main()
