"""How a study goes on and ends: another text of consent, people who leave, closing, freezing, windows of time."""

import concurrent.futures
import os
import re
import sqlite3
import sys
import tempfile
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from checkpoints import checkpoint, replace  # noqa: E402
from daemon import Daemon, fake_time  # noqa: E402
from studies import GAN, TRAIN_GAN, Person, StudyTest  # noqa: E402

HOUR = 1 / 24  # in days

# Every table but those that hold no rows of a participant.
SHARED = {"audit", "studies", "study_versions", "consent_texts", "study_decks", "study_test_items", "study_allocations",
          "withdrawals", "decks", "deck_versions", "models", "collections", "library_images", "accounts",
          "account_sessions", "invitations", "learners", "sqlite_sequence"}


class Consent(StudyTest):
    def test_a_changed_text_is_asked_again_before_anything_goes_on(self):
        path = self.open("changed")
        person = self.person("changed").play()
        person.play(stop_before=2)
        first = person.consent()
        self.assertEqual(self.researcher.post(path + "/consent", {"text": "Now also X."}, If_Match='"2"').status, 412)
        saved = self.researcher.post(path + "/consent", {"text": "Now also X."}, If_Match='"1"')
        self.assertEqual(saved.json["study"], {"id": "changed", "version": 2, "state": "open"})
        now = person.now()
        self.assertEqual((now["state"], now["consent"]["text"], now["consent"]["version"]), ("consent", "Now also X.", 2))
        self.assertEqual(person.post("session").code, "consent_changed")
        self.assertEqual(person.answer(2).code, "consent_changed")  # in the session that runs
        self.assertEqual(person.post("consent", first).code, "consent_changed")
        self.assertEqual(person.post("consent", person.consent(False)).json["participant"]["state"], "consent")
        self.assertEqual(person.answer(2).code, "consent_changed")
        late = Person(self.daemon, "changed")
        self.assertEqual(late.enrol(first).code, "consent_changed")
        self.assertEqual(late.enrol().status, 201)
        self.assertEqual(person.post("consent", person.consent()).json["participant"]["state"], "open")
        self.assertEqual(person.play().now()["phase"], "after")
        rows = self.daemon.rows("SELECT t.version, c.agreed FROM consents c JOIN consent_texts t ON t.id = c.consent_text_id"
                                " JOIN study_participants k ON k.learner_id = c.learner_id JOIN participants p"
                                " ON p.id = k.participant_id JOIN studies s ON s.id = p.study_id"
                                " WHERE s.name = 'changed' AND p.code = ? ORDER BY c.id", now["code"])
        self.assertEqual([tuple(row) for row in rows], [(1, 1), (2, 0), (2, 1)])
        for text in ("", "x" * 20001):
            self.assertEqual(self.researcher.post(path + "/consent", {"text": text}, If_Match='"2"').status, 422)

    def test_an_open_study_changes_in_nothing_else(self):
        path = self.open("firm")
        definition = self.researcher.get(path).json
        answer = self.researcher.post(path, {**definition, "title": "Other"}, If_Match='"1"')
        self.assertEqual((answer.status, answer.code), (409, "wrong_state"))
        self.assertEqual(self.researcher.post(path + "/open", If_Match='"1"').code, "wrong_state")
        self.assertEqual(self.researcher.post(path + "/freeze").code, "wrong_state")
        self.draft("unripe")
        for what in ("close", "freeze"):
            self.assertEqual(self.researcher.post(f"/api/v1/studies/unripe/{what}").code, "wrong_state")
        self.assertEqual(self.researcher.post("/api/v1/studies/unripe/open").status, 428)
        self.assertEqual(self.researcher.post("/api/v1/studies/unripe/open", If_Match='"7"').status, 412)

    def test_a_closed_study_takes_nobody_new_and_goes_on_with_the_others(self):
        path = self.open("closing")
        person = self.person("closing").play()
        self.assertEqual(self.researcher.post(path + "/close").json["study"]["state"], "closed")
        self.assertEqual(self.researcher.post(path + "/close").status, 200)
        self.assertEqual(Person(self.daemon, "closing").enrol().code, "study_closed")
        self.assertEqual(person.enrol().status, 200)
        self.assertEqual(person.play().play().now()["state"], "questions")


class Leaving(StudyTest):
    def rows_of(self, name):
        """All that is kept of the participants of a study: {table: rows}."""
        return {table: [tuple(row) for row in self.daemon.rows(f"SELECT * FROM {table}")] for table in self.tables()}

    def tables(self):
        return {row[0] for row in self.daemon.rows("SELECT name FROM sqlite_schema WHERE type = 'table'")} - SHARED

    def bytes_of_files(self):
        data = b""
        for name in os.listdir(self.daemon.folder):
            if name.startswith("roentgym.db"):
                with open(os.path.join(self.daemon.folder, name), "rb") as file:
                    data += file.read()
        return data

    def test_deleting_leaves_nothing_in_any_table_nor_in_the_files_even_during_a_session(self):
        self.open("deleting")
        others = [self.person("deleting").play() for _ in range(4)]
        before = self.rows_of("deleting")
        person = self.person("deleting").play().play().play(stop_before=3)
        others[0].play().play(stop_before=2)
        extra = {table: rows for table, rows in self.rows_of("deleting").items()}
        session = person.started["id"]
        code = person.now()["code"]
        images = [row[0] for row in self.daemon.rows("SELECT image FROM items WHERE session_id = ?", session)]
        keys = [row[0] for row in self.daemon.rows("SELECT key FROM answers WHERE session_id = ?", session)]
        hashes = [row[0] for row in self.daemon.rows("SELECT secret_sha256 FROM sessions WHERE id = ?", session)]
        marks = [text.encode() for text in [session, code, *images, *keys, *hashes]]
        self.assertEqual(len(marks), 2 + 4 + 2 + 1)
        files = self.bytes_of_files()
        for mark in marks:
            self.assertIn(mark, files)
        self.assertEqual(person.post("withdraw", {"form": "delete"}).json, {"withdrawn": {"form": "delete"}})
        files = self.bytes_of_files()
        for mark in marks:
            self.assertNotIn(mark, files)
        self.assertEqual(person.answer(3).code, "unknown_session")
        self.assertEqual(person.item(3).code, "unknown_session")
        self.assertEqual(person.get().code, "not_participant")
        self.assertEqual(person.post("withdraw", {"form": "delete"}).code, "not_participant")
        self.assertEqual(self.daemon.get("/api/v1/learner", person.code).json["sessions"], [])
        participants = {row[0] for row in before["participants"]}
        after = self.rows_of("deleting")
        self.assertEqual({row[0] for row in after["participants"]}, participants)
        for table, rows in after.items():
            with self.subTest(table=table):
                self.assertLessEqual(len(rows), len(extra[table]))
                self.assertFalse([row for row in rows if session in row or code in row])
        row, = self.daemon.rows("SELECT w.* FROM withdrawals w JOIN studies s ON s.id = w.study_id WHERE s.name = 'deleting'")
        self.assertEqual((row["form"], row["phase"]), ("delete", "after"))
        self.assertEqual(set(row.keys()), {"id", "study_id", "at", "form", "arm", "stratum", "phase", "simulated"})
        for other in others:
            self.assertNotEqual(other.get().status, 404)

    def test_a_place_that_was_left_is_not_given_again(self):
        self.open("places", blocks=[2])
        for _ in range(4):
            self.person("places").post("withdraw", {"form": "delete"})
        for _ in range(4):
            self.person("places")
        rows = self.daemon.rows("SELECT p.arm, p.allocation_n FROM participants p JOIN studies s ON s.id = p.study_id"
                                " WHERE s.name = 'places' ORDER BY p.allocation_n")
        self.assertEqual([row["allocation_n"] for row in rows], [4, 5, 6, 7])
        self.assertEqual(sorted(row["arm"] for row in rows), ["drawn", "drawn", "real", "real"])

    def test_anonymising_cuts_what_joins_answers_to_somebody_and_keeps_them(self):
        self.open("cutting")
        person = self.person("cutting").play().play(stop_before=2)
        code, session = person.now()["code"], person.started["id"]
        counts = {table: len(rows) for table, rows in self.rows_of("cutting").items()}
        self.assertEqual(person.post("withdraw", {"form": "anonymise"}).status, 200)
        self.assertEqual({table: len(rows) for table, rows in self.rows_of("cutting").items()},
                         {**counts, "study_participants": counts["study_participants"] - 1,
                          "session_learners": counts["session_learners"] - 2})
        self.assertEqual(self.daemon.rows("SELECT 1 FROM participants WHERE code = ?", code), [])
        self.assertNotIn(code.encode(), self.bytes_of_files())
        learner, = self.daemon.rows("SELECT learner_id FROM consents ORDER BY id DESC LIMIT 1")
        self.assertIsNone(learner[0])
        made, = self.daemon.rows("SELECT created_at FROM learners ORDER BY id DESC LIMIT 1")
        self.assertTrue(made[0].endswith("T00:00:00.000Z"))
        for answer in (person.answer(2), person.item(2), self.daemon.get(person.url(), person.code)):
            self.assertEqual(answer.status, 401)
        self.assertEqual(person.get().code, "not_participant")
        self.assertEqual(self.daemon.get("/api/v1/learner", person.code).json["sessions"], [])
        self.assertEqual(len(self.daemon.rows("SELECT 1 FROM answers WHERE session_id = ?", session)), 1)

    def test_stopping_keeps_all_takes_nothing_more_and_may_be_followed_by_another_form(self):
        self.open("stopping")
        person = self.person("stopping").play(stop_before=2)
        self.assertEqual(person.post("withdraw", {"form": "leave"}).status, 422)
        for _ in range(2):
            self.assertEqual(person.post("withdraw", {"form": "stop"}).status, 200)
        self.assertEqual(person.now()["state"], "stopped")
        for answer in (person.answer(2), person.post("session"), person.post("questions", {"answers": {}})):
            self.assertEqual((answer.status, answer.code), (409, "study_over"), answer.body)
        count = "SELECT form FROM withdrawals w JOIN studies s ON s.id = w.study_id WHERE s.name = 'stopping'"
        self.assertEqual([row[0] for row in self.daemon.rows(count)], ["stop"])
        self.assertEqual(person.post("withdraw", {"form": "delete"}).status, 200)
        self.assertEqual([row[0] for row in self.daemon.rows(count)], ["delete"])

    def test_many_who_leave_while_others_answer_lose_only_their_own(self):
        self.open("storm")
        leaving = [self.person("storm").play(stop_before=3) for _ in range(8)]
        staying = [self.person("storm").play(stop_before=2) for _ in range(8)]

        def leave(person):
            return person.post("withdraw", {"form": "delete"}).status

        def answer(person):
            return [person.answer(n).status for n in (2, 3, 4)]

        with concurrent.futures.ThreadPoolExecutor(16) as pool:
            left, answered = pool.map(leave, leaving), pool.map(answer, staying)
            late = pool.map(lambda person: person.answer(3).status, leaving)
            self.assertEqual(set(left), {200})
            self.assertEqual(list(answered), [[201] * 3] * 8)
            self.assertLessEqual(set(late), {201, 404})
        self.assertEqual({person.now()["phase"] for person in staying}, {"practice"})
        ids = [person.started["id"] for person in leaving]
        self.assertEqual([row for row in self.daemon.rows("SELECT session_id FROM answers") if row[0] in ids], [])
        self.assertEqual([tuple(row) for row in self.daemon.rows("PRAGMA foreign_key_check")], [])

    def test_a_reader_who_keeps_the_log_only_delays_its_emptying(self):
        self.open("reading")
        person, other = self.person("reading").play(), self.person("reading")
        code = person.now()["code"].encode()
        reader = sqlite3.connect(f"file:{self.daemon.db}?mode=ro", uri=True)
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM answers").fetchone()
        self.assertEqual(person.post("withdraw", {"form": "delete"}).status, 200)
        reader.close()
        other.play()
        self.assertNotIn(code, self.bytes_of_files())
        self.assertIn("the log cannot be emptied yet", self.daemon.log())


class Freezing(StudyTest):
    def test_a_frozen_study_refuses_everything(self):
        path = self.open("frozen")
        person, done = self.person("frozen").play(stop_before=3), self.person("frozen").play().play().play()
        image = person.item(3).json["item"]["image"]
        self.assertEqual(self.researcher.post(path + "/consent", {"text": "Other."}, If_Match='"1"').status, 200)
        self.researcher.post(path + "/close")
        listed, = [one for one in self.researcher.get("/api/v1/studies").json["studies"] if one["id"] == "frozen"]
        self.assertIsNone(listed["seed"])
        self.assertEqual(self.researcher.post(path + "/freeze").json["study"]["state"], "frozen")
        listed, = [one for one in self.researcher.get("/api/v1/studies").json["studies"] if one["id"] == "frozen"]
        self.assertRegex(listed["seed"], r"^\d{1,20}$")
        before = "\n".join(self.dump())
        for answer in (person.answer(3), person.post("session"), person.post("consent", person.consent()),
                       done.post("questions", {"answers": {}}), person.post("withdraw", {"form": "delete"}),
                       person.post("withdraw", {"form": "anonymise"}), done.post("withdraw", {"form": "stop"})):
            self.assertEqual(answer.status, 409, answer.body)
        self.assertEqual(Person(self.daemon, "frozen").enrol(person.consent()).code, "study_closed")
        self.assertEqual(person.now()["state"], "over")
        self.assertEqual(self.daemon.get(image).status, 200)  # for the first time: its hash is no longer recorded
        definition = self.researcher.get(path).json
        for answer in (self.researcher.post(path, definition, If_Match='"2"'),
                       self.researcher.post(path + "/consent", {"text": "More."}, If_Match='"2"'),
                       self.researcher.post(path + "/open", If_Match='"2"'), self.researcher.post(path + "/close"),
                       self.researcher.post(path + "/freeze")):
            self.assertEqual((answer.status, answer.code), (409, "study_frozen"))
        self.assertEqual(before, "\n".join(self.dump()))
        self.assertNotIn("the study is frozen", self.daemon.log())

    def dump(self):
        """All rows but those of people without a study, and of the log of what was tried."""
        connection = sqlite3.connect(f"file:{self.daemon.db}?mode=ro", uri=True)
        try:
            return [line for line in connection.iterdump() if not re.match(r'INSERT INTO "(audit|learners|sqlite_sequence)"|DELETE', line)]
        finally:
            connection.close()

    def test_its_rows_cannot_be_changed_in_the_file_either(self):
        path = self.open("kept")
        self.person("kept").play().play().play().post("questions", {"answers": {"source": "no"}})
        leaving = self.person("kept").play()
        leaving.post("withdraw", {"form": "anonymise"})
        self.researcher.post(path + "/close")
        self.researcher.post(path + "/freeze")
        connection = sqlite3.connect(self.daemon.db)
        self.addCleanup(connection.close)
        study = "(SELECT id FROM studies WHERE name = 'kept')"
        people = f"(SELECT id FROM participants WHERE study_id = {study})"
        sessions = f"(SELECT session_id FROM participant_sessions WHERE participant_id IN {people})"
        answers = f"(SELECT id FROM answers WHERE session_id IN {sessions})"
        of = {"studies": f"id = {study}", "participants": f"id IN {people}", "study_participants": f"study_id = {study}",
              "study_versions": f"study_id = {study}", "consent_texts": f"study_id = {study}",
              "study_decks": f"study_id = {study}", "study_test_items": f"study_id = {study}",
              "study_allocations": f"study_id = {study}", "withdrawals": f"study_id = {study}",
              "participant_sessions": f"participant_id IN {people}", "participant_answers": f"participant_id IN {people}",
              "sessions": f"id IN {sessions}", "session_learners": f"session_id IN {sessions}",
              "items": f"session_id IN {sessions}", "answers": f"session_id IN {sessions}",
              "consents": f"consent_text_id IN (SELECT id FROM consent_texts WHERE study_id = {study})"}
        for table, where in of.items():
            column = connection.execute(f"SELECT name FROM pragma_table_info('{table}') ORDER BY cid DESC").fetchone()[0]
            count, = connection.execute(f"SELECT count(*) FROM {table} WHERE {where}").fetchone()
            self.assertGreater(count, 0, table)
            changes = [f"DELETE FROM {table} WHERE {where}"]
            if table != "studies":
                changes += [f"UPDATE {table} SET {column} = {column} WHERE {where}",
                            f"INSERT INTO {table} SELECT * FROM {table} WHERE {where} LIMIT 1"]
            for sql in changes:
                with self.subTest(sql=sql[:60]), self.assertRaisesRegex(sqlite3.IntegrityError, "frozen|never changes|UNIQUE"):
                    connection.execute(sql)
        for column, value in (("state", "'open'"), ("seed", "'1'"), ("name", "'other'"), ("frozen_at", "'now'")):
            with self.assertRaisesRegex(sqlite3.IntegrityError, "frozen"):
                connection.execute(f"UPDATE studies SET {column} = {value} WHERE name = 'kept'")
        with self.assertRaisesRegex(sqlite3.IntegrityError, "frozen"):
            connection.execute(f"INSERT INTO answer_context (answer_id) SELECT id FROM answers WHERE id IN {answers}")


class Again(StudyTest):
    def test_who_left_without_a_trace_can_enrol_again_as_somebody_else_and_who_stopped_cannot(self):
        path = self.open("again")
        for form, status in (("stop", 200), ("anonymise", 201), ("delete", 201)):
            person = self.person("again").play()
            code, before = person.now()["code"], len(self.daemon.rows("SELECT 1 FROM participants"))
            self.assertEqual(person.post("withdraw", {"form": form}).status, 200)
            answer = person.enrol()
            with self.subTest(form=form):
                self.assertEqual(answer.status, status, answer.body)
                self.assertEqual(person.now()["code"] == code, form == "stop")
                self.assertEqual(person.now()["phases"][0]["session"] is None, form != "stop")
                self.assertEqual(len(self.daemon.rows("SELECT 1 FROM participants")) - before, int(form == "anonymise"))
        self.assertEqual(self.researcher.get(path + "/flow").json["flow"]["withdrawn"], {"stop": 1, "delete": 1, "anonymise": 1})


class Windows(StudyTest):
    @classmethod
    def setUpClass(cls):
        handle, cls.calendar = tempfile.mkstemp()
        os.close(handle)
        cls.addClassCleanup(os.remove, cls.calendar)
        cls.set_calendar("+0")
        with fake_time(FAKETIME_TIMESTAMP_FILE=cls.calendar, FAKETIME_NO_CACHE="1", FAKETIME_DONT_FAKE_MONOTONIC="1"):
            super().setUpClass()

    @classmethod
    def set_calendar(cls, to):
        with open(cls.calendar, "w", encoding="ascii") as file:
            file.write(to + "\n")

    def test_a_phase_opens_and_closes_when_its_window_does(self):
        self.open("timed", phases=[{"id": "soon", "kind": "training", "opens_after_days": 1.5 * HOUR},
                                   {"id": "brief", "kind": "training", "closes_after_days": 2 * HOUR},
                                   {"id": "last", "kind": "training", "opens_after_days": 1}], questions=[])
        person = self.person("timed")
        now = person.now()
        self.assertEqual((now["state"], now["phase"]), ("waits", "soon"))
        self.assertEqual(person.post("session").code, "phase_waits")
        self.set_calendar("+100m")
        person.play()
        self.assertEqual(person.now()["phase"], "brief")
        person.play(stop_before=2)
        self.set_calendar("+230m")
        self.assertEqual(person.answer(2).code, "phase_closed")
        now = person.now()
        self.assertEqual([p["state"] for p in now["phases"]], ["done", "missed", "waits"])
        self.assertEqual((now["state"], now["phases"][1]["answered"]), ("waits", 1))


class Broken(StudyTest):
    sides = {"default": 64, "other": 64}

    def restart(self, person):
        self.daemon.stop()
        self.daemon = Daemon(self.decks, folder=self.daemon.folder, models=self.models)
        self.addCleanup(self.daemon.end_if_running)
        person.daemon = self.daemon

    def item_until(self, person, n, *said):
        """It is known some time after the start whether a file is the version that is looked for."""
        until = time.monotonic() + 120
        while (answer := person.item(n)).status == 200 and time.monotonic() < until:
            time.sleep(0.1)
        self.assertEqual((answer.status, answer.code), said)
        self.assertNotIn("new session", answer.body.decode())

    def test_a_training_whose_model_is_gone_waits_and_ends_when_another_came_in_its_place(self):
        of_other = {**TRAIN_GAN, "id": "of-other", "sources": [{**GAN, "model": "other"}]}
        self.assertEqual(self.educator.post("/api/v1/decks", of_other).status, 201)
        self.open("broken", arms=[{"id": name, "label": name, "deck": "of-other"} for name in ("a", "b")], questions=[],
                  phases=[{"id": "practice", "kind": "training"}, {"id": "after", "kind": "test", "deck": "exam"}])
        person = self.person("broken").play(stop_before=2)
        file = os.path.join(self.models, "other.safetensors")
        kept = os.path.join(self.daemon.folder, "kept")
        os.rename(file, kept)
        self.restart(person)
        self.item_until(person, 2, 410, "model_gone")
        away = person.post("session")
        self.assertEqual((away.status, away.code), (503, "phase_unavailable"))
        self.assertEqual(person.now()["phase"], "practice")
        os.rename(kept, file)
        self.restart(person)
        self.assertEqual(person.session().status, 200)
        self.assertEqual(person.item(2).status, 200)
        self.daemon.stop()
        replace(file, checkpoint(77, 64))
        self.restart(person)
        self.item_until(person, 2, 410, "model_gone")
        before = person.started["id"]
        ended = person.post("session")
        self.assertEqual((ended.status, ended.code), (409, "phase_ended"), ended.body)
        now = person.now()
        self.assertEqual([(p["state"], p["answered"]) for p in now["phases"]], [("missed", 1), ("open", 0)])
        self.assertEqual(person.answer(2).code, "phase_closed")
        self.assertEqual(person.play().now()["state"], "finished")
        self.assertEqual(self.daemon.rows("SELECT phase, closes_at IS NULL, finished_at IS NULL FROM participant_sessions"
                                          " WHERE session_id = ?", before)[0][:], ("practice", 0, 1))
        researcher = self.researcher
        researcher.daemon = self.daemon
        practice = [p for p in researcher.get("/api/v1/studies/broken/flow").json["flow"]["phases"] if p["phase"] == "practice"]
        self.assertEqual(sum(p["not_finished"] for p in practice), 1)
        rows = researcher.get("/api/v1/studies/broken/export/responses.csv").body.decode().splitlines()
        self.assertEqual(len(rows), 1 + 1 + 4)


class Clock(StudyTest):
    def restart(self, shift):
        self.daemon.stop()
        with fake_time(FAKETIME=shift):
            self.daemon = Daemon(self.decks, folder=self.daemon.folder, models=self.models)
        self.addCleanup(self.daemon.end_if_running)

    def test_a_clock_that_is_set_back_or_on_only_moves_the_windows(self):
        self.open("clock", phases=[{"id": "one", "kind": "training"},
                                   {"id": "two", "kind": "training", "opens_after_days": 7, "closes_after_days": 14},
                                   {"id": "three", "kind": "training"}], questions=[])
        person = self.person("clock").play()
        self.assertEqual(person.now()["state"], "waits")
        for shift, state, phases in (("-3d", "waits", ["done", "waits", "later"]), ("+8d", "open", ["done", "open", "later"]),
                                     ("+15d", "open", ["done", "missed", "open"]), ("-1y", "waits", ["done", "waits", "later"])):
            self.restart(shift)
            person.daemon = self.daemon
            now = person.now()
            with self.subTest(shift=shift):
                self.assertEqual((now["state"], [p["state"] for p in now["phases"]]), (state, phases))


if __name__ == "__main__":
    unittest.main()
