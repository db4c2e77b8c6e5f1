"""A link is used and its account made together or not at all, whenever the daemon is killed; on a full disk nothing
changes, and who is logged in still reads."""

import http.client
import os
import random
import resource
import sqlite3
import sys
import threading
import time
import unittest

sys.path[:0] = [os.path.join(os.path.dirname(os.path.abspath(__file__)), "../api")]
from accounts import Browser, first_admin  # noqa: E402
from daemon import Daemon, need_checkpoint  # noqa: E402


class Killed(unittest.TestCase):
    def test_a_used_link_has_an_account_and_an_account_has_a_used_link(self):
        need_checkpoint()
        random.seed(20)
        daemon = Daemon()
        self.addCleanup(daemon.close)
        admin = first_admin(daemon)
        made = acknowledged = 0
        for turn in range(20):
            name = f"person {turn}"
            link = admin.post("/api/v1/invitations", {"role": "educator"}).json["invitation"]["link"]
            answers = []

            def use(running=daemon, answers=answers, link=link, name=name):
                try:
                    answers.append(Browser(running).use(link, name).status)
                except (OSError, http.client.HTTPException):
                    pass

            client = threading.Thread(target=use)
            client.start()
            time.sleep(random.uniform(0, 0.15))
            daemon.kill()
            client.join()
            daemon = Daemon(folder=daemon.folder)
            self.addCleanup(daemon.end_if_running)
            admin.daemon = daemon
            accounts = daemon.rows("SELECT id FROM accounts WHERE name = ?", name)
            used = daemon.rows("SELECT account_id FROM invitations WHERE used_at IS NOT NULL ORDER BY id DESC")
            last = daemon.rows("SELECT used_at FROM invitations ORDER BY id DESC LIMIT 1")[0]["used_at"]
            entries = daemon.rows("SELECT object FROM audit WHERE action = 'account.create' ORDER BY id DESC")
            self.assertEqual(bool(accounts), last is not None)
            if accounts:
                self.assertEqual(used[0]["account_id"], accounts[0]["id"])
                self.assertEqual(entries[0]["object"], f"account:{accounts[0]['id']}")
                self.assertEqual(Browser(daemon).log_in(name).status, 200)
            else:
                self.assertEqual(answers, [])
                self.assertEqual(Browser(daemon).use(link, name).status, 200)
            made += bool(accounts)
            acknowledged += bool(answers)
        self.assertGreaterEqual(made, acknowledged)
        self.assertEqual(len(daemon.rows("SELECT 1 FROM accounts")), 21)
        daemon.stop()


class FullDisk(unittest.TestCase):
    def test_nothing_changes_without_room_for_its_entry_and_reading_goes_on(self):
        need_checkpoint()
        daemon = Daemon()
        self.addCleanup(daemon.close)
        admin = first_admin(daemon)
        link = admin.post("/api/v1/invitations", {"role": "educator"}).json["invitation"]["link"]
        connection = sqlite3.connect(daemon.db, timeout=10)
        with connection:  # long enough ago for the next request to be noted
            connection.execute("UPDATE account_sessions SET last_used_at = strftime('%Y-%m-%dT%H:%M:%fZ', 'now', '-1 hour')")
        connection.close()
        pid, hard = daemon.process.pid, resource.getrlimit(resource.RLIMIT_FSIZE)[1]
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (4096, hard))
        self.assertEqual(admin.get("/api/v1/accounts").status, 200)
        self.assertEqual(Browser(daemon).use(link, "somebody").code, "storage_unavailable")
        self.assertEqual(Browser(daemon).log_in("admin").code, "storage_unavailable")
        self.assertEqual(admin.get("/api/v1/export/responses.csv").code, "storage_unavailable")
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (hard, hard))
        self.assertEqual([a["name"] for a in admin.get("/api/v1/accounts").json["accounts"]], ["admin"])
        self.assertEqual(Browser(daemon).use(link, "somebody").status, 200)
        self.assertEqual(daemon.stop(), 0)


if __name__ == "__main__":
    unittest.main()
