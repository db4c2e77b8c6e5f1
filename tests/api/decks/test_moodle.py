"""Decks as files for Moodle's question bank, read by XML parsers of others (Python's expat and libxml2) and as
Moodle's importer of its own format does: elements by name, images by the names that the text refers to."""

import base64
import functools
import http.client
import io
import os
import re
import subprocess
import sys
import tempfile
import unittest
import xml.etree.ElementTree as xml
from html.parser import HTMLParser

from PIL import Image

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import studies  # noqa: E402
from accounts import first_admin, staff  # noqa: E402
from checkpoints import FolderTest  # noqa: E402
from daemon import Learner, deck, deck_of, png_chunks, source  # noqa: E402
from library_data import library, make  # noqa: E402

CHOICES = [{"id": "no", "label": "No <fracture> & co."}, {"id": "yes", "label": "\"Fracture\" ]]>"}]
SOURCE = source()
OF_LIBRARY = source(kind="library", collection="shelf", split="test")
LIST = [{"class": "fracture", "seed": "11", "strength": 0.5}, {"class": "no_fracture", "seed": "12"},
        {"class": "fracture", "seed": "13"}]


deck_2 = functools.partial(deck_of, title="Hips / AC", question="Is <b>it</b> & \"broken\"?", choices=CHOICES, items=6)
FIXED = deck_2("fixed", draw={"mode": "fixed", "seed": "5"}, sources=[SOURCE, OF_LIBRARY], description="a\u0001b\uffff")


class Html(HTMLParser):
    """What a browser makes of a question: images, and the text of each paragraph."""

    def __init__(self, text):
        super().__init__()
        self.images, self.paragraphs, self.tags = [], [], set()
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        if tag == "img":
            self.images.append(dict(attrs))
        if tag == "p":
            self.paragraphs.append("")

    def handle_data(self, data):
        self.paragraphs[-1] += data


class Moodle(FolderTest):
    def setUp(self):
        super().setUp()
        listed = deck_2("list", list=LIST, items=None, prevalence=None)
        self.start([FIXED, deck(), listed])
        folder = tempfile.TemporaryDirectory(prefix="moodle-")
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        done = library(self.daemon.config_path, "add", make(os.path.join(self.folder, "set"), 24), "--name", "shelf")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.educator = staff(first_admin(self.daemon), "educator")

    def fetch(self, name, query=""):
        answer = self.educator.get(f"/api/v1/decks/{name}/moodle.xml{query}")
        self.assertEqual(answer.status, 200, answer.body[:300])
        return answer.body

    def questions(self, name, query=""):
        quiz = xml.fromstring(self.fetch(name, query))
        self.assertEqual(quiz.tag, "quiz")
        self.assertEqual(quiz[0].get("type"), "category")
        return quiz[1:]

    def test_each_image_of_a_fixed_deck_is_a_question_that_shows_what_learners_see(self):
        learner = Learner(self.daemon, "fixed")
        items = self.daemon.rows("SELECT class, truth, source FROM items WHERE session_id = ? ORDER BY n", learner.id)
        questions = self.questions("fixed")
        self.assertEqual(len(questions), 6)
        self.assertEqual({item["source"] for item in items}, {"gan", "library"})
        sizes = set()
        for n, (question, item) in enumerate(zip(questions, items), 1):
            self.assertEqual(question.get("type"), "truefalse")
            self.assertEqual(question.findtext("name/text"), f"Hips / AC {n:03}")
            answers = {answer.findtext("text"): answer.get("fraction") for answer in question.iterfind("answer")}
            self.assertEqual(answers, {"true": "100", "false": "0"} if item["truth"] == "yes" else {"true": "0", "false": "100"})
            file = question.find("questiontext/file")
            self.assertEqual(file.get("encoding"), "base64")
            page = Html(question.findtext("questiontext/text"))
            self.assertEqual([image["src"] for image in page.images], ["@@PLUGINFILE@@/" + file.get("name")])
            png = base64.b64decode(file.text, validate=True)
            if n <= 2:
                self.assertEqual(png, learner.image(n).body)
            Image.open(io.BytesIO(png)).verify()
            self.assertNotIn("tEXt", dict(png_chunks(png)))
            sizes.add(len(png))
            self.assertIn(item["class"], question.findtext("generalfeedback/text"))
            self.assertIn("shelf" if item["source"] == "library" else "seed", question.findtext("generalfeedback/text"))
        self.assertEqual(len(sizes), 1)

    def test_before_the_answer_nothing_tells_the_truth_or_the_source(self):
        """But for the number and the pixels all questions are one text."""
        asked = set()
        for question in self.questions("fixed"):
            text = xml.tostring(question.find("questiontext"), encoding="unicode") + question.findtext("name/text")
            text = re.sub(r'base64">[^<]*<', "", text)
            asked.add(re.sub(r"image-\d+|Radiograph \d+|AC \d+", "", text))
        self.assertEqual(len(asked), 1)

    def test_texts_come_out_as_they_were_and_are_no_markup(self):
        page = Html(self.questions("fixed")[0].findtext("questiontext/text"))
        self.assertEqual(page.tags, {"p", "img", "small"})
        self.assertEqual(page.paragraphs[1:3],
                         ['Is <b>it</b> & "broken"?', 'True: "Fracture" ]]>. False: No <fracture> & co..'])
        quiz = xml.fromstring(self.fetch("fixed"))
        self.assertEqual(quiz.findtext("question/category/text"), "$course$/top/Hips // AC")
        self.assertEqual(quiz.findtext("question/info/text"), "a b")

    def test_libxml2_reads_it_too(self):
        path = os.path.join(self.folder, "moodle.xml")
        with open(path, "wb") as file:
            file.write(self.fetch("list"))
        done = subprocess.run(["xmllint", "--noout", "--nonet", path], capture_output=True, text=True, timeout=60)
        self.assertEqual((done.returncode, done.stderr), (0, ""))

    def test_a_list_has_its_images_in_one_order(self):
        body = self.fetch("list")
        self.assertEqual(body, self.fetch("list"))
        self.assertEqual(len(self.questions("list")), 3)
        self.assertEqual(sum("seed 11" in question.findtext("generalfeedback/text") for question in self.questions("list")), 1)

    def test_images_come_in_the_size_that_is_asked_for(self):
        self.assertEqual(self.educator.get("/api/v1/decks/list/moodle.xml?size=63").code, "size_not_offered")
        file = self.questions("list", "?size=64")[0].find("questiontext/file")
        self.assertEqual(Image.open(io.BytesIO(base64.b64decode(file.text))).size, (64, 64))

    def test_a_deck_that_is_drawn_anew_for_everybody_is_refused(self):
        answer = self.educator.get("/api/v1/decks/default/moodle.xml")
        self.assertEqual((answer.status, answer.code), (409, "not_fixed"))
        self.assertEqual(self.educator.get("/api/v1/decks/none/moodle.xml").code, "unknown_deck")

    def test_an_image_that_goes_while_the_file_is_made_cuts_it_short(self):
        """The library's pixels are gone from the disk: a file without its end is no XML."""
        for place, _, names in os.walk(os.path.join(self.daemon.folder, "library")):
            for name in names:
                os.unlink(os.path.join(place, name))
        with self.assertRaises(http.client.IncompleteRead):
            self.fetch("fixed")
        self.assertIn("for Moodle could not be made", self.daemon.log())

    def test_it_is_on_record_who_took_it(self):
        self.fetch("list")
        row = self.daemon.rows("SELECT action, object, detail FROM audit ORDER BY id DESC LIMIT 1")[0]
        self.assertEqual(tuple(row), ("export", "moodle.xml", '{"deck":"list"}'))


class OfAStudy(studies.StudyTest):
    def test_a_deck_that_a_study_tests_with_is_given_to_nobody(self):
        before = self.educator.get("/api/v1/decks/exam/moodle.xml")
        self.assertEqual(before.status, 200)
        self.open("hips-2026")
        answer = self.educator.get("/api/v1/decks/exam/moodle.xml")
        self.assertEqual((answer.status, answer.code), (409, "deck_in_study"))


if __name__ == "__main__":
    unittest.main()
