"""`roentgym evaluate all`: the parts in turn, one page that needs nothing else, and figures for a model card."""

import html.parser
import json
import os
import re
import shutil
import unittest

from trainer import TrainerTest, locked, phantoms, read, trained, tree, write

PARTS = ["labels", "table1", "low-data", "boundary", "neighbours", "tsne", "swd"]


class Page(html.parser.HTMLParser):
    """Sections by id, and what a browser would fetch."""

    def __init__(self, text):
        super().__init__()
        self.sections, self.fetched, self.open, self.section = {}, [], [], None
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attributes):
        given = dict(attributes)
        self.open.append(tag)
        if "id" in given and tag == "section":
            self.section = given["id"]
            self.sections[self.section] = ""
        self.fetched += [given[key] for key in ("src", "srcset", "href", "data") if given.get(key)]
        assert tag not in ("script", "link", "iframe", "object"), tag
        assert tag != "img" or given["alt"], given

    def handle_endtag(self, tag):
        assert self.open.pop() == tag, tag
        if tag == "main":
            self.section = None

    def handle_data(self, data):
        if self.section:
            self.sections[self.section] += data


class All(TrainerTest):
    def command(self, *more):
        return ["evaluate", "all", "--data", phantoms(), "--model", os.path.join(trained(), "generator.safetensors"),
                "--out", self.path("out"), *more]

    def page(self):
        text = read(self.path("out/report.html")).decode()
        page = Page(text)
        self.assertEqual(page.open, [])
        for address in page.fetched:
            self.assertRegex(address, r"^(#|data:image/(png|svg\+xml);base64,)")
        self.assertIn("default-src 'none'", text)
        return page

    def test_it_says_how_long_it_takes_and_shows_what_was_run_and_what_was_not(self):
        output = self.succeed(*self.command("--quick", "--side", 32, "--epochs", 1, "--parts", "labels,swd"))
        self.assertRegex(output, r"(?m)^labels +about \d+ s$")
        self.assertRegex(output, r"(?m)^in all about \d+ s")
        self.assertLess(output.index("in all about"), output.index("== labels =="))
        page = self.page()
        self.assertEqual(list(page.sections), PARTS)
        for part in PARTS:
            self.assertEqual("has not been run" in page.sections[part], part not in ("labels", "swd"), part)
            self.assertIn("roentgym evaluate " + (part if part in ("labels", "swd") else "all"), page.sections[part])
        figures = json.loads(read(self.path("out/labels.json")))["results"]
        self.assertIn(f"{figures['held_out']['auc']['value']:.3f} (", page.sections["labels"])
        levels = json.loads(read(self.path("out/swd.json")))["results"]["swd-3x"]["levels"]
        self.assertIn(f"{levels[0]['floor']:.2f}", page.sections["swd"])
        card = read(self.path("out/card.md")).decode()
        self.assertEqual(len(re.findall("^### ", card, re.M)), len(PARTS))
        self.assertIn(f"| Real, held out | {figures['held_out']['images']} |", card)
        self.assertIn("```sh\nroentgym evaluate swd --real ", card)
        self.assertIn("simulated", card)

        before = {name: read(self.path("out", name)) for name in ("labels.json", "swd.json", "report.html", "card.md")}
        again = self.succeed(*self.command("--quick", "--parts", "labels,swd"))
        self.assertRegex(again, r"(?m)^swd +is there already$")
        self.assertNotIn("==", again)
        self.assertEqual({name: read(self.path("out", name)) for name in ("labels.json", "swd.json")},
                         {name: before[name] for name in ("labels.json", "swd.json")})

    def test_a_part_of_other_data_or_a_broken_one_is_named_and_not_shown(self):
        os.makedirs(self.path("out"))
        other = {"part": "tsne", "command": "x", "settings": {}, "data": {"name": "d", "sha256": "0" * 64},
                 "model": {"name": "m", "sha256": "0" * 64}, "results": {"trustworthiness": 0.123456}}
        write(self.path("out/tsne.json"), json.dumps(other))
        write(self.path("out/table1.json"), '{"part": "table1", ')
        write(self.path("out/low-data.json"), '{"part": "<b>"}')
        self.succeed(*self.command("--parts", ""))
        page = self.page()
        self.assertIn("tsne.json is of other data and not shown", page.sections["tsne"])
        self.assertNotIn("0.123", page.sections["tsne"])
        self.assertIn("is no JSON", page.sections["table1"])
        self.assertIn("is no result of roentgym evaluate low-data", page.sections["low-data"])

    def test_a_generator_of_other_data_is_told(self):
        told = "does not name this data set"
        self.assertNotIn(told, self.succeed(*self.command("--parts", "")))
        self.assertNotIn(told, read(self.path("out/report.html")).decode())
        other = self.path("other")
        shutil.copytree(phantoms(), other)
        write(os.path.join(other, "labels.csv"), read(other, "labels.csv") + b"\n")
        self.assertIn(told, self.succeed("evaluate", "all", "--data", other, *self.command("--parts", "")[4:]))
        for name in ("report.html", "card.md"):
            self.assertIn(told, read(self.path("out", name)).decode())

    def test_parts_are_not_of_two_models(self):
        status, output = self.replace_model(lambda: os.path.exists(self.path("out/labels.json")), "evaluate", "all", "--data",
                                            phantoms(), "--out", self.path("out"), "--quick", "--side", 32, "--epochs", 1,
                                            "--parts", "labels,tsne,swd")
        self.assertEqual(status, 1)
        self.assertEqual(output.count("was replaced meanwhile"), 1, output)
        self.assertNotIn("== tsne ==", output)
        self.assertFalse(os.path.exists(self.path("out/swd.json")))

    def test_one_at_a_time_works_in_a_folder(self):
        os.makedirs(self.path("out/cells"))
        with locked(self.path("out")):
            self.refuse(*self.command(), text="another part of roentgym evaluate is at work there")
        with locked(self.path("out/cells")):
            self.refuse(*self.command(), text="another roentgym evaluate all is at work there")
        self.assertEqual(tree(self.path("out")), {})

    def test_wrong_use_is_told_in_one_line(self):
        self.refuse("evaluate", "all", status=2, text="--data DIR, --model FILE and --out DIR are needed")
        self.refuse(*self.command("--parts", "labels,fid"), status=2, text="--parts")
        self.refuse(*self.command("--seeds", 0), status=2, text="--seeds")
        self.refuse(*self.command("--device", "tpu"), status=2, text="--device")
        os.makedirs(self.path("out"))
        write(self.path("out/card.md"), "my own notes\n")
        self.refuse(*self.command("--parts", ""), text="card.md", output=None)
        self.assertEqual(read(self.path("out/card.md")), b"my own notes\n")


if __name__ == "__main__":
    unittest.main()
