"""A database of an older version is copied and brought up, or refused and left as it was."""

import glob
import os
import re
import resource
import sqlite3
import sys
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "../api")]
from daemon import ROOT, Daemon, read_rows  # noqa: E402
from test_daemon_faults import StartTest  # noqa: E402

TABLES = {
    "models": "*",
    "sessions": "id, secret_sha256, server_version, created_at",
    "items": "session_id, n, image, class, seed, strength, truncation, image_sha256",
    "answers": "id, session_id, item, key, choice, confidence, rating, correct, response_ms, received_at",
}


def content(path):
    """What a file of version 1 holds, in the columns that it has."""
    return {table: read_rows(path, f"SELECT {columns} FROM {table} ORDER BY 1, 2") for table, columns in TABLES.items()}


def schema(path):
    """The tables as SQL, but for the comments and spaces, which ALTER TABLE and schema.sql set otherwise."""
    def bare(sql):
        return re.sub(r"\s+", "", re.sub(r"--.*", "", sql).replace('"', "")) if sql else sql
    return sorted(((kind, name, bare(sql)) for kind, name, sql in read_rows(path, "SELECT type, name, sql FROM sqlite_schema")),
                  key=str)


class OldDatabase(StartTest):
    def setUp(self):
        super().setUp()
        self.db = self.path("roentgym.db")
        with open(os.path.join(HERE, "schema_version_1.sql"), encoding="utf-8") as file:
            script = file.read()
        connection = sqlite3.connect(self.db)
        connection.executescript(script)
        connection.close()
        self.before = content(self.db)

    def bring_up(self, version, script):
        """Makes the file one of that version, and runs the script on it."""
        files = [f"migrations/to_version_{step}.sql" for step in range(2, version + 1)]
        if version >= 7:
            files.append("frozen_studies.sql")
        connection = sqlite3.connect(self.db)
        for name in files:
            with open(os.path.join(ROOT, "server/database", name), encoding="utf-8") as file:
                connection.executescript(file.read())
        connection.executescript(script + f"PRAGMA user_version = {version};")
        connection.close()

    def copies(self):
        return glob.glob(self.db + ".v*")

    def assert_untouched(self):
        self.assertEqual(read_rows(self.db, "PRAGMA user_version"), [(1,)])
        self.assertEqual(content(self.db), self.before)

    def test_it_is_copied_then_brought_up_with_all_that_it_held(self):
        daemon = Daemon(folder=self.folder)
        self.addCleanup(daemon.end_if_running)
        self.assertEqual(daemon.db, self.db)
        self.assertEqual(len(daemon.export()), 4)
        self.assertEqual(daemon.stop(), 0)
        self.assertEqual(content(self.db), self.before)
        self.assertEqual(read_rows(self.db, "PRAGMA integrity_check"), [("ok",)])
        (copy,) = self.copies()
        self.assertRegex(copy, r"roentgym\.db\.v1-\d{8}T\d{6}Z$")
        self.assertEqual(os.stat(copy).st_mode & 0o777, 0o600)
        self.assertEqual(read_rows(copy, "PRAGMA user_version"), [(1,)])
        self.assertEqual(content(copy), self.before)

    def test_its_schema_is_then_that_of_a_new_file(self):
        daemon = Daemon(folder=self.folder)
        self.addCleanup(daemon.end_if_running)
        daemon.stop()
        new = Daemon()
        self.addCleanup(new.close)
        self.assertEqual(schema(self.db), schema(new.db))
        self.assertEqual(read_rows(self.db, "PRAGMA user_version"), read_rows(new.db, "PRAGMA user_version"))

    def test_a_second_start_changes_nothing_more(self):
        for _ in range(2):
            daemon = Daemon(folder=self.folder)
            self.addCleanup(daemon.end_if_running)
            daemon.stop()
        self.assertEqual(len(self.copies()), 1)

    def test_answers_about_an_image_that_the_learner_had_answered_before_are_no_first_attempts(self):
        self.bring_up(6, """
            UPDATE items SET (class, seed) = (SELECT class, seed FROM items WHERE n = 1 AND session_id LIKE '1aec%')
            WHERE n = 2;  -- of both sessions, of which one learner's
            INSERT INTO learners (id, code_sha256, created_at) VALUES (1, hex(zeroblob(32)), '2026-01-01T00:00:00.000Z');
            INSERT INTO session_learners (session_id, learner_id) SELECT id, 1 FROM sessions;""")
        daemon = Daemon(folder=self.folder)
        self.addCleanup(daemon.end_if_running)
        self.assertEqual([row["first_attempt"] for row in daemon.rows("SELECT first_attempt FROM answers ORDER BY id")],
                         [1, 0, 1, 0])

    def test_links_of_before_are_void_too_when_who_made_them_is_no_administrator_any_more(self):
        token = "AB" * 32
        self.bring_up(7, f"""
            INSERT INTO accounts (id, name, password, role, created_at) VALUES
              (1, 'ann', '', 'admin', '2026-01-01T00:00:00.000Z'), (2, 'bea', '', 'admin', '2026-01-01T00:00:00.000Z');
            INSERT INTO invitations (id, token_sha256, purpose, role, account_id, created_at, expires_at, used_at)
              SELECT value, substr('{token}', 2) || value, 'invite', 'admin', NULL, '2026-01-01T00:00:00.000Z',
              '2126-01-01T00:00:00.000Z', iif(value = 4, '2026-01-02T00:00:00.000Z', NULL)
              FROM json_each('[1, 2, 3, 4]');
            INSERT INTO audit (at, account_id, action, object, detail) VALUES
              ('', NULL, 'invitation.create', 'invitation:1', '{{}}'), ('', 2, 'invitation.create', 'invitation:2', '{{}}'),
              ('', 1, 'invitation.create', 'invitation:3', '{{}}'), ('', 2, 'invitation.create', 'invitation:4', '{{}}'),
              ('', 2, 'account.role', 'account:3', '{{}}'), ('', 2, 'deck.create', 'invitation:3', '{{}}');""")
        daemon = Daemon(folder=self.folder)
        self.addCleanup(daemon.end_if_running)
        self.assertEqual([tuple(row) for row in daemon.rows("SELECT id, made_by FROM invitations ORDER BY id")],
                         [(1, None), (2, 2), (3, 1), (4, 2)])
        self.assertEqual(daemon.post("/api/v1/accounts/2/role", {"role": "educator"}, daemon.admin_token()).status, 200)
        self.assertEqual([row["id"] for row in daemon.rows("SELECT id FROM invitations ORDER BY id")], [1, 3, 4])

    def test_without_room_for_the_copy_it_is_refused_and_left_alone(self):
        hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
        resource.setrlimit(resource.RLIMIT_FSIZE, (20000, hard))
        try:
            line = self.refusal()
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
        self.assertIn("cannot copy the older database", line)
        self.assertEqual(self.copies(), [])
        self.assert_untouched()

    def test_a_broken_one_is_refused_and_left_alone(self):
        connection = sqlite3.connect(self.db)
        connection.execute("UPDATE answers SET session_id = 'nobody' WHERE id = 1")  # foreign keys are off here
        connection.commit()
        connection.close()
        self.before = content(self.db)
        self.assertIn("it is damaged", self.refusal())
        self.assertEqual(self.copies(), [])
        self.assert_untouched()


del StartTest

if __name__ == "__main__":
    unittest.main()
