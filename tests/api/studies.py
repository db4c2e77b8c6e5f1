"""Studies for tests: definitions, the decks that they need, and people who take part."""

import os
import shutil
import tempfile
import unittest
import uuid

from accounts import first_admin, staff
from checkpoints import checkpoint, replace
from daemon import Daemon, deck
from library_data import library, make

SOURCE = {"model": "default", "classes": {"no": ["no_fracture"], "yes": ["fracture"]}}
LIBRARY = {"kind": "library", "collection": "hips", **SOURCE}
GAN = {"kind": "gan", **SOURCE}
BASE = {"format": 2, "title": "Hips", "question": "Is there a fracture?", "prevalence": 0.5,
        "choices": [{"id": "no", "label": "No"}, {"id": "yes", "label": "Yes"}]}

# The library's test split has IMAGES / 2 images.
IMAGES = 24
TEST = {**BASE, "id": "exam", "title": "The secret exam", "items": 4, "feedback": "none",
        "draw": {"mode": "fixed", "seed": "5"}, "sources": [{**LIBRARY, "split": "test"}]}
TRAIN_GAN = {**BASE, "id": "of-gan", "title": "Drawn hips", "items": 2, "sources": [GAN]}
TRAIN_REAL = {**BASE, "id": "of-real", "title": "Real hips", "items": 2, "sources": [LIBRARY]}
DECKS = [deck("default", items=2), TEST, TRAIN_GAN, TRAIN_REAL]


def study(name="hips-2026", **changes):
    """A study of two arms: test, training, test, and two questions. Keyword arguments replace its keys."""
    return {
        "format": 1, "id": name, "title": "Learning to read hips", "contact": "study@example.org",
        "consent": {"text": "We ask whether you want to take part.\n\nNothing depends on it."},
        "practice_deck": "default",
        "strata": [{"id": "level", "label": "Your training", "choices": [{"id": "student", "label": "Student"},
                                                                        {"id": "resident", "label": "Resident"}]}],
        "blocks": [2, 4],
        "arms": [{"id": "drawn", "label": "Drawn images", "deck": "of-gan"},
                 {"id": "real", "label": "Real images", "deck": "of-real"}],
        "phases": [{"id": "before", "kind": "test", "deck": "exam"}, {"id": "practice", "kind": "training"},
                   {"id": "after", "kind": "test", "deck": "exam"}],
        "questions": [{"id": "source", "text": "Were the images real?", "kind": "choice",
                       "choices": [{"id": "yes", "label": "Yes"}, {"id": "no", "label": "No"}]},
                      {"id": "remarks", "text": "Anything else?", "kind": "text"}],
        **changes,
    }


def learner_code(daemon):
    return daemon.request("POST", "/api/v1/learners").json["learner"]["code"]


class Person:
    """A learner with a code, and the study that it takes part in."""

    def __init__(self, daemon, name="hips-2026", code=None):
        self.daemon, self.path = daemon, "/api/v1/studies/" + name
        self.code = code or learner_code(daemon)
        self.started = None

    def consent(self, agreed=True):
        """What is said to the text of now."""
        text = self.daemon.get(self.path + "/invitation").json["invitation"]["consent"]
        return {"version": text["version"], "sha256": text["sha256"], "agreed": agreed}

    def enrol(self, consent=None, **strata):
        return self.daemon.post(self.path + "/participants", {"consent": consent or self.consent(),
                                                              "strata": strata or {"level": "student"}}, self.code)

    def get(self):
        return self.daemon.get(self.path + "/participant", self.code)

    def now(self):
        answer = self.get()
        assert answer.status == 200, answer.body
        return answer.json["participant"]

    def post(self, what, value=None):
        return self.daemon.post(f"{self.path}/participant/{what}", {} if value is None else value, self.code)

    def session(self):
        """Starts the open phase, or goes on with it."""
        answer = self.post("session")
        if answer.status in (200, 201):
            self.started = answer.json["session"]
        return answer

    def url(self):
        return "/api/v1/sessions/" + self.started["id"]

    def item(self, n):
        return self.daemon.get(f"{self.url()}/items/{n}", self.started["secret"])

    def answer(self, n, choice="yes", key=None):
        return self.daemon.post(self.url() + "/answers", {"key": key or str(uuid.uuid4()), "item": n, "choice": choice,
                                                          "confidence": 2, "response_ms": 700}, self.started["secret"])

    def play(self, stop_before=None):
        """The open phase, answered to its end, or up to an item."""
        started = self.session()
        assert started.status in (200, 201), started.body
        for n in range(1, self.started["deck"]["items"] + 1):
            if n == stop_before:
                break
            if n not in self.started["answered"]:
                answer = self.answer(n)
                assert answer.status == 201, answer.body
        return self


class StudyTest(unittest.TestCase):
    """A daemon with small models, a library and the decks above; an administrator, a researcher, an educator."""

    decks, sides, collections = DECKS, {"default": 64}, ["hips"]  # sides: pixels, of the images of each model

    @classmethod
    def setUpClass(cls):
        cls.models = tempfile.mkdtemp(prefix="roentgymd-models-")
        cls.addClassCleanup(shutil.rmtree, cls.models)
        for seed, (name, side) in enumerate(cls.sides.items()):
            replace(os.path.join(cls.models, name + ".safetensors"), checkpoint(seed, side))
        cls.daemon = Daemon(cls.decks, models=cls.models)
        cls.addClassCleanup(cls.daemon.close)
        for name in cls.collections:
            cls.import_set(name)
        cls.admin = first_admin(cls.daemon)
        cls.researcher, cls.educator = staff(cls.admin, "researcher"), staff(cls.admin, "educator")

    @classmethod
    def import_set(cls, name, **how):
        data = make(os.path.join(cls.daemon.folder, "data-" + name), IMAGES, **how)
        done = library(cls.daemon.config_path, "add", data, "--name", name)
        assert done.returncode == 0, done.stderr

    def draft(self, name, **changes):
        answer = self.researcher.post("/api/v1/studies", study(name, **changes))
        self.assertEqual(answer.status, 201, answer.body)
        return "/api/v1/studies/" + name

    def open(self, name, **changes):
        path = self.draft(name, **changes)
        answer = self.researcher.post(path + "/open", If_Match='"1"')
        self.assertEqual(answer.status, 200, answer.body)
        return path

    def person(self, name, **strata):
        person = Person(self.daemon, name)
        answer = person.enrol(**strata)
        self.assertEqual(answer.status, 201, answer.body)
        return person
