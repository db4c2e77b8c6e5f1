"""A study's exports: the same answers in every form, read by programs of others; nobody to be found in them; the
same bytes from a frozen study."""

import collections
import csv
import hashlib
import io
import json
import os
import subprocess
import sys
import tempfile
import threading
import unittest
import zipfile

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from accounts import first_admin, staff  # noqa: E402
from daemon import ROOT, Daemon, DaemonTest, Learner, table  # noqa: E402
from studies import Person, StudyTest  # noqa: E402
from study_rows import DECKS, StudyRows  # noqa: E402
from test_xapi import problems  # noqa: E402

VALIDATORS = os.path.join(ROOT, "tests", "validators")
HOSTILE = "=HYPERLINK(\"http://x\")"


def wrong_at(*numbers):
    """A reader who errs at these items and is unsure at even ones."""
    def rate(n, truth):
        return {"yes": "no", "no": "yes"}[truth] if n in numbers else truth, 1 if n % 2 == 0 else 3
    return rate


class Exports(DaemonTest):
    decks = DECKS

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.researcher = staff(first_admin(cls.daemon), "researcher")
        cls.study = StudyRows(cls.daemon)
        cls.codes, cls.sessions = {}, []
        for arm in ("gan", "real"):
            for k in range(2):
                code = cls.study.enrol(arm, "north" if k else "south")
                cls.codes[code] = arm
                for phase, deck, days in (("pre", "exam", 0), ("train", "practice", 1), ("post", "exam", 3)):
                    cls.sessions.append(cls.study.read(code, phase, deck, wrong_at(k + 1), days, blur_ms=2.5))
                cls.study.say(code, guess="drawn", remark=HOSTILE if k else "I am Jane Doe")
        cls.early = cls.study.enrol("gan")
        cls.sessions.append(cls.study.read(cls.early, "pre", "exam", finish=False))
        cls.study.end(cls.early, "stop")
        cls.slow = cls.study.enrol("real")
        cls.sessions.append(cls.study.read(cls.slow, "pre", "exam", days=2))
        cls.idle = cls.study.enrol("real", "south")  # who did nothing
        Learner(cls.daemon, "practice").answer(1, "yes")  # of no study

    def fetch(self, name, status=200, study="trial"):
        answer = self.researcher.get(f"/api/v1/studies/{study}/export/{name}")
        self.assertEqual(answer.status, status, answer.body[:300])
        return answer

    def package(self, query="", study="trial"):
        folder = tempfile.TemporaryDirectory(prefix="package-")
        self.addCleanup(folder.cleanup)
        with zipfile.ZipFile(io.BytesIO(self.fetch("package.zip" + query, study=study).body)) as archive:
            self.assertIsNone(archive.testzip())
            archive.extractall(folder.name)
        return folder.name

    def read(self, folder, name):
        with open(os.path.join(folder, name), encoding="utf-8", newline="") as file:
            return file.read()

    def test_rows_say_who_by_code_in_which_arm_and_phase_and_when_from_enrolment(self):
        rows = table(self.fetch("responses.csv").body.decode())
        self.assertEqual(len(rows), 4 * (6 + 4 + 6) + 5 + 6)
        self.assertEqual({(row["participant_id"], row["arm"]) for row in rows},
                         {*self.codes.items(), (self.early, "gan"), (self.slow, "real")})
        self.assertEqual([row["row_id"] for row in rows], [str(n) for n in range(1, len(rows) + 1)])
        self.assertEqual([row["participant_id"] for row in rows], sorted(row["participant_id"] for row in rows))
        for code in self.codes:
            own = [(row["phase"], row["trial"], row["day"]) for row in rows if row["participant_id"] == code]
            self.assertEqual(own, [("pre", str(n), "0") for n in range(1, 7)] + [("train", str(n), "1") for n in range(1, 5)]
                             + [("post", str(n), "3") for n in range(1, 7)])
        self.assertEqual({row["study_id"] for row in rows}, {"trial"})
        self.assertEqual({row["deck_id"] for row in rows if row["phase"] == "train"}, {"practice"})
        self.assertTrue(all(abs(float(row["onset"])) < 60 for row in rows))

    def test_no_other_export_has_them_with_sessions_and_dates(self):
        self.assertEqual([row["deck_id"] for row in self.daemon.export()], ["practice"])
        for name in ("responses.jsonl", "xapi.jsonl?deck=practice"):
            self.assertEqual(len(self.researcher.get("/api/v1/export/" + name).body.splitlines()), 1)
        self.assertEqual(self.researcher.get("/api/v1/export/xapi.jsonl?deck=exam").body, b"")
        self.assertEqual(self.researcher.get("/api/v1/export/imrmc.zip?deck=exam").code, "not_crossed")

    def test_statements_of_xapi_name_the_participant_and_no_time(self):
        lines = [json.loads(line) for line in self.fetch("xapi.jsonl").body.decode().splitlines()]
        self.assertEqual(len(lines), 75)
        self.assertEqual({line["actor"]["account"]["name"] for line in lines}, {*self.codes, self.early, self.slow})
        for line in lines:
            self.assertNotIn("timestamp", line)
            self.assertFalse([name for name in line["context"]["extensions"] if name.endswith("/stratum")])

    def test_lines_of_json_say_the_same(self):
        cells = table(self.fetch("responses.csv?strata=true").body.decode())
        lines = [json.loads(line) for line in self.fetch("responses.jsonl?strata=true").body.decode().splitlines()]
        for row, line in zip(cells, lines, strict=True):
            self.assertEqual(list(row), list(line))
            for name, value in line.items():
                told = {None: "", True: "1", False: "0"}[value] if value is None or isinstance(value, bool) else value
                self.assertEqual(row[name] if isinstance(told, str) else float(row[name]), told)

    def test_learning_locker_takes_the_statements(self):
        self.assertEqual(problems(self.fetch("xapi.jsonl?strata=true").body.decode()), [])

    def test_one_phase_can_be_had(self):
        rows = table(self.fetch("responses.csv?phase=post").body.decode())
        self.assertEqual((len(rows), {row["phase"] for row in rows}), (24, {"post"}))

    def test_what_was_asked_at_enrolment_comes_only_when_asked_for(self):
        self.assertNotIn("stratum", table(self.fetch("responses.csv").body.decode())[0])
        rows = table(self.fetch("responses.csv?strata=true").body.decode())
        self.assertEqual({row["stratum"] for row in rows}, {"north", "south"})
        self.assertNotIn("north\t", self.read(self.package(), "participants.tsv"))
        people = table(self.read(self.package("?strata=true"), "participants.tsv"), delimiter="\t")
        self.assertEqual({person["stratum"] for person in people}, {"north", "south"})

    def test_nothing_leads_back_to_a_person(self):
        everything = [self.fetch(name).body.decode() for name in ("responses.csv", "responses.jsonl", "xapi.jsonl")]
        folder = self.package()
        everything += [self.read(place, name) for place, _, names in os.walk(folder) for name in names]
        learners = [row["code_sha256"] for row in self.daemon.rows("SELECT code_sha256 FROM learners")]
        for text in everything:
            for secret in [s.id for s in self.sessions] + [s.secret for s in self.sessions] + learners + ["2026-01", "Jane", "received_at"]:
                self.assertNotIn(secret, text)

    def test_people_have_their_arm_and_what_they_chose_at_the_end(self):
        people = {p["participant_id"]: p for p in table(self.read(self.package(), "participants.tsv"), delimiter="\t")}
        self.assertEqual(set(people), {"sub-" + code for code in (*self.codes, self.early, self.slow, self.idle)})
        for code, arm in self.codes.items():
            self.assertEqual(people["sub-" + code], {"participant_id": "sub-" + code, "arm": arm, "consent_first": "1",
                                                     "consent_latest": "1", "phases_finished": "3", "ended_how": "n/a",
                                                     "question_guess": "drawn", "answers": "16"})
        self.assertEqual((people["sub-" + self.early]["ended_how"], people["sub-" + self.early]["phases_finished"]), ("stop", "0"))

    def test_who_was_randomised_and_answered_nothing_has_a_row_and_a_file_without_rows(self):
        for query, stratum in (("", {}), ("?strata=true", {"stratum": "south"}), ("?phase=post", {})):
            folder = self.package(query)
            people = {p["participant_id"]: p for p in table(self.read(folder, "participants.tsv"), delimiter="\t")}
            idle = "sub-" + self.idle
            self.assertEqual(people[idle], {"participant_id": idle, "arm": "real", **stratum, "consent_first": "1",
                                            "consent_latest": "1", "phases_finished": "0", "ended_how": "n/a",
                                            "question_guess": "n/a", "answers": "0"})
            self.assertEqual(list(people), sorted(people))
            files = {who: self.read(folder, f"{who}/beh/{who}_task-hip_beh.tsv").splitlines() for who in people}
            self.assertEqual({who: len(lines) - 1 for who, lines in files.items()}, {who: int(p["answers"]) for who, p in people.items()})
            self.assertEqual({lines[0] for lines in files.values()}, {files[idle][0]})
        for name in ("responses.csv", "responses.jsonl", "xapi.jsonl"):
            self.assertNotIn(self.idle, self.fetch(name).body.decode())

    def test_the_codebook_explains_the_columns_of_participants(self):
        folder = self.package("?strata=true&free_texts=true")
        text, sidecar = self.read(folder, "CODEBOOK.md"), json.loads(self.read(folder, "participants.json"))
        part = text[text.index("## Participants"):]
        for name in table(self.read(folder, "participants.tsv"), delimiter="\t")[0]:
            self.assertIn(f"- **{name}** (", part)
            self.assertTrue(name == "participant_id" or sidecar[name]["Description"] in part)
        self.assertIn("(finished: all phases and questions are over; stop: ", part)

    def test_free_texts_come_only_when_asked_for_and_harmless(self):
        folder = self.package("?free_texts=true")
        people = table(self.read(folder, "participants.tsv"), delimiter="\t", quoting=csv.QUOTE_NONE)
        self.assertEqual({person["question_remark"] for person in people}, {"n/a", "'" + HOSTILE.replace('"', "'"), "I am Jane Doe"})

    def test_the_package_holds_the_rows_and_the_study(self):
        folder = self.package()
        rows = table(self.fetch("responses.csv").body.decode())
        packed = table(self.read(folder, "data/task-hip_data.csv"))
        self.assertEqual(packed, [{**row, "participant_id": "sub-" + row["participant_id"]} for row in rows])
        self.assertEqual(json.loads(self.read(folder, "study.json"))["arms"], self.study.definition["arms"])
        self.assertEqual(json.loads(self.read(folder, "dataset_description.json"))["Name"], "Hips by two ways")
        self.assertEqual([row["name"] for row in table(self.read(folder, "codebook.csv"))], list(packed[0]))
        columns = {column["name"]: column for column in self.researcher.get("/api/v1/codebook").json["columns"]}
        for name in packed[0]:
            self.assertIn("study", columns[name]["files"])
        self.assertTrue(columns["stratum"]["on_request"])

    def need_validators(self):
        if not os.path.isdir(os.path.join(VALIDATORS, "node_modules")):
            self.skipTest("tests/validators has no node_modules; deploy/setup.sh test installs them")

    def test_frictionless_datas_library_reads_every_cell(self):
        self.need_validators()
        for query in ("", "?strata=true&free_texts=true"):
            done = subprocess.run(["node", "frictionless.js", self.package(query)], cwd=VALIDATORS, text=True, capture_output=True, timeout=60)
            self.assertEqual(done.returncode, 0, done.stderr)
            said = json.loads(done.stdout)
            self.assertEqual((said["valid"], said["errors"]), (True, []))
            self.assertEqual((said["rows"]["answers"], said["rows"]["participants"]), (75, 7))

    def test_the_bids_validator_finds_no_error(self):
        self.need_validators()
        program = os.path.join(VALIDATORS, "node_modules/bids-validator/bin/bids-validator")
        done = subprocess.run(["node", program, self.package("?strata=true"), "--json"], text=True, capture_output=True, timeout=60)
        said = json.loads(done.stdout)
        self.assertEqual(said["issues"]["errors"], [])
        self.assertEqual([issue["key"] for issue in said["issues"]["warnings"]], ["NO_AUTHORS"])
        self.assertEqual(len(said["summary"]["subjects"]), 7)

    def test_the_rules_of_psych_ds_hold(self):
        folder = self.package("?strata=true")
        description = json.loads(self.read(folder, "dataset_description.json"))
        self.assertEqual((description["@type"], description["name"]), ("Dataset", "Hips by two ways"))
        rows = list(csv.reader(io.StringIO(self.read(folder, "data/task-hip_data.csv"), newline="")))
        self.assertEqual(set(rows[0]), {variable["name"] for variable in description["variableMeasured"]})
        self.assertEqual({len(row) for row in rows}, {len(rows[0])})

    def imrmc(self, archive, name):
        text = archive.read(name).decode("ascii")
        self.assertTrue(text.endswith("\n") and "\n\n" not in text and "\r" not in text)
        lines = text.split("\n")
        self.assertEqual(lines[5], "BEGIN DATA:")
        return lines[1:5], [line.split(",") for line in lines[6:-1]]

    def test_ratings_come_with_either_meaning_of_modality(self):
        archive = zipfile.ZipFile(io.BytesIO(self.fetch("imrmc.zip?phase=pre").body))
        self.assertEqual(archive.namelist(), ["README.txt", "by-source.imrmc", "by-arm_iMRMC-only.imrmc", "cases.csv", "readers.csv"])
        head, rows = self.imrmc(archive, "by-source.imrmc")
        self.assertEqual(head, ["N0:3", "N1:3", "NR:5", "NM:1"])
        self.assertEqual({row[2] for row in rows}, {"truth", "gan"})
        scores = {(row[0], row[1]): row[3] for row in rows}
        self.assertEqual(len(scores), 6 + 5 * 6)
        head, nested = self.imrmc(archive, "by-arm_iMRMC-only.imrmc")
        self.assertEqual(head, ["N0:3", "N1:3", "NR:5", "NM:2"])
        self.assertEqual({(row[0], row[1]): row[3] for row in nested}, scores)
        readers = table(archive.read("readers.csv").decode())
        numbered = {row["reader"]: row for row in readers if row["reader"]}
        self.assertEqual({row["participant_id"]: row["arm"] for row in numbered.values()}, {**self.codes, self.slow: "real"})
        # Who stopped before the end is no reader.
        self.assertEqual([(row["participant_id"], row["rated"]) for row in readers if not row["reader"]
                          and row["participant_id"] == self.early], [(self.early, "5")])
        for reader, _, modality, _ in nested:
            if reader != "-1":
                self.assertEqual(modality, numbered[reader]["arm"])
        rated = {(row["participant_id"], row["seed"], row["class_label"]): row["rating"]
                 for row in table(self.fetch("responses.csv?phase=pre").body.decode())}
        cases = table(archive.read("cases.csv").decode())
        for reader, case, _, score in nested:
            if reader != "-1":
                key = cases[int(case) - 1]
                self.assertEqual(rated[numbered[reader]["participant_id"], key["seed"], key["class_label"]], score)

    def test_ratings_that_are_not_crossed_are_refused_with_the_reason(self):
        answer = self.fetch("imrmc.zip?phase=train", 409)
        self.assertEqual(answer.code, "not_crossed")
        self.assertIn("Of 4 readers 0 rated all of the", answer.json["error"]["message"])

    def test_wrong_parameters_are_named(self):
        for name, status, word in (("imrmc.zip", 422, "phase:"), ("imrmc.zip?phase=none", 422, 'phase: there is no phase "none"'),
                                   ("responses.csv?phase=none", 422, "phase:"), ("package.zip?strata=1", 422, "strata:"),
                                   ("package.zip?free_texts=yes", 422, "free_texts:"), ("package.zip?deck=exam", 400, "deck")):
            self.assertIn(word, self.fetch(name, status).json["error"]["message"])
        self.assertEqual(self.fetch("package.zip", 404, study="none").code, "unknown_study")

    def test_every_export_is_in_the_audit_log(self):
        self.fetch("responses.jsonl?phase=pre&strata=true")
        row = self.daemon.rows("SELECT object, detail FROM audit WHERE action = 'export' ORDER BY id DESC LIMIT 1")[0]
        self.assertEqual((row["object"], json.loads(row["detail"])),
                         ("responses.jsonl", {"study": "trial", "phase": "pre", "strata": True, "free_texts": False,
                                              "simulated": False}))

    def test_what_is_answered_meanwhile_is_in_all_of_a_package_or_in_none(self):
        study, stop = StudyRows(self.daemon, "busy"), threading.Event()

        def write():
            while not stop.is_set():
                study.read(study.enrol("gan"), "pre", "exam")

        writer = threading.Thread(target=write)
        study.read(study.enrol("real"), "pre", "exam")
        writer.start()
        try:
            for _ in range(5):
                folder = self.package(study="busy")
                rows = table(self.read(folder, "data/task-hip_data.csv"))
                people = table(self.read(folder, "participants.tsv"), delimiter="\t")
                self.assertEqual({row["participant_id"] for row in rows},
                                 {person["participant_id"] for person in people if person["answers"] != "0"})
                self.assertEqual(sum(int(person["answers"]) for person in people), len(rows))
                self.assertEqual(len([name for name in os.listdir(folder) if name.startswith("sub-")]), len(people))
        finally:
            stop.set()
            writer.join()

    def test_who_leaves_meanwhile_is_in_all_of_a_package_or_in_none(self):
        study, left = StudyRows(self.daemon, "leaving"), []
        for _ in range(12):
            code = study.enrol("gan")
            study.read(code, "pre", "exam")
            study.read(code, "train", "practice")
            left.append(code)
        gone = []

        def leave():
            for k, code in enumerate(left[:-1]):
                form = {"form": ("delete", "anonymise")[k % 2]}
                answer = self.researcher.post(f"/api/v1/studies/leaving/participants/{code}/withdraw", form)
                assert answer.status == 200, answer.body
                gone.append(code)

        leaver = threading.Thread(target=leave)
        leaver.start()
        for last in (False,) * 4 + (True,):
            if last:
                leaver.join()
            before = list(gone)
            folder = self.package(study="leaving")
            rows = table(self.read(folder, "data/task-hip_data.csv"))
            people = table(self.read(folder, "participants.tsv"), delimiter="\t")
            self.assertEqual(collections.Counter(row["participant_id"] for row in rows),
                             {person["participant_id"]: 10 for person in people})
            self.assertEqual({name for name in os.listdir(folder) if name.startswith("sub-")},
                             {person["participant_id"] for person in people})
            self.assertFalse({"sub-" + code for code in before} & {person["participant_id"] for person in people})
        self.assertEqual(len(people), 1 + 5)

    def test_the_entity_tag_is_the_files_hash_and_the_file_always_the_same(self):
        first, again = self.fetch("package.zip"), self.fetch("package.zip")
        self.assertEqual(first.headers["ETag"], f'"{hashlib.sha256(first.body).hexdigest()}"')
        self.assertEqual(first.body, again.body)

    def test_a_study_that_nobody_has_answered_is_empty_and_whole(self):
        study = StudyRows(self.daemon, "empty")
        self.assertEqual(len(self.read(self.package(study="empty"), "participants.tsv").splitlines()), 1)
        study.enrol("gan")
        self.assertEqual(table(self.fetch("responses.csv", study="empty").body.decode()), [])
        self.assertEqual(self.fetch("xapi.jsonl", study="empty").body, b"")
        people = table(self.read(self.package(study="empty"), "participants.tsv"), delimiter="\t")
        self.assertEqual([(person["arm"], person["answers"]) for person in people], [("gan", "0")])
        self.assertIn("Of 0 readers", self.fetch("imrmc.zip?phase=pre", 409, "empty").json["error"]["message"])
        told = self.researcher.get("/api/v1/studies/empty/statistics?margin=0.1").json["statistics"]
        self.assertEqual({cell["score"]["auc"]["gap"] for cell in told["cells"]}, {"too_few"})
        self.assertEqual([d["auc"]["non_inferiority"]["shown"] for d in told["differences"]], [False] * 3)

    def test_a_hash_that_the_freeze_could_not_record_is_recorded_by_the_next_export(self):
        study = StudyRows(self.daemon, "unrecorded")
        study.read(study.enrol("gan"), "pre", "exam")
        with study.write() as db:
            db.execute("UPDATE studies SET state = 'frozen', frozen_at = opened_at WHERE name = 'unrecorded'")
        self.fetch("package.zip?strata=true", study="unrecorded")
        plain = self.fetch("package.zip", study="unrecorded").body
        row = self.daemon.rows("SELECT export_sha256 FROM studies WHERE name = 'unrecorded'")[0]
        self.assertEqual(row["export_sha256"], hashlib.sha256(plain).hexdigest())


class Frozen(StudyTest):
    def package(self, path, query=""):
        answer = self.researcher.get(path + "/export/package.zip" + query)
        self.assertEqual(answer.status, 200, answer.body[:300])
        return answer

    def people(self, path):
        archive = zipfile.ZipFile(io.BytesIO(self.package(path).body))
        return {row["participant_id"]: row for row in table(archive.read("participants.tsv").decode(), delimiter="\t")}

    def take_part(self, name):
        """Somebody who goes through all of it; the code."""
        person = self.person(name)
        for _ in range(3):
            person.play()
        answer = person.post("questions", {"answers": {"source": "yes", "remarks": "Fine"}})
        self.assertIn(answer.status, (200, 201), answer.body)
        return person

    def test_a_frozen_study_exports_the_same_bytes_for_ever_and_their_hash_is_on_record(self):
        path = self.open("kept")
        codes = {"sub-" + self.take_part("kept").now()["code"] for _ in range(3)}
        gone = self.take_part("kept")
        self.assertEqual(gone.post("withdraw", {"form": "delete"}).status, 200)
        for change in ("/close", "/freeze"):
            self.assertEqual(self.researcher.post(path + change).status, 200)
        listed = next(study for study in self.researcher.get("/api/v1/studies").json["studies"] if study["id"] == "kept")
        first = self.package(path)
        digest = hashlib.sha256(first.body).hexdigest()
        self.assertEqual((listed["export_sha256"], first.headers["ETag"]), (digest, f'"{digest}"'))
        people = self.people(path)
        self.assertEqual(set(people), codes)
        decks = json.loads(zipfile.ZipFile(io.BytesIO(first.body)).read("decks.json"))
        self.assertEqual([(deck["deck"], deck["version"]) for deck in decks], [("exam", 1), ("of-gan", 1), ("of-real", 1)])
        self.assertEqual(decks[0]["definition"]["feedback"], "none")
        self.assertEqual({(p["ended_how"], p["question_source"], p["phases_finished"]) for p in people.values()}, {("finished", "yes", "3")})
        self.open("other")
        self.take_part("other")  # what goes on elsewhere changes nothing
        folder = self.daemon.folder
        self.assertEqual(self.daemon.stop(), 0)
        type(self).daemon = Daemon(self.decks, folder=folder, models=self.models)
        self.addClassCleanup(self.daemon.close)
        for browser in (self.admin, self.researcher, self.educator):
            browser.daemon = self.daemon
        again = self.daemon.get(path + "/export/package.zip", self.daemon.admin_token())
        self.assertEqual(again.body, first.body)

    def test_the_same_images_before_and_after_are_the_same_cases(self):
        path = self.open("crossed")
        for _ in range(3):
            self.take_part("crossed")
        cases = []
        for phase in ("before", "after"):
            answer = self.researcher.get(f"{path}/export/imrmc.zip?phase={phase}")
            self.assertEqual(answer.status, 200, answer.body[:300])
            archive = zipfile.ZipFile(io.BytesIO(answer.body))
            rows = [line.split(",") for line in archive.read("by-source.imrmc").decode().splitlines()[6:]]
            self.assertEqual({row[2] for row in rows}, {"truth", "library"})
            cases.append(sorted(case["library_image"] for case in table(archive.read("cases.csv").decode())))
        self.assertEqual(cases[0], cases[1])
        self.assertEqual(len(set(cases[0])), 4)

    def test_each_participant_has_the_texts_agreed_to_and_who_is_anonymous_has_none(self):
        path = self.open("treated")
        idle, left, asked, refusing, undecided, sorry, hidden, shy, gone = (self.person("treated") for _ in range(9))
        for person in (left, asked, refusing, hidden, gone):
            person.play()
        second = "Now also about sleep."
        self.assertEqual(left.post("withdraw", {"form": "stop"}).status, 200)
        self.assertEqual(sorry.post("consent", sorry.consent(False)).status, 200)
        self.assertEqual(self.researcher.post(path + "/consent", {"text": second}, If_Match='"1"').status, 200)
        # The last word on a text counts: no and then yes, yes and then no, no alone.
        for person, words in ((asked, (False, True)), (undecided, (True, False)), (refusing, (False,)), (hidden, (True,)),
                              (gone, (True,))):
            for agreed in words:
                self.assertEqual(person.post("consent", person.consent(agreed)).status, 200)
        asked.play()
        late = self.person("treated")
        program = self.admin.post("/api/v1/simulated-learners", {"draw_seed": "1"}).json["learner"]["code"]
        self.assertEqual(Person(self.daemon, "treated", program).enrol().status, 201)
        was = {person: person.now()["code"] for person in (hidden, shy, gone)}
        for person, form in ((hidden, "anonymise"), (shy, "anonymise"), (gone, "delete")):
            self.assertEqual(person.post("withdraw", {"form": form}).status, 200)

        archive = zipfile.ZipFile(io.BytesIO(self.package(path).body))
        people = self.people(path)
        told = {who: (row["consent_first"], row["consent_latest"], row["ended_how"], row["phases_finished"], row["answers"])
                for who, row in people.items()}
        names = {"sub-" + person.now()["code"]: person for person in (idle, left, asked, refusing, undecided, sorry, late)}
        self.assertEqual({names[who]: row for who, row in told.items() if who in names},
                         {idle: ("1", "1", "n/a", "0", "0"), left: ("1", "1", "stop", "1", "4"),
                          asked: ("1", "2", "n/a", "2", "6"), refusing: ("1", "1", "n/a", "1", "4"),
                          undecided: ("1", "1", "n/a", "0", "0"), sorry: ("1", "n/a", "n/a", "0", "0"),
                          late: ("2", "2", "n/a", "0", "0")})
        self.assertEqual(sorted(row for who, row in told.items() if who not in names),
                         [("n/a", "n/a", "anonymise", "0", "0"), ("n/a", "n/a", "anonymise", "1", "4")])
        flow = self.researcher.get(path + "/flow").json["flow"]
        self.assertEqual(flow["randomised"], len(people) + flow["withdrawn"]["delete"])
        # By arms it is whom the flow has, but for the deleted one.
        rows = self.daemon.rows("SELECT code, arm FROM participants WHERE study_id = (SELECT id FROM studies WHERE name = 'treated')"
                                " AND NOT simulated")
        self.assertEqual({who: row["arm"] for who, row in people.items()}, {"sub-" + row["code"]: row["arm"] for row in rows})
        self.assertNotIn("stratum", people["sub-" + idle.now()["code"]])

        texts = json.loads(archive.read("consent_texts.json"))
        first = "We ask whether you want to take part.\n\nNothing depends on it."
        self.assertEqual(texts, [{"version": n, "sha256": hashlib.sha256(text.encode()).hexdigest(), "text": text}
                                 for n, text in ((1, first), (2, second))])
        self.assertIn("consent_texts.json", archive.read(".bidsignore").decode())
        dates = {row["at"][:10] for row in self.daemon.rows("SELECT at FROM consents")}
        for name in archive.namelist():
            text = archive.read(name).decode()
            for secret in (*was.values(), *dates):
                self.assertNotIn(secret, name + text)

        simulated = table(zipfile.ZipFile(io.BytesIO(self.package(path, "?simulated=true").body)).read("participants.tsv").decode(), delimiter="\t")
        self.assertEqual([(p["consent_first"], p["answers"], p["participant_id"] in people) for p in simulated], [("2", "0", False)])

    def test_who_is_taken_out_is_in_no_export(self):
        path = self.open("leaving")
        stays, goes, hides = (self.take_part("leaving") for _ in range(3))
        code, hidden = goes.now()["code"], hides.now()["code"]
        for who, form in ((code, "delete"), (hidden, "anonymise")):
            answer = self.researcher.post(f"{path}/participants/{who}/withdraw", {"form": form})
            self.assertEqual((answer.status, answer.json), (200, {"withdrawn": {"form": form}}), answer.body)
            self.assertEqual(self.researcher.post(f"{path}/participants/{who}/withdraw", {"form": form}).status, 404)
        people = self.people(path)
        self.assertIn("sub-" + stays.now()["code"], people)
        self.assertEqual(len(people), 2)
        self.assertFalse({"sub-" + code, "sub-" + hidden} & set(people))
        flow = self.researcher.get(path + "/flow").json["flow"]
        self.assertEqual((flow["randomised"], flow["withdrawn"]), (3, {"stop": 0, "delete": 1, "anonymise": 1}))
        audit = [entry for entry in self.admin.get("/api/v1/audit?limit=50").json["entries"] if "withdraw" in entry["action"]]
        self.assertEqual(len(audit), 2)
        self.assertNotIn(code, json.dumps(audit))
        self.assertEqual(self.researcher.post(f"{path}/participants/none/withdraw", {"form": "stop"}).code, "unknown_participant")
        self.assertEqual(self.researcher.post(f"{path}/participants/none/withdraw", {"form": "forget"}).status, 422)
        for change in ("/close", "/freeze"):
            self.researcher.post(path + change)
        answer = self.researcher.post(f"{path}/participants/{stays.now()['code']}/withdraw", {"form": "stop"})
        self.assertEqual((answer.status, answer.code), (409, "study_frozen"))


if __name__ == "__main__":
    unittest.main()
