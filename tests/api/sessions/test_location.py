"""Feedback that shows where a finding is: by the mask of a data set or by what the model changes; never before the
answer, and only in decks that say so."""

import os
import sys
import zlib

import unittest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from checkpoints import FolderTest  # noqa: E402
from daemon import Learner, deck_of, pixels, png_chunks, png_header, source  # noqa: E402
from library_data import library, make, png, rows  # noqa: E402

LIBRARY = source(kind="library", collection="hips")


def unfiltered(data):
    """The pixels of an 8-bit grey PNG whose lines are filtered as nn_png_encode does: by the line above."""
    width, height = png_header(data)[:2]
    raw = zlib.decompress(b"".join(body for kind, body in png_chunks(data) if kind == "IDAT"))
    lines, above = [], bytes(width)
    for at in range(0, height * (width + 1), width + 1):
        kind, line = raw[at], raw[at + 1:at + 1 + width]
        assert kind in (0, 2), kind
        above = bytes((x + y) & 255 for x, y in zip(line, above)) if kind == 2 else line
        lines.append(above)
    return lines


class Location(FolderTest):
    def setUp(self):
        super().setUp()
        told = {"feedback": "location", "items": 4}
        self.start([deck_of("default", source("default"), **told), deck_of("faint", source("default", strength=0), **told),
                    deck_of("masks", LIBRARY, **told), deck_of("mixed", source("default"), LIBRARY, **told),
                    *(deck_of(feedback, source("default"), feedback=feedback, items=4) for feedback in ("none", "correct", "truth"))])
        data = make(os.path.join(self.daemon.folder, "data"), 16, 64, header="file,label,patient_id,split,fracture_column,fracture_row,mask",
                    line="images/{n}.png,{label},p{n},train,,,masks/{n}.png")
        os.makedirs(os.path.join(data, "masks"))
        path = os.path.join(data, "labels.csv")
        with open(path, encoding="utf-8") as file:
            lines = file.read().splitlines()
        for n in range(16):
            if n % 2 == 0 or n == 15:  # of the fractures the last one has no mask
                lines[n + 1] = lines[n + 1].rsplit(",", 1)[0] + ","
                continue
            if n == 13:
                lines[n + 1] = lines[n + 1].replace(",,,", ",13,25,")
            with open(os.path.join(data, f"masks/{n}.png"), "wb") as file:
                file.write(png(64, 64, rows(self.mask(n), 64)))
        with open(path, "w", encoding="utf-8") as file:
            file.write("\n".join(lines) + "\n")
        self.assertEqual(library(self.daemon.config_path, "add", data, "--name", "hips").returncode, 0)

    @staticmethod
    def mask(n):
        return b"".join(bytes(255 * (n <= x < n + 8 and 20 <= y < 30) for x in range(64)) for y in range(64))

    def get(self, learner, n):
        return self.daemon.get(f"{learner.url}/items/{n}/location.png", learner.secret)

    def answered(self, deck, choice="yes"):
        """Every item of a session answered: [(n, the feedback)], and the session."""
        learner = Learner(self.daemon, deck)
        told = []
        for n in range(1, 5):
            self.assertEqual(learner.image(n).status, 200)
            told.append((n, learner.answer(n, choice).json["feedback"]))
        return learner, told

    def test_it_is_there_after_the_answer_and_not_before(self):
        learner = Learner(self.daemon)
        for n in range(1, 5):
            learner.image(n)
            refused = self.get(learner, n)
            self.assertEqual((refused.status, refused.code), (409, "not_answered"))
            self.assertIsNone(learner.item(n).json["item"]["feedback"])
            feedback = learner.answer(n, "yes").json["feedback"]
            self.assertEqual(learner.item(n).json["item"]["feedback"], feedback)
            answer = self.get(learner, n)
            if feedback["truth"] == "no":
                self.assertEqual((feedback["location"], answer.status, answer.code), (None, 404, "no_location"))
                continue
            self.assertEqual(feedback["location"], {"image": f"{learner.url}/items/{n}/location.png", "basis": "difference"})
            self.assertEqual((answer.status, png_header(answer.body)), (200, (64, 64, 8, 0)))
            self.assertGreater(max(map(max, unfiltered(answer.body))), 0)
        self.assertEqual(self.get(learner, 5).code, "unknown_item")

    def test_nobody_else_may_see_it(self):
        learner, _ = self.answered("default")
        for secret in (None, Learner(self.daemon).secret):
            self.assertEqual(self.daemon.get(f"{learner.url}/items/1/location.png", secret).status, 401)

    def test_other_decks_have_none_and_refuse_every_item_alike(self):
        for deck in ("none", "correct", "truth"):
            learner = Learner(self.daemon, deck)
            before = [self.get(learner, n) for n in range(1, 5)]
            learner, told = self.answered(deck)
            answers = before + [self.get(learner, n) for n in range(1, 5)]
            self.assertEqual({(answer.status, answer.body) for answer in answers}, {(404, before[0].body)})
            for _, feedback in told:
                self.assertIsNone(feedback and feedback["location"])
                self.assertEqual(bool(feedback and feedback["sample"]), deck == "truth")

    def test_a_class_of_strength_nothing_changes_nothing(self):
        learner, told = self.answered("faint")
        maps = [self.get(learner, n) for n, feedback in told if feedback["location"]]
        self.assertEqual(len(maps), 2)
        self.assertEqual({max(map(max, unfiltered(answer.body))) for answer in maps}, {0})

    def test_a_mask_is_that_of_the_data_set(self):
        seen = set()
        for _ in range(100):  # chance draws; four sessions in mean, and in some 10^-12 not all
            if {13, 15} <= seen:
                break
            learner, told = self.answered("masks")
            files = {row["n"]: row["file"] for row in self.daemon.rows(
                "SELECT i.n, l.file FROM items i JOIN library_images l ON l.id = i.library_image_id WHERE i.session_id = ?",
                learner.id)}
            for n, feedback in told:
                number = int(files[n][7:-4])
                seen.add(number)
                self.assertEqual(bool(feedback["location"]), number % 2 == 1 and number != 15)
                if not feedback["location"]:
                    continue
                self.assertEqual(feedback["location"]["basis"], "mask")
                shown = b"".join(unfiltered(self.get(learner, n).body))
                if number == 13:  # whose middle is at its left edge
                    self.assertEqual([bool(grey) for grey in shown], [bool(grey) for grey in self.mask(number)])
                    self.assertGreater(shown[25 * 64 + 13], 250)
                    self.assertLess(shown[25 * 64 + 20], 150)
                else:
                    self.assertEqual(shown, self.mask(number))
        self.assertLessEqual({13, 15}, seen)

    def test_the_sample_is_named_so_that_its_pair_can_be_drawn(self):
        learner, told = self.answered("default")
        for n, feedback in told:
            sample = feedback["sample"]
            self.assertEqual((sample["model"], sample["strength"], sample["truncation"]), ("default", 1, 1))
            self.assertEqual({sample["class"], sample["other_class"]}, {"no_fracture", "fracture"})
            self.assertEqual(sample["class"] == "fracture", feedback["truth"] == "yes")
            atlas = self.daemon.get(f"/api/v1/samples/default/{sample['class']}/{sample['seed']}.png")
            self.assertEqual(unfiltered(atlas.body), pixels(learner.image(n).body))

    def test_a_deck_that_has_images_of_a_library_names_no_sample(self):
        _, told = self.answered("mixed")
        self.assertEqual({feedback["sample"] is None for _, feedback in told}, {True})

    def test_the_log_says_what_was_told(self):
        for deck in ("none", "correct", "truth", "default", "masks"):
            learner, told = self.answered(deck)
            rows_ = {row["item"]: row["feedback_shown"] for row in self.daemon.export() if row["session_id"] == learner.id}
            for n, feedback in told:
                expected = "location" if feedback and feedback["location"] else "truth" if deck in ("default", "masks") else deck
                self.assertEqual(rows_[str(n)], expected)


if __name__ == "__main__":
    unittest.main()
