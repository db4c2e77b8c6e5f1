"""`roentgym ingest`: what it reads, against pydicom and Pillow; what it tells of each file; what leaves the source."""

import collections
import csv
import hashlib
import hmac
import io
import json
import os
import re
import shutil
import signal
import subprocess
import unittest

import numpy
import pydicom
from PIL import Image
from pydicom.encaps import encapsulate, generate_pixel_data_frame
from pydicom.pixel_data_handlers.util import apply_modality_lut, apply_voi_lut

from dicom_files import COMPRESSED, PLAIN, dataset, look_up_table, picture, save, write_dicom
from trainer import BARE, PROGRAM, TrainerTest, read, roentgym, tree, write

SIDE = 64
EXACT = ("--size", SIDE, "--depth", 16, "--keep-margins")


def gif(seed, width=SIDE, height=SIDE):
    """A picture of 8 bits."""
    return Image.fromarray(picture(width, height, 8, seed).astype(numpy.uint8))


class IngestTest(TrainerTest):
    def setUp(self):
        super().setUp()
        self.rows = []
        os.mkdir(self.path("in"))

    def add(self, file, label=None, patient=None, make=None, **more):
        """A row of labels.csv; make(path) writes the file."""
        if make:
            make(self.path("in", file))
        number = len(self.rows)
        self.rows.append({"file": file, "label": ("a", "b")[number % 2] if label is None else label,
                          "patient_id": f"P{number}" if patient is None else patient, **more})

    def add_png(self, file, seed, *about, **more):
        self.add(file, *about, make=gif(seed).save, **more)

    def table(self, name="in/labels.csv", rows=None):
        rows = self.rows if rows is None else rows
        columns = list(dict.fromkeys(key for row in rows for key in row))
        with open(self.path(name), "w", newline="") as file:
            writer = csv.DictWriter(file, columns, restval="")
            writer.writeheader()
            writer.writerows(rows)

    def ingest(self, *more, status=0, out="out", **how):
        self.table()
        done = roentgym("ingest", self.path("in"), "--out", self.path(out), *(more or EXACT), **how)
        self.assertEqual(done.returncode, status, done.stderr)
        self.assertLessEqual(len(done.stderr.splitlines()), 1)
        return done

    def csv(self, *path):
        with open(self.path(*path), newline="") as file:
            return list(csv.DictReader(file))

    def report(self, out="out"):
        return {row["file"]: row for row in self.csv(out + ".report", "report.csv")}

    def image(self, file, out="out"):
        with Image.open(self.path(out, self.report(out)[file]["image"])) as made:
            return numpy.asarray(made).astype(int)

    def labels(self, out="out"):
        return {row["file"]: row for row in self.csv(out, "labels.csv")}


class Usage(IngestTest):
    def test_help_names_every_option(self):
        told = self.succeed("ingest", "--help")
        for option in ("labels", "out", "report", "key", "leave-out", "keep", "size", "depth", "keep-margins",
                       "test-share", "seed", "name", "workers"):
            self.assertIn("--" + option, told)

    def test_wrong_usage_exits_2_and_touches_nothing(self):
        good = ["ingest", self.path("in"), "--out", self.path("out")]
        for wrong in (good[:1], good[:2], good + ["more"], *(good + extra for extra in (
                ["--size", "48"], ["--size", "8"], ["--size", "2048"], ["--depth", "12"], ["--seed", "-1"],
                ["--test-share", "0"], ["--test-share", "nan"], ["--workers", "0"], ["--name", "x" * 101],
                ["--bogus"], ["--keep", "x"] * 17))):
            with self.subTest(wrong=wrong):
                self.assertTrue(self.refuse(*wrong, status=2).startswith("roentgym ingest: "))
                self.assertEqual(os.listdir(self.folder), ["in"])

    def test_a_table_that_is_none_is_refused_and_nothing_is_made(self):
        for text, said in (("", "is empty"), ("name,label\nx,y\n", '"file" is missing'), ("file,label\n", "names no file"),
                           ("file\nx\n", '"label" or "labels"'), ("file,label,label\nx,y,z\n", "twice"),
                           ("file,label,labels\nx,y,z\n", '"label" or "labels"'), ('file,label\n"x,y\n', "quote")):
            with self.subTest(text=text):
                write(self.path("in", "labels.csv"), text)
                self.refuse("ingest", self.path("in"), "--out", self.path("out"), text=said)
                self.assertEqual(os.listdir(self.folder), ["in"])
        self.refuse("ingest", self.path("none"), "--out", self.path("out"), text="no such folder")


class Reading(IngestTest):
    def test_every_transfer_syntax_and_depth_gives_the_same_picture(self):
        for bits in (8, 10, 12, 16):
            for syntax in (*PLAIN, *COMPRESSED):
                self.add(f"{syntax}{bits}.dcm", "a", "P", lambda path: write_dicom(path, picture(SIDE, SIDE, bits, bits), bits, syntax))
        self.ingest(status=1)  # one patient: nothing to test with
        rows = self.report()
        for bits in (8, 10, 12, 16):
            kept = rows[f"implicit{bits}.dcm"]
            self.assertEqual(kept["verdict"], "taken", kept)
            for syntax in (*PLAIN, *COMPRESSED):
                row = rows[f"{syntax}{bits}.dcm"]
                self.assertEqual(row["transfer_syntax"], str(PLAIN.get(syntax) or COMPRESSED[syntax][1]))
                if row is not kept:
                    self.assertEqual((row["verdict"], row["reason"]), ("copy", f"is the same picture as implicit{bits}.dcm"))

    def test_lossy_jpeg_within_dicom_comes_out_close(self):
        pixels = picture(SIDE, SIDE, 8)
        stream = io.BytesIO()
        Image.fromarray(pixels.astype(numpy.uint8)).save(stream, "JPEG", quality=95)
        d = dataset(pixels, 8, WindowCenter=128, WindowWidth=256)
        d.PixelData = encapsulate([stream.getvalue()])
        d["PixelData"].VR, d["PixelData"].is_undefined_length = "OB", True
        d.file_meta.TransferSyntaxUID = "1.2.840.10008.1.2.4.50"
        self.add("a.dcm", make=lambda path: save(d, path))
        self.ingest(status=1)
        self.assertLess(numpy.abs(self.image("a.dcm") / 257 - pixels).mean(), 2)

    def expected(self, d):
        """What pydicom shows, 0..1 before inversion."""
        if d.get("RescaleSlope") == -1:  # where pydicom's output falls with the values; PS3.3 C.11.2.1.2.1
            return ((4095 - d.pixel_array - (d.WindowCenter - 0.5)) / (d.WindowWidth - 1) + 0.5).clip(0, 1)
        values = apply_voi_lut(apply_modality_lut(d.pixel_array, d), d).astype(float)
        if "VOILUTSequence" in d:
            return values / (2 ** d.VOILUTSequence[0].LUTDescriptor[2] - 1)
        # pydicom scales a window to the range of the values that the modality step can give
        ends = apply_modality_lut(numpy.array([0, 2 ** d.BitsStored - 1]) - (2 ** (d.BitsStored - 1) if d.PixelRepresentation else 0), d)
        return (values - ends.min()) / (ends.max() - ends.min())

    def test_modality_and_voi_steps_are_those_of_pydicom(self):
        pixels = picture(SIDE, SIDE, 12)
        signed = pixels.astype(numpy.int16) - 2048
        curve = (65535 * (numpy.arange(4096) / 4095) ** 0.5).astype(int)
        cases = {
            "window": dataset(pixels, WindowCenter=1500, WindowWidth=2000),
            "narrow": dataset(pixels, WindowCenter=900.5, WindowWidth=333.3),
            "exact": dataset(pixels, WindowCenter=1500, WindowWidth=2000, VOILUTFunction="LINEAR_EXACT"),
            "sigmoid": dataset(pixels, WindowCenter=1500, WindowWidth=700, VOILUTFunction="SIGMOID"),
            "several": dataset(pixels, WindowCenter=[1500, 100], WindowWidth=[2000, 50]),
            "rescaled": dataset(pixels, RescaleSlope="2.5", RescaleIntercept="-1000", WindowCenter=3000, WindowWidth=5000),
            "falling": dataset(pixels, RescaleSlope="-1", RescaleIntercept="4095", WindowCenter=3000, WindowWidth=2000),
            "signed": dataset(signed, WindowCenter=0, WindowWidth=3000),
            "voi": dataset(pixels, VOILUTSequence=look_up_table(0, 16, curve)),
            "shifted": dataset(pixels, VOILUTSequence=look_up_table(1000, 16, curve[::4])),
            "both": dataset(pixels, ModalityLUTSequence=look_up_table(0, 16, curve[::-1]), WindowCenter=30000, WindowWidth=40000),
            "big": dataset(pixels, syntax="big", VOILUTSequence=look_up_table(0, 16, curve)),
            "implicit": dataset(pixels, syntax="implicit", VOILUTSequence=look_up_table(0, 16, curve)),
        }
        for name, d in cases.items():
            self.add(name + ".dcm", "a", make=lambda path: save(d, path))
            inverted = pydicom.dcmread(self.path("in", name + ".dcm"))
            inverted.PhotometricInterpretation = "MONOCHROME1"
            self.add(name + "-1.dcm", "b", make=lambda path: save(inverted, path))
        self.ingest()
        rows = self.report()
        for name in cases:
            for file, wanted in ((name + ".dcm", lambda x: x), (name + "-1.dcm", lambda x: 1 - x)):
                if rows[file]["verdict"] != "taken":
                    self.assertIn(name, ("voi", "big", "implicit", "several", "window"))
                    continue
                expected = wanted(self.expected(pydicom.dcmread(self.path("in", file))))
                with self.subTest(file=file):
                    self.assertLess(numpy.abs(self.image(file) / 65535 - expected).max(), 1e-3)

    def test_without_a_window_the_picture_fills_the_range_and_padding_is_black(self):
        pixels = picture(SIDE, SIDE, 12) // 4 + 700
        pixels[:20, :20] = 4095
        self.add("plain.dcm", make=lambda path: save(dataset(picture(SIDE, SIDE, 12) // 4 + 700), path))
        self.add("padded.dcm", make=lambda path: save(dataset(pixels, PixelPaddingValue=4095), path))
        self.ingest(status=1)
        for file in ("plain.dcm", "padded.dcm"):
            made = self.image(file)
            self.assertEqual((made.min(), made.max()), (0, 65535))
        self.assertEqual(self.image("padded.dcm")[:20, :20].max(), 0)

    def test_png_and_jpeg_keep_their_greys(self):
        grey, deep = gif(1), picture(SIDE, SIDE, 16, 2)
        self.add("a.png", make=grey.save)
        self.add("b.jpg", make=lambda path: gif(3).save(path, quality=95))
        self.add("c.jpg", make=lambda path: gif(4).convert("RGB").save(path, quality=95))
        self.add("d.png", make=Image.fromarray(deep).save)
        self.ingest(status=0)
        self.assertTrue((self.image("a.png") == numpy.asarray(grey).astype(int) * 257).all())
        for file, seed in (("b.jpg", 3), ("c.jpg", 4)):
            with Image.open(self.path("in", file)) as source:
                self.assertLessEqual(numpy.abs(self.image(file) // 257 - numpy.asarray(source.convert("L"))).max(), 1)
        low, high = numpy.quantile(deep, [0.001, 0.999])
        self.assertLess(numpy.abs(self.image("d.png") - ((deep - low) / (high - low)).clip(0, 1) * 65535).max(), 1000)

    def test_png_of_any_kind_becomes_grey(self):
        sources = {mode: gif(seed) for seed, mode in enumerate(("RGB", "RGBA", "LA", "P", "1"), 1)}
        for mode, source in sources.items():
            self.add(mode + ".png", make=source.convert(mode).save)
        colour = Image.merge("RGB", [gif(6), gif(7), gif(8)])
        self.add("colour.png", make=colour.save)
        self.ingest(status=0)
        for mode, source in sources.items():
            grey = numpy.asarray(source.convert(mode).convert("L")).astype(int)
            self.assertTrue((self.image(mode + ".png") == grey * 257).all(), mode)
        self.assertLessEqual(numpy.abs(self.image("colour.png") // 257 - numpy.asarray(colour.convert("L"))).max(), 1)

    def test_pictures_are_turned_as_file_and_table_say(self):
        source = gif(1)
        for orientation in range(1, 9):
            exif = Image.Exif()
            exif[0x0112] = orientation
            self.add(f"exif{orientation}.jpg", "a", make=lambda path: source.save(path, exif=exif, quality=95))
        upright = numpy.asarray(source)
        # What runs along rows and columns, and what must be done to bring it to L, F.
        for name, runs, stored in (("lf", ["L", "F"], upright), ("rf", ["R", "F"], upright[:, ::-1]),
                                   ("lh", ["L", "H"], upright[::-1]), ("rh", ["R", "H"], upright[::-1, ::-1]),
                                   ("fl", ["F", "L"], upright.T), ("fr", ["F", "R"], upright.T[::-1]),
                                   ("hl", ["H", "L"], upright.T[:, ::-1])):
            self.add(name + ".dcm", "a", make=lambda path: save(
                dataset(stored, 8, WindowCenter=128, WindowWidth=256, PatientOrientation=runs), path))
        for turn in (90, 180, 270):
            self.add(f"turn{turn}.png", "a", make=source.rotate(turn).save, turn=turn)
        self.add("mirror.png", "a", make=Image.fromarray(upright[:, ::-1]).save, mirror="yes")
        self.add("invert.png", "a", make=Image.fromarray(255 - upright).save, invert="yes")
        self.ingest("--size", SIDE, "--keep-margins")
        rows = self.report()
        for file, row in rows.items():
            with self.subTest(file=file):
                if file.endswith(".jpg"):
                    if row["verdict"] == "taken":
                        turned = Image.open(self.path("in", file))
                        from PIL import ImageOps
                        wanted = numpy.asarray(ImageOps.exif_transpose(turned)).astype(int)
                        self.assertLessEqual(numpy.abs(self.image(file) - wanted).max(), 1)
                else:
                    self.assertTrue(file == "lf.dcm" or row["reason"] == "is the same picture as lf.dcm", row)

    def test_pictures_are_padded_not_stretched(self):
        tall = picture(40, 80, 8).astype(numpy.uint8)
        self.add("tall.png", make=Image.fromarray(tall).save)
        self.add("wide.dcm", make=lambda path: save(dataset(tall, 8, WindowCenter=128, WindowWidth=256, PixelSpacing=[0.2, 0.8]), path))
        self.ingest("--size", 16, "--keep-margins", status=1)
        made = self.image("tall.png")
        self.assertEqual(made[:, :4].max(), 0)
        self.assertEqual(made[:, 12:].max(), 0)
        boxes = tall.reshape(16, 5, 8, 5).mean((1, 3))
        self.assertLessEqual(numpy.abs(made[:, 4:12] - boxes).max(), 1)
        wide = self.image("wide.dcm")  # 40 columns of 0.8 mm, 80 rows of 0.2 mm: 32 x 16 mm
        self.assertEqual(max(wide[:4].max(), wide[12:].max()), 0)
        self.assertGreater(wide[4:12].max(), 128)

    def test_black_and_white_exchanged_is_noted_whatever_the_shape(self):
        def body(width, height, seed, inverted):  # between columns of air
            scene = 120 + picture(width, height, 8, seed).astype(numpy.uint8) // 8
            scene[:, :width // 8] = scene[:, -width // 8:] = 5
            return 255 - scene if inverted else scene

        for width, height in ((64, 64), (40, 80), (80, 40)):
            for inverted in (False, True):
                name = f"{width}{inverted}"
                self.add(name + ".png", "a", make=Image.fromarray(body(width, height, 1, inverted)).save)
                lies = numpy.rot90(body(width, height, 2, inverted))
                self.add(name + "-lies.png", "a", make=Image.fromarray(lies).save, turn=90)
        self.ingest()
        for file, row in self.report().items():
            self.assertEqual((row["verdict"], "black and white may be exchanged" in row["note"]), ("taken", "True" in file), row)

    def test_collimated_margins_are_cut_off(self):
        inner = picture(128, 96, 8).astype(numpy.uint8)
        field = numpy.zeros((256, 256), numpy.uint8)
        field[64:160, 32:160] = inner
        self.add("black.png", make=Image.fromarray(field).save)
        self.add("told.dcm", make=lambda path: save(dataset(
            field // 2 + 60, 8, CollimatorShape="RECTANGULAR", CollimatorLeftVerticalEdge=32, CollimatorRightVerticalEdge=161,
            CollimatorUpperHorizontalEdge=64, CollimatorLowerHorizontalEdge=161), path))
        self.ingest("--size", 128, status=1)
        self.assertEqual(self.report()["black.png"]["field"], "32-160 x 64-160")
        self.assertEqual(self.report()["told.dcm"]["field"], "32-160 x 64-160")
        self.assertTrue((self.image("black.png")[16:112] == inner).all())


class BadInput(IngestTest):
    def test_broken_dicom_is_named_file_by_file_and_the_good_ones_go_through(self):
        pixels = picture(300, 256, 12)
        wanted = {}

        def bad(file, content, reason):
            write(self.path("in", file), content)
            self.add(file, "a")
            wanted[file] = reason

        for syntax in (*PLAIN, *COMPRESSED):
            whole = read(write_dicom(self.path("in", "x", syntax), pixels, 12, syntax))
            for share in (30, 60, 99):
                bad(f"{syntax}-{share}.dcm", whole[:len(whole) * share // 100], "cut short|damaged|does not decode|crashed")
            if syntax == "rle":
                continue
            if syntax in COMPRESSED:
                d = pydicom.dcmread(self.path("in", "x", syntax))
                stream = next(generate_pixel_data_frame(d.PixelData, 1))
                for name, part in (("half", stream[:len(stream) // 4 * 2] + b"\xff\xd9"), ("nothing", bytes(2)),
                                   ("junk", b"junk" * 500 + b"\xff\xd9")):
                    d.PixelData = encapsulate([part])
                    d["PixelData"].is_undefined_length = True
                    save(d, self.path("in", f"{syntax}-{name}"))
                    bad(f"{syntax}-{name}", read(self.path("in", f"{syntax}-{name}")),
                        "cut short|damaged|does not decode|one value")
        shutil.rmtree(self.path("in", "x"))
        for file, reason, more in (
                ("pixels", "without pixels", {"PixelData": None}), ("empty", "empty pixel data", {"PixelData": b""}),
                ("frames", "3 frames", {"NumberOfFrames": 3}), ("long", "153600 bytes where the header means 120000", {"Rows": 200}),
                ("short", "153600 bytes where the header means 240000", {"Rows": 400}), ("no-rows", "300x0 pixels", {"Rows": 0}),
                ("rgb", "not grey but RGB", {"SamplesPerPixel": 3, "PhotometricInterpretation": "RGB"}),
                ("ct", "modality CT is no radiograph", {"modality": "CT"}),
                ("bits", "32 bits in 32", {"BitsAllocated": 32, "BitsStored": 32, "HighBit": 31}),
                ("flat", "one value", {"PixelData": bytes(2 * pixels.size)})):
            bad(file, read(save(dataset(pixels, 12, **more), self.path("in", file))), reason)
        png = io.BytesIO()
        gif(1).save(png, "PNG")
        jpeg = io.BytesIO()
        gif(1).save(jpeg, "JPEG")
        bad("cut.png", png.getvalue()[:-500], ".")
        bad("cut.jpg", jpeg.getvalue()[:-200], "does not decode")
        bad("holed.jpg", jpeg.getvalue()[:600] + bytes(100) + jpeg.getvalue()[700:], "does not decode")
        bad("text", b"no image at all" * 20, "neither DICOM, PNG nor JPEG")
        bad("nothing", b"", "is empty")
        bad("random", b"\0" * 128 + b"DICM" + hashlib.sha512(b"1").digest() * 40, ".")
        bad("white.png", b"", "is empty")
        Image.new("L", (SIDE, SIDE), 255).save(self.path("in", "white.png"))
        wanted["white.png"] = "one grey"
        self.add("not-there.dcm", "a")
        wanted["not-there.dcm"] = "no such file"
        for i in range(4):
            self.add_png(f"good{i}.png", i + 1, "a")
        done = self.ingest(status=1)
        self.assertIn(f"{len(wanted)} refused", done.stderr)
        rows = self.report()
        for file, reason in wanted.items():
            with self.subTest(file=file):
                self.assertEqual(rows[file]["verdict"], "refused")
                self.assertRegex(rows[file]["reason"], reason)
        self.assertEqual([rows[f"good{i}.png"]["verdict"] for i in range(4)], ["taken"] * 4)
        self.assertEqual(len(self.labels()), 4)
        self.assertEqual(len(os.listdir(self.path("out", "images"))), 4)

    def test_rows_that_are_wrong_are_named_by_line(self):
        for i in range(6):
            self.add_png(f"{i}.png", i + 1)
        rows = self.rows
        wrong = {
            2: ("file is empty", dict(rows[0], file="")), 3: ("label is empty", dict(rows[0], label="")),
            4: ("not within the folder", dict(rows[0], file="../in/0.png")),
            5: ("not within the folder", dict(rows[0], file="/etc/passwd")),
            6: ("longer than 47 bytes", dict(rows[0], label="x" * 48)),
            7: ("turn", dict(rows[0], turn="45")), 8: ("mirror", dict(rows[0], mirror="maybe")),
            9: ("side", dict(rows[0], side="Jane Doe")), 10: ("no patient_id", dict(rows[0], patient_id="")),
            11: ("not plain UTF-8", dict(rows[0], label="\x85")),
        }
        self.rows = [row for _, row in wrong.values()]
        for number, row in enumerate(self.rows):  # so that only what is wrong is wrong
            if row["file"] == "0.png":
                shutil.copy(self.path("in", "0.png"), self.path("in", f"w{number}.png"))
                row["file"] = f"w{number}.png"
        self.rows += rows[1:] + [dict(rows[1])]
        self.ingest(status=1)
        told = self.csv("out.report", "report.csv")
        for line, (reason, _) in wrong.items():
            row = next(row for row in told if row["line"] == str(line))
            self.assertEqual(row["verdict"], "refused")
            self.assertIn(reason, row["reason"])
        self.assertIn("already in line 12", told[len(self.rows) - 1]["reason"])
        self.assertEqual(len(self.labels()), 5)

    def test_nothing_taken_makes_no_data_set(self):
        write(self.path("in", "a"), "text")
        self.add("a")
        done = self.ingest(status=1)
        self.assertIn("not one image", done.stderr)
        self.assertFalse(os.path.exists(self.path("out", "dataset.json")))
        self.assertEqual(self.report()["a"]["verdict"], "refused")


class Labels(IngestTest):
    def many(self, patients=40, images=2):
        for i in range(patients * images):
            self.add_png(f"{i}.png", i + 1, ("no", "yes")[i // images % 2], f"P{i // images}")

    def test_the_split_is_by_patient_stratified_and_of_the_seed_alone(self):
        self.many()
        self.ingest()
        first = self.labels()
        tests = [row for row in first.values() if row["split"] == "test"]
        self.assertEqual(collections.Counter(row["label"] for row in tests), {"no": 6, "yes": 6})
        sides = collections.defaultdict(set)
        for row in first.values():
            sides[row["patient_id"]].add(row["split"])
        self.assertEqual({len(side) for side in sides.values()}, {1})
        self.rows.reverse()
        self.ingest("--key", self.path("out.key"), *EXACT, out="again")
        self.assertEqual(self.labels("again"), first)
        self.ingest("--key", self.path("out.key"), "--seed", 2, *EXACT, out="other")
        self.assertNotEqual(self.labels("other"), first)
        self.assertEqual(json.loads(self.succeed("inspect", self.path("out"), "--json"))["labels_csv"], "fit for training")

    def test_a_told_split_stands_and_a_leaking_patient_is_refused(self):
        self.many(8)
        for i, row in enumerate(self.rows):
            row["split"] = "test" if i >= 8 else "train"
        self.rows[3]["split"] = "test"
        self.ingest(status=1)
        rows = self.report()
        for i, row in enumerate(self.rows):
            told = rows[row["file"]]
            if i in (2, 3):
                self.assertIn("in both splits", told["reason"])
            else:
                self.assertEqual((told["verdict"], told["split"]), ("taken", row["split"]))

    def test_a_class_missing_in_the_test_split_is_told(self):
        self.many(8)
        self.rows[-1].update(label="rare", patient_id="R")
        self.assertIn("class rare has no image in the test split", self.ingest(status=1).stderr)
        self.assertEqual(len(self.labels()), 16)

    def test_a_patient_with_both_labels_is_noted_and_goes_to_one_side(self):
        self.many(8)
        self.rows[1]["label"] = "yes"
        self.assertIn("several labels 1 patient", self.ingest().stdout)
        rows = self.report()
        for file in ("0.png", "1.png"):
            self.assertIn("images of several labels", rows[file]["note"])
        self.assertEqual(rows["0.png"]["split"], rows["1.png"]["split"])

    def test_several_findings_make_a_set_of_findings(self):
        for i in range(24):
            self.add_png(f"{i}.png", i + 1)
            self.rows[-1]["labels"] = ("none", "x", "x|y", "y")[i % 4]
            del self.rows[-1]["label"]
        self.ingest()
        facts = json.loads(self.succeed("inspect", self.path("out"), "--json"))
        self.assertEqual(facts["labels_csv"], "fit for training")
        self.assertEqual(set(facts["images_by_label_and_split"]), {"none", "x", "y"})

    def test_findings_that_training_would_refuse_are_refused(self):
        for i, finding in enumerate(("x|x", "x|", "none|x", "x", "none")):
            self.add_png(f"{i}.png", i + 1)
            self.rows[-1]["labels"] = finding
            del self.rows[-1]["label"]
        self.ingest(status=1)
        told = [row["reason"] for row in self.report().values()]
        self.assertEqual(told, ['label "x" is there twice', "an empty label between bars", '"none" stands beside another label', "", ""])

    def test_none_is_no_class_that_each_split_needs(self):
        for i, (finding, split) in enumerate((("x", "train"), ("x", "test"), ("none", "train"))):
            self.add_png(f"{i}.png", i + 1)
            self.rows[-1].update(labels=finding, split=split)
            del self.rows[-1]["label"]
        self.ingest()
        self.rows = self.rows[2:]
        self.assertIn('no image has a label but "none"', self.ingest(status=1).stderr)

    def test_copies_are_found_by_pixels_and_by_looks(self):
        self.many(12, 1)
        gif(1).save(self.path("in", "same.jpg"), quality=80)
        self.add("same.jpg", "yes", "other")  # looks like 0.png, of another patient and label
        gif(2).save(self.path("in", "twin.png"), compress_level=0)
        self.add("twin.png", "yes", "P1")  # 1.png under the same label
        gif(3).save(self.path("in", "liar.png"), compress_level=0)
        self.add("liar.png", "yes", "liar")  # 2.png, which is "no"
        bright = gif(5, 128, 128).resize((SIDE, SIDE)).point(lambda v: 40 + v * 3 // 4)
        gif(5, 128, 128).save(self.path("in", "small.png"))
        bright.transpose(Image.FLIP_LEFT_RIGHT).save(self.path("in", "bright.png"))
        self.add("small.png", "no", "s")
        self.add("bright.png", "no", "t")
        self.ingest(status=1)
        rows, pairs = self.report(), {(row["file"], row["other_file"]): row for row in self.csv("out.report", "copies.csv")}
        self.assertEqual(set(pairs), {("0.png", "same.jpg"), ("1.png", "twin.png"), ("2.png", "liar.png"), ("small.png", "bright.png")})
        self.assertEqual([rows[file]["verdict"] for file in ("1.png", "twin.png", "2.png", "liar.png", "0.png", "same.jpg")],
                         ["taken", "copy", "refused", "refused", "taken", "taken"])
        self.assertEqual((pairs["0.png", "same.jpg"]["kind"], pairs["0.png", "same.jpg"]["labels"]), ("alike", "contradict"))
        self.assertEqual(rows["0.png"]["split"], rows["same.jpg"]["split"])
        self.assertIn("looks like same.jpg, whose label is another", rows["0.png"]["note"])


class Privacy(IngestTest):
    SECRETS = (b"Doe", b"Jane", b"4711", b"Elsewhere", b"20200131", b"ACC-99", b"secret", b"Mustermann")

    def test_only_pixels_and_what_is_allowed_leave(self):
        for i in range(8):
            self.add(f"Mustermann{i}.dcm", "ab"[i % 2], "" if i % 4 else f"Doe{i}", name="secret", age=str(30 + i),
                     make=lambda path: save(dataset(picture(SIDE, SIDE, 12, i), patient=f"Doe^{4711 + i}", ViewPosition="AP" if i else "Jane",
                                                    ImageLaterality="R", PatientComments="secret"), path))
        self.ingest("--keep", "age", *EXACT)
        for file, content in tree(self.path("out")).items():
            for secret in self.SECRETS:
                self.assertNotIn(secret, file.encode())
                self.assertNotIn(secret, content)
        rows = self.labels()
        self.assertEqual({tuple(row) for row in rows.values()},
                         {("file", "label", "patient_id", "side", "split", "modality", "view", "age")})
        self.assertEqual({(row["side"], row["modality"]) for row in rows.values()}, {("right", "DX")})
        self.assertEqual(sorted(row["view"] for row in rows.values()), [""] + ["AP"] * 7)
        for file in rows:
            self.assertEqual(set(re.findall(rb"IHDR|IDAT|IEND|tEXt|iTXt|eXIf|tIME", read(self.path("out", file)))), {b"IHDR", b"IDAT", b"IEND"})
        self.refuse("ingest", self.path("in"), "--out", self.path("x"), "--keep", "patient_id", text="patient_id", output=None)

    def test_names_are_hmac_sha256_of_a_key_that_the_owner_alone_reads(self):
        for i in range(4):
            self.add_png(f"{i}.png", i + 1, "a", f"P{i}")
        self.ingest()
        self.assertEqual(os.stat(self.path("out.key")).st_mode & 0o777, 0o600)
        key = bytes.fromhex(read(self.path("out.key")).decode())
        self.assertEqual(len(key), 32)
        rows = self.report()
        for i in range(4):
            name = hmac.new(key, f"p\0P{i}".encode(), hashlib.sha256).hexdigest()[:16]
            self.assertEqual(rows[f"{i}.png"]["patient_id"], "p" + name)
            name = hmac.new(key, f"i\0{i}.png".encode(), hashlib.sha256).hexdigest()[:16]
            self.assertEqual(rows[f"{i}.png"]["image"], f"images/i{name}.png")
        self.ingest(out="other")
        self.assertNotEqual(read(self.path("other.key")), read(self.path("out.key")))
        self.assertFalse(set(self.labels("other")) & set(self.labels()))
        write(self.path("bad.key"), "abc")
        self.refuse("ingest", self.path("in"), "--out", self.path("x"), "--key", self.path("bad.key"), text="bad.key: is not a key")

    def test_writing_in_the_picture_is_told(self):
        from PIL import ImageDraw, ImageFont
        font = ImageFont.load_default()
        for i, text in enumerate(("DOE JANE 1954", "L", "", "20200131")):
            scene = Image.fromarray(picture(256, 256, 8, i + 1).astype(numpy.uint8) // 3 * 2)
            ImageDraw.Draw(scene).text((30, 200), text, 255, font)
            self.add(f"{i}.png", "a", make=scene.save)
        self.assertIn("letters        in 2 images", self.ingest("--size", 256).stdout)
        rows = self.report()
        self.assertEqual([int(rows[f"{i}.png"]["letters"]) >= 4 for i in range(4)], [True, False, False, True])
        self.assertIn("letters in the picture", rows["0.png"]["note"])


class GoingOn(IngestTest):
    def some(self, count=12):
        for i in range(count):
            self.add_png(f"{i}.png", i + 1, "ab"[i % 2])

    def test_a_second_run_reads_nothing_and_changes_nothing(self):
        self.some()
        self.ingest()
        before = tree(self.path("out"))
        times = {file: os.stat(self.path("out", file)).st_mtime_ns for file in before if file.startswith("images")}
        self.assertNotIn("images/s", self.ingest().stdout)
        self.assertEqual(tree(self.path("out")), before)
        self.assertEqual({file: os.stat(self.path("out", file)).st_mtime_ns for file in times}, times)

    def test_only_what_is_new_or_changed_is_read_again(self):
        self.some()
        self.ingest()
        kept = self.report()["5.png"]["image"]
        os.unlink(self.path("out.report", self.report()["8.png"]["image"].replace("images", "tiles")))
        inode = os.stat(self.path("out", kept)).st_ino
        gif(50).save(self.path("in", "3.png"))
        self.add_png("new.png", 51, "a")
        self.rows[7]["label"] = "a"
        gone = self.report()["0.png"]["image"]
        del self.rows[0]
        self.assertIn("3 of 3 images", self.ingest().stdout)
        self.assertEqual(os.stat(self.path("out", kept)).st_ino, inode)
        self.assertFalse(os.path.exists(self.path("out", gone)))
        fresh = self.path("fresh")
        self.ingest("--key", self.path("out.key"), "--name", "out", *EXACT, out="fresh")
        self.assertEqual(tree(fresh), tree(self.path("out")))

    def test_a_stopped_and_a_killed_run_go_on_to_the_same_bytes(self):
        for i in range(60):
            self.add(f"{i}.png", "ab"[i % 2], make=Image.fromarray(picture(700, 600, 8, i % 7 + 1).astype(numpy.uint8) ^ i).save)
        self.table()
        arguments = ["ingest", self.path("in"), "--out", self.path("out"), "--workers", 2]
        images = self.path("out", "images")

        def some_are_there():
            return os.path.isdir(images) and len(os.listdir(images)) >= 4

        for number in (signal.SIGINT, signal.SIGKILL):
            ended = self.interrupt(number, some_are_there, *arguments)
            if ended:
                self.assertEqual(ended[0], 0 if number == signal.SIGINT else -signal.SIGKILL)
                self.assertFalse(os.path.exists(self.path("out", "dataset.json")))
        done = roentgym(*arguments)
        self.assertEqual(done.returncode, 0, done.stderr)
        whole = roentgym(*arguments[:3], self.path("whole"), "--key", self.path("out.key"), "--name", "out")
        self.assertEqual(whole.returncode, 0, whole.stderr)
        self.assertEqual(tree(self.path("out")), tree(self.path("whole")))

    def test_what_a_program_without_decoders_refuses_another_one_reads(self):
        self.some(4)
        self.add("more.jpg", "a", make=gif(8).save)
        self.add("more.dcm", "b", make=lambda path: write_dicom(path, picture(SIDE, SIDE, 12), 12, "implicit"))
        self.ingest(status=1, program=BARE)
        for file, missing in (("more.jpg", "libjpeg"), ("more.dcm", "GDCM")):
            self.assertIn("without " + missing, self.report()[file]["reason"])
        self.ingest()
        self.assertEqual(len(self.labels()), 6)

    def test_a_file_whose_decoder_is_killed_is_tried_again(self):
        self.some(40)
        self.table()
        arguments = [PROGRAM, "ingest", self.path("in"), "--out", self.path("out"), "--workers", "1", *map(str, EXACT)]
        with subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
            worker = ""
            while not worker and process.poll() is None:
                worker = read("/proc", str(process.pid), "task", str(process.pid), "children").decode()
            os.kill(int(worker), signal.SIGKILL)
            process.communicate(timeout=60)
        killed = [row for row in self.csv("out.report", "report.csv") if row["verdict"] == "refused"]
        self.assertEqual([row["reason"] for row in killed], ["its decoder was killed; the same command tries again"])
        self.ingest()
        self.assertEqual(len(self.labels()), 40)

    def test_a_full_disk_is_an_error_and_the_same_command_goes_on(self):
        for i in range(8):
            self.add(f"{i}.png", "ab"[i % 2], make=Image.fromarray(picture(256, 256, 8, i + 1).astype(numpy.uint8)).save)
        self.table()
        arguments = ["ingest", self.path("in"), "--out", self.path("out"), "--size", 256]
        self.refuse(*arguments, file_bytes=20000, text="File too large", output=None)
        self.assertFalse(os.path.exists(self.path("out", "dataset.json")))
        self.succeed(*arguments)
        self.assertEqual(len(self.labels()), 8)

    def test_a_folder_of_something_else_is_left_as_it_is(self):
        self.some(4)
        os.mkdir(self.path("out"))
        write(self.path("out", "letter"), "dear")
        self.assertIn("neither empty nor a data set", self.ingest(status=1).stderr)
        self.assertEqual(tree(self.path("out")), {"letter": b"dear"})
        self.ingest(out="ours")
        before = tree(self.path("ours"))
        self.assertIn("another key, size", self.ingest("--size", 32, out="ours", status=1).stderr)
        self.assertEqual(tree(self.path("ours")), before)

    def test_what_was_ticked_on_the_review_pages_is_left_out(self):
        self.some()
        self.ingest()
        page = read(self.path("out.report", "review-001.html")).decode()
        self.assertEqual(page.count("<figure>"), 12)
        self.assertIn('value="3.png"', page)
        self.assertNotRegex(page, r"(src|href)=\"?https?:")
        tiles = re.findall('src="(tiles/[^"]+)"', page)
        self.assertEqual(sorted(tiles), sorted(row["image"].replace("images/", "tiles/") for row in self.report().values()))
        for tile in tiles:
            with Image.open(self.path("out.report", tile)) as shown, Image.open(self.path("out", tile.replace("tiles", "images"))) as made:
                self.assertEqual(shown.mode, "L")
                self.assertLessEqual(numpy.abs(numpy.asarray(shown).astype(int) - numpy.asarray(made) // 257).max(), 1)
        write(self.path("ticked.csv"), 'file\n"3.png"\n')
        self.ingest("--leave-out", self.path("ticked.csv"), *EXACT)
        self.assertEqual(self.report()["3.png"]["verdict"], "left out")
        self.assertEqual(len(self.labels()), 11)
        self.assertEqual(len(os.listdir(self.path("out.report", "tiles"))), 11)
        write(self.path("ticked.csv"), "file\nbogus.png\n")
        self.assertIn("ticked.csv:2: names a file", self.ingest("--leave-out", self.path("ticked.csv"), *EXACT, status=1).stderr)

    def test_inspect_shows_histogram_and_leaks_by_looks(self):
        self.some(20)
        gif(1).save(self.path("in", "copy.jpg"), quality=80)  # of 0.png
        self.add("copy.jpg", "b", "someone")
        for i, row in enumerate(self.rows):
            row["split"] = "test" if i >= 18 else "train"
        self.ingest()
        facts = json.loads(self.succeed("inspect", self.path("out"), "--json"))
        self.assertEqual([facts[key] for key in ("pairs_that_look_alike", "alike_with_other_labels", "alike_in_both_splits")], [1, 1, 1])
        self.assertEqual(len(facts["leaking_looks"]), 1)
        images = [numpy.asarray(Image.open(self.path("out", file))) // 256 for file in self.labels()]
        shares = numpy.histogram(numpy.stack(images), 16, (0, 256))[0] / (len(images) * SIDE * SIDE)
        self.assertLess(numpy.abs(numpy.array(list(facts["grey_histogram"].values())) - shares).max(), 1e-4)
        means = [image.mean() for image, row in zip(images, self.labels().values()) if row["label"] == "a"]
        self.assertAlmostEqual(facts["mean_grey_by_label"]["a"], numpy.mean(means), 1)

    def test_files_that_no_row_names_are_listed(self):
        self.some(4)
        os.mkdir(self.path("in", "sub"))
        gif(9).save(self.path("in", "sub", "more.png"))
        self.assertIn("not listed     1 file", self.ingest().stdout)
        self.assertEqual(self.report()["sub/more.png"]["verdict"], "not listed")


if __name__ == "__main__":
    unittest.main()
