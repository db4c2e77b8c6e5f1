"""Studies when the process is killed or the disk is full: nobody has half an enrolment, and no place is lost or given twice."""

import concurrent.futures
import os
import random
import resource
import sys
import threading
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../api"))
from daemon import Daemon  # noqa: E402
from studies import Person, StudyTest  # noqa: E402


class Faults(StudyTest):
    def again(self):
        type(self).daemon = Daemon(self.decks, folder=self.daemon.folder, models=self.models)
        self.addClassCleanup(self.daemon.end_if_running)
        self.researcher.daemon = self.daemon

    def told_until(self, count):
        """A list and a function that appends to it; the daemon is killed when `count` were told, others under way."""
        told, one_at_a_time = [], threading.Lock()

        def tell(what):
            with one_at_a_time:
                told.append(what)
                if len(told) == count:
                    self.daemon.kill()

        return told, tell

    def check(self, name):
        """Each participant is whole, and each place of a stratum somebody's."""
        rows = self.daemon.rows("SELECT p.*, k.learner_id FROM participants p JOIN studies s ON s.id = p.study_id"
                                " LEFT JOIN study_participants k ON k.participant_id = p.id WHERE s.name = ?", name)
        consents = self.daemon.rows("SELECT c.learner_id FROM consents c JOIN consent_texts t ON t.id = c.consent_text_id"
                                    " JOIN studies s ON s.id = t.study_id WHERE s.name = ?", name)
        counts = {row["stratum"]: row["count"] for row in self.daemon.rows(
            "SELECT a.* FROM study_allocations a JOIN studies s ON s.id = a.study_id WHERE s.name = ?", name)}
        self.assertEqual({row["learner_id"] for row in rows}, {row[0] for row in consents})
        for stratum, count in counts.items():
            self.assertEqual(sorted(row["allocation_n"] for row in rows if row["stratum"] == stratum), list(range(count)))
        self.assertEqual(sum(counts.values()), len(rows))
        self.assertEqual([tuple(row) for row in self.daemon.rows("PRAGMA integrity_check")], [("ok",)])
        self.assertEqual([tuple(row) for row in self.daemon.rows("PRAGMA foreign_key_check")], [])
        return rows

    def test_a_kill_during_enrolments_leaves_whole_participants_and_all_that_were_told(self):
        self.open("killed")
        draw = random.Random(1)
        for count in (1, 4, 8, 16):
            people = [Person(self.daemon, "killed") for _ in range(40)]
            consent = people[0].consent()
            told, tell = self.told_until(count)

            def enrol(person):
                try:
                    answer = person.enrol(consent, level=draw.choice(["student", "resident"]))
                except OSError:
                    return
                if answer.status == 201:
                    tell(answer.json["participant"]["code"])

            with concurrent.futures.ThreadPoolExecutor(20) as pool:
                list(pool.map(enrol, people))
            self.assertTrue(count <= len(told) < 40, told)
            self.again()
            rows = self.check("killed")
            self.assertLessEqual(set(told), {row["code"] for row in rows})
            for person in people:
                person.daemon = self.daemon
                self.assertIn(person.enrol(consent).status, (200, 201))
        self.assertEqual(len(self.check("killed")), 160)

    def test_a_kill_during_withdrawals_leaves_whoever_was_told_without_a_trace(self):
        self.open("left")
        for count in (1, 2, 3):
            people = [self.person("left").play(stop_before=2) for _ in range(8)]
            told, tell = self.told_until(count)

            def leave(person):
                try:
                    if person.post("withdraw", {"form": "delete"}).status == 200:
                        tell(person)
                except OSError:
                    pass

            with concurrent.futures.ThreadPoolExecutor(3) as pool:
                list(pool.map(leave, people))
            self.assertTrue(count <= len(told) < 8, told)
            self.check_gone(people, told)

    def check_gone(self, people, told):
        """Of those who were told nothing is left in the dead daemon's files; the others are gone or whole."""
        files = b""
        for name in os.listdir(self.daemon.folder):
            if name.startswith("roentgym.db"):
                with open(os.path.join(self.daemon.folder, name), "rb") as file:
                    files += file.read()
        for person in told:
            self.assertNotIn(person.started["id"].encode(), files)
        self.again()
        sessions = {row[0] for row in self.daemon.rows("SELECT session_id FROM participant_sessions")}
        for person in people:
            person.daemon = self.daemon
            gone = person.get().status == 404
            self.assertEqual(gone, person.started["id"] not in sessions)
            self.assertTrue(gone or person not in told)
        self.assertEqual([tuple(row) for row in self.daemon.rows("PRAGMA foreign_key_check")], [])

    def test_a_full_disk_refuses_enrolments_and_withdrawals_and_changes_nothing(self):
        self.open("full")
        person, late = self.person("full").play(stop_before=2), Person(self.daemon, "full")
        consent = late.consent()
        pid, hard = self.daemon.process.pid, resource.getrlimit(resource.RLIMIT_FSIZE)[1]
        before = len(self.check("full"))
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (4096, hard))
        try:
            for answer in (late.enrol(consent), person.post("withdraw", {"form": "delete"}), person.post("session")):
                self.assertEqual((answer.status, answer.code), (503, "storage_unavailable"))
        finally:
            resource.prlimit(pid, resource.RLIMIT_FSIZE, (hard, hard))
        self.assertEqual(len(self.check("full")), before)
        self.assertEqual(late.enrol(consent).status, 201)
        self.assertEqual(person.post("withdraw", {"form": "delete"}).status, 200)
        self.assertEqual(person.get().status, 404)


del StudyTest

if __name__ == "__main__":
    unittest.main()
