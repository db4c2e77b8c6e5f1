"""The daemon's reader of decks and deck.schema.json, by python3-jsonschema, take and refuse the same decks."""

import copy
import json
import unittest

from definitions import both_take, schema
from definitions import read as read_definitions

SCHEMA = schema("server/decks/deck.schema.json")

SOURCE = {"kind": "gan", "model": "default", "classes": {"no": ["no_fracture"], "yes": ["fracture"]}}
LIBRARY = {**SOURCE, "kind": "library", "collection": "phantom"}
FILE = {"class": "fracture", "collection": "phantom", "file": "images/1.png"}
DRAWN = {
    "format": 2, "id": "hips", "title": "Hips", "question": "Is there a fracture?",
    "choices": [{"id": "no", "label": "No"}, {"id": "yes", "label": "Yes"}],
    "items": 10, "prevalence": 0.5, "sources": [SOURCE],
}
TWO = [SOURCE, {**SOURCE, "model": "other"}]
PICK = {"class": "fracture", "seed": "7"}
LISTED = {**{k: v for k, v in DRAWN.items() if k not in ("items", "prevalence")}, "list": [PICK]}
CHECKED = {**SOURCE, "checked": True}
RANGE = {**SOURCE, "strength": [0.05, 1]}
FOUR = {**SOURCE, "classes": {"no": ["a", "b"], "yes": ["c", "d"]}}
ADAPTIVE = {**DRAWN, "sources": [FOUR], "order": {"rule": "adaptive"}}
STAIRCASE = {**DRAWN, "sources": [RANGE], "order": {"rule": "staircase"}}
FOUR_PICKS = [{"class": name, "seed": "1"} for name in "abcd"]
GONE = object()


def changed(base, *changes):
    """A copy with values at paths replaced: ("sources", 0, "weight", 2); GONE takes one out."""
    deck = copy.deepcopy(base)
    for *path, value in changes:
        at = deck
        for step in path[:-1]:
            at = at[step]
        if value is GONE:
            del at[path[-1]]
        else:
            at[path[-1]] = value
    return deck


def drawn(*path_and_value):
    return changed(DRAWN, path_and_value)


def listed(*path_and_value):
    return changed(LISTED, path_and_value)


def source(*path_and_value):
    return changed(DRAWN, ("sources", 0, *path_and_value))


GOOD = [
    DRAWN, LISTED,
    drawn("items", 1), drawn("items", 200), drawn("prevalence", 0), drawn("prevalence", 1), drawn("prevalence", 1.0),
    drawn("title", "x" * 240), drawn("title", "Hüfte links"),
    drawn("description", ""), drawn("description", "x" * 2000),
    drawn("id", "a" * 48), drawn("choices", 0, "id", "x" * 47), drawn("choices", 1, "label", "x" * 80),
    drawn("sources", [SOURCE] * 8), source("weight", 0.001), source("weight", 1000000),
    source("strength", 0), source("strength", [0.2, 0.9]), source("strength", [0.5, 0.5]), source("truncation", [0, 1]),
    source("checked", True), source("checked", False), drawn("sources", [CHECKED, LIBRARY]),
    drawn("sources", [{**CHECKED, "strength": [1, 1], "truncation": 1}]),
    changed(DRAWN, ("sources", [{**SOURCE, "checked": False}]), ("pairs", True)),
    source("classes", "yes", ["a", "b", "c"]), source("classes", "yes", {"a": 0.2, "b": 3}),
    source("classes", "no", list("abcdefgh")),
    drawn("draw", {"mode": "fresh"}), drawn("draw", {"mode": "fixed", "seed": "0"}),
    drawn("draw", {"mode": "fixed", "seed": "18446744073709551615"}),
    drawn("exclude", []), drawn("exclude", [PICK] * 200), drawn("pairs", False), drawn("pairs", True),
    changed(DRAWN, ("pairs", True), ("items", 200), ("order", {"rule": "random"})),
    drawn("order", {"rule": "random"}), drawn("order", {"rule": "easy_first"}), listed("order", {"rule": "given"}),
    listed("order", {"rule": "random"}), listed("order", {"rule": "easy_first"}),
    listed("list", 0, "strength", 0.25), listed("list", [{**PICK, "seed": str(k)} for k in range(200)]),
    ADAPTIVE, STAIRCASE, changed(ADAPTIVE, ("draw", {"mode": "fixed", "seed": "1"})),
    changed(ADAPTIVE, ("order", {"rule": "adaptive", "a": 1, "D": 0, "b": 2.5, "r": 3, "W": 10, "new": -1})),
    changed(ADAPTIVE, ("sources", [SOURCE, {**SOURCE, "strength": 0.3}])),
    changed(ADAPTIVE, ("sources", [SOURCE, LIBRARY])),
    changed(LISTED, ("sources", [FOUR]), ("list", FOUR_PICKS), ("order", {"rule": "adaptive"})),
    changed(LISTED, ("sources", [FOUR]), ("list", FOUR_PICKS), ("order", {"rule": "adaptive"}), ("items", 12)),
    changed(STAIRCASE, ("order", {"rule": "staircase", "strengths": 40, "thresholds": 80, "slopes": [3],
                                  "lapses": [0, 0.2], "guess": 0.25})),
    changed(STAIRCASE, ("sources", [RANGE, {**RANGE, "weight": 2}])),
    drawn("mastery", {"correct": 9, "of": 10, "within_s": 7.5}), drawn("mastery", {"correct": 1, "of": 1}),
    changed(ADAPTIVE, ("mastery", {"correct": 9, "of": 10, "within_s": 0})), listed("mastery", {"correct": 1, "of": 1}),
    drawn("rating", "confidence"), drawn("rating", "two_buttons"),
    *(drawn("feedback", told) for told in ("none", "correct", "truth", "location")),
    *(drawn("time_limit_s", seconds) for seconds in (0, 3, 600)),
    changed(LISTED, ("sources", [SOURCE, LIBRARY]), ("list", [PICK, FILE, {**FILE, "file": "x" * 100}])),
    drawn("sources", [LIBRARY]), drawn("sources", [SOURCE, {**LIBRARY, "split": "test", "weight": 3}]),
    drawn("sources", [{**LIBRARY, "split": "train"}]),
    drawn("sources", TWO), changed(LISTED, ("sources", TWO), ("list", [PICK, {**PICK, "model": "other"}])),
    changed(DRAWN, ("sources", TWO), ("exclude", [PICK, {**PICK, "model": "other"}])),
    changed(DRAWN, ("sources", [SOURCE, LIBRARY]), ("exclude", [PICK, FILE, {**FILE, "file": "x" * 100}])),
]

# (deck, the field that the reader must name)
BAD = [
    *((drawn(key, GONE), "deck." + key)
      for key in ("id", "title", "question", "choices", "items", "prevalence", "sources")),
    *((drawn(key, None), "deck." + key) for key in DRAWN if key != "format"),
    *((drawn(key, []), "deck." + key) for key in ("id", "title", "items", "prevalence", "choices", "sources")),
    *((drawn(key, "1"), "deck." + key) for key in ("items", "prevalence", "sources", "draw", "list", "exclude", "pairs",
                                                   "order", "rating", "feedback", "time_limit_s", "choices")),
    (source("checked", 1), "deck.sources[0].checked"), (listed("sources", [CHECKED]), "deck.sources[0].checked"),
    (changed(DRAWN, ("sources", [{**CHECKED, "strength": 0.9}])), "deck.sources[0].strength"),
    (changed(DRAWN, ("sources", [{**CHECKED, "truncation": [0.7, 1]}])), "deck.sources[0].truncation"),
    (changed(DRAWN, ("sources", [{**LIBRARY, "checked": True}])), "deck.sources[0].checked"),
    (changed(DRAWN, ("sources", [SOURCE, CHECKED]), ("pairs", True)), "deck.sources[1].checked"),
    (changed(DRAWN, ("sources", [CHECKED]), ("mastery", {"correct": 1, "of": 1})), "deck.sources[0].checked"),
    (changed(ADAPTIVE, ("sources", [{**FOUR, "checked": True}])), "deck.sources[0].checked"),
    (drawn("format", 1), "deck.format"), (drawn("format", 3), "deck.format"), (drawn("format", "2"), "deck.format"),
    (drawn("prevalance", 0.5), "deck.prevalance"), (drawn("", 1), "deck."), (drawn("model", "default"), "deck.model"),
    (drawn("prevalence", 1.3), "deck.prevalence"), (drawn("prevalence", -0.1), "deck.prevalence"),
    (drawn("items", 0), "deck.items"), (drawn("items", 201), "deck.items"), (drawn("items", 2.5), "deck.items"),
    (drawn("items", 10**30), "not JSON"), (drawn("items", -1), "deck.items"), (drawn("items", True), "deck.items"),
    (drawn("title", ""), "deck.title"), (drawn("title", "x" * 241), "deck.title"),
    (drawn("description", "x" * 2001), "deck.description"), (drawn("description", 5), "deck.description"),
    (drawn("id", "A"), "deck.id"), (drawn("id", ""), "deck.id"), (drawn("id", "a" * 49), "deck.id"),
    (drawn("id", "../x"), "deck.id"), (drawn("id", "a b"), "deck.id"),
    (drawn("choices", DRAWN["choices"][:1]), "deck.choices"), (drawn("choices", DRAWN["choices"] * 2), "deck.choices"),
    (drawn("choices", 0, {}), "deck.choices[0].id"), (drawn("choices", 1, "label", ""), "deck.choices[1].label"),
    (drawn("choices", 1, "label", "x" * 81), "deck.choices[1].label"), (drawn("choices", 0, 7), "deck.choices[0]"),
    (drawn("choices", 0, "id", "x" * 48), "deck.choices[0].id"),
    (drawn("choices", 0, "class", "x"), "deck.choices[0].class"),
    (drawn("sources", [SOURCE] * 9), "deck.sources"), (drawn("sources", 0, 1), "deck.sources[0]"),
    (source("kind", "library"), "deck.sources[0].collection"), (source("kind", "file"), "deck.sources[0].kind"),
    (source("collection", "phantom"), "deck.sources[0].collection"), (source("split", "test"), "deck.sources[0].split"),
    (drawn("sources", [{**LIBRARY, "strength": 1}]), "deck.sources[0].strength"),
    (drawn("sources", [{**LIBRARY, "split": "all"}]), "deck.sources[0].split"),
    (drawn("sources", [{**LIBRARY, "collection": "../x"}]), "deck.sources[0].collection"),
    (source("kind", GONE), "deck.sources[0].kind"),
    (source("model", "x/y"), "deck.sources[0].model"), (source("model", GONE), "deck.sources[0].model"),
    (source("weight", 0), "deck.sources[0].weight"), (source("weight", -1), "deck.sources[0].weight"),
    (source("weight", 1e9), "deck.sources[0].weight"), (source("wieght", 1), "deck.sources[0].wieght"),
    (source("strength", 1.01), "deck.sources[0].strength"), (source("strength", -0.01), "deck.sources[0].strength"),
    (source("strength", [0.1]), "deck.sources[0].strength"),
    (source("strength", [0, 1, 1]), "deck.sources[0].strength"),
    (source("strength", [0, 2]), "deck.sources[0].strength"), (source("strength", "1"), "deck.sources[0].strength"),
    (source("strength", None), "deck.sources[0].strength"), (source("strength", {}), "deck.sources[0].strength"),
    (source("truncation", []), "deck.sources[0].truncation"),
    (source("truncation", True), "deck.sources[0].truncation"),
    (source("classes", GONE), "deck.sources[0].classes"), (source("classes", []), "deck.sources[0].classes"),
    (source("classes", "yes", []), "deck.sources[0].classes.yes"),
    (source("classes", "no", {}), "deck.sources[0].classes.no"),
    (source("classes", "no", GONE), "deck.sources[0].classes.no"),
    (source("classes", "no", 1), "deck.sources[0].classes.no"),
    (source("classes", "maybe", ["a"]), "deck.sources[0].classes.maybe"),
    (source("classes", "yes", ["a", "a"]), "deck.sources[0].classes.yes"),
    (source("classes", "yes", [""]), "deck.sources[0].classes.yes"),
    (source("classes", "yes", ["x" * 48]), "deck.sources[0].classes.yes"),
    (source("classes", "yes", ["a", 1]), "deck.sources[0].classes.yes[1]"),
    (source("classes", "yes", list("abcdefghi")), "deck.sources[0].classes.yes"),
    (source("classes", "yes", {"a": 0}), "deck.sources[0].classes.yes.a"),
    (source("classes", "yes", {"a": -1}), "deck.sources[0].classes.yes.a"),
    (source("classes", "yes", {"a": "1"}), "deck.sources[0].classes.yes.a"),
    (drawn("draw", {}), "deck.draw.mode"), (drawn("draw", {"mode": "random"}), "deck.draw.mode"),
    (drawn("draw", {"mode": "fixed"}), "deck.draw.seed"),
    (drawn("draw", {"mode": "fresh", "seed": "1"}), "deck.draw.seed"),
    (drawn("draw", {"mode": "fixed", "seed": 1}), "deck.draw.seed"),
    (drawn("draw", {"mode": "fixed", "seed": "-1"}), "deck.draw.seed"),
    (drawn("draw", {"mode": "fixed", "seed": ""}), "deck.draw.seed"),
    (drawn("draw", {"mode": "fixed", "seed": "0x1"}), "deck.draw.seed"),
    (drawn("list", []), "deck."), (drawn("list", [PICK]), "deck.items"), (listed("list", []), "deck.list"),
    (listed("items", 1), "deck.items"), (listed("prevalence", 0.5), "deck.prevalence"),
    (listed("draw", {"mode": "fresh"}), "deck.draw"),
    (listed("pairs", False), "deck.pairs"), (listed("exclude", []), "deck.exclude"),
    (listed("list", [PICK, PICK]), "deck.list[1]"),
    (listed("list", [{**PICK, "seed": str(k)} for k in range(201)]), "deck.list"),
    (listed("list", 0, {}), "deck.list[0].class"),
    (listed("list", 0, "seed", 7), "deck.list[0].seed"), (listed("list", 0, "strength", 2), "deck.list[0].strength"),
    (listed("list", 0, "truncation", [0, 1]), "deck.list[0].truncation"),
    (listed("list", 0, "file", "a.png"), "deck.list[0].file"),
    (listed("list", 0, {**FILE, "file": "x" * 101}), "deck.list[0].file"), (listed("list", 0, {**FILE, "seed": "1"}), "deck.list[0].seed"),
    (listed("list", 0, {**FILE, "collection": ""}), "deck.list[0].collection"), (listed("list", 0, {"class": "fracture", "collection": "phantom"}), "deck.list[0].file"),
    (listed("list", 0, "class", ""), "deck.list[0].class"),
    (drawn("exclude", [PICK] * 201), "deck.exclude"),
    (drawn("exclude", [{"class": "fracture"}]), "deck.exclude[0].seed"),
    (drawn("exclude", [{**PICK, "strength": 1}]), "deck.exclude[0].strength"), (drawn("exclude", [{**PICK, "model": ""}]), "deck.exclude[0].model"),
    (drawn("exclude", [{**FILE, "seed": "1"}]), "deck.exclude[0].seed"), (listed("list", 0, "model", 1), "deck.list[0].model"),
    (drawn("exclude", [{"class": "fracture", "collection": "phantom"}]), "deck.exclude[0].file"), (drawn("exclude", {}), "deck.exclude"),
    (drawn("pairs", 1), "deck.pairs"), (changed(DRAWN, ("pairs", True), ("items", 9)), "deck.items"),
    (changed(DRAWN, ("pairs", True), ("prevalence", 0.4)), "deck.prevalence"),
    (changed(DRAWN, ("pairs", True), ("order", {"rule": "easy_first"})), "deck.order.rule"),
    (drawn("order", {}), "deck.order.rule"), (drawn("order", {"rule": "hard_first"}), "deck.order.rule"),
    (drawn("order", {"rule": "given"}), "deck.order.rule"),
    (drawn("order", {"rule": "random", "x": 1}), "deck.order.x"),
    (drawn("order", {"rule": "random", "a": 1}), "deck.order.a"), (drawn("order", {"rule": 1}), "deck.order.rule"),
    *((changed(ADAPTIVE, ("order", key, value)), "deck.order." + key) for key, value in (
        ("a", -1), ("D", 2.5), ("D", 201), ("b", "1"), ("r", 0), ("W", 1001), ("new", None), ("slopes", [1]))),
    *((changed(STAIRCASE, ("order", key, value)), "deck.order." + key) for key, value in (
        ("strengths", 1), ("strengths", 41), ("thresholds", 81), ("slopes", 3), ("slopes", []), ("slopes", [0]),
        ("slopes", ["1"]), ("slopes", [1] * 9), ("lapses", [0.3]), ("guess", 0.8), ("W", 20))),
    (changed(STAIRCASE, ("sources", [SOURCE])), "deck.sources[0].strength"),
    (changed(STAIRCASE, ("sources", 0, "strength", [0, 1])), "deck.sources[0].strength"),
    (changed(STAIRCASE, ("sources", [RANGE, LIBRARY])), "deck.sources[1].kind"),
    (changed(STAIRCASE, ("mastery", {"correct": 1, "of": 1})), "deck.mastery"),
    (changed(STAIRCASE, ("list", [PICK]), ("items", GONE), ("prevalence", GONE)), "deck.list"),
    (changed(LISTED, ("list", FOUR_PICKS), ("sources", [FOUR]), ("items", 12)), "deck.items"),
    (changed(ADAPTIVE, ("pairs", True)), "deck.order.rule"), (changed(STAIRCASE, ("pairs", True)), "deck.order.rule"),
    (drawn("mastery", {}), "deck.mastery."), (drawn("mastery", {"correct": 0, "of": 5}), "deck.mastery.correct"),
    (drawn("mastery", {"correct": 1, "of": 201}), "deck.mastery.of"), (drawn("mastery", 9), "deck.mastery"),
    (drawn("mastery", {"correct": 1, "of": 2, "within_s": -1}), "deck.mastery.within_s"),
    (drawn("mastery", {"correct": 1, "of": 2, "in": 1}), "deck.mastery.in"),
    (drawn("rating", "six"), "deck.rating"), (drawn("feedback", "place"), "deck.feedback"),
    (drawn("feedback", True), "deck.feedback"),
    *((drawn("time_limit_s", seconds), "deck.time_limit_s") for seconds in (1, 2, 601, -3, 4.5)),
    ([], "deck"), (None, "not JSON"), (7, "not JSON"),
]

# What a schema cannot say, as its description lists.
BEYOND = [
    (listed("sources", [LIBRARY]), "deck.list"),
    (changed(DRAWN, ("sources", [LIBRARY]), ("pairs", True)), "deck.pairs"),
    (drawn("mastery", {"correct": 6, "of": 5}), "deck.mastery.correct"),
    (drawn("mastery", {"correct": 6, "of": 11}), "deck.mastery.of"),
    (drawn("order", {"rule": "adaptive"}), "deck.order.rule"),
    (changed(LISTED, ("sources", [FOUR]), ("list", FOUR_PICKS[:3]), ("order", {"rule": "adaptive"})), "deck.order.rule"),
    (changed(ADAPTIVE, ("sources", [SOURCE, {**SOURCE, "weight": 2}])), "deck.sources[1].weight"),
    (changed(ADAPTIVE, ("sources", 0, "classes", "yes", {"c": 1, "d": 2})), "deck.sources[0].classes"),
    (changed(STAIRCASE, ("sources", [RANGE, {**RANGE, "strength": [0.1, 1]}])), "deck.sources[1].strength"),
    (changed(STAIRCASE, ("sources", 0, "strength", [0.5, 0.5])), "deck.sources[0].strength"),
    (changed(STAIRCASE, ("sources", 0, "strength", [0.0001, 1])), "deck.sources[0].strength"),
    (drawn("title", "ü" * 121), "deck.title"),
    (drawn("items", 2.0), "deck.items"), (drawn("time_limit_s", 3.0), "deck.time_limit_s"),
    (drawn("choices", 1, "id", "no"), "deck.choices"),
    (listed("list", 0, "model", "other"), "deck.list[0].model"),
    (changed(LISTED, ("sources", TWO), ("list", [{**PICK, "class": "neck"}])), "deck.list[0].class"),
    (changed(LISTED, ("sources", TWO), ("list", [PICK, {**PICK, "model": "default"}])), "deck.list[1]"),
    (drawn("exclude", [{**PICK, "model": "other"}]), "deck.exclude[0].model"), (drawn("exclude", [FILE]), "deck.exclude[0].class"),
    (source("strength", [0.9, 0.2]), "deck.sources[0].strength"),
    (source("classes", "yes", ["no_fracture"]), "deck.sources[0].classes.yes"),
    (drawn("sources", [SOURCE, {**SOURCE, "classes": {"no": ["fracture"], "yes": ["x"]}}]), "deck.sources[1].classes"),
    (listed("list", 0, "class", "x"), "deck.list[0].class"),
    (drawn("exclude", [{"class": "x", "seed": "1"}]), "deck.exclude[0].class"),
    (listed("list", [PICK, {**PICK, "strength": 1}]), "deck.list[1]"),
    (drawn("draw", {"mode": "fixed", "seed": "18446744073709551616"}), "deck.draw.seed"),
]


def read(lines):
    return read_definitions("deck", lines)


class Decks(unittest.TestCase):
    def test_both_take_good_decks_and_what_the_reader_writes_back(self):
        both_take(self, "deck", SCHEMA, GOOD)

    def test_both_refuse_bad_decks_and_the_reader_names_the_field(self):
        for (deck, field), line in zip(BAD, read([json.dumps(deck) for deck, _ in BAD])):
            with self.subTest(deck=deck):
                self.assertFalse(SCHEMA.is_valid(deck))
                self.assertTrue(line.startswith(field), line)

    def test_the_reader_refuses_what_a_schema_cannot_say(self):
        for (deck, field), line in zip(BEYOND, read([json.dumps(deck) for deck, _ in BEYOND])):
            with self.subTest(deck=deck):
                SCHEMA.validate(deck)
                self.assertTrue(line.startswith(field + ":") or line.startswith(field + "["), line)

    def test_numbers_that_are_none_are_not_json(self):
        for word in ("NaN", "Infinity", "-Infinity", "1e999"):
            with self.subTest(word=word):
                (line,) = read([json.dumps(DRAWN).replace("0.5", word)])
                self.assertTrue(line.startswith("not JSON"), line)

    def test_a_key_that_comes_twice_is_refused(self):
        (line,) = read([json.dumps(DRAWN)[:-1] + ', "items": 3}'])
        self.assertTrue(line.startswith("not JSON"), line)


if __name__ == "__main__":
    unittest.main()
