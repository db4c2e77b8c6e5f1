"""The images on disk when the daemon is killed, its files are damaged or the folder goes: every image right."""

import concurrent.futures
import glob
import http.client
import os
import random
import shutil
import sys
import tempfile
import threading
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../api"))
from daemon import Daemon, Learner, need_checkpoint  # noqa: E402

SEEDS = range(40)


def path(seed):
    return f"/api/v1/samples/default/fracture/{seed}.png?size=256"


class ImageStoreFaults(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        need_checkpoint()
        daemon = Daemon(image_disk_mb=0)
        cls.right = {seed: daemon.get(path(seed)).body for seed in SEEDS}
        assert not os.path.exists(os.path.join(daemon.folder, "images"))
        daemon.close()

    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="roentgymd-")
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)

    def start(self, **settings):
        daemon = Daemon(folder=self.folder, **settings)
        self.addCleanup(daemon.end_if_running)
        return daemon

    def files(self):
        return glob.glob(os.path.join(self.folder, "images/*/*"))

    def assert_all_right(self, daemon):
        for seed in SEEDS:
            self.assertTrue(daemon.get(path(seed)).body == self.right[seed], f"seed {seed} is another image")

    def filled(self):
        daemon = self.start()
        self.assert_all_right(daemon)
        self.assertEqual(daemon.stop(), 0)
        self.assertEqual(len(self.files()), len(SEEDS))

    def found_on_disk(self, daemon):
        return daemon.metric("roentgymd_image_cache_hits_total", 'where="disk"')

    def test_what_was_made_is_found_after_a_restart(self):
        self.filled()
        daemon = self.start()
        self.assert_all_right(daemon)
        self.assertEqual(self.found_on_disk(daemon), len(SEEDS))

    def test_a_learner_gets_the_same_bytes_from_disk(self):
        daemon = self.start()
        learner = Learner(daemon)
        image = learner.item(1).json["item"]["image"]
        before = daemon.get(image)
        daemon.stop()
        daemon = self.start()
        after = daemon.get(image)
        self.assertTrue(before.body == after.body)
        self.assertGreaterEqual(self.found_on_disk(daemon), 1)
        self.assertEqual(before.headers.keys(), after.headers.keys())

    def test_killed_at_any_moment_it_serves_every_image_right(self):
        for round_ in range(8):
            daemon = self.start()
            timer = threading.Timer(random.uniform(0.02, 0.4), daemon.process.kill)

            def ask(seed, daemon=daemon):
                try:
                    return daemon.get(path(seed)).body == self.right[seed]
                except (OSError, http.client.HTTPException):  # it was killed
                    return None

            timer.start()
            with concurrent.futures.ThreadPoolExecutor(8) as pool:
                results = list(pool.map(ask, random.sample(SEEDS, len(SEEDS))))
            timer.join()
            daemon.process.wait(timeout=30)
            daemon.process.stdout.close()
            self.assertNotIn(False, results)
            with self.subTest(round=round_):
                again = self.start()
                self.assert_all_right(again)
                self.assertEqual(again.metric("roentgymd_image_files_refused_total"), 0)
                again.kill()

    def test_files_cut_short_or_changed_by_hand_are_made_anew(self):
        self.filled()
        files = sorted(self.files())
        for i, name in enumerate(files):
            with open(name, "r+b") as file:
                size = os.path.getsize(name)
                if i % 3 == 0:
                    file.truncate(random.randrange(size))
                elif i % 3 == 1:
                    file.seek(random.randrange(size))
                    byte = file.read(1)[0]
                    file.seek(-1, os.SEEK_CUR)
                    file.write(bytes([byte ^ 1 << random.randrange(8)]))
                else:
                    shutil.copy(files[i + 1], name)
        daemon = self.start()
        self.assert_all_right(daemon)
        self.assertEqual(daemon.metric("roentgymd_image_files_refused_total"), len(SEEDS))
        self.assertEqual(daemon.stop(), 0)
        daemon = self.start()
        self.assert_all_right(daemon)
        self.assertEqual(self.found_on_disk(daemon), len(SEEDS))

    def test_without_a_folder_the_service_goes_on(self):
        self.filled()
        daemon = self.start(image_memory_mb=0)
        shutil.rmtree(os.path.join(self.folder, "images"))
        self.assert_all_right(daemon)
        self.assertEqual(daemon.stop(), 0)
        shutil.rmtree(os.path.join(self.folder, "images"))
        with open(os.path.join(self.folder, "images"), "wb"):
            pass
        daemon = self.start(image_memory_mb=0)
        self.assert_all_right(daemon)
        self.assertEqual(daemon.stop(), 0)
        self.assertEqual(daemon.log().count("images are not kept there now"), 1)


if __name__ == "__main__":
    unittest.main()
