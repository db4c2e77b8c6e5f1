"""Taking part in studies: consent, arms, phases, the end. And what researchers do with them."""

import concurrent.futures
import json
import os
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from allocation import arms_of  # noqa: E402
from daemon import Learner  # noqa: E402
from library_data import library  # noqa: E402
from studies import BASE, GAN, LIBRARY, TEST, TRAIN_GAN, TRAIN_REAL, Person, StudyTest, study  # noqa: E402

STUDIES = "/api/v1/studies"


class Drafts(StudyTest):
    sides = {"default": 64, "wide": 128}

    def refused(self, field, **changes):
        answer = self.researcher.post(STUDIES, study("wrong", **changes))
        self.assertEqual((answer.status, answer.code), (422, "wrong_study"), answer.body)
        self.assertTrue(answer.json["error"]["message"].startswith(field), answer.body)

    def test_a_draft_is_made_edited_and_read_as_it_was_saved(self):
        path = self.draft("edited")
        file = self.researcher.get(path)
        self.assertEqual(file.headers["ETag"], '"1"')
        self.assertEqual(file.json["arms"][1], {"id": "real", "label": "Real images", "deck": "of-real", "weight": 1})
        self.assertEqual(file.json["phases"][1], {"id": "practice", "kind": "training", "deck": None,
                                                  "opens_after_days": 0, "closes_after_days": None})
        saved = self.researcher.post(path, {**file.json, "title": "Other"}, If_Match='"1"')
        self.assertEqual((saved.status, saved.json["study"]), (200, {"id": "edited", "version": 2, "state": "draft"}))
        self.assertEqual(self.researcher.post(path, file.json, If_Match='"1"').status, 412)
        self.assertEqual(self.researcher.post(path, file.json).status, 428)
        self.assertEqual(self.researcher.get(path + "?version=1").json, file.json)
        self.assertEqual(self.researcher.get(path, **{"If-None-Match": '"2"'}).status, 304)
        self.assertEqual([v["version"] for v in self.researcher.get(path + "/versions").json["versions"]], [2, 1])
        self.assertEqual(self.researcher.post(STUDIES, file.json).code, "study_exists")
        again = self.researcher.post(STUDIES, {**file.json, "id": "copied"})
        self.assertEqual(again.status, 201)
        self.assertEqual({**self.researcher.get(STUDIES + "/copied").json, "id": "edited"}, file.json)

    def test_of_many_who_save_at_once_exactly_one_does(self):
        path = self.draft("crowded")
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            said = list(pool.map(lambda n: self.researcher.post(path, study("crowded", title=f"T{n}"), If_Match='"1"').status,
                                 range(16)))
        self.assertEqual(sorted(said), [200] + [412] * 15)

    def test_every_wrong_field_is_named(self):
        whole = study()
        arm, phase = whole["arms"][0], whole["phases"][0]
        training, question, stratum = whole["phases"][1], whole["questions"][0], whole["strata"][0]

        def arms(**changes):
            return {"arms": [{**arm, **changes}, whole["arms"][1]]}

        def phases(**changes):
            return {"phases": [{**phase, **changes}, training]}

        def questions(**changes):
            return {"questions": [{**question, **changes}]}

        def strata(**changes):
            return {"strata": [{**stratum, **changes}]}

        for field, changes in (
                ("study.colour: unknown key", {"colour": 1}), ("study.format:", {"format": 2}),
                ("study.title:", {"title": ""}), ("study.title: must be a string", {"title": 3}),
                ("study.contact:", {"contact": "x" * 300}), ("study.consent.text:", {"consent": {"text": ""}}),
                ("study.consent.text: must have", {"consent": {"text": "x" * 20001}}),
                ("study.consent.more:", {"consent": {"text": "x", "more": 1}}),
                ("study.practice_deck:", {"practice_deck": 3}), ("study.practice_deck: there is no deck", {"practice_deck": "none"}),
                ("study.practice_deck: is the deck of a test", {"practice_deck": "exam"}),
                ("study.arms: must be 2 to 8", {"arms": [arm]}), ("study.arms[0].deck: there is no deck", arms(deck="none")),
                ("study.arms[0].deck: is the deck of a test", arms(deck="exam")),
                ("study.arms[0].weight:", arms(weight=0)), ("study.arms[0].id:", arms(id="A b")),
                ("study.arms[1].id: \"real\" is there twice", arms(id="real")), ("study.arms[0].color", arms(color="x")),
                ("study.blocks[0]: must be a multiple of 2", {"blocks": [3]}), ("study.blocks[1]:", {"blocks": [2, 66]}),
                ("study.blocks:", {"blocks": []}), ("study.blocks[0]:", {"blocks": ["4"]}),
                ("study.blocks[0]: must be a multiple of 3", {**arms(weight=2), "blocks": [4]}),
                ("study.phases:", {"phases": []}), ("study.phases: one must be a training", {"phases": [phase]}),
                ("study.phases[0].kind: must be test or training", phases(kind="exam")),
                ("study.phases[0].deck: must be a string", {"phases": [{"id": "x", "kind": "test"}, training]}),
                ("study.phases[0].deck: there is no deck", phases(deck="none")),
                ("study.phases[0].deck: \"of-gan\" tells the truth", phases(deck="of-gan")),
                ("study.phases[1].deck: a training has its arm's", {"phases": [phase, {**training, "deck": "exam"}]}),
                ("study.phases[0].opens_after_days:", phases(opens_after_days=-1)),
                ("study.phases[0].opens_after_days:", phases(opens_after_days="1")),
                ("study.phases[0].closes_after_days:", phases(closes_after_days=4000)),
                ("study.phases[0].closes_after_days: must be more", phases(opens_after_days=2, closes_after_days=2)),
                ("study.phases[1].id: \"before\" is there twice", {"phases": [phase, {**training, "id": "before"}]}),
                ("study.questions[0].kind: must be choice, scale or text", questions(kind="essay")),
                ("study.questions[0].choices:", questions(choices=[])),
                ("study.questions[0].choices: a text has none", questions(kind="text")),
                ("study.questions[0].choices[1].id: \"yes\" is there twice", questions(choices=[question["choices"][0]] * 2)),
                ("study.strata: must be 0 to 3", {"strata": [stratum] * 4}), ("study.strata[0].choices:", strata(choices=[])),
                ("study.strata[0].label:", strata(label=""))):
            with self.subTest(field=field):
                self.refused(field, **changes)
        self.assertEqual(self.researcher.get(STUDIES + "/wrong").status, 404)
        self.assertEqual(self.researcher.post(STUDIES, json.dumps(whole).replace("[2, 4]", "[NaN]")).status, 400)

    def test_what_cannot_be_a_test_is_refused_with_the_reason(self):
        drawn = {key: TEST[key] for key in TEST if key != "draw"}
        for name, changes, reason in (("t-gan", {**TEST, "sources": TRAIN_GAN["sources"]}, "shows drawn images"),
                                      ("t-mixed", {**TEST, "sources": TEST["sources"] + TRAIN_GAN["sources"]}, "shows drawn images"),
                                      ("t-fresh", drawn, "shows everybody other images"),
                                      ("t-tells", {**TEST, "feedback": "correct"}, "tells the truth"),
                                      ("t-mastery", {**TEST, "mastery": {"correct": 1, "of": 1}}, "goes by the answers")):
            with self.subTest(deck=name):
                made = self.educator.post("/api/v1/decks", {**changes, "id": name})
                self.assertEqual(made.status, 201, made.body)
                self.refused(f'study.phases[0].deck: "{name}" {reason}',
                             phases=[{"id": "x", "kind": "test", "deck": name}, {"id": "y", "kind": "training"}])

    def test_simulated_test_images_and_arms_that_look_different_are_warned_of(self):
        answer = self.researcher.post(STUDIES, study("warned"))
        self.assertEqual(len(answer.json["warnings"]), 2, answer.body)
        self.assertIn('study.phases[0].deck: the images of the collection "hips" are simulated', answer.json["warnings"][0])
        self.educator.post("/api/v1/decks", {**TRAIN_GAN, "id": "of-gan-long", "items": 3})
        arms = [{"id": "a", "label": "A", "deck": "of-real"}, {"id": "b", "label": "B", "deck": "of-gan-long"}]
        answer = self.researcher.post(STUDIES, study("warned-2", arms=arms))
        self.assertIn("study.arms[1].deck: its number of items differs", answer.json["warnings"][-1])
        self.educator.post("/api/v1/decks", {**TRAIN_GAN, "id": "of-gan-wide", "sources": [{**GAN, "model": "wide"}]})
        arms[1]["deck"] = "of-gan-wide"
        answer = self.researcher.post(STUDIES, study("warned-3", arms=arms))
        self.assertIn("study.arms[1].deck: its size of images differs", answer.json["warnings"][-1])
        for name, mastery in (("of-gan-slow", {"correct": 1, "of": 2}), ("of-gan-quick", {"correct": 1, "of": 2, "within_s": 9})):
            self.educator.post("/api/v1/decks", {**TRAIN_GAN, "id": name, "mastery": mastery})
        arms[0]["deck"], arms[1]["deck"] = "of-gan-slow", "of-gan-quick"
        answer = self.researcher.post(STUDIES, study("warned-4", arms=arms))
        self.assertIn("study.arms[1].deck: its rule of mastery differs", answer.json["warnings"][-1])
        arms[0]["deck"] = "of-real"
        answer = self.researcher.post(STUDIES, study("warned-5", arms=arms))
        self.assertIn("study.arms[1].deck: its order differs", answer.json["warnings"][-1])

    def test_what_names_no_version_changes_and_opens_nothing(self):
        path = self.draft("locked")
        for tag in ("1", "*", '"0"', '"-1"', '"2"', 'W/"1"'):
            for action in ("", "/open"):
                answer = self.researcher.post(path + action, study("locked", title="Another"), If_Match=tag)
                self.assertEqual((answer.status, answer.code), (412, "outdated"), tag)
        self.assertEqual(self.researcher.get(path).json["title"], study("locked")["title"])

    def test_a_draft_is_warned_of_again_as_its_decks_are_now(self):
        arms = [{"id": "a", "label": "A", "deck": "of-real"}, {"id": "b", "label": "B", "deck": "of-later"}]
        self.educator.post("/api/v1/decks", {**TRAIN_GAN, "id": "of-later"})
        saved = self.researcher.post(STUDIES, study("looked-at", arms=arms)).json["warnings"]
        path = STUDIES + "/looked-at/warnings"
        self.assertEqual(self.researcher.get(path).json, {"warnings": saved})
        self.educator.post("/api/v1/decks/of-later", {**TRAIN_GAN, "id": "of-later", "items": 3}, If_Match='"1"')
        self.assertIn("study.arms[1].deck: its number of items differs", self.researcher.get(path).json["warnings"][-1])
        self.educator.post("/api/v1/decks/of-later/archive")
        self.assertEqual((self.researcher.get(path).status, self.researcher.get(path).code), (422, "wrong_study"))
        self.assertEqual(self.researcher.get(STUDIES + "/none/warnings").status, 404)
        self.assertEqual(self.researcher.get(STUDIES + "/looked-at").headers["etag"], '"1"')

    def test_educators_see_nothing_of_studies(self):
        path = self.open("hidden")
        person = self.person("hidden")
        for answer in (self.educator.get(STUDIES), self.educator.get(path), self.educator.get(path + "/versions"),
                       self.educator.post(STUDIES, study("theirs")), self.educator.post(path + "/close")):
            self.assertEqual((answer.status, answer.code), (403, "wrong_role"))
        for get in (self.educator.get("/api/v1/classes"), self.educator.get("/api/v1/catalogue")):
            self.assertNotIn(person.now()["code"].encode(), get.body)

    def test_a_draft_is_nothing_to_take_part_in(self):
        self.draft("early")
        person = Person(self.daemon, "early")
        self.assertEqual(self.daemon.get(person.path + "/invitation").status, 404)
        consent = {"version": 1, "sha256": "0" * 64, "agreed": True}
        self.assertEqual(person.enrol(consent).code, "unknown_study")


class TakingPart(StudyTest):
    def test_the_whole_way_from_the_invitation_to_the_last_question(self):
        self.open("whole")
        invitation = self.daemon.get(STUDIES + "/whole/invitation").json["invitation"]
        self.assertEqual(invitation["study"], {"id": "whole", "title": "Learning to read hips",
                                               "contact": "study@example.org", "state": "open"})
        self.assertEqual(invitation["practice_deck"], "default")
        self.assertEqual(invitation["strata"][0]["choices"][1], {"id": "resident", "label": "Resident"})
        person = self.person("whole", level="resident")
        now = person.now()
        self.assertRegex(now["code"], "^[B-Z]{8}$")
        self.assertEqual((now["state"], now["phase"]), ("open", "before"))
        self.assertEqual([p["state"] for p in now["phases"]], ["open", "later", "later"])
        for phase, states in (("before", ["done", "open", "later"]), ("practice", ["done", "done", "open"]),
                              ("after", ["done", "done", "done"])):
            self.assertEqual(person.now()["phase"], phase)
            person.play()
            self.assertEqual([p["state"] for p in person.now()["phases"]], states)
        now = person.now()
        self.assertEqual((now["state"], [q["id"] for q in now["questions"]]), ("questions", ["source", "remarks"]))
        self.assertEqual(person.post("session").code, "phases_over")
        said = {"source": "no", "remarks": "=1+1"}
        self.assertEqual(person.post("questions", {"answers": said}).json["participant"]["state"], "finished")
        self.assertEqual(person.post("questions", {"answers": said}).status, 200)
        self.assertEqual(person.post("questions", {"answers": {"source": "yes"}}).code, "already_answered")
        row, = self.daemon.rows("SELECT * FROM participants WHERE code = ?", now["code"])
        self.assertEqual((row["stratum"], row["allocation_n"], row["ended_how"]), ("resident", 0, "finished"))

    def test_the_same_learner_twice_is_the_same_participant(self):
        self.open("once")
        person = self.person("once")
        again = person.enrol(level="resident")
        self.assertEqual((again.status, again.json["participant"]["code"]), (200, person.now()["code"]))
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            twice = Person(self.daemon, "once")
            said = sorted(answer.status for answer in pool.map(lambda _: twice.enrol(), range(8)))
        self.assertEqual(said, [200] * 7 + [201])
        self.assertEqual(len(self.daemon.rows("SELECT 1 FROM participants p JOIN studies s ON s.id = p.study_id"
                                              " WHERE s.name = 'once'")), 2)

    def test_nobody_takes_part_without_a_code_consent_and_stratum(self):
        self.open("strict")
        person = Person(self.daemon, "strict")
        self.assertEqual(Person(self.daemon, "strict", "none").enrol(person.consent()).status, 401)
        for consent, status, code in ((person.consent(False), 422, "consent_needed"),
                                      ({**person.consent(), "version": 2}, 409, "consent_changed"),
                                      ({**person.consent(), "sha256": "0" * 64}, 409, "consent_changed"),
                                      ({"version": 1}, 400, "malformed_request")):
            answer = person.enrol(consent)
            self.assertEqual((answer.status, answer.code), (status, code))
        for strata, text in (({"level": "boss"}, "strata.level: is none of its choices"),
                             ({"level": "student", "hair": "x"}, "strata.hair: unknown key"),
                             ({"rank": "student"}, "strata.rank: unknown key")):
            answer = person.enrol(**strata)
            self.assertEqual((answer.status, answer.code), (422, "out_of_range"))
            self.assertTrue(answer.json["error"]["message"].startswith(text), answer.body)
        bare = self.daemon.post(person.path + "/participants", {"consent": person.consent()}, person.code)
        self.assertEqual(bare.code, "out_of_range")
        self.assertEqual(person.get().code, "not_participant")
        for what in ("session", "consent", "questions"):
            self.assertEqual(person.post(what).code, "not_participant")
        self.assertEqual(person.post("withdraw", {"form": "stop"}).code, "not_participant")
        self.assertEqual(self.daemon.rows("SELECT 1 FROM consents c JOIN consent_texts t ON t.id = c.consent_text_id"
                                          " JOIN studies s ON s.id = t.study_id WHERE s.name = 'strict'"), [])

    def test_a_session_is_gone_on_with_on_another_device(self):
        self.open("moved")
        first = self.person("moved").play(stop_before=3)
        other = Person(self.daemon, "moved", first.code)
        gone_on = other.session()
        self.assertEqual((gone_on.status, other.started["id"], other.started["answered"]), (200, first.started["id"], [1, 2]))
        self.assertEqual(first.answer(3).status, 401)
        other.play()
        self.assertEqual(other.now()["phase"], "practice")

    def test_two_devices_at_once_start_one_session(self):
        self.open("two")
        person = self.person("two")
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            said = [answer for answer in pool.map(lambda _: person.post("session"), range(8))]
        self.assertEqual(sorted(answer.status for answer in said), [200] * 7 + [201])
        self.assertEqual(len({answer.json["session"]["id"] for answer in said}), 1)

    def test_tests_show_everybody_the_same_images_of_the_library(self):
        self.open("same")
        shown = []
        for _ in range(3):
            person = self.person("same").play()
            before = person.started["id"]
            after = person.play().play().started["id"]
            for session in (before, after):
                shown.append([row[0] for row in self.daemon.rows(
                    "SELECT library_image_id FROM items WHERE session_id = ? ORDER BY n", session)])
        self.assertEqual(shown, shown[:1] * 6)
        self.assertEqual(len(set(shown[0])), 4)
        self.assertNotIn(None, shown[0])

    def test_trainings_go_by_the_arm(self):
        self.open("arms")
        for _ in range(6):
            person = self.person("arms").play().play()
            row, = self.daemon.rows("SELECT p.arm, d.name FROM participant_sessions k JOIN participants p ON p.id = k.participant_id"
                                    " JOIN sessions s ON s.id = k.session_id JOIN deck_versions v ON v.id = s.deck_version_id"
                                    " JOIN decks d ON d.id = v.deck_id WHERE k.session_id = ?", person.started["id"])
            self.assertEqual(row["name"], {"drawn": "of-gan", "real": "of-real"}[row["arm"]])

    def test_a_study_opens_with_images_for_all_of_its_trainings(self):
        self.educator.post("/api/v1/decks", {**TRAIN_REAL, "id": "eight", "items": 8})  # of 12
        arms = [{"id": "a", "label": "A", "deck": "eight"}, {"id": "b", "label": "B", "deck": "eight"}]
        trainings = [{"id": name, "kind": "training"} for name in ("one", "two")]
        path = self.draft("long", arms=arms, phases=trainings)
        answer = self.researcher.post(path + "/open", If_Match='"1"')
        self.assertEqual((answer.status, answer.code), (409, "images_missing"))
        self.assertIn("study.arms[0].deck", answer.json["error"]["message"])
        self.researcher.post(path, study("long", arms=arms, phases=trainings[:1]), If_Match='"1"')
        self.assertEqual(self.researcher.post(path + "/open", If_Match='"2"').status, 200)

    def test_a_study_does_not_open_with_one_picture_listed_by_two_collections(self):
        picks = [{"class": "fracture", "collection": name, "file": "images/21.png"} for name in ("hips", "copies")]
        for name in ("listed-exam", "listed-training"):  # saved before the collection is there
            deck = {**BASE, "id": name, "feedback": "none", "list": picks, "sources": [LIBRARY, {**LIBRARY, "collection": "copies"}]}
            del deck["prevalence"]
            self.assertEqual(self.educator.post("/api/v1/decks", deck).status, 201)
        self.import_set("copies")
        exam = self.draft("copied-exam", phases=[{"id": "one", "kind": "test", "deck": "listed-exam"}, {"id": "two", "kind": "training"}])
        training = self.draft("copied-training", arms=[{"id": arm, "label": arm, "deck": "listed-training"} for arm in "ab"],
                              phases=[{"id": "only", "kind": "training"}])
        for path, where in ((exam, 'study.phases[0].deck: list[1] of "listed-exam"'),
                            (training, 'study.arms[0].deck: list[1] of "listed-training"')):
            answer = self.researcher.post(path + "/open", If_Match='"1"')
            self.assertEqual((answer.status, answer.code), (422, "wrong_study"), answer.body)
            self.assertEqual(answer.json["error"]["message"],
                             where + " is the same picture as list[0], under another collection.")

    def test_who_has_practised_with_an_arms_images_is_not_held_up_and_the_log_tells(self):
        self.educator.post("/api/v1/decks", {**TRAIN_REAL, "id": "ten", "items": 10})  # of 12
        self.open("practised", phases=[{"id": "only", "kind": "training"}],
                  arms=[{"id": name, "label": name, "deck": "ten"} for name in "ab"])
        person = Person(self.daemon, "practised")
        practice = Learner(self.daemon, "ten", learner=person.code)
        for n in range(1, 11):
            practice.image(n)
            practice.answer(n, "yes")
        person.enrol()
        person.play()
        rows = self.daemon.rows("SELECT i.library_image_id IN (SELECT library_image_id FROM items WHERE session_id = ?) AS seen,"
                                " a.first_attempt FROM items i JOIN answers a ON a.session_id = i.session_id AND a.item = i.n"
                                " WHERE i.session_id = ?", practice.id, person.started["id"])
        self.assertEqual(sorted(tuple(row) for row in rows), [(0, 1)] * 2 + [(1, 0)] * 8)

    def test_an_open_study_goes_on_with_its_decks_as_they_were(self):
        for name, base in (("held", TRAIN_GAN), ("held-exam", TEST)):
            self.assertEqual(self.educator.post("/api/v1/decks", {**base, "id": name}).status, 201)
        self.open("holding", arms=[{"id": "a", "label": "A", "deck": "held"}, {"id": "b", "label": "B", "deck": "held"}],
                  phases=[{"id": "one", "kind": "test", "deck": "held-exam"}, {"id": "two", "kind": "training"}])
        self.educator.post("/api/v1/decks/held", {**TRAIN_GAN, "id": "held", "items": 9}, If_Match='"1"')
        self.educator.post("/api/v1/decks/held-exam", {**TEST, "id": "held-exam", "draw": {"mode": "fixed", "seed": "6"}},
                           If_Match='"1"')
        self.educator.post("/api/v1/decks/held/archive")
        person = self.person("holding").play()
        person.play()
        self.assertEqual(person.started["deck"]["items"], 2)
        self.assertEqual(person.now()["state"], "questions")

    def test_a_training_that_ends_with_mastery_ends_its_phase(self):
        quick = {**TRAIN_GAN, "items": 20, "mastery": {"correct": 1, "of": 1}}
        self.assertEqual(self.educator.post("/api/v1/decks", {**quick, "id": "quick"}).status, 201)
        self.open("mastered", arms=[{"id": "a", "label": "A", "deck": "quick"}, {"id": "b", "label": "B", "deck": "quick"}],
                  phases=[{"id": "only", "kind": "training"}], questions=[])
        person = self.person("mastered")
        person.session()
        right, = self.daemon.rows("SELECT truth FROM items WHERE session_id = ? AND n = 1", person.started["id"])
        self.assertEqual(person.answer(1, right[0]).json["progress"]["finished"], True)
        self.assertEqual((person.now()["state"], person.now()["phases"][0]["answered"]), ("finished", 1))

    def test_a_training_by_a_staircase_tells_no_threshold_as_real_images_have_none(self):
        steps = {**TRAIN_GAN, "id": "steps", "order": {"rule": "staircase"}, "sources": [{**GAN, "strength": [0.05, 1]}]}
        self.assertEqual(self.educator.post("/api/v1/decks", steps).status, 201)
        self.open("stepped", arms=[{"id": arm, "label": arm, "deck": "steps"} for arm in ("a", "b")],
                  phases=[{"id": "only", "kind": "training"}])
        person = self.person("stepped").play()
        told = self.daemon.get(person.url() + "/summary", person.started["secret"]).json["summary"]
        self.assertEqual((told["finished"], told["threshold"]), (True, None))

    def test_a_collection_that_a_study_shows_is_not_removed_before_it_is_frozen(self):
        self.import_set("lent")
        lent = [{**LIBRARY, "collection": "lent", "split": "test"}]
        self.assertEqual(self.educator.post("/api/v1/decks", {**TEST, "id": "lent-exam", "sources": lent}).status, 201)
        path = self.open("borrower", phases=[{"id": "one", "kind": "test", "deck": "lent-exam"}, {"id": "two", "kind": "training"}])
        done = library(self.daemon.config_path, "remove", "lent")
        self.assertEqual((done.returncode, done.stderr),
                         (1, "roentgymd: the study borrower shows images of lent; freeze it first\n"))
        self.person("borrower").play()
        for state in ("close", "freeze"):
            self.researcher.post(f"{path}/{state}")
        done = library(self.daemon.config_path, "remove", "lent")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertEqual(len(self.daemon.rows("SELECT 1 FROM study_test_items k JOIN studies s ON s.id = k.study_id"
                                              " JOIN library_images i ON i.id = k.library_image_id WHERE s.name = 'borrower'")), 4)

    def test_without_questions_the_last_phase_is_the_end_and_skipped_answers_are_not_stored(self):
        self.open("short", questions=[], phases=[{"id": "only", "kind": "training"}])
        self.assertEqual(self.person("short").play().now()["state"], "finished")
        self.open("skipping", phases=[{"id": "only", "kind": "training"}])
        person = self.person("skipping")
        self.assertEqual(person.post("questions", {"answers": {}}).code, "phases_not_over")
        person.play()
        for answers, text in (({"colour": "x"}, "answers.colour: unknown key"), ({"source": "perhaps"}, "answers.source: is none"),
                              ({"remarks": "x" * 2001}, "answers.remarks: must have"), ({"remarks": 3}, "answers.remarks: must be a string")):
            answer = person.post("questions", {"answers": answers})
            self.assertEqual((answer.status, answer.code), (422, "out_of_range"))
            self.assertTrue(answer.json["error"]["message"].startswith(text), answer.body)
        self.assertEqual(person.post("questions", {"answers": {}}).json["participant"]["state"], "finished")

    def test_200_who_start_at_once_are_balanced_in_every_stratum_as_the_seed_says(self):
        path = self.open("rush", blocks=[2, 4, 6])
        people = [Person(self.daemon, "rush") for _ in range(200)]
        consent = people[0].consent()
        with concurrent.futures.ThreadPoolExecutor(50) as pool:
            said = list(pool.map(lambda n: people[n].enrol(consent, level=["student", "resident"][n % 3 == 0]).status, range(200)))
        self.assertEqual(said, [201] * 200)
        rows = self.daemon.rows("SELECT p.stratum, p.arm, p.allocation_n FROM participants p JOIN studies s"
                                " ON s.id = p.study_id WHERE s.name = 'rush'")
        seed, = self.daemon.rows("SELECT seed FROM studies WHERE name = 'rush'")
        definition = self.researcher.get(path).json
        for number, (stratum, count) in enumerate((("student", 133), ("resident", 67))):
            mine = [row for row in rows if row["stratum"] == stratum]
            self.assertEqual(sorted(row["allocation_n"] for row in mine), list(range(count)))
            drawn = sum(row["arm"] == "drawn" for row in mine)
            self.assertLessEqual(abs(2 * drawn - count), 6, stratum)
            self.assertEqual([row["arm"] for row in sorted(mine, key=lambda row: row["allocation_n"])],
                             arms_of(definition, int(seed[0]), number, count))


if __name__ == "__main__":
    unittest.main()
