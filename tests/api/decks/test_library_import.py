"""roentgymd library: what is taken in, and every folder that is refused, with nothing changed."""

import glob
import hashlib
import json
import os
import shutil
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from daemon import deck, read_rows  # noqa: E402
from library_data import grey, library, make, png, rows  # noqa: E402


class LibraryCommand(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="roentgymd-library-")
        self.addCleanup(shutil.rmtree, self.folder)
        self.config = os.path.join(self.folder, "config.json")
        self.db = os.path.join(self.folder, "roentgym.db")
        self.library = os.path.join(self.folder, "library")
        with open(self.config, "w", encoding="utf-8") as file:
            json.dump({"db": self.db, "library": self.library, "decks": [deck()]}, file)
        self.data = os.path.join(self.folder, "data")

    def run_library(self, *arguments):
        return library(self.config, *arguments)

    def add(self, name="hips"):
        return self.run_library("add", self.data, "--name", name)

    def ask(self, sql):
        return read_rows(self.db, sql)

    def files(self):
        return sorted(glob.glob(os.path.join(self.library, "*/*/*")))

    def put(self, name, data):
        with open(os.path.join(self.data, name), "wb") as file:
            file.write(data)

    def change(self, old, new):
        path = os.path.join(self.data, "labels.csv")
        with open(path, encoding="utf-8") as file:
            text = file.read()
        self.assertIn(old, text)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text.replace(old, new, 1))

    def hash_of(self, name):
        with open(os.path.join(self.data, name), "rb") as file:
            return hashlib.sha256(file.read()).hexdigest()

    def assert_refused(self, *faults):
        answer = self.add()
        self.assertEqual(answer.returncode, 1, answer.stderr)
        for fault in faults:
            self.assertIn(fault, answer.stderr)
        self.assertEqual(self.ask("SELECT count(*) FROM collections"), [(0,)])
        self.assertEqual(self.ask("SELECT count(*) FROM library_images"), [(0,)])
        self.assertEqual(glob.glob(os.path.join(self.library, "*")), [])
        return answer

    def several(self, *labels):
        make(self.data, count=len(labels), header="file,labels,patient_id,split,side,note")
        for n, label in enumerate(labels):
            self.change(f"images/{n}.png,{'fracture' if n % 2 else 'no_fracture'}", f"images/{n}.png,{label}")

    def mask(self, side=64, column=",masks/1.png"):
        make(self.data, count=2, header="file,label,patient_id,split,mask", line="images/{n}.png,{label},p{n},{split},")
        self.change(",p1,test,", ",p1,test" + column)
        os.makedirs(os.path.join(self.data, "masks"), exist_ok=True)
        self.put("masks/1.png", png(side, side, [bytes([255] * side)] * side))

    def middle(self, column, row):
        make(self.data, count=2, header="file,label,patient_id,split,fracture_column,fracture_row",
             line="images/{n}.png,{label},p{n},{split},,")
        self.put("images/1.png", png(40, 80, rows(grey(1, 80)[:3200], 40)))
        self.change(",p1,test,,", f",p1,test,{column},{row}")


class Import(LibraryCommand):
    def test_images_labels_split_and_provenance_are_taken_in(self):
        make(self.data, provenance="made by a test")
        answer = self.add()
        self.assertEqual((answer.returncode, answer.stdout, answer.stderr), (0, "hips: 8 images\n", ""))
        self.assertEqual(self.ask("SELECT name, training_data, provenance ->> 'provenance' FROM collections"),
                         [("hips", "simulated", "made by a test")])
        images = self.ask("SELECT file, sha256, class, patient_id, split, side, width, columns FROM library_images"
                          " ORDER BY id")
        self.assertEqual(len(images), 8)
        self.assertEqual(images[5], ("images/5.png", hashlib.sha256(grey(5, 64)).hexdigest(), "fracture", "p5",
                                     "test", "left", 64, '{"note":"=1+5"}'))
        for path in self.files():
            with open(path, "rb") as file:
                self.assertEqual(hashlib.sha256(file.read()).hexdigest() + ".grey", os.path.basename(path))
        self.assertEqual(len(self.files()), 8)
        self.assertIn("hips\tsimulated\t8 images\t", self.run_library("list").stdout)
        self.assertEqual(self.ask("SELECT action, object FROM audit"), [("library.add", "collection:1")])

    def test_the_data_set_is_called_as_its_models_call_it(self):
        make(self.data, grey_range=[10, 200])
        self.add()
        text = self.hash_of("labels.csv") + "".join(self.hash_of(f"images/{n}.png") for n in range(8))
        self.assertEqual(self.ask("SELECT dataset_sha256 FROM collections"),
                         [(hashlib.sha256((text + "10..200").encode()).hexdigest(),)])

    def test_an_image_is_padded_and_its_greys_are_stretched(self):
        make(self.data, count=2, grey_range=[1000, 3000])
        deep = b"".join(v.to_bytes(2, "big") for v in [0, 1000, 2000, 3000, 9999, 1004] * 4)
        for n in range(2):
            self.put(f"images/{n}.png", png(6, 4, rows(deep if n else deep[12:] + b"\x10\0" * 6, 12), 16))
        self.assertEqual(self.add().returncode, 0)
        kept = bytes(6) + bytes([0, 0, 128, 255, 255, 1]) * 4 + bytes(6)
        self.assertIn((hashlib.sha256(kept).hexdigest(), 6), self.ask("SELECT sha256, width FROM library_images"))

    def test_a_large_image_becomes_1024_wide(self):
        make(self.data, count=2)
        self.put("images/0.png", png(2048, 2048, [bytes([0, 255] * 1024), bytes([255, 0] * 1024)] * 1024))
        self.assertEqual(self.add().returncode, 0)
        self.assertEqual(self.ask("SELECT sha256, width FROM library_images WHERE id = 1"),
                         [(hashlib.sha256(bytes([128]) * 1024 ** 2).hexdigest(), 1024)])

    def test_a_removed_collection_is_gone_with_its_files_and_its_name_is_free(self):
        make(self.data)
        self.add()
        self.assertEqual(self.run_library("remove", "hips").returncode, 0)
        self.assertEqual(os.listdir(self.library), [])
        self.assertEqual(self.run_library("list").stdout, "")
        self.assertEqual(self.add().returncode, 0)
        self.assertEqual(self.run_library("remove", "other").returncode, 1)

    def test_an_image_may_show_several_findings_or_none(self):
        self.several("none", "fracture|effusion", "effusion", "fracture")
        answer = self.add()
        self.assertEqual((answer.returncode, answer.stderr), (0, ""))
        self.assertEqual(self.ask("SELECT class FROM library_images ORDER BY id"),
                         [("none",), ("fracture|effusion",), ("effusion",), ("fracture",)])
        self.assertEqual(self.ask("SELECT image_id, finding FROM library_findings ORDER BY 1, 2"),
                         [(1, "none"), (2, "effusion"), (2, "fracture"), (3, "effusion"), (4, "fracture")])

    def test_a_mask_comes_with_its_image(self):
        self.mask()
        self.assertEqual(self.add().returncode, 0)
        white = hashlib.sha256(bytes([255]) * 64 ** 2).hexdigest()
        self.assertEqual(self.ask("SELECT mask_sha256 FROM library_images ORDER BY id"), [(None,), (white,)])
        self.assertEqual(len(self.files()), 3)
        self.assertEqual(self.run_library("remove", "hips").returncode, 0)
        self.assertEqual(self.ask("SELECT count(*) FROM library_findings"), [(0,)])

    def test_the_middle_of_a_finding_is_kept_in_parts_of_the_square(self):
        self.middle(10, "40.0")
        self.assertEqual(self.add().returncode, 0)
        self.assertEqual(self.ask("SELECT middle_x, middle_y, columns ->> 'fracture_row' FROM library_images ORDER BY id"),
                         [(None, None, ""), ((20 + 10) / 80, 0.5, "40.0")])

    def test_a_hundred_thousand_lines_are_checked_and_every_fault_is_told(self):
        make(self.data, count=2)
        with open(os.path.join(self.data, "labels.csv"), "a", encoding="utf-8") as file:
            file.writelines(f"images/{n}.png,fracture,p{n},test,left,x\n" for n in range(2, 100000))
        answer = self.assert_refused("labels.csv:100001: ", "99998 faults, nothing was imported")
        self.assertEqual(answer.stderr.count("No such file"), 99998)


class Refused(LibraryCommand):
    def test_every_fault_is_told_with_its_line(self):
        make(self.data)
        os.remove(os.path.join(self.data, "images/0.png"))
        shutil.copy(os.path.join(self.data, "images/1.png"), os.path.join(self.data, "images/3.png"))
        self.put("images/2.png", b"\x89PNG\r\n\x1a\nnot at all")
        self.change("no_fracture,p4,test", "no_fracture,p4,dev")
        self.assert_refused("labels.csv:2: ", "images/0.png: No such file", "labels.csv:4: ",
                            "labels.csv:5: images/3.png: shows the same as images/1.png in line 3",
                            'labels.csv:6: split "dev" is neither train nor test', "4 faults, nothing was imported")

    def test_a_file_outside_the_folder(self):
        for path in ("/etc/passwd", "../other.png", "images/../../x.png"):
            with self.subTest(path=path):
                make(self.data)
                self.change("images/0.png", path)
                self.assert_refused(f'labels.csv:2: file "{path}" is not within the folder')

    def test_lines_that_are_wrong(self):
        for old, new, fault in [
                ("file,", "path,", 'labels.csv:1: column "file" is missing'),
                (",side,", ",side,side,", 'column "side" is there twice'),
                ("images/1.png,fracture", "images/1.png,", "labels.csv:3: label is empty"),
                ("images/1.png,fracture", "images/1.png," + "f" * 48, "labels.csv:3: label"),
                ("images/1.png", "images/0.png", 'labels.csv:3: file "images/0.png" is already in line 2'),
                ("p7,test", "p0,test", 'labels.csv:9: patient "p0" is in both splits (line 2)'),
                ("p3,train,left,=1+3", "p3,train", "labels.csv:5: has 4 cells where the header has 6"),
                ("p3,", '"p\n3",', "labels.csv:5: patient_id has a control character"),
                ("p3,", '"p3,', "a quote is not closed")]:
            with self.subTest(fault=fault):
                make(self.data)
                self.change(old, new)
                self.assert_refused(fault)

    def test_findings_and_masks_that_are_wrong(self):
        for label, fault in [("a||b", "an empty label stands beside another"), ("a|b|a", 'label "a" is there twice'),
                             ("none|a", '"none" stands beside another label'), ("a|none", '"none" stands beside another'),
                             ("", "labels is empty"), ("a|" + "f" * 48, "is longer than 47 bytes"),
                             ("|".join(f"{n:047}" for n in range(11)), "labels are longer than 511 bytes")]:
            with self.subTest(label=label):
                self.several("a", label)
                self.assert_refused("labels.csv:3: ", fault)
        for more, fault in [({"side": 32}, "masks/1.png: is not of the image's size"),
                            ({"column": ",masks/2.png"}, "masks/2.png: No such file"),
                            ({"column": ",../mask.png"}, 'mask "../mask.png" is not within the folder')]:
            with self.subTest(fault=fault):
                self.mask(**more)
                self.assert_refused("labels.csv:3: ", fault)

        for place, fault in [(("x", 1), "fracture_column is not a place"), ((1, ""), "fracture_row is not a place"),
                             ((1, -1), "fracture_row is not a place"), ((1, "nan"), "fracture_row is not a place"),
                             ((41, 1), "the fracture's middle is outside the image")]:
            with self.subTest(place=place):
                self.middle(*place)
                self.assert_refused("labels.csv:3: ", fault)

    def test_a_description_that_is_wrong(self):
        for more, fault in [({"simulated": "yes"}, '"simulated" is not true or false'),
                            ({"name": ""}, '"name" is not a text of 1 to 100 bytes'),
                            ({"grey_range": [5, 5]}, '"grey_range" is not a pair'),
                            ({"grey_range": [0, 4095]}, 'has 8 bits, but "grey_range" of dataset.json goes to 4095')]:
            with self.subTest(fault=fault):
                make(self.data)
                self.put("dataset.json", json.dumps({"name": "x", "simulated": True, **more}).encode())
                self.assert_refused(fault)

    def test_hostile_images(self):
        whole = png(64, 64, rows(grey(9, 64), 64))
        bomb = png(16384, 16384, [])[:-12]
        for name, data in [("cut", whole[:200]), ("empty", b""), ("text", b"hello"), ("bomb", bomb),
                           ("wide", png(70000, 1, [bytes(70000)])), ("narrow", png(64, 3, rows(bytes(192), 64))),
                           ("colour", whole[:25] + b"\x02" + whole[26:])]:
            with self.subTest(image=name):
                make(self.data)
                self.put("images/3.png", data)
                self.assert_refused("labels.csv:5: ", "images/3.png: ", "1 fault, nothing was imported")

    def test_a_name_that_is_taken_or_no_name(self):
        make(self.data)
        for name in ("../x", "A", "", "a" * 49):
            self.assertEqual(self.add(name).returncode, 1)
        self.assertFalse(os.path.exists(self.library))
        self.assertEqual(self.add().returncode, 0)
        before = self.files()
        self.assertIn("already", self.add().stderr)
        self.assertEqual(self.files(), before)

    def test_wrong_usage(self):
        for arguments in ((), ("add",), ("add", self.data), ("list", "x"), ("remove",), ("remove", "a", "b"), ("--no",)):
            self.assertEqual(self.run_library(*arguments).returncode, 2, arguments)
        self.assertEqual(self.run_library("--help").returncode, 0)


if __name__ == "__main__":
    unittest.main()
