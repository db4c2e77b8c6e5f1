"""Models and labelled samples over HTTP."""

import concurrent.futures
import io
import os
import shutil
import sys
import tempfile
import unittest

import numpy
from PIL import Image

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from checkpoints import changed, replace  # noqa: E402
from daemon import CHECKPOINT, Daemon, DaemonTest, deck, need_checkpoint, png_chunks, png_header  # noqa: E402

FRACTURE = "/api/v1/samples/default/fracture/"
INTACT = "/api/v1/samples/default/no_fracture/"


class Models(DaemonTest):
    def test_the_model_says_what_it_is(self):
        self.assertEqual(self.model["id"], "default")
        self.assertIn("fracture", self.model["classes"])
        self.assertIn("no_fracture", self.model["classes"])
        self.assertEqual(self.model["sizes"][-1], self.model["resolution"])
        self.assertEqual(self.model["sizes"], sorted(self.model["sizes"]))
        self.assertEqual(self.model["licence"], "")

    def start_changed(self, decks=None, **metadata):
        """A daemon with the default checkpoint, of which some metadata are others."""
        folder = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, folder)
        with open(CHECKPOINT, "rb") as file:
            replace(os.path.join(folder, "default.safetensors"), changed(file.read(), **metadata))
        daemon = Daemon(models=folder, decks=decks)
        self.addCleanup(daemon.close)
        return daemon

    def test_of_a_model_of_findings_none_is_offered_and_drilled_as_well(self):
        choices = [{"id": "none", "label": "No"}, {"id": "fracture", "label": "Yes"}]
        daemon = self.start_changed(decks=[deck(choices=choices)], label_kind="multi")
        model = daemon.get("/api/v1/models").json["models"][0]
        self.assertEqual(model["classes"], [*self.model["classes"], "none"])
        none = daemon.get("/api/v1/samples/default/none/1.png")
        self.assertEqual(none.status, 200)
        self.assertNotEqual(none.body, daemon.get(FRACTURE + "1.png").body)
        self.assertEqual(daemon.post("/api/v1/sessions", {"deck": "default"}).status, 201)

    def test_a_licence_in_the_checkpoint_is_told_with_model_and_samples(self):
        daemon = self.start_changed(licence="not for sale")
        self.assertEqual(daemon.get("/api/v1/models").json["models"][0]["licence"], "not for sale")
        self.assertIn(("tEXt", b"Model licence\0not for sale"), png_chunks(daemon.get(FRACTURE + "1.png").body))

    def test_the_card_is_markdown_and_unknown_models_have_none(self):
        answer = self.daemon.get(self.model["card"])
        if os.path.exists(CHECKPOINT.replace(".safetensors", ".md")):
            self.assertEqual(answer.status, 200)
            self.assertIn("diagnosis", answer.body.decode().splitlines()[0])
        else:
            self.assertEqual(answer.status, 404)
        self.assertEqual(self.daemon.get("/api/v1/models/other/card").code, "unknown_model")
        self.assertEqual(self.daemon.get("/api/v1/models/..%2fdefault/card").status, 404)

    def test_health_and_readiness(self):
        self.assertEqual(self.daemon.get("/healthz").json, {"status": "ok"})
        self.assertEqual(self.daemon.get("/readyz").json, {"status": "ready"})


class Samples(DaemonTest):
    def test_a_sample_is_an_8_bit_grey_png_of_the_resolution_twice_the_same(self):
        first, second = self.daemon.get(FRACTURE + "1.png"), self.daemon.get(FRACTURE + "1.png")
        side = self.model["resolution"]
        self.assertEqual(first.headers["Content-Type"], "image/png")
        self.assertEqual(png_header(first.body), (side, side, 8, 0))
        self.assertEqual(first.body, second.body)

    def test_a_restart_gives_the_same_bytes(self):
        before = self.daemon.get(FRACTURE + "77.png?truncation=0.7").body
        other = Daemon()
        self.addCleanup(other.close)
        self.assertEqual(other.get(FRACTURE + "77.png?truncation=0.7").body, before)

    def test_class_seed_and_truncation_change_the_picture(self):
        paths = [FRACTURE + "1.png", INTACT + "1.png", FRACTURE + "2.png", FRACTURE + "1.png?truncation=0.5",
                 FRACTURE + "1.png?strength=0.5"]
        pictures = {dict(png_chunks(self.daemon.get(path).body))["IDAT"] for path in paths}
        self.assertEqual(len(pictures), len(paths))

    def test_at_strength_zero_the_class_does_not_matter(self):
        pictures = [dict(png_chunks(self.daemon.get(path + "5.png?strength=0").body))["IDAT"]
                    for path in (FRACTURE, INTACT)]
        self.assertEqual(pictures[0], pictures[1])

    def test_each_offered_size_is_served(self):
        for side in self.model["sizes"]:
            answer = self.daemon.get(f"{FRACTURE}3.png?size={side}")
            self.assertEqual(png_header(answer.body)[:2], (side, side))

    def test_16_bits_are_the_levels_between_those_of_8(self):
        for side in self.model["sizes"]:
            pixels = {}
            for bits in (8, 16):
                answer = self.daemon.get(f"{FRACTURE}3.png?size={side}&bits={bits}")
                self.assertEqual(png_header(answer.body), (side, side, bits, 0))
                pixels[bits] = numpy.asarray(Image.open(io.BytesIO(answer.body))).astype(float)
            self.assertGreater(len(numpy.unique(pixels[16])), 256)
            self.assertLessEqual(abs(pixels[16] / 257 - pixels[8]).max(), 1)

    def test_8_bits_are_what_is_sent_without_asking(self):
        plain, eight, sixteen = (self.daemon.get(FRACTURE + "4.png" + query) for query in ("", "?bits=8", "?bits=16"))
        self.assertEqual((plain.body, plain.headers["ETag"]), (eight.body, eight.headers["ETag"]))
        self.assertNotEqual(plain.headers["ETag"], sixteen.headers["ETag"])

    def test_the_file_says_what_it_is(self):
        texts = dict(body.decode("latin-1").split("\0", 1)
                     for kind, body in png_chunks(self.daemon.get(INTACT + "42.png").body) if kind == "tEXt")
        self.assertIn("Not for diagnosis", texts["Disclaimer"])
        self.assertEqual({key: texts[key] for key in texts if key not in ("Disclaimer", "Label vector", "Software")},
                         {"Origin": "synthetic", "Training data": self.model["training_data"],
                          "Model": self.model["name"], "Model SHA-256": self.model["sha256"], "Seed": "42",
                          "Label": "no_fracture", "Strength": "1", "Truncation": "1"})
        self.assertRegex(texts["Software"], r"^roentgymd \d")

    def test_the_etag_confirms_a_copy_without_a_body(self):
        first = self.daemon.get(FRACTURE + "9.png")
        tag = first.headers["ETag"]
        self.assertRegex(tag, r'^"[0-9a-f]+"$')
        self.assertEqual(first.headers["Cache-Control"], "public, max-age=60")
        made = self.daemon.metric("roentgymd_images_made_total")
        for value in (tag, "W/" + tag, f'"x", {tag}', "*"):
            answer = self.daemon.get(FRACTURE + "9.png", If_None_Match=value)
            self.assertEqual((answer.status, answer.body, answer.headers["ETag"]), (304, b"", tag))
        self.assertEqual(self.daemon.get(FRACTURE + "9.png", If_None_Match='"x"').status, 200)
        self.assertEqual(self.daemon.get(FRACTURE + "123456.png", If_None_Match="*").status, 304)
        self.assertEqual(self.daemon.metric("roentgymd_images_made_total"), made)
        self.assertNotEqual(self.daemon.get(INTACT + "9.png").headers["ETag"], tag)

    def test_head_has_the_headers_of_get_and_no_body(self):
        get = self.daemon.get(FRACTURE + "9.png")
        head = self.daemon.request("HEAD", FRACTURE + "9.png")
        self.assertEqual((head.status, head.body), (200, b""))
        for name in ("Content-Type", "Content-Length", "ETag", "Cache-Control"):
            self.assertEqual(head.headers[name], get.headers[name])

    def test_the_largest_seed_is_served_and_the_next_refused(self):
        self.assertEqual(self.daemon.get(FRACTURE + "18446744073709551615.png").status, 200)
        self.assertEqual(self.daemon.get(FRACTURE + "18446744073709551616.png").status, 422)

    def test_what_does_not_exist_is_refused(self):
        cases = [
            ("/api/v1/samples/other/fracture/1.png", 404, "unknown_model"),
            ("/api/v1/samples/default/sprain/1.png", 422, "unknown_class"),
            (FRACTURE + "-1.png", 422, "out_of_range"),
            (FRACTURE + "1.5.png", 422, "out_of_range"),
            (FRACTURE + "x.png", 422, "out_of_range"),
            (FRACTURE + "1.png?size=100", 422, "size_not_offered"),
            (FRACTURE + "1.png?size=", 422, "size_not_offered"),
            (FRACTURE + "1.png?size=99999999999999999999", 422, "size_not_offered"),
            (FRACTURE + "1.png?bits=12", 422, "out_of_range"),
            (FRACTURE + "1.png?bits=", 422, "out_of_range"),
            (FRACTURE + "1.png?strength=2", 422, "out_of_range"),
            (FRACTURE + "1.png?strength=nan", 422, "out_of_range"),
            (FRACTURE + "1.png?truncation=-1", 422, "out_of_range"),
            (FRACTURE + "1.png?colour=red", 400, "malformed_query"),
            (FRACTURE + "1.png?size=64&size=64", 400, "malformed_query"),
            (FRACTURE + "1.jpg", 404, "not_found"),
            (FRACTURE + ".png", 404, "not_found"),
        ]
        made = self.daemon.metric("roentgymd_images_made_total")
        for path, status, code in cases:
            with self.subTest(path=path):
                answer = self.daemon.get(path)
                self.assertEqual((answer.status, answer.code), (status, code))
        self.assertEqual(self.daemon.metric("roentgymd_images_made_total"), made)

    def test_equal_requests_are_computed_once(self):
        made = self.daemon.metric("roentgymd_images_made_total")
        with concurrent.futures.ThreadPoolExecutor(16) as pool:
            bodies = set(pool.map(lambda _: self.daemon.get(FRACTURE + "31415.png").body, range(16)))
        self.assertEqual(len(bodies), 1)
        self.assertEqual(self.daemon.metric("roentgymd_images_made_total"), made + 1)

    def test_a_full_queue_says_when_to_come_again_and_loses_nobody(self):
        def fetch(seed):
            return self.daemon.get(f"{FRACTURE}{seed}.png")

        with concurrent.futures.ThreadPoolExecutor(80) as pool:
            answers = list(pool.map(fetch, range(500, 580)))
        refused = [answer for answer in answers if answer.status == 503]
        self.assertEqual({answer.status for answer in answers} - {200, 503}, set())
        self.assertGreaterEqual(len(answers) - len(refused), 24)
        for answer in refused:
            self.assertEqual(answer.code, "busy")
            self.assertGreaterEqual(int(answer.headers["Retry-After"]), 1)
        self.assertEqual(fetch(500).status, 200)


class Decks(unittest.TestCase):
    def test_a_deck_of_classes_that_the_model_lacks_is_refused_at_the_start(self):
        need_checkpoint()
        folder = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, folder)
        choices = [{"id": "no_fracture", "label": "No"}, {"id": "sprain", "label": "Yes"}]
        with self.assertRaisesRegex(AssertionError, 'deck "default": the model has no class "sprain"'):
            Daemon([deck(choices=choices)], folder)


if __name__ == "__main__":
    unittest.main()
