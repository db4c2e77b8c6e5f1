"""Images of the library in sessions: drawn by the deck's rules, sent like every other image, in summary, export and
replay; and the lists for the staff."""

import concurrent.futures
import functools
import hashlib
import io
import os
import re
import subprocess
import sys
import unittest
import zipfile
import zlib

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from accounts import first_admin, staff  # noqa: E402
from daemon import PROGRAM, ROOT, DaemonTest, Learner, deck_of, png_chunks, png_header, source  # noqa: E402
from library_data import grey, library, make  # noqa: E402

GAN = source()
LIBRARY = source(kind="library", collection="hips")
CHOICES = [{"id": "nothing", "label": "Nothing"}, {"id": "broken", "label": "Broken"}]
deck_2 = functools.partial(deck_of, items=8, choices=CHOICES)


def listed(name, *files):
    picks = [{"class": "fracture", "collection": "hips", "file": files[0]}, {"class": "fracture", "seed": "5"},
             *({"class": "no_fracture", "collection": "hips", "file": file} for file in files[1:])]
    return deck_2(name, GAN, LIBRARY, list=picks, order={"rule": "given"}, items=None, prevalence=None)


class LibraryTest(DaemonTest):
    count, side, simulated = 24, 64, False

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.side = cls.side or cls.model["resolution"]
        cls.data = make(os.path.join(cls.daemon.folder, "data"), cls.count, cls.side, cls.simulated)
        answer = library(cls.daemon.config_path, "add", cls.data, "--name", "hips")
        assert answer.returncode == 0, answer.stderr

    def items(self, learner):
        return self.daemon.rows(
            "SELECT i.n, i.truth, i.class, i.source, i.image_sha256, l.class AS label, l.split, l.file, l.sha256"
            " FROM items i LEFT JOIN library_images l ON l.id = i.library_image_id WHERE i.session_id = ?"
            " ORDER BY i.n", learner.id)


class Sessions(LibraryTest):
    side = None  # the model's: pixels are sent as they are
    decks = [
        deck_2("train", LIBRARY, items=12),
        deck_2("test", {**LIBRARY, "split": "test"}, items=12),
        deck_2("drawn", GAN),
        deck_2("mixed", GAN, {**LIBRARY, "weight": 2}),
        deck_2("fixed", GAN, LIBRARY, draw={"mode": "fixed", "seed": "7"}),
        deck_2("too_many", LIBRARY, items=14),
        deck_2("nowhere", {**LIBRARY, "collection": "other"}, items=1),
        deck_2("twice", LIBRARY, {**LIBRARY, "weight": 3}, items=12),
        deck_2("six", LIBRARY, items=6),
        deck_2("four", LIBRARY, items=4),
        deck_2("twin", {**LIBRARY, "collection": "twins"}, items=6),
        listed("listed", "images/3.png", "images/20.png"),
        listed("mistaken", "images/4.png"),
    ]

    def test_a_deck_says_as_a_whole_whether_its_images_are_drawn_or_of_a_collection(self):
        shown = {deck["id"]: deck["images"] for deck in self.daemon.get("/api/v1/decks").json["decks"]}
        self.assertEqual([shown["train"], shown["mixed"], shown["drawn"]],
                         ["collection", "both", "drawn"])

    def test_a_split_is_drawn_without_repeats_and_from_that_split_alone(self):
        for split in ("train", "test"):
            for _ in range(3):
                items = self.items(Learner(self.daemon, split))
                self.assertEqual(len({item["sha256"] for item in items}), 12)
                self.assertEqual({item["split"] for item in items}, {split})
                for item in items:
                    self.assertEqual(item["label"], {"broken": "fracture", "nothing": "no_fracture"}[item["truth"]])

    def test_two_sources_of_one_collection_repeat_nothing(self):
        self.assertEqual(len({item["sha256"] for item in self.items(Learner(self.daemon, "twice"))}), 12)

    def test_orders_differ_but_for_a_fixed_deck(self):
        files = [[item["file"] for item in self.items(Learner(self.daemon, "train"))] for _ in range(3)]
        self.assertGreater(len({tuple(one) for one in files}), 1)
        fixed = [[(item["source"], item["file"]) for item in self.items(Learner(self.daemon, "fixed"))] for _ in range(3)]
        self.assertEqual(fixed[0], fixed[1])
        self.assertEqual(fixed[0], fixed[2])
        self.assertEqual({source for source, _ in fixed[0]}, {"gan", "library"})

    def test_a_list_shows_the_images_that_it_names(self):
        for _ in range(2):
            learner = Learner(self.daemon, "listed")
            self.assertEqual([(item["source"], item["file"], item["truth"]) for item in self.items(learner)],
                             [("library", "images/3.png", "broken"), ("gan", None, "broken"),
                              ("library", "images/20.png", "nothing")])
            self.assertEqual(learner.image(1).status, 200)

    def test_too_few_images_start_no_session_and_the_log_says_which(self):
        before = self.daemon.rows("SELECT count(*) AS n FROM sessions")[0]["n"]
        for name in ("too_many", "nowhere", "mistaken"):
            answer = self.daemon.post("/api/v1/sessions", {"deck": name})
            self.assertEqual((answer.status, answer.code), (409, "images_missing"))
        self.assertEqual(self.daemon.rows("SELECT count(*) AS n FROM sessions")[0]["n"], before)
        self.assertIn(r"deck nowhere: the library's collection \"other\" has too few images", self.daemon.log())

    def test_what_is_sent_is_the_image_of_the_library_in_the_size_of_the_model(self):
        learner = Learner(self.daemon, "train")
        item = self.items(learner)[0]
        image = learner.image(1)
        self.assertEqual(image.status, 200)
        resolution = self.model["resolution"]
        self.assertEqual(png_header(image.body)[:2], (resolution, resolution))
        number = int(re.search(r"\d+", item["file"])[0])
        self.assertEqual(item["sha256"], hashlib.sha256(grey(number, self.side)).hexdigest())
        lines = zlib.decompress(b"".join(body for kind, body in png_chunks(image.body) if kind == "IDAT"))
        self.assertEqual(b"".join(lines[at + 1:at + 1 + resolution] for at in range(0, len(lines), resolution + 1)),
                         grey(number, resolution))
        sent = self.daemon.rows("SELECT image_sha256 FROM items WHERE session_id = ? AND n = 1", learner.id)[0][0]
        self.assertEqual(sent, hashlib.sha256(image.body).hexdigest())

    def test_summary_and_export_say_where_an_image_is_from(self):
        learner = Learner(self.daemon, "mixed")
        while {item["source"] for item in self.items(learner)} != {"gan", "library"}:
            learner = Learner(self.daemon, "mixed")
        for n in range(1, 9):
            learner.image(n)
            self.assertEqual(learner.answer(n, "broken").status, 201)
        self.assertEqual(learner.summary().json["summary"]["correct"], 4)
        rows = {row["item"]: row for row in self.daemon.export() if row["session_id"] == learner.id}
        for item in self.items(learner):
            row = rows[str(item["n"])]
            self.assertEqual((row["source"], row["class_label"], row["truth"], row["image_sha256"], row["prior_exposures"]),
                             (item["source"], item["class"], item["truth"], item["image_sha256"], "0"))
            if item["source"] == "gan":
                self.assertEqual((row["collection"], row["library_image"], row["truth_basis"], row["training_data"]),
                                 ("", "", "class given to the generator", self.model["training_data"]))
                self.assertEqual(row["model_sha256"], self.model["sha256"])
            else:
                self.assertEqual((row["collection"], row["library_image"], row["truth_basis"], row["training_data"]),
                                 ("hips", item["sha256"], "label of the data set", "real"))
                self.assertEqual([row[key] for key in ("model_sha256", "seed", "strength", "truncation")], [""] * 4)

    def test_a_learner_with_a_code_is_shown_no_image_twice(self):
        code = self.daemon.request("POST", "/api/v1/learners").json["learner"]["code"]
        Learner(self.daemon, "six", learner=code)  # whose images are never asked for
        seen = []
        for _ in range(2):
            learner = Learner(self.daemon, "six", learner=code)
            seen.append({item["sha256"] for item in self.items(learner)})
            for n in range(1, 7):
                self.assertEqual(learner.image(n).status, 200)
                learner.answer(n, "broken")
        self.assertEqual([len(shown) for shown in seen] + [len(seen[0] | seen[1])], [6, 6, 12])
        answer = self.daemon.post("/api/v1/sessions", {"deck": "six", "learner": code})
        self.assertEqual((answer.status, answer.code), (409, "images_missing"))
        self.assertEqual(len(self.items(Learner(self.daemon, "six"))), 6)
        self.assertEqual(len(self.items(Learner(self.daemon, "fixed", learner=code))), 8)

    def test_sessions_side_by_side_repeat_nothing_while_there_are_other_images(self):
        code = self.daemon.request("POST", "/api/v1/learners").json["learner"]["code"]
        first, second = (Learner(self.daemon, "six", learner=code) for _ in range(2))
        self.assertEqual(len({item["sha256"] for learner in (first, second) for item in self.items(learner)}), 12)
        third = Learner(self.daemon, "six", learner=code)  # all images wait in the others by now
        told = {item["sha256"] for item in self.items(third)}
        for learner in (third, first, second):
            for n in range(1, 7):
                self.assertEqual(learner.image(n).status, 200)
                self.assertEqual(learner.answer(n, "broken").status, 201)
        for learner in (first, second, third):
            for item in self.items(learner):
                row, = self.daemon.rows("SELECT a.first_attempt, i.prior_exposures FROM answers a JOIN items i"
                                        " ON i.session_id = a.session_id AND i.n = a.item"
                                        " WHERE a.session_id = ? AND a.item = ?", learner.id, item["n"])
                again = learner is not third and item["sha256"] in told
                self.assertEqual(tuple(row), (not again, again))

    def test_sessions_that_start_at_once_repeat_nothing_either(self):
        for _ in range(10):
            code = self.daemon.request("POST", "/api/v1/learners").json["learner"]["code"]
            with concurrent.futures.ThreadPoolExecutor(3) as pool:
                side_by_side = list(pool.map(lambda _: Learner(self.daemon, "four", learner=code), range(3)))
            self.assertEqual(len({item["sha256"] for learner in side_by_side for item in self.items(learner)}), 12)

    def test_a_picture_is_the_same_in_a_collection_of_another_name(self):
        self.assertEqual(library(self.daemon.config_path, "add", self.data, "--name", "twins").returncode, 0)
        code = self.daemon.request("POST", "/api/v1/learners").json["learner"]["code"]
        seen = set()
        for name in ("six", "twin"):
            learner = Learner(self.daemon, name, learner=code)
            for n in range(1, 7):
                learner.image(n)
                learner.answer(n, "broken")
            seen |= {item["sha256"] for item in self.items(learner)}
        self.assertEqual(len(seen), 12)
        for name in ("six", "twin"):
            answer = self.daemon.post("/api/v1/sessions", {"deck": name, "learner": code})
            self.assertEqual((answer.status, answer.code), (409, "images_missing"))
        learner = Learner(self.daemon, "listed", learner=code)
        learner.image(1)  # of the training split
        learner.answer(1, "broken")
        row, = self.daemon.rows("SELECT prior_exposures FROM items WHERE session_id = ? AND n = 1", learner.id)
        self.assertEqual(row["prior_exposures"], 1)

    def test_a_list_that_names_one_picture_by_two_collections_is_refused(self):
        again = make(os.path.join(self.daemon.folder, "again"), 4, self.side, self.simulated)
        self.assertEqual(library(self.daemon.config_path, "add", again, "--name", "again").returncode, 0)
        sources = [GAN, LIBRARY, {**LIBRARY, "collection": "again"}]
        def of(*picks):
            return deck_2("given", *sources, items=None, prevalence=None, list=[
                {"class": "no_fracture", "seed": "1"},
                *({"class": "fracture", "collection": name, "file": f"images/{n}.png"} for name, n in picks)])
        admin = first_admin(self.daemon)
        self.assertEqual(admin.post("/api/v1/decks", of(("hips", 1), ("again", 3))).status, 201)
        for way in ("/api/v1/decks", "/api/v1/decks/given", "/api/v1/preview"):
            answer = admin.post(way, of(("hips", 1), ("again", 3), ("again", 1)), **{"If-Match": '"1"'})
            self.assertEqual((answer.status, answer.code), (422, "wrong_deck"), answer.body)
            self.assertEqual(answer.json["error"]["message"],
                             "deck.list[3]: is the same picture as list[1], under another collection.")
        missing = of(("hips", 1), ("again", 99), ("hips", 99))  # may come later
        self.assertEqual(admin.post("/api/v1/decks/given", missing, **{"If-Match": '"1"'}).status, 200)

    def test_two_images_of_the_library_are_two_cases_of_a_reading_study(self):
        for _ in range(2):
            learner = Learner(self.daemon, "fixed")
            for n in range(1, 9):
                learner.answer(n, "broken")
        answer = self.daemon.get("/api/v1/export/imrmc.zip?deck=fixed", self.daemon.admin_token())
        self.assertEqual(answer.status, 200, answer.body[:200])
        with zipfile.ZipFile(io.BytesIO(answer.body)) as archive:
            lines = archive.read("answers.imrmc").decode().split("\n")
        self.assertEqual(lines[1:4], ["N0:4", "N1:4", "NR:2"])

    def test_replay_finds_images_of_the_library_again(self):
        learner = Learner(self.daemon, "train")
        learner.image(1)
        done = subprocess.run([PROGRAM, "replay", "--config", self.daemon.config_path, "--session", learner.id],
                              cwd=ROOT, capture_output=True, text=True, timeout=60)
        self.assertEqual((done.returncode, done.stdout.splitlines()[-1].split(",")[0]), (0, "1 the same"), done.stderr)


class Exclusion(LibraryTest):
    def test_what_is_excluded_is_not_shown_and_moves_no_other_image(self):
        admin = first_admin(self.daemon)
        fixed = deck_2("fixed", GAN, LIBRARY, draw={"mode": "fixed", "seed": "7"})
        self.assertEqual(admin.post("/api/v1/decks", fixed).status, 201)
        before = [dict(item) for item in self.items(Learner(self.daemon, "fixed"))]
        out = [item for item in before if item["file"]][1]
        fixed["exclude"] = [{"class": out["class"], "collection": "hips", "file": out["file"]}]
        self.assertEqual(admin.post("/api/v1/decks/fixed", fixed, **{"If-Match": '"1"'}).status, 200)
        self.assertEqual(admin.get("/api/v1/decks/fixed").json["exclude"], fixed["exclude"])
        after = [dict(item) for item in self.items(Learner(self.daemon, "fixed"))]
        changed = [n for n in range(8) if before[n]["file"] != after[n]["file"]]
        self.assertEqual(changed, [out["n"] - 1])
        self.assertNotIn(after[changed[0]]["file"], [item["file"] for item in before])
        self.assertEqual(after[changed[0]]["label"], out["label"])
        fixed["exclude"] = [{"class": "fracture", "collection": "hips", "file": f"images/{n}.png"} for n in range(1, 12, 2)]
        self.assertEqual(admin.post("/api/v1/preview", fixed).code, "images_missing")


class Findings(LibraryTest):
    """Of 24 images a third shows nothing, a third an effusion, a third both; the first half is for training."""

    decks = [
        deck_2("fracture", {**LIBRARY, "collection": "set", "classes": {"no": ["effusion", "none"], "yes": ["fracture"]}}),
        deck_2("effusion", {**LIBRARY, "collection": "set", "classes": {"no": ["none"], "yes": ["effusion"]}}),
        deck_2("both", {**LIBRARY, "collection": "set", "classes": {"no": ["none"], "yes": ["effusion", "fracture"]}}, items=4,
                prevalence=0.75),
    ]

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        folder = make(os.path.join(cls.daemon.folder, "set"), cls.count, 64, header="file,labels,patient_id,split",
                      line="images/{n}.png,LABEL{n},p{n},{split}")
        path = os.path.join(folder, "labels.csv")
        with open(path, encoding="utf-8") as file:
            text = re.sub(r"LABEL(\d+)", lambda n: ("none", "effusion", "effusion|fracture")[int(n[1]) % 3], file.read())
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        assert library(cls.daemon.config_path, "add", folder, "--name", "set").returncode == 0

    def test_a_finding_is_a_class_and_no_image_stands_for_a_no_that_shows_a_yes(self):
        for name in ("fracture", "effusion", "both"):
            finding = "fracture" if name == "fracture" else "effusion"
            for _ in range(5):
                items = self.items(Learner(self.daemon, name))
                self.assertEqual(len({item["sha256"] for item in items}), len(items))
                for item in items:
                    self.assertEqual(finding in item["label"], item["truth"] == "broken")
                    self.assertIn(item["class"], item["label"].split("|"))

    def test_findings_are_counted_listed_and_exported(self):
        admin = first_admin(self.daemon)
        one = next(c for c in admin.get("/api/v1/library").json["collections"] if c["name"] == "set")
        self.assertEqual((one["images"], one["classes"]["effusion"], one["classes"]["none"]),
                         (24, {"train": 8, "test": 8}, {"train": 4, "test": 4}))
        listed = admin.get("/api/v1/library/set/images?class=effusion").json
        self.assertEqual((listed["total"], {image["class"] for image in listed["images"]}),
                         (16, {"effusion", "effusion|fracture"}))
        learner = Learner(self.daemon, "fracture")
        learner.answer(1, "broken")
        row = next(row for row in self.daemon.export() if row["session_id"] == learner.id)
        self.assertEqual(row["class_label"], self.items(learner)[0]["label"])


class Damage(LibraryTest):
    decks = [deck_2("train", LIBRARY, items=2), deck_2("mixed", GAN, LIBRARY, items=6)]

    def test_a_damaged_or_missing_file_is_an_error_for_that_image_alone(self):
        learner = Learner(self.daemon, "train")
        items = self.items(learner)
        folder = self.daemon.rows("SELECT folder FROM collections")[0][0]
        path = [os.path.join(self.daemon.folder, "library", folder, i["sha256"][:2], i["sha256"] + ".grey") for i in items]
        with open(path[0], "r+b") as file:
            file.write(b"xx")
        self.daemon.get("/readyz")
        url = [learner.item(n).json["item"]["image"] for n in (1, 2)]
        # Another size: read-ahead may have made the full size before the damage.
        size = self.model["sizes"][0]
        self.assertEqual(self.daemon.get(f"{url[0]}?size={size}").status, 500)
        self.assertEqual(self.daemon.get(f"{url[1]}?size={size}").status, 200)
        self.assertIn("is damaged", self.daemon.log())
        os.remove(path[1])
        self.assertEqual(self.daemon.get(f"{url[1]}?size={self.model['sizes'][1]}").status, 500)
        self.assertEqual(self.daemon.get("/readyz").status, 200)

    def test_unseen_items_of_a_removed_collection_are_gone_and_so_are_those_beside_them(self):
        learner = Learner(self.daemon, "mixed")
        sources = {item["n"]: item["source"] for item in self.items(learner)}
        while not (sources[1] == "gan" and "library" in sources.values()):
            learner = Learner(self.daemon, "mixed")
            sources = {item["n"]: item["source"] for item in self.items(learner)}
        self.assertEqual(learner.image(1).status, 200)
        url = learner.item(2).json["item"]["image"]
        self.assertEqual(library(self.daemon.config_path, "remove", "hips").returncode, 0)
        try:
            self.assertEqual((learner.image(1).status, learner.item(1).status), (200, 200))  # it was seen before
            for answer in (learner.item(2), self.daemon.get(url)):
                self.assertEqual((answer.status, answer.code), (410, "images_gone"))
            learner.answer(1, "broken")
            self.assertEqual((learner.item(3).status, learner.item(3).code), (410, "images_gone"))
        finally:
            self.assertEqual(library(self.daemon.config_path, "add", self.data, "--name", "hips").returncode, 0)

    def test_a_removed_collection_starts_no_session_and_its_log_stays(self):
        learner = Learner(self.daemon, "train")
        learner.answer(1, "broken")
        self.assertEqual(library(self.daemon.config_path, "remove", "hips").returncode, 0)
        try:
            self.assertEqual(self.daemon.post("/api/v1/sessions", {"deck": "train"}).status, 409)
            row = [row for row in self.daemon.export() if row["session_id"] == learner.id][0]
            self.assertEqual((row["collection"], row["source"]), ("hips", "library"))
        finally:
            self.assertEqual(library(self.daemon.config_path, "add", self.data, "--name", "hips").returncode, 0)


class Lists(LibraryTest):
    count, simulated = 120, True

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.admin = first_admin(cls.daemon)

    def test_the_list_counts_classes_and_splits_and_tells_the_provenance(self):
        for role in ("educator", "researcher"):
            answer = staff(self.admin, role, role).get("/api/v1/library")
            self.assertEqual(answer.status, 200)
        hips, = answer.json["collections"]
        self.assertEqual((hips["name"], hips["training_data"], hips["images"]), ("hips", "simulated", 120))
        self.assertEqual(hips["classes"], {"fracture": {"train": 30, "test": 30}, "no_fracture": {"train": 30, "test": 30}})
        self.assertEqual(hips["provenance"]["name"], "test set")

    def test_a_preview_shows_labelled_images_of_both_sources(self):
        mixed = deck_2("mixed", GAN, LIBRARY, draw={"mode": "fixed", "seed": "7"})
        items = self.admin.post("/api/v1/preview", mixed).json["items"]
        self.assertEqual({item["source"] for item in items}, {"gan", "library"})
        for item in items:
            image = self.admin.get(item["image"])
            self.assertEqual((image.status, image.headers["Content-Type"]), (200, "image/png"))
            self.assertIn(item["class"].encode(), image.body)
            self.assertEqual((item["model"], item["collection"]), ("default", "hips" if item["source"] == "library" else None))
            self.assertIn((item["file"] or "").encode(), image.body)
            self.assertEqual(bool(item["file"]), item["source"] == "library")
        answer = self.admin.post("/api/v1/preview", deck_2("none", {**LIBRARY, "collection": "other"}))
        self.assertEqual((answer.status, answer.code), (409, "images_missing"))
        self.assertIn('"other"', answer.json["error"]["message"])

    def test_images_are_listed_by_class_split_and_page(self):
        url = "/api/v1/library/hips/images"
        first = self.admin.get(url).json
        self.assertEqual((first["page"], first["pages"], first["total"], len(first["images"])), (1, 3, 120, 50))
        self.assertEqual(len(self.admin.get(url + "?page=3").json["images"]), 20)
        self.assertEqual(self.admin.get(url + "?page=4").json["images"], [])
        chosen = self.admin.get(url + "?class=fracture&split=test").json
        self.assertEqual({(image["class"], image["split"]) for image in chosen["images"]}, {("fracture", "test")})
        self.assertEqual(chosen["total"], 30)
        self.assertEqual(chosen["images"][0]["columns"], {"note": "=1+61"})
        self.assertEqual(self.admin.get(url + "?class=nothing").json["total"], 0)
        for query, status in (("?split=val", 422), ("?page=0", 422), ("?page=x", 422), ("?x=1", 400)):
            self.assertEqual(self.admin.get(url + query).status, status)
        self.assertEqual(self.admin.get("/api/v1/library/none/images").code, "unknown_collection")

    def test_an_image_is_labelled_and_confirmed_by_its_tag(self):
        listed = self.admin.get("/api/v1/library/hips/images?class=fracture").json["images"][2]
        answer = self.admin.get(listed["image"])
        self.assertEqual((answer.status, png_header(answer.body)), (200, (64, 64, 8, 0)))
        texts = dict(body.split(b"\0", 1) for kind, body in png_chunks(answer.body) if kind == "tEXt")
        self.assertEqual((texts[b"Class"], texts[b"Origin"], texts[b"Data set"], texts[b"File"]),
                         (b"fracture", b"simulated", b"test set", b"images/5.png"))
        tag = answer.headers["ETag"]
        self.assertEqual(self.admin.get(listed["image"], **{"If-None-Match": tag}).status, 304)
        for path in ("hips/images/999999.png", "none/images/1.png", "hips/images/x.png"):
            self.assertEqual(self.admin.get("/api/v1/library/" + path).status, 404)


if __name__ == "__main__":
    unittest.main()
