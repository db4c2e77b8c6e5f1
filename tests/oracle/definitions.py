"""Holds the daemon's reader of decks or studies to their JSON Schema, by python3-jsonschema."""

import json
import os
import subprocess

import jsonschema

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
READER = os.path.join(ROOT, os.environ.get("ROENTGYM_BUILD", "build"), "tests/oracle/read_definitions")


def schema(path):
    with open(os.path.join(ROOT, path), encoding="utf-8") as file:
        return jsonschema.Draft202012Validator(json.load(file))


def read(kind, lines):
    """What the daemon's reader of "deck" or "study" says of each."""
    result = subprocess.run([READER, kind], input="\n".join(lines) + "\n", capture_output=True, text=True, check=True)
    said = result.stdout.splitlines()
    assert len(said) == len(lines), said
    return said


def both_take(test, kind, validator, good):
    """Good definitions, and what the reader writes back of them."""
    said = read(kind, [json.dumps(definition) for definition in good])
    for definition, line in zip(good, said):
        with test.subTest(definition=definition):
            validator.validate(definition)
            test.assertTrue(line.startswith("ok "), line)
            validator.validate(json.loads(line[3:]))
    test.assertEqual(read(kind, [line[3:] for line in said]), said)
