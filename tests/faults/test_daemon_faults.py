"""The daemon when files, disk, port or the process itself fail: one clear line, or a clean answer, and no loss."""

import http.client
import json
import os
import resource
import shutil
import socket
import sqlite3
import struct
import subprocess
import sys
import tempfile
import threading
import time
import unittest
import uuid

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../api"))
from daemon import CHECKPOINT, MODELS, PROGRAM, ROOT, Daemon, Learner, deck, need_checkpoint  # noqa: E402


class StartTest(unittest.TestCase):
    """Starts that must fail."""

    def setUp(self):
        need_checkpoint()
        self.folder = tempfile.mkdtemp(prefix="roentgymd-")
        self.addCleanup(shutil.rmtree, self.folder)

    def path(self, name, content=None):
        path = os.path.join(self.folder, name)
        if content is not None:
            with open(path, "wb") as file:
                file.write(content)
        return path

    def refusal(self, *flags, status=1):
        """The one line that the daemon ends with."""
        config = self.path("config.json")
        with open(config, "w", encoding="utf-8") as file:
            json.dump({"port": 0, "db": self.path("roentgym.db"), "models": MODELS, "device": "cpu",
                       "admin_token_file": self.path("token"), "image_disk_mb": 0, "decks": [deck()]}, file)
        done = subprocess.run([PROGRAM, "--config", config, *flags], cwd=ROOT, capture_output=True, text=True,
                              timeout=60)
        self.assertEqual((done.returncode, done.stdout), (status, ""), done.stderr)
        lines = done.stderr.splitlines()
        self.assertEqual(len(lines), 1, done.stderr)
        self.assertTrue(lines[0].startswith("roentgymd: "), lines)
        return lines[0]


class Checkpoints(StartTest):
    def refused_checkpoint(self, content):
        path = self.path("default.safetensors", content)
        line = self.refusal("--models", self.folder)
        self.assertIn(path, line)
        self.assertFalse(os.path.exists(self.path("default.safetensors.tmp")))
        return line

    def test_a_missing_checkpoint_is_named(self):
        self.assertIn("No such file", self.refused_checkpoint(None))

    def test_a_truncated_checkpoint_is_refused_wherever_it_ends(self):
        with open(CHECKPOINT, "rb") as file:
            whole = file.read()
        header = 8 + struct.unpack("<Q", whole[:8])[0]
        for size in (0, 4, 8, header // 2, header, header + 100, len(whole) // 2, len(whole) - 1):
            with self.subTest(size=size):
                self.refused_checkpoint(whole[:size])

    def test_a_foreign_checkpoint_is_refused(self):
        header = b'{"w":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}'
        for content in (b"hello, this is a text file and not a checkpoint\n" * 10, b"\x89PNG\r\n\x1a\n" + b"\0" * 100,
                        b"\xff" * 64, struct.pack("<Q", len(header)) + header + b"\0" * 4):
            with self.subTest(content=content[:20]):
                self.refused_checkpoint(content)

    def test_a_folder_in_the_place_of_a_checkpoint_is_refused(self):
        os.mkdir(self.path("default.safetensors"))
        self.refused_checkpoint(None)


class Starts(StartTest):
    def test_a_port_in_use_is_named(self):
        with socket.create_server(("127.0.0.1", 0)) as holder:
            port = holder.getsockname()[1]
            line = self.refusal("--port", str(port))
            self.assertIn(f"port {port}: cannot listen: Address already in use", line)

    def test_an_address_that_is_not_ours_is_named(self):
        self.assertIn("192.0.2.1", self.refusal("--bind", "192.0.2.1"))
        self.assertIn("localhost", self.refusal("--bind", "localhost"))

    def test_wrong_usage_ends_with_status_2(self):
        for flags in (["--colour"], ["--port"], ["--port", "x"], ["--device", "tpu"], ["extra"],
                      ["--config", self.path("none.json")], ["--config", self.path("bad.json", b"{")],
                      ["--config", self.path("key.json", b'{"prot":1,"decks":[]}')]):
            with self.subTest(flags=flags):
                self.refusal(*flags, status=2)

    def test_the_version_is_printed_on_request(self):
        done = subprocess.run([PROGRAM, "--version"], cwd="/", capture_output=True, text=True, check=False)
        self.assertRegex(done.stdout, r"^roentgymd \d+\.\d+\.\d+ [0-9a-z.-]*\n$")
        self.assertEqual((done.returncode, done.stderr), (0, ""))

    def test_help_is_printed_on_request(self):
        done = subprocess.run([PROGRAM, "--help"], cwd="/", capture_output=True, text=True)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertIn("--models DIR", done.stdout)

    def test_a_database_that_is_not_ours_is_left_alone(self):
        text = b"not a database at all, but a letter of some length\n" * 20
        path = self.path("letter.db", text)
        self.assertIn("is not a database", self.refusal("--db", path))
        with open(path, "rb") as file:
            self.assertEqual(file.read(), text)

    def test_a_newer_database_is_left_alone(self):
        daemon = Daemon(folder=self.folder)
        daemon.stop()
        connection = sqlite3.connect(daemon.db)
        connection.execute("PRAGMA user_version = 99")
        connection.close()
        self.assertIn("has schema version 99", self.refusal("--db", daemon.db))

    def test_a_weak_admin_token_is_refused(self):
        self.assertIn(self.path("token", b"hunter2\n"), self.refusal())


class Losses(unittest.TestCase):
    """What was answered 201 is there, whatever happens next."""

    def setUp(self):
        need_checkpoint()
        self.daemon = Daemon([deck(items=200)])
        self.addCleanup(self.daemon.close)

    def keys(self, learner):
        rows = self.daemon.rows("SELECT key FROM answers WHERE session_id = ? ORDER BY item", learner.id)
        return [row["key"] for row in rows]

    def test_an_answer_survives_kill_9_right_after_its_201(self):
        learner, keys = Learner(self.daemon), []
        for n in range(1, 6):
            keys.append(str(uuid.uuid4()))
            self.assertEqual(learner.answer(n, key=keys[-1]).status, 201)
            self.daemon.kill()
            connection = sqlite3.connect(self.daemon.db)
            self.assertEqual(connection.execute("PRAGMA integrity_check").fetchone(), ("ok",))
            connection.close()
            self.assertEqual(self.keys(learner), keys)
            self.daemon = learner.daemon = Daemon(folder=self.daemon.folder)
            self.addCleanup(self.daemon.close)

    def test_kill_9_amid_a_stream_of_answers_loses_none_that_was_confirmed(self):
        learners = [Learner(self.daemon) for _ in range(3)]
        confirmed = {learner.id: [] for learner in learners}

        def answer_on(learner):
            try:
                for n in range(1, 200):
                    key = str(uuid.uuid4())
                    if learner.answer(n, key=key).status == 201:
                        confirmed[learner.id].append(key)
            except (OSError, http.client.HTTPException):  # the daemon is gone
                pass

        workers = [threading.Thread(target=answer_on, args=(learner,)) for learner in learners]
        for worker in workers:
            worker.start()
        while min(map(len, confirmed.values())) < 5:
            time.sleep(0.005)
        self.daemon.kill()
        for worker in workers:
            worker.join()
        for learner in learners:
            kept = self.keys(learner)
            self.assertEqual(kept[: len(confirmed[learner.id])], confirmed[learner.id])
            self.assertLessEqual(len(kept), len(confirmed[learner.id]) + 1)

    def test_kill_9_under_fifty_writers_loses_none_that_was_confirmed(self):
        for after in (1, 10, 30, 60, 100, 200):  # answers
            learners = [Learner(self.daemon) for _ in range(50)]
            confirmed = {learner.id: [] for learner in learners}

            def answer_on(learner):
                try:
                    for n in range(1, 200):
                        key = str(uuid.uuid4())
                        if learner.answer(n, key=key).status == 201:
                            confirmed[learner.id].append(key)
                except (OSError, http.client.HTTPException):  # the daemon is gone
                    pass

            workers = [threading.Thread(target=answer_on, args=(learner,)) for learner in learners]
            for worker in workers:
                worker.start()
            while sum(map(len, confirmed.values())) < after:
                time.sleep(0.001)
            self.daemon.kill()
            for worker in workers:
                worker.join()
            connection = sqlite3.connect(self.daemon.db)
            self.assertEqual(connection.execute("PRAGMA integrity_check").fetchone(), ("ok",))
            connection.close()
            for learner in learners:
                kept = self.keys(learner)
                self.assertEqual(kept[: len(confirmed[learner.id])], confirmed[learner.id])
                self.assertLessEqual(len(kept), len(confirmed[learner.id]) + 1)
            self.daemon = Daemon(folder=self.daemon.folder)
            self.addCleanup(self.daemon.close)


class LockedDatabase(unittest.TestCase):
    def test_another_program_with_the_write_lock_is_waited_for_then_refused_and_reading_goes_on(self):
        need_checkpoint()
        daemon = Daemon()
        self.addCleanup(daemon.close)
        learners = [Learner(daemon) for _ in range(8)]
        holder = sqlite3.connect(daemon.db, isolation_level=None)
        holder.execute("BEGIN IMMEDIATE")
        answers, waits = [], []

        def answer(learner):
            begun = time.monotonic()
            answers.append(learner.answer(1))
            waits.append(time.monotonic() - begun)

        workers = [threading.Thread(target=answer, args=(learner,)) for learner in learners]
        for worker in workers:
            worker.start()
        while any(worker.is_alive() for worker in workers):
            self.assertEqual(learners[0].item(1).status, 200)
            self.assertEqual(learners[0].summary().json["summary"]["answered"], 0)
            time.sleep(0.2)
        self.assertEqual([(answer.status, answer.code) for answer in answers], [(503, "storage_unavailable")] * 8)
        self.assertLess(max(waits), 3 * min(waits))  # all wait at once; one after another the last waits eight times
        holder.execute("ROLLBACK")
        holder.close()
        self.assertEqual([learner.answer(1).status for learner in learners], [201] * 8)


class FullDisk(unittest.TestCase):
    def setUp(self):
        need_checkpoint()

    def check_full_disk(self, daemon, fill, free):
        """An answer while the disk is full is refused cleanly, and the same request succeeds afterwards."""
        learner, key = Learner(daemon), str(uuid.uuid4())
        self.assertEqual(learner.answer(1).status, 201)
        fill()
        refused = learner.answer(2, key=key)
        self.assertEqual((refused.status, refused.code), (503, "storage_unavailable"))
        self.assertGreaterEqual(int(refused.headers["Retry-After"]), 1)
        self.assertEqual(daemon.post("/api/v1/sessions", {"deck": "default"}).status, 503)
        self.assertEqual(daemon.get("/healthz").status, 200)
        self.assertEqual(learner.item(2).status, 200)
        self.assertEqual(learner.image(2).status, 200)
        self.assertEqual(learner.summary().json["summary"]["answered"], 1)
        free()
        self.assertEqual(learner.answer(2, key=key).status, 201)
        self.assertEqual(learner.answer(2, key=key).status, 200)
        self.assertEqual(daemon.post("/api/v1/sessions", {"deck": "default"}).status, 201)
        self.assertEqual(len(daemon.export()), 2)
        self.assertEqual(daemon.stop(), 0)
        connection = sqlite3.connect(daemon.db)
        self.assertEqual(connection.execute("PRAGMA integrity_check").fetchone(), ("ok",))
        connection.close()

    def test_a_file_size_limit_refuses_answers_until_it_is_lifted(self):
        daemon = Daemon()
        self.addCleanup(daemon.close)
        pid, hard = daemon.process.pid, resource.getrlimit(resource.RLIMIT_FSIZE)[1]
        self.check_full_disk(daemon, lambda: resource.prlimit(pid, resource.RLIMIT_FSIZE, (4096, hard)),
                             lambda: resource.prlimit(pid, resource.RLIMIT_FSIZE, (hard, hard)))

    def test_a_full_file_system_refuses_answers_until_there_is_space(self):
        folder = tempfile.mkdtemp(prefix="roentgymd-")
        self.addCleanup(shutil.rmtree, folder)
        mount = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", folder], capture_output=True)
        if mount.returncode:
            self.skipTest("mounting a small file system is not permitted here")
        self.addCleanup(subprocess.run, ["umount", "--lazy", folder])
        daemon = Daemon(folder=folder)
        self.addCleanup(daemon.end_if_running)
        ballast = os.path.join(folder, "ballast")

        def fill():
            with open(ballast, "wb", buffering=0) as file:
                try:
                    while True:
                        file.write(b"\0" * 4096)
                except OSError:
                    pass

        self.check_full_disk(daemon, fill, lambda: os.remove(ballast))


if __name__ == "__main__":
    unittest.main()
