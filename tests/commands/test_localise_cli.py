"""`roentgym localise`: what it cuts out, against NumPy; whose label a hip gets; what is told of hips that are not
found; training that is stopped and goes on; the network that comes with the program, on fresh phantoms."""

import csv
import functools
import json
import os
import shutil
import signal
import unittest

import numpy
from PIL import Image

import trainer
from trainer import TrainerTest, read, roentgym, tree, write

SIZE = 64
HIPS = ("right", "left")


@functools.cache
def pelves():
    """Folder of phantom pelves of 256 pixels, which two trainings of the default network have not seen."""
    folder = os.path.join(trainer.base, "pelves")
    made = roentgym("phantom", "--view", "pelvis", "--patients", 16, "--seed", 4242, "--size", 256,
                    "--out", folder, threads=2)
    assert made.returncode == 0, made.stderr
    return folder


def rows(*path):
    with open(os.path.join(*path), newline="") as file:
        return list(csv.DictReader(file))


def table(path, lines):
    columns = list(dict.fromkeys(key for line in lines for key in line))
    with open(path, "w", newline="") as file:
        writer = csv.DictWriter(file, columns, restval="")
        writer.writeheader()
        writer.writerows(lines)


def pixels(*path):
    with Image.open(os.path.join(*path)) as image:
        return numpy.asarray(image).astype(float)


def cut(picture, x, y, side, size):
    """A part of a picture whose pixels are squares of one grey, black beyond: each pixel is the mean over a
    square around its middle, as wide as itself or a pixel of the picture, by differences of the integral."""

    def matrix(start, length):
        middle = start + (numpy.arange(size) + 0.5) * side / size
        width = max(side / size, 1)
        edges = numpy.arange(length + 1)

        def covered(at):
            return numpy.clip(at[:, None] - edges[None, :-1], 0, 1)

        return (covered(middle + width / 2) - covered(middle - width / 2)) / width

    return matrix(y, picture.shape[0]) @ picture @ matrix(x, picture.shape[1]).T


class LocaliseTest(TrainerTest):
    def films(self, lines, make=None, **about):
        """A data set of copies of phantom pelves, one for each line of labels.csv: (folder, its files). A line
        may say `of`, the number of the phantom; make(number, picture) may change it."""
        folder = self.path("in")
        os.makedirs(os.path.join(folder, "images"))
        source = rows(pelves(), "labels.csv")
        done = []
        for number, line in enumerate(lines):
            line = {"file": f"images/f{number}.png", "label": "no_fracture", "patient_id": f"p{number}",
                    "split": "train" if number % 2 == 0 else "test", **line}
            path = os.path.join(folder, line["file"])
            if not os.path.exists(path):
                with Image.open(os.path.join(pelves(), source[line.pop("of", number)]["file"])) as picture:
                    (make(number, picture) if make else picture).save(path)
            done.append(line)
        table(os.path.join(folder, "labels.csv"), done)
        write(os.path.join(folder, "dataset.json"), json.dumps({"name": "films", "simulated": True, **about}))
        return folder

    def apply(self, folder, *more, status=0, out="out", **how):
        done = roentgym("localise", "apply", "--data", folder, "--out", self.path(out), "--size", SIZE, *more, **how)
        self.assertEqual(done.returncode, status, done.stderr)
        self.assertLessEqual(len(done.stderr.splitlines()), 1, done.stderr)
        return done

    def report(self, out="out"):
        return {(row["file"], row["side"]): row for row in rows(self.path(out + ".report.csv"))}

    def labels(self, out="out"):
        return {(row["pelvis"], row["side"]): row["label"] for row in rows(self.path(out), "labels.csv")}

    def boxes(self, out="out"):
        """{(file, side): (x, y, width, height) as fractions}, with all digits, of the journal."""
        boxes = {}
        with open(self.path(out, "films.csv"), newline="") as file:
            for line in csv.reader(file):
                if len(line) == 4:
                    numbers = [float(number) for number in line[1].split()]
                    boxes.update({(line[0], side): numbers[5 + 6 * k:9 + 6 * k] for k, side in enumerate(HIPS)})
        return boxes

    def assert_cut(self, folder, scale=1, out="out"):
        """Every crop is what NumPy cuts out."""
        boxes = self.boxes(out)
        made = rows(self.path(out), "labels.csv")
        self.assertGreater(len(made), 0)
        for row in made:
            film = pixels(folder, row["pelvis"])
            x, y, width, height = (value * film.shape[0] for value in boxes[row["pelvis"], row["side"]])
            side = max(width, height)
            wanted = cut(film, x + width / 2 - side / 2, y + height / 2 - side / 2, side, SIZE)
            if row["side"] == "right":
                wanted = wanted[:, ::-1]
            self.assertLessEqual(abs(pixels(self.path(out), row["file"]) - wanted).max(), 0.51 * scale)


class DefaultNetwork(LocaliseTest):
    def test_finds_the_hips_of_fresh_phantoms(self):
        done = self.succeed("localise", "evaluate", "--data", pelves(), "--sheet", self.path("sheet.png"))
        hips = 2 * sum(row["split"] == "test" for row in rows(pelves(), "labels.csv"))
        self.assertGreater(hips, 0)
        self.assertIn(f"IoU > 0.7    {hips} of {hips} hips, 100.00 %", done)
        self.assertEqual(pixels(self.path("sheet.png")).ndim, 2)
        folder = self.films([{"of": k} for k in range(16)])
        self.apply(folder)
        true = {(row["file"], row["side"]): [float(row[k]) / 256 for k in ("x", "y", "width", "height")]
                for row in rows(pelves(), "boxes.csv")}
        source = [row["file"] for row in rows(pelves(), "labels.csv")]
        for (file, side), (x, y, width, height) in self.boxes().items():
            u, v, w, h = true[source[int(file[8:-4])], side]
            across = max(0, min(x + width, u + w) - max(x, u)) * max(0, min(y + height, v + h) - max(y, v))
            self.assertGreater(across / (width * height + w * h - across), 0.7, (file, side))

    def test_is_judged_on_films_of_which_none_is_to_train_with(self):
        folder = self.path("in")
        shutil.copytree(pelves(), folder)
        lines = rows(pelves(), "labels.csv")
        for label in ("fracture", "no_fracture"):  # one class has test images alone, then both have
            for line in lines:
                line["split"] = "test" if line["label"] == label else line["split"]
            table(os.path.join(folder, "labels.csv"), lines)
            hips = 2 * sum(line["split"] == "test" for line in lines)
            self.assertIn(f"of {hips} hips, 100.00 %", self.succeed("localise", "evaluate", "--data", folder))
            if label == "fracture":
                told = roentgym("inspect", folder)
                self.assertIn('class "fracture" has no training image', told.stdout + told.stderr)
        self.refuse("localise", "train", "--data", folder, "--out", self.path("run"), text="no image of its training split")
        self.refuse("train", "--data", folder, "--out", self.path("run"), text="0 training images")

    def test_finds_no_hip_where_there_is_none_and_says_so(self):
        blank = Image.new("L", (256, 256), 90)
        noise = Image.fromarray(numpy.random.default_rng(1).integers(0, 255, (256, 256), dtype=numpy.uint8))
        folder = self.films([{}, {}, {}, {}],
                            lambda number, picture: (picture, blank, noise, picture.rotate(90))[number])
        done = self.apply(folder, "--sheet", self.path("sheet.png"), status=1)
        self.assertIn("6 hips not found", done.stderr)
        report = self.report()
        for number in 1, 2, 3:
            for side in HIPS:
                row = report[f"images/f{number}.png", side]
                self.assertEqual((row["verdict"], row["image"]), ("not found", ""))
        self.assertIn("turned by 90 degrees clockwise", report["images/f3.png", "left"]["reason"])
        self.assertEqual(set(self.labels()), {("images/f0.png", side) for side in HIPS})
        self.assertEqual(len(os.listdir(self.path("out", "images"))), 2)


class Crops(LocaliseTest):
    def test_are_what_numpy_cuts_out(self):
        def half(number, picture):
            return picture.resize((64, 64), Image.BOX) if number == 1 else picture

        folder = self.films([{}, {}, {}], half)
        self.apply(folder)
        self.assert_cut(folder)

    def test_of_16_bits_stay_so_with_their_grey_range(self):
        folder = self.films([{}], lambda number, picture: Image.fromarray(numpy.asarray(picture).astype(numpy.uint16) * 16),
                            grey_range=[0, 4095], classes=["no_fracture"])
        self.apply(folder)
        self.assert_cut(folder)
        about = json.loads(read(self.path("out", "dataset.json")))
        self.assertEqual((about["grey_range"], about["classes"], about["simulated"], about["name"], about["images"]),
                         ([0, 4095], ["no_fracture"], True, "out", 2))
        self.assertGreater(pixels(self.path("out", "images", "f0_left.png")).max(), 255)

    def test_at_the_edge_of_a_film_are_black_beyond_it(self):
        def shift(number, picture):
            moved = Image.new("L", picture.size)
            moved.paste(picture, (-40, 0))
            return moved

        folder = self.films([{}], shift)
        self.apply(folder)
        self.assert_cut(folder)
        right = self.boxes()["images/f0.png", "right"]
        self.assertLess(right[0], -0.03)
        self.assertEqual(self.report()["images/f0.png", "right"]["reason"], "its box goes beyond the film")
        crop = pixels(self.path("out", "images", "f0_right.png"))  # mirrored: beyond is on the right
        self.assertEqual(crop[:, -1].max(), 0)
        self.assertGreater(crop[:, 0].max(), 0)

    def test_of_both_sides_look_alike(self):
        """The two hips of a film and of its mirror image, exchanged, are the same pictures but for the
        network's own pixel or two."""
        folder = self.films([{"of": 3}, {"of": 3}],
                            lambda number, picture: picture.transpose(Image.FLIP_LEFT_RIGHT) if number else picture)
        self.apply(folder)
        crops = {(number, side): pixels(self.path("out", "images", f"f{number}_{side}.png"))
                 for number in (0, 1) for side in HIPS}
        for side, other in (HIPS, HIPS[::-1]):
            like = numpy.corrcoef(crops[0, side].ravel(), crops[1, other].ravel())[0, 1]
            unlike = numpy.corrcoef(crops[0, side].ravel(), crops[1, other][:, ::-1].ravel())[0, 1]
            self.assertGreater(like, 0.85)
            self.assertGreater(like, unlike + 0.2)

    def test_are_a_data_set_that_train_reads(self):
        folder = self.films([{"label": "fracture", "fracture_side": "left"}] + [{}] * 15)
        self.apply(folder)
        self.assertIn("out", self.succeed("inspect", self.path("out")))
        self.succeed("train", "--data", self.path("out"), "--out", self.path("run"), *trainer.SMALL,
                     "--labels", "none", "--levels", "4:0/0.1,8:0/0,16:0/0")

    def test_of_a_stopped_run_go_on_to_the_same_bytes(self):
        folder = self.films([{"of": k % 16} for k in range(40)])
        self.apply(folder, out="whole")
        lines = read(self.path("whole", "films.csv")).decode().splitlines(keepends=True)
        shutil.copytree(self.path("whole"), self.path("out"))
        os.unlink(self.path("out", "dataset.json"))
        os.unlink(self.path("out", "images", "f3_left.png"))
        write(self.path("out", "films.csv"), "".join(lines[:20]) + lines[20][:30])  # killed within a line
        self.apply(folder)
        whole, again = tree(self.path("whole")), tree(self.path("out"))
        for name in set(whole) - {"films.csv", "dataset.json"}:
            self.assertEqual(whole[name], again[name], name)
        self.assertIn("dataset.json", again)
        os.makedirs(self.path("early", "images"))
        write(self.path("early", "films.csv"), "")  # killed before its first line
        self.apply(folder, out="early")
        self.assertEqual(tree(self.path("early"))["films.csv"], whole["films.csv"])
        before = os.stat(self.path("out", "images", "f0_left.png")).st_ino
        self.apply(folder)  # nothing is left to do
        self.assertEqual(os.stat(self.path("out", "images", "f0_left.png")).st_ino, before)
        self.assertEqual(roentgym("localise", "apply", "--data", folder, "--out", self.path("out"), "--size", 32).returncode, 1)


class Labels(LocaliseTest):
    def test_of_films_become_labels_of_hips_only_where_a_column_tells(self):
        folder = self.films([
            {},
            {"label": "fracture", "fracture_side": "left"},
            {"label": "fracture", "side": "right"},
            {"label": "fracture", "side": "both"},
            {"label": "fracture", "label_left": "screw", "label_right": "no_fracture"},
            {"label": "fracture", "label_left": "fracture"},
            {"label": "fracture"},
        ], lambda number, picture: Image.new("L", (256, 256)) if number == 6 else picture)
        done = self.apply(folder)
        self.assertIn("left out   6 hips", done.stdout)
        wanted = {(0, "right"): "no_fracture", (0, "left"): "no_fracture",
                  (1, "right"): "no_fracture", (1, "left"): "fracture", (2, "right"): "fracture",
                  (4, "right"): "no_fracture", (4, "left"): "screw", (5, "left"): "fracture"}
        self.assertEqual(self.labels(), {(f"images/f{number}.png", side): label
                                         for (number, side), label in wanted.items()})
        self.assertEqual(self.report()["images/f3.png", "left"]["verdict"], "left out")
        self.assertIn("it was not found", self.report()["images/f6.png", "left"]["reason"])
        made = rows(self.path("out"), "labels.csv")
        self.assertEqual({(row["patient_id"], row["split"]) for row in made if row["pelvis"] == "images/f1.png"},
                         {("p1", "test")})

    def test_negative_may_be_called_otherwise(self):
        folder = self.films([{"label": "healthy"}, {"label": "no_fracture"}])
        self.apply(folder, "--negative", "healthy")
        self.assertEqual({file for file, _ in self.labels()}, {"images/f0.png"})


class BadInput(LocaliseTest):
    def test_films_with_a_fault_are_named_and_the_others_go_through(self):
        folder = self.films([{}, {}, {}, {"file": "images/gone.png"}, {"file": "../out.png"}, {"split": "both"},
                             {"file": "images/f0.png"}, {"patient_id": ""}],
                            lambda number, picture: (picture, picture.crop((0, 0, 256, 200)), picture)[min(number, 2)])
        os.unlink(os.path.join(folder, "images", "gone.png"))
        write(os.path.join(folder, "images", "f2.png"), b"no picture")
        done = self.apply(folder, status=1)
        self.assertIn("7 films refused", done.stderr)
        told = {}
        for row in rows(self.path("out.report.csv")):
            told.setdefault(row["file"], []).append(row["reason"])
        self.assertIn("not square but 256x200", told["images/f1.png"][0])
        self.assertIn("f2.png", told["images/f2.png"][0])
        self.assertIn("No such file", told["images/gone.png"][0])
        self.assertIn("leaves the folder", told["../out.png"][0])
        self.assertIn("neither train nor test", told["images/f5.png"][0])
        self.assertIn("as those of images/f0.png", told["images/f0.png"][2])
        self.assertIn("has no patient_id", told["images/f7.png"][0])
        self.assertEqual(set(self.labels()), {("images/f0.png", side) for side in HIPS})

    def test_wrong_usage_is_one_line_and_status_2(self):
        for arguments in [(), ("find",), ("apply",), ("apply", "--data", "x"), ("train", "--data", "x"), ("evaluate",),
                          ("apply", "--data", "x", "--out", "y", "--size", 100), ("train", "--what"),
                          ("train", "--data", "x", "--out", "y", "--side", 100),
                          ("train", "--data", "x", "--out", "y", "--steps", 0)]:
            self.refuse("localise", *arguments, status=2, text="roentgym localise")

    def test_what_cannot_work_is_refused_and_leaves_all_as_it_is(self):
        folder = self.films([{}])
        os.mkdir(self.path("full"))
        write(self.path("full", "mine.txt"), "mine")
        start = ("localise", "apply", "--data", folder, "--out")
        self.refuse(*start, self.path("full"), text="neither empty nor")
        self.assertEqual(tree(self.path("full")), {"mine.txt": b"mine"})
        self.refuse(*start, self.path("o"), "--weights", self.path("none"), text="none")
        self.refuse(*start, self.path("o"), "--weights", os.path.join(folder, "labels.csv"), text="labels.csv")
        before = tree(self.folder)
        self.refuse(*start, self.path("o"), "--report", os.path.join(folder, "labels.csv"), text="labels.csv")
        self.refuse(*start, self.path("o"), "--sheet", os.path.join(folder, "images", "f0.png"), text="f0.png")
        self.assertEqual(tree(self.folder), before)
        self.refuse("localise", "apply", "--data", self.path("gone"), "--out", self.path("o"), text="gone/labels.csv")
        self.assertFalse(os.path.exists(self.path("o")))

    def test_bad_boxes_are_refused_with_their_line(self):
        for line, told in [("images/f9.png,left,1,2,30,40", "boxes.csv:3: labels.csv has no file 'images/f9.png'"),
                           ("images/f0.png,left,250,2,30,40", "boxes.csv:3: the middle of the box"),
                           ("images/f0.png,left,-50,2,300,40", "boxes.csv:3: the box is larger"),
                           ("images/f0.png,left,1,2,0,40", "boxes.csv:3: width '0'")]:
            shutil.rmtree(self.path("in"), ignore_errors=True)
            folder = self.films([{}, {}])
            write(os.path.join(folder, "boxes.csv"), f"file,side,x,y,width,height\nimages/f1.png,left,9,9,9,9\n{line}\n")
            self.refuse("localise", "train", "--data", folder, "--out", self.path("run"), text=told)
            self.refuse("localise", "evaluate", "--data", folder, text=told)
        write(os.path.join(folder, "boxes.csv"), "file,side,x,y,width,height\n")
        self.refuse("localise", "train", "--data", folder, "--out", self.path("run"), text="boxes.csv: has no box")
        os.unlink(os.path.join(folder, "boxes.csv"))
        self.refuse("localise", "train", "--data", folder, "--out", self.path("run"), text="boxes.csv")
        self.assertFalse(os.path.exists(self.path("run")))


class Training(LocaliseTest):
    SETTINGS = ("--side", 64, "--minibatch", 4, "--steps", 12)

    def test_stopped_goes_on_to_the_same_bytes(self):
        start = ("localise", "train", "--data", pelves(), *self.SETTINGS, "--out")
        told = self.succeed(*start, self.path("whole"))
        self.assertIn("held out: ", told)
        done = None
        for _ in range(5):  # until a signal came between two steps
            shutil.rmtree(self.path("run"), ignore_errors=True)
            done = self.interrupt(signal.SIGINT, lambda: os.path.isdir(self.path("run")), *start, self.path("run"))
            if done and not os.path.exists(self.path("run", "hips.safetensors")):
                self.assertEqual(done[0], 0)
                self.assertIn("the same command goes on", done[1])
                break
        self.succeed(*start, self.path("run"))
        self.assertEqual(tree(self.path("run")), tree(self.path("whole")))
        self.succeed(*start, self.path("run"))  # which is whole
        self.refuse(*start, self.path("run"), "--seed", 2, text="other settings or data", output=None)
        self.assertEqual(tree(self.path("run")), tree(self.path("whole")))


if __name__ == "__main__":
    unittest.main()
