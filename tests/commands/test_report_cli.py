"""`roentgym report`: a page that stands by itself and says what the run's files say."""

import os
import re
import shutil
import unittest
import xml.etree.ElementTree as ElementTree

from trainer import TrainerTest, phantoms, read, roentgym, trained, write

VOID = {"meta", "img", "br", "hr", "link", "input"}


def parse(path):
    """The page as a tree. It is written so that an XML parser takes it, which is stricter than HTML's."""
    return ElementTree.fromstring(read(path).decode("utf-8").replace(' xmlns="http://www.w3.org/2000/svg"', ""))


class Report(TrainerTest):
    def setUp(self):
        super().setUp()
        self.run_folder = self.path("run<&>\"'")
        shutil.copytree(trained(), self.run_folder)
        self.page = os.path.join(self.run_folder, "report.html")

    def text(self, root):
        return " ".join(" ".join(root.itertext()).split())

    def test_the_page_is_whole_needs_nothing_and_names_everything(self):
        output = self.succeed("report", self.run_folder)
        self.assertIn("report.html", output)
        root = parse(self.page)
        self.assertTrue(read(self.page).startswith(b"<!DOCTYPE html>\n<html lang=\"en\">"))
        tags = {element.tag for element in root.iter()}
        self.assertTrue({"title", "h1", "h2", "main", "svg", "img", "table", "dl"} <= tags)
        self.assertFalse(tags & {"script", "link", "iframe", "object", "embed", "form", "base"})
        self.assertEqual(root.find("body/header/h1").text, "Training run run<&>\"'")
        for element in root.iter():
            for name, value in element.attrib.items():
                self.assertFalse(name.startswith("on"), (element.tag, name))
                if name in ("src", "href", "srcset", "data", "action"):
                    self.assertTrue(value.startswith("data:image/png;base64,"), (element.tag, name))
            if element.tag not in VOID and len(element) == 0 and element.tag in ("p", "td", "th", "dd", "h2"):
                self.assertTrue((element.text or "").strip(), element.tag)
        self.assertNotRegex(root.find("head/style").text, r"url\(|@import")
        ids = [element.get("id") for element in root.iter() if element.get("id")]
        self.assertEqual(len(ids), len(set(ids)))
        for element in root.iter("svg"):
            self.assertEqual(element.get("role"), "img")
            for label in element.get("aria-labelledby").split():
                self.assertIn(label, ids)
            self.assertTrue(element.find("desc").text.strip())
        for element in root.iter("img"):
            self.assertIn("Contact sheet", element.get("alt"))
        text = self.text(root)
        for words in ("not for diagnosis", "simulated", "no_fracture, fracture", "floor", "fmap_base", "16×16",
                      "Learning rate", "SHA-256"):
            self.assertIn(words, text)

    def test_the_same_run_gives_the_same_page(self):
        self.succeed("report", self.run_folder)
        first = read(self.page)
        self.succeed("report", self.run_folder, "--out", self.path("other.html"))
        self.assertEqual(first, read(self.path("other.html")))

    def test_damage_is_named_on_the_page(self):
        log = os.path.join(self.run_folder, "metrics.jsonl")
        write(log, read(log) + b'{"kimg":9,"si\nnonsense\n')
        write(os.path.join(self.run_folder, "generator.safetensors"), b"cut")
        sheets = [name for name in os.listdir(self.run_folder) if name.startswith("sheet-")]
        write(os.path.join(self.run_folder, min(sheets)), b"no png")
        for name in os.listdir(self.run_folder):
            if name.startswith("state"):
                path = os.path.join(self.run_folder, name)
                write(path, read(path)[:-5])
        self.succeed("report", self.run_folder)
        text = self.text(parse(self.page))
        lines = len(read(log).splitlines())
        self.assertIn("metrics.jsonl: 2 lines left out", text)
        self.assertIn(f"line {lines - 1} is no JSON", text)
        self.assertIn(f"{min(sheets)} cannot be shown", text)
        self.assertIn("generator.safetensors", text)
        self.assertIn("not known", text)

    def test_a_long_run_shows_a_bounded_number_of_sheets(self):
        sheet = read(self.run_folder, min(n for n in os.listdir(self.run_folder) if n.startswith("sheet-")))
        for k in range(50):
            write(os.path.join(self.run_folder, f"sheet-{k + 100:05d}.000.png"), sheet)
        self.succeed("report", self.run_folder)
        images = [element.get("alt") for element in parse(self.page).iter("img")]
        self.assertEqual(len(images), 12)
        self.assertIn("at 149 kimg", images[0])
        kimg = [float(re.search(r"at ([0-9.]+) kimg", alt)[1]) for alt in images[1:]]
        self.assertEqual(kimg, sorted(kimg))
        self.assertEqual(kimg[-1], 148)

    def test_only_a_page_gives_way_to_the_page(self):
        self.succeed("report", self.run_folder)
        self.succeed("report", self.run_folder)
        table = self.path("labels.csv")
        for content in ("file,label\n", ""):
            write(table, content)
            self.refuse("report", self.run_folder, "--out", table, text=table + ": is there already")
            self.assertEqual(read(table), content.encode())

    def test_what_is_no_run_is_refused_and_nothing_is_written(self):
        os.mkdir(self.path("empty"))
        self.refuse("report", self.path("empty"), text="no run")
        self.assertEqual(os.listdir(self.path("empty")), [])
        self.refuse("report", self.path("nowhere"), text="nowhere")
        self.refuse("report", phantoms(), text="no run")
        self.refuse("report", self.run_folder, "--out", self.path("nowhere/page.html"), text="nowhere")
        for arguments in (["report"], ["report", "a", "b"], ["report", "--bogus", self.run_folder]):
            self.assertEqual(roentgym(*arguments).returncode, 2, arguments)
        before = read(self.run_folder, "generator.safetensors")
        self.refuse("report", self.run_folder, file_bytes=1000, text="report.html")
        self.assertFalse(os.path.exists(self.page))
        self.assertEqual(read(self.run_folder, "generator.safetensors"), before)


if __name__ == "__main__":
    unittest.main()
