"""Small checkpoints, made here so that tests have as many models as they like: noise of 64x64 pixels. And tests
that run a daemon on a folder of them."""

import hashlib
import json
import os
import random
import shutil
import struct
import tempfile
import time
import unittest

from daemon import Daemon, deck, png_chunks

FMAPS = 8


def tensors(side, labels):
    """[(name, shape)] as a generator of that size has them."""
    yield "4x4/Dense/weight", (FMAPS + labels, 4, 4, FMAPS)
    yield "4x4/Dense/bias", (FMAPS,)
    layers = ["4x4/Conv"]
    for res in (2**k for k in range(3, side.bit_length())):
        layers += [f"{res}x{res}/Conv0_up", f"{res}x{res}/Conv1"]
    for layer in layers:
        yield layer + "/weight", (FMAPS, 3, 3, FMAPS)
        yield layer + "/bias", (FMAPS,)
    for lod in range(side.bit_length() - 3, -1, -1):
        yield f"ToRGB_lod{lod}/weight", (1, 1, 1, FMAPS)
        yield f"ToRGB_lod{lod}/bias", (1,)


def checkpoint(seed, side=64, classes=("no_fracture", "fracture"), **metadata):
    """The bytes of a checkpoint whose weights `seed` chooses."""
    draw = random.Random(seed)
    header = {"__metadata__": {
        "format": "roentgym-generator", "format_version": "1", "name": f"noise-{seed}", "resolution": str(side),
        "fmap_base": str(FMAPS * side), "fmap_max": str(FMAPS), "mbstd_group": "4",
        "classes": json.dumps(list(classes)), "kimg": "1", "training_data": "simulated", "provenance": "a test",
        **metadata}}
    data = b""
    for name, shape in tensors(side, len(classes)):
        count = 1
        for length in shape:
            count *= length
        weights = struct.pack(f"<{count}f", *(draw.gauss(0, 1) for _ in range(count)))
        header[name] = {"dtype": "F32", "shape": shape, "data_offsets": [len(data), len(data) + len(weights)]}
        data += weights
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data


def changed(content, **metadata):
    """A checkpoint's bytes with other metadata."""
    size = int.from_bytes(content[:8], "little")
    header = json.loads(content[8 : 8 + size])
    header["__metadata__"].update(metadata)
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + content[8 + size :]


def replace(path, content):
    """Puts the whole file in place at once; its SHA-256."""
    with open(path + ".new", "wb") as file:
        file.write(content)
    os.replace(path + ".new", path)
    return hashlib.sha256(content).hexdigest()


CHANGE_S = 120  # within which a changed file must have been noticed, on a busy machine too


class FolderTest(unittest.TestCase):
    """A models folder of the test's own, with `default` in it."""

    def setUp(self):
        self.models = tempfile.mkdtemp(prefix="roentgymd-models-")
        self.addCleanup(shutil.rmtree, self.models, ignore_errors=True)
        self.sha256 = self.put("default", 1)

    def path(self, name):
        return os.path.join(self.models, name + ".safetensors")

    def put(self, name, seed, **more):
        return replace(self.path(name), checkpoint(seed, **more))

    def start(self, decks=None, **settings):
        self.daemon = Daemon(decks or [deck(items=4)], models=self.models, **settings)
        self.addCleanup(self.daemon.close)

    def restart(self):
        self.daemon.stop()
        self.daemon = Daemon([deck(items=4)], folder=self.daemon.folder, models=self.models)
        self.addCleanup(self.daemon.close)

    def model(self, name="default"):
        models = self.daemon.get("/api/v1/models").json["models"]
        return next((model for model in models if model["id"] == name), None)

    def sample(self, name="default", seed=1, query="", **headers):
        return self.daemon.get(f"/api/v1/samples/{name}/fracture/{seed}.png{query}", **headers)

    def drawn_by(self, answer):
        """The SHA-256 that a sample names."""
        texts = [body for kind, body in png_chunks(answer.body) if kind == "tEXt"]
        return next(body.split(b"\0")[1].decode() for body in texts if body.startswith(b"Model SHA-256"))

    def wait_for(self, what, name="default"):
        """The model's entry, once `what` of it is true."""
        until = time.monotonic() + CHANGE_S
        while not what(model := self.model(name)):
            self.assertLess(time.monotonic(), until, model)
            time.sleep(0.05)
        return model

    def wait_for_version(self, sha256, name="default"):
        return self.wait_for(lambda model: model["state"] == "loaded" and model["sha256"] == sha256, name)
