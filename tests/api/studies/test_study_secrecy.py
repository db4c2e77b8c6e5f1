"""What nobody learns by taking part in a study, or beside it: the arm, what an image is drawn from, the truth of a test."""

import json
import os
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from daemon import Daemon, Learner  # noqa: E402
from studies import BASE, IMAGES, LIBRARY, SOURCE, TEST, TRAIN_REAL, Person, StudyTest, learner_code  # noqa: E402

CLASSES = SOURCE["classes"]
# Names that stand for nothing else, so that one of them in an answer tells.
MARKS = ["deckone", "decktwo", "deckexam", "titleone", "titletwo", "titleexam", "wordsone", "wordstwo", "armone", "armtwo",
         "labelone", "labeltwo", "modelone", "modeltwo", "setone", "gan", "library", "simulated", "no_fracture", '"drawn"', '"collection"']


def source(kind, model, **more):
    return {"kind": kind, "model": model, "classes": CLASSES, **more}


class Arms(StudyTest):
    sides, collections = {"modelone": 64, "modeltwo": 64}, ["setone"]
    decks = [{**BASE, "id": "deckexam", "title": "titleexam", "items": 4, "feedback": "none", "draw": {"mode": "fixed", "seed": "5"},
              "sources": [source("library", "modelone", collection="setone", split="test")]},
             {**BASE, "id": "deckone", "title": "titleone", "description": "wordsone", "items": 3,
              "sources": [source("gan", "modelone")]},
             {**BASE, "id": "decktwo", "title": "titletwo", "description": "wordstwo", "items": 3,
              "sources": [source("library", "modeltwo", collection="setone")]}]

    def setUp(self):
        self.open("blind", practice_deck=None, blocks=[2],
                  arms=[{"id": "armone", "label": "labelone", "deck": "deckone"}, {"id": "armtwo", "label": "labeltwo", "deck": "decktwo"}],
                  phases=[{"id": "before", "kind": "test", "deck": "deckexam"}, {"id": "practice", "kind": "training"},
                          {"id": "after", "kind": "test", "deck": "deckexam"}])

    def walk(self):
        """Arm and all that one participant is sent, in order: [(path, status, headers, body)]."""
        person = Person(self.daemon, "blind")
        sent, request = [], self.daemon.request

        def record(method, path, *rest, **more):
            answer = request(method, path, *rest, **more)
            sent.append((method + " " + path, answer))
            return answer

        self.daemon.request = record
        try:
            person.enrol()
            for _ in range(3):
                person.get()
                person.session()
                self.daemon.get(person.url(), person.started["secret"])
                for n in range(1, person.started["deck"]["items"] + 1):
                    self.daemon.get(person.item(n).json["item"]["image"])
                    person.answer(n, choice=self.right(person, n))
                    self.daemon.get(person.url() + "/summary", person.started["secret"])
                person.session()
            self.daemon.get("/api/v1/learner", person.code)
            person.post("questions", {"answers": {"source": "no"}})
            person.post("withdraw", {"form": "stop"})
        finally:
            self.daemon.request = request
        row, = self.daemon.rows("SELECT arm FROM participants p JOIN study_participants k ON k.participant_id = p.id"
                                " ORDER BY p.id DESC LIMIT 1")
        return row["arm"], sent

    def right(self, person, n):
        return self.daemon.rows("SELECT truth FROM items WHERE session_id = ? AND n = ?", person.started["id"], n)[0][0]

    def shape(self, sent):
        """What is left when random names, times and figures are taken out."""
        def bare(value):
            if isinstance(value, dict):
                return {key: key == "score" or bare(member) for key, member in value.items()}
            if isinstance(value, list):
                return [bare(member) for member in value]
            return type(value).__name__
        shapes = []
        for path, answer in sent:
            image = answer.headers["Content-Type"] == "image/png"
            headers = {k: v for k, v in answer.headers.items() if k not in ("Date", "X-Request-Id", "Content-Length")}
            shapes.append((len(path), answer.status, headers, len(answer.body) if image else bare(answer.json)))
        return shapes

    def test_nothing_that_a_participant_gets_tells_the_arm(self):
        shapes = {}
        for _ in range(12):
            arm, sent = self.walk()
            for path, answer in sent:
                if answer.headers["Content-Type"] == "image/png":
                    continue
                for mark in MARKS:
                    self.assertNotIn(mark, answer.body.decode() + str(answer.headers), path)
            shapes.setdefault(arm, self.shape(sent))
        self.assertEqual(set(shapes), {"armone", "armtwo"})
        for one, two in zip(shapes["armone"], shapes["armtwo"], strict=True):
            self.assertEqual(one, two)
        self.check_that_tests_tell_no_truth(sent)

    def check_that_tests_tell_no_truth(self, sent):
        """`sent` of somebody whose answers were all right. Only the training, 3 of 11 answers, says so."""
        answers = [answer.json for path, answer in sent if path.endswith("/answers")]
        self.assertEqual([bool(answer["feedback"]) for answer in answers], [False] * 4 + [True] * 3 + [False] * 4)
        summaries = [answer.json["summary"] for path, answer in sent if path.endswith("/summary")]
        for summary in summaries[:4] + summaries[7:]:
            self.assertEqual((summary["correct"], summary["score"]), (None, None))
            self.assertEqual({(item["truth"], item["correct"]) for item in summary["items"]}, {(None, None)})
        self.assertTrue(summaries[3]["finished"])


class Fault(Arms):
    decks = Arms.decks[:2]
    test_nothing_that_a_participant_gets_tells_the_arm = None

    def setUp(self):
        self.educator.post("/api/v1/decks", Arms.decks[2])
        super().setUp()

    def test_a_fault_of_one_arms_deck_is_told_as_anybodys(self):
        people = [self.person("blind").play() for _ in range(4)]
        self.daemon.stop()
        os.remove(os.path.join(self.models, "modeltwo.safetensors"))
        daemon = Daemon(self.decks, folder=self.daemon.folder, models=self.models)
        self.addCleanup(daemon.end_if_running)
        for person in people:
            person.daemon = daemon
        said = [person.post("session") for person in people]
        self.assertEqual(sorted(answer.status for answer in said), [201, 201, 503, 503])
        for answer in said:
            for mark in MARKS:
                self.assertNotIn(mark, answer.body.decode())
        self.assertIn("study blind: the deck decktwo cannot be started", daemon.log())


class Beside(StudyTest):
    """Outside of a study, while it runs, nobody is shown an image of its tests."""

    def images(self, name):
        return {row[0] for row in self.daemon.rows("SELECT i.sha256 FROM study_test_items k JOIN studies s ON s.id = k.study_id"
                                                   " JOIN library_images i ON i.id = k.library_image_id WHERE s.name = ?", name)}

    def shown(self, learner):
        return {row[0] for row in self.daemon.rows("SELECT l.sha256 FROM items i JOIN library_images l ON l.id = i.library_image_id"
                                                   " WHERE i.session_id = ?", learner.id)}

    def freeze(self, path):
        self.researcher.post(path + "/close")
        self.researcher.post(path + "/freeze")

    def make_deck(self, name, **changes):
        answer = self.educator.post("/api/v1/decks", {**TRAIN_REAL, "id": name, **changes})
        self.assertEqual(answer.status, 201, answer.body)

    def test_the_deck_of_a_test_is_for_participants_alone(self):
        made = self.educator.post("/api/v1/classes", {"title": "A class", "deck": "exam"}).json["class"]["code"]
        self.assertEqual(Learner(self.daemon, "exam").item(1).status, 200)
        path = self.open("exclusive")
        for changes in ({"deck": "exam"}, {"class": made, "learner": learner_code(self.daemon)}):
            answer = self.daemon.post("/api/v1/sessions", changes)
            self.assertEqual((answer.status, answer.code), (409, "deck_in_study"))
        self.assertEqual(self.educator.post("/api/v1/classes", {"title": "More", "deck": "exam"}).code, "deck_in_study")
        self.assertNotIn("exam", [deck["id"] for deck in self.daemon.get("/api/v1/decks").json["decks"]])
        seen, = [deck for deck in self.educator.get("/api/v1/catalogue").json["decks"] if deck["id"] == "exam"]
        self.assertIn("A study tests with it", seen["unavailable"])
        self.researcher.post(path + "/close")
        self.assertEqual(self.daemon.post("/api/v1/sessions", {"deck": "exam"}).code, "deck_in_study")
        self.researcher.post(path + "/freeze")
        self.assertEqual(Learner(self.daemon, "exam").item(1).status, 200)

    def test_its_images_are_shown_in_no_other_deck(self):
        path = self.open("reserved")
        images = self.images("reserved")
        self.assertEqual(len(images), 4)
        file, = self.daemon.rows("SELECT file, class FROM library_images WHERE sha256 = ?", next(iter(images)))
        pick = {"class": file["class"], "collection": "hips", "file": file["file"]}
        listed = {**{key: value for key, value in TRAIN_REAL.items() if key not in ("items", "prevalence")}, "list": [pick]}
        self.assertEqual(self.educator.post("/api/v1/decks", {**listed, "id": "peeking"}).status, 201)
        self.assertEqual(self.daemon.post("/api/v1/sessions", {"deck": "peeking"}).code, "images_missing")
        rest = IMAGES // 2 - 4
        self.make_deck("test-split", items=rest, sources=[{**LIBRARY, "split": "test"}])
        self.make_deck("one-more", items=rest + 2, sources=[{**LIBRARY, "split": "test"}])
        self.make_deck("same-seed", items=4, draw=TEST["draw"], sources=TEST["sources"])
        for deck in ("test-split", "same-seed"):
            self.assertFalse(self.shown(Learner(self.daemon, deck)) & images, deck)
        self.assertEqual(self.daemon.post("/api/v1/sessions", {"deck": "one-more"}).code, "images_missing")
        self.import_set("same-hips")  # the same pixels under another name
        same = {"items": IMAGES // 2 - 4, "sources": [{**LIBRARY, "collection": "same-hips", "split": "test"}]}
        self.make_deck("twin", **same)
        self.make_deck("twin-all", **{**same, "items": IMAGES // 2 - 2})
        self.assertFalse(self.shown(Learner(self.daemon, "twin")) & images)
        self.assertEqual(self.daemon.post("/api/v1/sessions", {"deck": "twin-all"}).code, "images_missing")
        self.freeze(path)
        for deck in ("peeking", "one-more", "twin-all"):
            self.assertTrue(self.shown(Learner(self.daemon, deck)) & images, deck)

    def test_nor_in_the_trainings_of_the_study_itself(self):
        self.make_deck("all-tests", items=IMAGES // 2, sources=[{**LIBRARY, "split": "test"}])
        arms = [{"id": "a", "label": "A", "deck": "all-tests"}, {"id": "b", "label": "B", "deck": "of-gan"}]
        path = self.draft("greedy", arms=arms)
        answer = self.researcher.post(path + "/open", If_Match='"1"')
        self.assertEqual((answer.status, answer.code), (409, "images_missing"))
        self.assertTrue(answer.json["error"]["message"].startswith("study.arms[0].deck:"), answer.body)
        self.assertTrue(answer.json["error"]["message"].endswith("beside those of tests and of the trainings before."), answer.body)
        self.assertEqual(self.images("greedy"), set())

    def test_sessions_that_began_before_are_shown_none_of_its_images_nor_told_of_them(self):
        self.make_deck("earlier", items=IMAGES // 2, sources=[{**LIBRARY, "split": "test"}])
        Learner(self.daemon, "exam").image(1)
        learner = Learner(self.daemon, "earlier")
        url = learner.item(1).json["item"]["image"]
        self.assertEqual(self.daemon.get(url).status, 200)
        path = self.draft("late")
        warnings = self.researcher.post(path + "/open", If_Match='"1"').json["warnings"]
        self.assertRegex(warnings[-2], r"^\d+ of the tests' images have been shown to learners before\.$")
        self.assertRegex(warnings[-1], r"^\d+ sessions that are not finished come to an image of the tests, and end there\.$")
        reserved = {row[0] for row in self.daemon.rows(
            "SELECT i.n FROM items i JOIN library_images l ON l.id = i.library_image_id JOIN study_test_items k"
            " ON k.library_image_id = l.id JOIN studies s ON s.id = k.study_id WHERE s.name = 'late' AND i.session_id = ?", learner.id)}
        self.assertEqual(len(reserved), 4)
        n = 1
        while n not in reserved:
            self.assertEqual(learner.answer(n, "yes").status, 201)
            n += 1
        image, = self.daemon.rows("SELECT image FROM items WHERE session_id = ? AND n = ?", learner.id, n)
        for answer in (learner.item(n), learner.answer(n, "yes"), self.daemon.get(f"/api/v1/images/{image[0]}.png")):
            self.assertEqual((answer.status, answer.code), (410, "images_gone"))
        person = self.person("late").play()
        self.assertEqual(self.daemon.get(person.item(1).json["item"]["image"]).status, 200)
        self.freeze(path)
        self.assertEqual(learner.answer(n, "yes").status, 201)
        self.assertEqual(self.daemon.get(f"/api/v1/images/{image[0]}.png").status, 200)

    def test_a_training_of_another_study_keeps_what_it_was_drawn_and_who_is_in_both_is_on_record(self):
        self.make_deck("wide", items=IMAGES // 2 - 4, sources=[{**LIBRARY, "split": "test"}])
        self.make_deck("exam-two", **{key: TEST[key] for key in ("items", "feedback", "sources")}, draw={"mode": "fixed", "seed": "6"})
        arms = [{"id": name, "label": name, "deck": "wide"} for name in ("a", "b")]
        first = self.open("first", arms=arms, phases=[{"id": "practice", "kind": "training"}, {"id": "after", "kind": "test", "deck": "exam"}])
        person = self.person("first")
        person.session()
        self.assertEqual(self.daemon.get(person.item(1).json["item"]["image"]).status, 200)
        self.assertEqual(person.answer(1).status, 201)
        second = self.draft("second", phases=[{"id": "only", "kind": "test", "deck": "exam-two"}, {"id": "practice", "kind": "training"}])
        warnings = self.researcher.post(second + "/open", If_Match='"1"').json["warnings"]
        self.assertIn("1 trainings of other studies that are not finished come to an image of the tests, and go on.", warnings)
        self.assertFalse([text for text in warnings if "end there" in text], warnings)
        shared = {row[0] for row in self.daemon.rows("SELECT l.sha256 FROM items i JOIN library_images l ON l.id = i.library_image_id"
                                                     " WHERE i.session_id = ?", person.started["id"])} & self.images("second")
        self.assertTrue(shared)
        for n in range(2, IMAGES // 2 - 3):
            self.assertEqual(self.daemon.get(person.item(n).json["item"]["image"]).status, 200)
            self.assertEqual(person.answer(n).status, 201)
        self.assertEqual(person.now()["phase"], "after")
        self.assertEqual(self.person("first").session().status, 503)  # what is drawn later spares the other's images
        tested = Person(self.daemon, "second", person.code)
        self.assertEqual(tested.enrol().status, 201)
        tested.session()
        for n in range(1, 5):
            self.assertEqual(self.daemon.get(tested.item(n).json["item"]["image"]).status, 200)
            tested.answer(n)
        seen = {row[0] for row in self.daemon.rows("SELECT l.sha256 FROM items i JOIN library_images l ON l.id = i.library_image_id"
                                                   " WHERE i.session_id = ? AND i.prior_exposures > 0", tested.started["id"])}
        self.assertEqual(seen, shared)
        for path in (first, second):
            self.freeze(path)

    def test_the_library_is_the_staffs(self):
        self.open("closed-library")
        for path in ("/api/v1/library", "/api/v1/library/hips/images", "/api/v1/library/hips/images/1.png", "/api/v1/decks/exam"):
            self.assertEqual(self.daemon.get(path).status, 401)
            self.assertEqual(self.daemon.get(path, learner_code(self.daemon)).status, 401)
        self.freeze("/api/v1/studies/closed-library")

    def test_the_order_of_arms_is_known_to_nobody_before_the_end(self):
        path = self.open("sealed")
        seed, = self.daemon.rows("SELECT seed FROM studies WHERE name = 'sealed'")
        person = self.person("sealed")
        for answer in (self.researcher.get("/api/v1/studies"), self.researcher.get(path), self.researcher.get(path + "/versions"),
                       self.admin.get("/api/v1/audit"), self.daemon.get(path + "/invitation"), person.get()):
            self.assertEqual(answer.status, 200)
            self.assertNotIn(seed[0], json.dumps(answer.json))
        self.assertNotIn(seed[0], self.daemon.log())
        self.freeze(path)
        listed, = [one for one in self.researcher.get("/api/v1/studies").json["studies"] if one["id"] == "sealed"]
        self.assertEqual(listed["seed"], seed[0])


if __name__ == "__main__":
    unittest.main()
