"""The exports, read by programs of others: Python's csv, json and zipfile, Frictionless Data's library, the BIDS
validator. For Psych-DS there is none that could be installed: its rules are stated here."""

import csv
import io
import json
import os
import resource
import sqlite3
import subprocess
import sys
import tempfile
import threading
import unittest
import uuid
import zipfile

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from daemon import ROOT, DaemonTest, Daemon, Learner, deck, deck_of, need_checkpoint, table  # noqa: E402
from exports import CSV, JSONL, ZIP, copy_sessions, fetch  # noqa: E402

VALIDATORS = os.path.join(ROOT, "tests/validators")


def package(test, daemon, query=""):
    archive = zipfile.ZipFile(io.BytesIO(fetch(daemon, ZIP + query).body))
    test.assertIsNone(archive.testzip())
    return archive


def unpacked(test, daemon, query=""):
    """The package in a folder of its own."""
    archive = package(test, daemon, query)
    folder = tempfile.TemporaryDirectory(prefix="package-")
    test.addCleanup(folder.cleanup)
    archive.extractall(folder.name)
    return folder.name


def read(folder, name):
    with open(os.path.join(folder, name), encoding="utf-8", newline="") as file:
        return file.read()


def drill(daemon, items, **context):
    learner = Learner(daemon)
    for n in range(1, items + 1):
        learner.image(n)
        answer = learner.answer(n, "fracture" if n % 2 else "no_fracture", 1 + n % 3, response_ms=1000.25 * n, **context)
        assert answer.status == 201, answer.body
    return learner


class Forms(DaemonTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.learners = [drill(cls.daemon, 5, blur_ms=12.5, viewer_actions=[{"zoom": 2}], timed_out=False, wl_centre=-3.5),
                        drill(cls.daemon, 3)]

    def test_lines_of_json_say_what_the_csv_says(self):
        cells = table(fetch(self.daemon, CSV).body.decode())
        lines = [json.loads(line) for line in fetch(self.daemon, JSONL).body.decode().splitlines()]
        self.assertEqual(len(lines), 8)
        for row, line in zip(cells, lines, strict=True):
            self.assertEqual(list(row), list(line))
            for name, value in line.items():
                if value is None or isinstance(value, bool):
                    self.assertEqual(row[name], {None: "", True: "1", False: "0"}[value])
                elif isinstance(value, str):
                    self.assertEqual(row[name], value)
                else:
                    self.assertEqual(float(row[name]), value)
        told = [line for line in lines if line["session_id"] == self.learners[0].id]
        self.assertEqual([line["item"] for line in told], [1, 2, 3, 4, 5])
        self.assertEqual([told[0][name] for name in ("blur_ms", "timed_out", "wl_centre", "prev_item")],
                         [12.5, False, -3.5, None])
        self.assertEqual(json.loads(told[0]["viewer_actions"]), [{"zoom": 2}])
        self.assertIn(",-3.5,", fetch(self.daemon, CSV).body.decode())

    def test_the_package_holds_the_same_answers_without_sessions_and_dates(self):
        folder = unpacked(self, self.daemon)
        log = table(fetch(self.daemon, CSV).body.decode())
        rows = table(read(folder, "data/task-hip_data.csv"))
        for row, logged in zip(rows, log, strict=True):
            for name in set(row) & set(logged):
                self.assertEqual(row[name], logged[name])
            self.assertAlmostEqual(float(row["response_time"]) * 1000, float(row["response_ms"]))
            self.assertLess(abs(float(row["onset"])), 60)
        self.assertEqual({name for name in log[0]} - set(rows[0]), {"session_id", "received_at"})
        self.assertEqual([row["row_id"] for row in rows], [str(k) for k in range(1, 9)])
        people = table(read(folder, "participants.tsv"), delimiter="\t")
        self.assertEqual([person["participant_id"] for person in people], ["sub-0001", "sub-0002"])
        for person in people:
            who = person["participant_id"]
            own = table(read(folder, f"{who}/beh/{who}_task-hip_beh.tsv"), delimiter="\t", quoting=csv.QUOTE_NONE)
            self.assertEqual([{k: "" if v == "n/a" else v for k, v in row.items()} for row in own],
                             [row for row in rows if row["participant_id"] == who])
            self.assertEqual(person["answers"], str(len(own)))
        everything = "".join(read(place, name) for place, _, names in os.walk(folder) for name in names)
        for learner in self.learners:
            self.assertNotIn(learner.id, everything)
        year = self.daemon.rows("SELECT created_at FROM sessions")[0]["created_at"][:10]
        self.assertNotIn(year, everything)

    def test_frictionless_datas_library_reads_every_cell(self):
        self.need_validators()
        done = subprocess.run(["node", "frictionless.js", unpacked(self, self.daemon)], cwd=VALIDATORS, text=True,
                              capture_output=True, timeout=60)
        self.assertEqual(done.returncode, 0, done.stderr)
        said = json.loads(done.stdout)
        self.assertEqual((said["valid"], said["errors"]), (True, []))
        self.assertEqual((said["rows"]["answers"], said["rows"]["participants"]), (8, 2))

    def test_the_bids_validator_finds_no_error(self):
        self.need_validators()
        said = self.bids(unpacked(self, self.daemon))
        self.assertEqual(said["issues"]["errors"], [])
        # Who publishes the data adds the authors.
        self.assertEqual([issue["key"] for issue in said["issues"]["warnings"]], ["NO_AUTHORS"])
        self.assertEqual((said["summary"]["subjects"], said["summary"]["tasks"]), (["0001", "0002"], ["hip"]))

    def test_the_bids_validator_would_find_one(self):
        self.need_validators()
        folder = unpacked(self, self.daemon)
        os.rename(os.path.join(folder, "sub-0001/beh/sub-0001_task-hip_beh.tsv"), os.path.join(folder, "sub-0001/beh/x.tsv"))
        self.assertNotEqual(self.bids(folder)["issues"]["errors"], [])

    def bids(self, folder):
        program = os.path.join(VALIDATORS, "node_modules/bids-validator/bin/bids-validator")
        done = subprocess.run(["node", program, folder, "--json"], text=True, capture_output=True, timeout=60)
        return json.loads(done.stdout)

    def need_validators(self):
        if not os.path.isdir(os.path.join(VALIDATORS, "node_modules")):
            self.skipTest("tests/validators has no node_modules; deploy/setup.sh test installs them")

    def test_the_rules_of_psych_ds_hold(self):
        folder = unpacked(self, self.daemon)
        description = json.loads(read(folder, "dataset_description.json"))
        self.assertRegex(description["@context"], "^https?://schema.org/?$")
        self.assertEqual(description["@type"], "Dataset")
        self.assertTrue(description["name"] and description["description"])
        variables = {variable["name"] for variable in description["variableMeasured"]}
        files = os.listdir(os.path.join(folder, "data"))
        self.assertEqual(sorted(files), ["task-hip_data.csv", "task-hip_data.json"])
        for name in files:
            self.assertRegex(name, r"^([a-z]+-[a-zA-Z0-9]+)(_[a-z]+-[a-zA-Z0-9]+)*_data\.(csv|json)$")
        rows = list(csv.reader(io.StringIO(read(folder, "data/task-hip_data.csv"), newline="")))
        self.assertEqual(set(rows[0]), variables)
        self.assertEqual({len(row) for row in rows}, {len(rows[0])})
        numbers = [row[rows[0].index("row_id")] for row in rows[1:]]
        self.assertEqual(len(set(numbers)), len(numbers))

    def test_the_codebook_explains_every_column(self):
        folder = unpacked(self, self.daemon)
        columns = list(table(read(folder, "data/task-hip_data.csv"))[0])
        codebook = table(read(folder, "codebook.csv"))
        self.assertEqual([row["name"] for row in codebook], columns)
        self.assertTrue(all(row["description"] and row["type"] for row in codebook))
        text, sidecar = read(folder, "CODEBOOK.md"), json.loads(read(folder, "task-hip_beh.json"))
        for name in columns:
            self.assertIn(f"**{name}**", text)
            self.assertIn("Description", sidecar[name])

    def test_wrong_filters_are_named(self):
        for path in (CSV, JSONL, ZIP):
            for query, field in (("deck=A%20B", "deck"), ("deck=none", "deck"), ("from=2026-02-30", "from"),
                                 ("from=yesterday", "from"), ("to=2026-1-1", "to"), ("to=", "to"),
                                 ("from=2026-02-02&to=2026-02-01", "from")):
                answer = fetch(self.daemon, f"{path}?{query}", 422)
                self.assertEqual(answer.code, "wrong_filter")
                self.assertTrue(answer.json["error"]["message"].startswith(field + ":"), answer.body)
            self.assertEqual(fetch(self.daemon, path + "?study=1", 400).code, "malformed_query")
            self.assertEqual(self.daemon.get(path).status, 401)

    def test_every_export_is_in_the_audit_log(self):
        fetch(self.daemon, JSONL + "?from=2020-01-01")
        row = self.daemon.rows("SELECT object, detail FROM audit WHERE action = 'export' ORDER BY id DESC LIMIT 1")[0]
        self.assertEqual((row["object"], json.loads(row["detail"])), ("responses.jsonl", {"from": "2020-01-01"}))


class Filters(unittest.TestCase):
    def test_decks_and_days_choose_what_comes(self):
        need_checkpoint()
        daemon = Daemon([deck(items=3), deck("other", items=3)])
        self.addCleanup(daemon.close)
        drill(daemon, 3)
        Learner(daemon, "other").answer(1)
        connection = sqlite3.connect(daemon.db)
        with connection:
            for id, day in ((1, "2026-01-31T23:59:59.999Z"), (2, "2026-02-01T00:00:00.000Z"), (3, "2026-02-02T12:00:00.000Z")):
                connection.execute("UPDATE answers SET received_at = ? WHERE id = ?", (day, id))
        connection.close()
        def count(query):
            rows = table(fetch(daemon, CSV + query).body.decode())
            self.assertEqual(len(fetch(daemon, JSONL + query).body.splitlines()), len(rows))
            return len(rows)
        self.assertEqual(count(""), 4)
        self.assertEqual([count("?deck=other"), count("?deck=default")], [1, 3])
        self.assertEqual(count("?from=2026-02-01&to=2026-02-01"), 1)
        self.assertEqual(count("?to=2026-01-31"), 1)
        self.assertEqual(count("?deck=default&from=2026-02-01"), 2)
        self.assertEqual(count("?from=2020-01-01&to=2020-01-02"), 0)
        cut = {row["item"]: row["prev_item"] for row in table(fetch(daemon, CSV + "?deck=default&from=2026-02-01").body.decode())}
        self.assertEqual(cut, {"2": "1", "3": "2"})
        folder = unpacked(self, daemon, "?from=2020-01-01&to=2020-01-02")
        self.assertEqual(len(read(folder, "participants.tsv").splitlines()), 1)

    def test_cells_that_a_spreadsheet_would_run_are_made_harmless(self):
        need_checkpoint()
        daemon = Daemon([deck(items=2)])
        self.addCleanup(daemon.close)
        drill(daemon, 1)
        hostile = "=HYPERLINK(\"http://x\",\"a\")\t,\n\u00e4"
        connection = sqlite3.connect(daemon.db)
        with connection:
            connection.execute("UPDATE sessions SET server_version = ?", (hostile,))
        connection.close()
        self.assertEqual(table(fetch(daemon, CSV).body.decode())[0]["server_version"], "'" + hostile)
        self.assertEqual(json.loads(fetch(daemon, JSONL).body)["server_version"], hostile)
        folder = unpacked(self, daemon)
        self.assertEqual(table(read(folder, "data/task-hip_data.csv"))[0]["server_version"], "'" + hostile)
        own = read(folder, "sub-0001/beh/sub-0001_task-hip_beh.tsv").split("\n")
        self.assertEqual([len(line.split("\t")) for line in own[:-1]], [own[0].count("\t") + 1] * 2)


class Asked(DaemonTest):
    decks = [deck(items=2), deck_of("quick", rating="two_buttons")]

    def test_a_rating_without_a_confidence_is_told_from_a_sure_one(self):
        """Two buttons ask for none, and make the same ratings as those who are sure."""
        self.assertEqual(Learner(self.daemon).answer(1, "fracture", 3).status, 201)
        quick = Learner(self.daemon, "quick")
        answer = self.daemon.post(quick.url + "/answers", {"key": str(uuid.uuid4()), "item": 1, "choice": "yes",
                                                           "response_ms": 900}, quick.secret)
        self.assertEqual(answer.status, 201, answer.body)
        rows = {row["deck_id"]: row for row in table(fetch(self.daemon, CSV).body.decode())}
        self.assertEqual({name: (row["rating"], row["confidence_asked"]) for name, row in rows.items()},
                         {"default": ("6", "1"), "quick": ("6", "0")})
        self.assertEqual({row["confidence_asked"] for row in table(read(unpacked(self, self.daemon), "data/task-hip_data.csv"))}, {"0", "1"})


class Crossed(DaemonTest):
    decks = [
        {"format": 2, "id": name, "title": "Hips", "question": "Is there a fracture?", "items": 5, "prevalence": 0.4,
         "choices": [{"id": "nothing", "label": "Nothing"}, {"id": "broken", "label": "Broken"}], "draw": draw,
         "sources": [{"kind": "gan", "model": "default", "classes": {"no": ["no_fracture"], "yes": ["fracture"]}}]}
        for name, draw in (("fixed", {"mode": "fixed", "seed": "5"}), ("again", {"mode": "fixed", "seed": "6"}), ("fresh", {"mode": "fresh"}))]

    def read_by(self, name, items, answers):
        learner = Learner(self.daemon, name)
        for n in range(1, items + 1):
            choice, confidence = answers[n % len(answers)]
            self.assertEqual(learner.answer(n, choice, confidence).status, 201)
        return learner

    def test_crossed_ratings_come_in_the_form_that_both_readers_take(self):
        answers = [("broken", 3), ("nothing", 1), ("nothing", 3), ("broken", 1)]
        for k in range(3):
            self.read_by("fixed", 5, answers[k:] + answers[:k])
        self.read_by("fixed", 3, answers)  # stopped early
        archive = zipfile.ZipFile(io.BytesIO(fetch(self.daemon, "/api/v1/export/imrmc.zip?deck=fixed").body))
        for name in archive.namelist()[1:]:
            self.assertIn(name, archive.read("README.txt").decode())
        text = archive.read("answers.imrmc").decode("ascii")
        lines = text.split("\n")
        self.assertEqual(lines[1:6], ["N0:3", "N1:2", "NR:3", "NM:1", "BEGIN DATA:"])
        self.assertNotRegex(lines[0], "N[01RM]:|,")
        self.assertTrue(text.endswith("\n") and "\n\n" not in text and "\r" not in text and " " not in "".join(lines[6:]))
        rows = [line.split(",") for line in lines[6:-1]]
        truths = {int(case): truth for reader, case, modality, truth in rows if reader == "-1"}
        self.assertEqual((sorted(truths), sorted(truths.values())), ([1, 2, 3, 4, 5], ["0", "0", "0", "1", "1"]))
        scores = {(int(reader), int(case)): int(score) for reader, case, modality, score in rows if reader != "-1"}
        self.assertEqual(sorted(scores), [(reader, case) for reader in (1, 2, 3) for case in (1, 2, 3, 4, 5)])
        self.assertEqual({row[2] for row in rows}, {"truth", "gan"})
        cases = table(archive.read("cases.csv").decode())
        readers = table(archive.read("readers.csv").decode())
        self.assertEqual([row["rated"] for row in readers if not row["reader"]], ["3"])
        people = {row["reader"]: row["participant_id"] for row in readers}
        log = table(read(unpacked(self, self.daemon, "?deck=fixed"), "data/task-hip_data.csv"))
        for (reader, case), score in scores.items():
            key = cases[case - 1]
            row = next(row for row in log if row["participant_id"] == people[str(reader)] and row["seed"] == key["seed"]
                       and row["class_label"] == key["class_label"])
            self.assertEqual(int(row["rating"]), score)
            self.assertEqual(row["truth"] == "broken", truths[case] == "1")

    def test_who_reads_the_same_images_twice_is_one_reader(self):
        code = self.daemon.request("POST", "/api/v1/learners").json["learner"]["code"]
        for learner in (code, code, None):
            reader = Learner(self.daemon, "again", **({"learner": learner} if learner else {}))
            for n in range(1, 6):
                self.assertEqual(reader.answer(n, "broken").status, 201)
        archive = zipfile.ZipFile(io.BytesIO(fetch(self.daemon, "/api/v1/export/imrmc.zip?deck=again").body))
        self.assertIn("\nNR:2\n", archive.read("answers.imrmc").decode("ascii"))
        readers = table(archive.read("readers.csv").decode())
        self.assertEqual(sorted(row["rated"] for row in readers), ["0", "5", "5"])

    def test_ratings_that_are_not_crossed_are_refused_with_the_reason(self):
        self.read_by("fresh", 5, [("broken", 2)])
        self.read_by("fresh", 5, [("broken", 2)])
        answer = fetch(self.daemon, "/api/v1/export/imrmc.zip?deck=fresh", 409)
        self.assertEqual(answer.code, "not_crossed")
        self.assertIn("Of 2 readers 0 rated all of the 10 images", answer.json["error"]["message"])
        self.assertIn("deck:", fetch(self.daemon, "/api/v1/export/imrmc.zip", 422).json["error"]["message"])
        with zipfile.ZipFile(io.BytesIO(fetch(self.daemon, ZIP).body)) as archive:
            self.assertIsNone(archive.testzip())


class NoRoom(unittest.TestCase):
    def test_a_file_that_cannot_be_written_is_an_error_and_not_half_a_file(self):
        need_checkpoint()
        daemon = Daemon([deck(items=5)])
        self.addCleanup(daemon.close)
        drill(daemon, 5)
        copy_sessions(daemon.db, 2000)
        whole = len(fetch(daemon, CSV).body)
        unlimited = resource.prlimit(daemon.process.pid, resource.RLIMIT_FSIZE)
        log = os.path.getsize(daemon.db + "-wal")
        resource.prlimit(daemon.process.pid, resource.RLIMIT_FSIZE, (log + 100000, unlimited[1]))
        for path in (CSV, JSONL, ZIP):
            answer = fetch(daemon, path, 503)
            self.assertEqual(answer.code, "storage_unavailable")
        resource.prlimit(daemon.process.pid, resource.RLIMIT_FSIZE, unlimited)
        self.assertEqual(len(fetch(daemon, CSV).body), whole)
        self.assertEqual([name for name in os.listdir(daemon.folder) if "export" in name], [])


class During(unittest.TestCase):
    def test_what_is_written_meanwhile_is_in_all_of_an_export_or_in_none(self):
        need_checkpoint()
        daemon = Daemon([deck(items=2)])
        self.addCleanup(daemon.close)
        drill(daemon, 1)
        copy_sessions(daemon.db, 3000)
        stop, written = threading.Event(), []
        def write():
            while not stop.is_set():
                learner = Learner(daemon)
                assert learner.answer(1).status == 201
                written.append(learner.id)
        writer = threading.Thread(target=write)
        writer.start()
        try:
            for _ in range(3):
                before = len(written)
                archive = package(self, daemon)
                rows = table(archive.read("data/task-hip_data.csv").decode())
                people = table(archive.read("participants.tsv").decode(), delimiter="\t")
                self.assertGreaterEqual(len(rows), 3001 + before)
                self.assertEqual(len({row["participant_id"] for row in rows}), len(people))
                self.assertEqual(sum(int(person["answers"]) for person in people), len(rows))
                own = {name.split("/")[0] for name in archive.namelist() if name.startswith("sub-")}
                self.assertEqual(sorted(own), sorted(person["participant_id"] for person in people))
        finally:
            stop.set()
            writer.join()
        self.assertGreater(len(written), 0)
        self.assertEqual([name for name in os.listdir(daemon.folder) if "export" in name], [])


if __name__ == "__main__":
    unittest.main()
