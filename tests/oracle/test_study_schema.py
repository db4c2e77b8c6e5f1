"""The daemon's reader of studies and study.schema.json, by python3-jsonschema, take and refuse the same studies."""

import copy
import json
import unittest

from definitions import both_take, schema
from definitions import read as read_definitions

SCHEMA = schema("server/studies/study.schema.json")

CHOICES = [{"id": "a", "label": "A"}, {"id": "b", "label": "B"}]
STRATUM = {"id": "level", "label": "Level", "choices": CHOICES}
SMALL = {
    "format": 1, "id": "s", "title": "T", "contact": "c", "consent": {"text": "Yes?"}, "blocks": [2],
    "arms": [{"id": "x", "label": "X", "deck": "d"}, {"id": "y", "label": "Y", "deck": "e"}],
    "phases": [{"id": "train", "kind": "training"}],
}
FULL = {
    **SMALL, "practice_deck": "p", "strata": [STRATUM], "blocks": [3, 6, 9],
    "arms": [{"id": "x", "label": "X", "deck": "d", "weight": 2}, {"id": "y", "label": "Y", "deck": "e", "weight": 1}],
    "phases": [{"id": "pre", "kind": "test", "deck": "f"},
               {"id": "train", "kind": "training", "deck": None, "opens_after_days": 0.5, "closes_after_days": 10},
               {"id": "post", "kind": "test", "deck": "f", "opens_after_days": 1, "closes_after_days": None}],
    "questions": [{"id": "q", "text": "Q?", "kind": "choice", "choices": CHOICES}, {"id": "r", "text": "R?", "kind": "text"},
                  {"id": "t", "text": "T?", "kind": "scale", "choices": CHOICES}, {"id": "u", "text": "U?", "kind": "text", "choices": []}],
}
GONE = object()


def changed(*path_and_value, base=FULL):
    """A copy with the value at a path replaced; GONE takes it out."""
    *path, value = path_and_value
    study = copy.deepcopy(base)
    at = study
    for step in path[:-1]:
        at = at[step]
    if value is GONE:
        del at[path[-1]]
    else:
        at[path[-1]] = value
    return study


MANY = [{"id": f"c{n}", "label": "C"} for n in range(13)]
GOOD = [SMALL, FULL, changed("practice_deck", None), changed("strata", []), changed("questions", []), changed("title", "x" * 240),
        changed("strata", [{**STRATUM, "id": f"s{n}"} for n in range(3)]), changed("strata", 0, "choices", MANY[:12]),
        changed("phases", 1, "closes_after_days", 3650), changed("consent", "text", "x" * 20000),
        changed("arms", 0, "weight", 1, base=changed("blocks", [64])),
        changed("arms", [{"id": f"a{n}", "label": "A", "deck": "d"} for n in range(8)], base=changed("blocks", [8, 64]))]

# (study, field that both refuse)
BAD = [
    ([], "study"), ({}, "study.format"), (changed("format", 2), "study.format"), (changed("format", "1"), "study.format"),
    (changed("extra", 1), "study.extra"), (changed("id", "A b"), "study.id"), (changed("id", "x" * 49), "study.id"),
    (changed("title", GONE), "study.title"), (changed("title", ""), "study.title"), (changed("contact", 1), "study.contact"),
    (changed("consent", "Yes?"), "study.consent"), (changed("consent", "text", ""), "study.consent.text"),
    (changed("consent", "text", "x" * 20001), "study.consent.text"), (changed("consent", "more", 1), "study.consent.more"),
    (changed("practice_deck", ""), "study.practice_deck"), (changed("practice_deck", 1), "study.practice_deck"),
    (changed("strata", {}), "study.strata"), (changed("strata", [STRATUM] * 4), "study.strata"),
    (changed("strata", 0, "id", ""), "study.strata[0].id"), (changed("strata", 0, "choices", CHOICES[:1]), "study.strata[0].choices"),
    (changed("strata", 0, "choices", MANY), "study.strata[0].choices"), (changed("strata", 0, "choices", 0, "x"), "study.strata[0].choices[0]"),
    (changed("strata", 0, "choices", 1, "label", ""), "study.strata[0].choices[1].label"),
    (changed("blocks", []), "study.blocks"), (changed("blocks", [3, 0]), "study.blocks[1]"), (changed("blocks", [66]), "study.blocks[0]"),
    (changed("blocks", ["3"]), "study.blocks[0]"), (changed("blocks", [3] * 5), "study.blocks"), (changed("blocks", GONE), "study.blocks"),
    (changed("arms", FULL["arms"][:1]), "study.arms"), (changed("arms", 0, "deck", GONE), "study.arms[0].deck"),
    (changed("arms", 0, "deck", "A"), "study.arms[0].deck"), (changed("arms", 1, "weight", 65), "study.arms[1].weight"),
    (changed("arms", 1, "weight", "1"), "study.arms[1].weight"), (changed("arms", 1, "label", "x" * 81), "study.arms[1].label"),
    (changed("phases", []), "study.phases"), (changed("phases", [FULL["phases"][0]]), "study.phases"),
    (changed("phases", 0, "kind", "exam"), "study.phases[0].kind"), (changed("phases", 0, "deck", GONE), "study.phases[0].deck"),
    (changed("phases", 0, "deck", None), "study.phases[0].deck"), (changed("phases", 1, "deck", "d"), "study.phases[1].deck"),
    (changed("phases", 1, "opens_after_days", -1), "study.phases[1].opens_after_days"),
    (changed("phases", 1, "closes_after_days", 3651), "study.phases[1].closes_after_days"),
    (changed("phases", 1, "opens_after_days", "1"), "study.phases[1].opens_after_days"),
    (changed("questions", 0, "kind", "essay"), "study.questions[0].kind"), (changed("questions", 0, "choices", GONE), "study.questions[0].choices"),
    (changed("questions", 1, "choices", CHOICES), "study.questions[1].choices"), (changed("questions", 0, "text", "x" * 501), "study.questions[0].text"),
    (changed("questions", [FULL["questions"][1]] * 21), "study.questions"),
]

# What only the reader can refuse.
BEYOND = [
    (changed("title", "ü" * 121), "study.title"), (changed("blocks", [3.0]), "study.blocks[0]"), (changed("blocks", [4]), "study.blocks[0]"),
    (changed("strata", [STRATUM, STRATUM]), "study.strata[1].id"), (changed("arms", 1, "id", "x"), "study.arms[1].id"),
    (changed("strata", 0, "choices", 1, "id", "a"), "study.strata[0].choices[1].id"),
    (changed("phases", 2, "id", "pre"), "study.phases[2].id"), (changed("questions", 1, "id", "q"), "study.questions[1].id"),
    (changed("phases", 1, "closes_after_days", 0.5), "study.phases[1].closes_after_days"),
]


def read(lines):
    return read_definitions("study", lines)


class Studies(unittest.TestCase):
    def test_both_take_good_studies_and_what_the_reader_writes_back(self):
        both_take(self, "study", SCHEMA, GOOD)

    def test_both_refuse_bad_studies_and_the_reader_names_the_field(self):
        for (study, field), line in zip(BAD, read([json.dumps(study) for study, _ in BAD])):
            with self.subTest(study=study):
                self.assertFalse(SCHEMA.is_valid(study))
                self.assertTrue(line.startswith(field + ":"), line)

    def test_the_reader_refuses_what_a_schema_cannot_say(self):
        for (study, field), line in zip(BEYOND, read([json.dumps(study) for study, _ in BEYOND])):
            with self.subTest(study=study):
                SCHEMA.validate(study)
                self.assertTrue(line.startswith(field + ":"), line)

    def test_numbers_that_are_none_are_not_json(self):
        for word in ("NaN", "Infinity", "1e999"):
            with self.subTest(word=word):
                (line,) = read([json.dumps(FULL).replace("0.5", word)])
                self.assertTrue(line.startswith("not JSON"), line)


if __name__ == "__main__":
    unittest.main()
