#!/usr/bin/python3
"""The peer of bench_load.py: the service as a user might write it in an afternoon, with care, from Debian's
python3-fastapi, python3-uvicorn, python3-torch and python3-pil.

    load_peer.py --checkpoint FILE --db FILE --web DIR [--items N] [--port N] [--precision f32|bf16] [--threads N]

The same routes, the same weights, and an answer is on disk (WAL, synchronous=FULL) before it is acknowledged.
Handlers are plain functions, which FastAPI runs in its pool of threads; a lock guards the model, another the
writes; each thread has its own connection to the database; encoded images are kept in a small LRU cache."""

import argparse
import functools
import hashlib
import io
import json
import os
import random
import secrets
import socket
import sqlite3
import struct
import sys
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import torch
import torch.nn.functional as F
import uvicorn
from fastapi import FastAPI, Header, HTTPException, Response
from fastapi.staticfiles import StaticFiles
from PIL import Image
from pydantic import BaseModel, Field

from train_peer import LAST, pixel_norm

CACHED_IMAGES = 64
QUESTION = "Is there a fracture?"


# ---- the model ----


def read_checkpoint(path):
    """(metadata, {name: f32 tensor O,I,H,W}) of a generator."""
    with open(path, "rb") as file:
        data = file.read()
    (length,) = struct.unpack("<Q", data[:8])
    header = json.loads(data[8 : 8 + length])
    metadata, tensors = header.pop("__metadata__"), {}
    for name, entry in header.items():
        first, last = (8 + length + offset for offset in entry["data_offsets"])
        values = torch.frombuffer(bytearray(data[first:last]), dtype=torch.float32)
        values = values.reshape(entry["shape"])
        tensors[name] = values.permute(0, 3, 1, 2) if values.dim() == 4 else values
    return metadata, tensors


def fold(w):
    """Nearest x2 then a 3x3 convolution, as one at the low resolution with four outputs a channel, which
    pixel_shuffle takes apart. `w`: I,O,3,3, as the checkpoint has it, flipped."""
    w = w.transpose(0, 1).flip(2, 3)
    phases = []
    for dy in (0, 1):
        for dx in (0, 1):
            taps = torch.zeros_like(w)
            for y in range(3):
                for x in range(3):
                    taps[:, :, (y + dy + 1) // 2, (x + dx + 1) // 2] += w[:, :, y, x]
            phases.append(taps)
    return torch.stack(phases, dim=1).flatten(0, 1)


class Generator:
    """Scales and up-sampling folded into the weights once."""

    def __init__(self, path, precision):
        self.metadata, parameters = read_checkpoint(path)
        self.sha256 = hashlib.sha256(open(path, "rb").read()).hexdigest()
        self.resolution = int(self.metadata["resolution"])
        self.classes = json.loads(self.metadata["classes"])
        self.dtype = torch.bfloat16 if precision == "bf16" else torch.float32
        self.layers = {}
        self.latent = parameters["4x4/Dense/weight"].shape[0] - len(self.classes)
        for name in [key[: -len("/weight")] for key in parameters if key.endswith("/weight")]:
            w, bias = parameters[name + "/weight"], parameters[name + "/bias"].flatten()
            if name == "4x4/Dense":
                w = w.flatten(1).T * (2**0.5 / 4 / w.shape[0] ** 0.5)
                bias = bias.repeat_interleave(16)
            elif name.endswith("Conv0_up"):
                w, bias = fold(w * (2**0.5 / (9 * w.shape[0]) ** 0.5)), bias.repeat_interleave(4)
            else:
                w = w * ((1 if name.startswith("ToRGB") else 2**0.5) / w[0].numel() ** 0.5)
            w = w.to(self.dtype)
            self.layers[name] = w.contiguous(memory_format=LAST) if w.dim() == 4 else w, bias.to(self.dtype)

    @torch.inference_mode()
    def sample(self, class_index, seed):
        noise = torch.randn(1, self.latent, generator=torch.Generator().manual_seed(seed % 2**63))
        label = F.one_hot(torch.tensor([class_index]), len(self.classes))
        x = pixel_norm(torch.cat([noise, label], dim=1)).to(self.dtype)
        x = F.linear(x, *self.layers["4x4/Dense"]).reshape(1, -1, 4, 4).contiguous(memory_format=LAST)
        x = pixel_norm(F.leaky_relu_(x, 0.2))
        x = pixel_norm(F.leaky_relu_(F.conv2d(x, *self.layers["4x4/Conv"], padding=1), 0.2))
        side = 4
        while side < self.resolution:
            side *= 2
            x = F.pixel_shuffle(F.conv2d(x, *self.layers[f"{side}x{side}/Conv0_up"], padding=1), 2)
            x = pixel_norm(F.leaky_relu_(x, 0.2))
            x = F.conv2d(x, *self.layers[f"{side}x{side}/Conv1"], padding=1)
            x = pixel_norm(F.leaky_relu_(x, 0.2))
        x = F.conv2d(x, *self.layers["ToRGB_lod0"]).float()
        return (x * 127.5 + 128).clamp(0, 255).to(torch.uint8)[0, 0].numpy()


class Images:
    def __init__(self, generator):
        self.generator, self.lock = generator, threading.Lock()
        self.encoded = functools.lru_cache(CACHED_IMAGES)(self.make)

    def make(self, class_index, seed, size):
        with self.lock:
            pixels = self.generator.sample(class_index, seed)
        image = Image.fromarray(pixels)
        if size != self.generator.resolution:
            image = image.reduce(self.generator.resolution // size)
        file = io.BytesIO()
        image.save(file, "PNG", compress_level=1)
        return file.getvalue()


# ---- the database ----

SCHEMA = """
CREATE TABLE IF NOT EXISTS sessions (id TEXT PRIMARY KEY, secret_sha256 TEXT NOT NULL, created_at REAL NOT NULL);
CREATE TABLE IF NOT EXISTS items (
    session_id TEXT NOT NULL REFERENCES sessions (id), n INTEGER NOT NULL, image TEXT NOT NULL UNIQUE,
    class INTEGER NOT NULL, seed INTEGER NOT NULL, PRIMARY KEY (session_id, n));
CREATE TABLE IF NOT EXISTS answers (
    id INTEGER PRIMARY KEY, session_id TEXT NOT NULL, item INTEGER NOT NULL, key TEXT NOT NULL, choice TEXT NOT NULL,
    confidence INTEGER NOT NULL, correct INTEGER NOT NULL, response_ms REAL NOT NULL, context TEXT NOT NULL,
    received_at REAL NOT NULL,
    UNIQUE (session_id, item), UNIQUE (session_id, key),
    FOREIGN KEY (session_id, item) REFERENCES items (session_id, n));
"""


class Database:
    def __init__(self, path):
        self.path, self.local, self.write_lock = path, threading.local(), threading.Lock()
        self.connection.executescript(SCHEMA)

    @property
    def connection(self):
        if not hasattr(self.local, "connection"):
            connection = sqlite3.connect(self.path, timeout=30, isolation_level=None)
            connection.executescript("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON;")
            self.local.connection = connection
        return self.local.connection

    def read(self, sql, *values):
        return self.connection.execute(sql, values).fetchall()

    def write(self, work):
        """work(connection) in one transaction, on disk when this returns."""
        with self.write_lock:
            connection = self.connection
            connection.execute("BEGIN IMMEDIATE")
            try:
                result = work(connection)
                connection.execute("COMMIT")
                return result
            except BaseException:
                connection.execute("ROLLBACK")
                raise


# ---- HTTP ----


class Start(BaseModel):
    deck: str


class Answer(BaseModel):
    key: str = Field(min_length=36, max_length=36)
    item: int
    choice: str
    confidence: int = Field(ge=1, le=3)
    response_ms: float = Field(ge=0, le=86400000)

    class Config:
        extra = "allow"  # what the page tells about focus and viewport, kept as it comes


def digest(text):
    return hashlib.sha256(text.encode()).hexdigest()


def create_app(options):
    generator = Generator(options.checkpoint, options.precision)
    images, database, app = Images(generator), Database(options.db), FastAPI()
    classes, full = generator.classes, generator.resolution
    sizes = [full // 4, full // 2, full]
    deck = {"id": "default", "title": "Hips", "question": QUESTION, "model": "default", "items": options.items,
            "choices": [{"id": name, "label": name} for name in classes], "feedback": "truth"}
    generator.sample(0, 0)  # warm

    def png(class_index, seed, size, cache_control):
        if size not in sizes:
            raise HTTPException(422, "size not offered")
        return Response(images.encoded(class_index, seed, size), media_type="image/png",
                        headers={"Cache-Control": cache_control})

    def session(session_id, authorization):
        rows = database.read("SELECT secret_sha256 FROM sessions WHERE id = ?", session_id)
        if not rows:
            raise HTTPException(404, "no such session")
        secret = (authorization or "").removeprefix("Bearer ")
        if not secrets.compare_digest(digest(secret), rows[0][0]):
            raise HTTPException(401, "wrong secret")

    @app.get("/api/v1/decks")
    def decks():
        return {"decks": [deck]}

    @app.get("/api/v1/models")
    def models():
        return {"models": [{"id": "default", "name": generator.metadata["name"], "sha256": generator.sha256,
                            "resolution": full, "sizes": sizes, "classes": classes,
                            "training_data": generator.metadata["training_data"]}]}

    @app.get("/api/v1/samples/{model}/{class_name}/{seed}.png")
    def sample(model: str, class_name: str, seed: int, size: int = full):
        if model != "default" or class_name not in classes:
            raise HTTPException(404, "no such sample")
        return png(classes.index(class_name), seed, size, "public, max-age=31536000, immutable")

    @app.post("/api/v1/sessions", status_code=201)
    def start(body: Start):
        if body.deck != deck["id"]:
            raise HTTPException(422, "no such deck")
        session_id, secret = secrets.token_hex(16), secrets.token_hex(32)
        items = [(session_id, n, secrets.token_hex(24), random.randrange(2), secrets.randbits(63))
                 for n in range(1, options.items + 1)]

        def work(connection):
            connection.execute("INSERT INTO sessions VALUES (?,?,?)", (session_id, digest(secret), time.time()))
            connection.executemany("INSERT INTO items VALUES (?,?,?,?,?)", items)

        database.write(work)
        return {"session": {"id": session_id, "secret": secret, "deck": deck}}

    @app.get("/api/v1/sessions/{session_id}/items/{n}")
    def item(session_id: str, n: int, authorization: str = Header(None)):
        session(session_id, authorization)
        rows = database.read("SELECT image FROM items WHERE session_id = ? AND n = ?", session_id, n)
        answered = database.read("SELECT count(*) FROM answers WHERE session_id = ?", session_id)[0][0]
        if not rows:
            raise HTTPException(404, "no such item")
        if n > answered + 2:
            raise HTTPException(409, "answer the items before this one first")
        return {"item": {"n": n, "of": options.items, "question": QUESTION, "choices": deck["choices"],
                         "image": f"/api/v1/images/{rows[0][0]}.png", "answered": n <= answered}}

    @app.get("/api/v1/images/{name}.png")
    def image(name: str, size: int = full):
        rows = database.read("SELECT class, seed FROM items WHERE image = ?", name)
        if not rows:
            raise HTTPException(404, "no such image")
        return png(*rows[0], size, "private, max-age=86400, immutable")

    @app.post("/api/v1/sessions/{session_id}/answers", status_code=201)
    def answer(session_id: str, body: Answer, response: Response, authorization: str = Header(None)):
        session(session_id, authorization)
        rows = database.read("SELECT class FROM items WHERE session_id = ? AND n = ?", session_id, body.item)
        if not rows or body.choice not in classes:
            raise HTTPException(422, "no such item or choice")
        truth = classes[rows[0][0]]
        correct = body.choice == truth
        context = json.dumps({name: value for name, value in body.dict().items() if name not in Answer.__fields__})

        def work(connection):
            before = connection.execute("SELECT item FROM answers WHERE session_id = ? AND key = ?",
                                        (session_id, body.key)).fetchone()
            if before is None:
                connection.execute(
                    "INSERT INTO answers (session_id, item, key, choice, confidence, correct, response_ms, context,"
                    " received_at) VALUES (?,?,?,?,?,?,?,?,?)",
                    (session_id, body.item, body.key, body.choice, body.confidence, correct, body.response_ms,
                     context, time.time()))
            elif before[0] != body.item:
                raise HTTPException(409, "key reused")
            return before is None, connection.execute(
                "SELECT count(*), total(correct) FROM answers WHERE session_id = ?", (session_id,)).fetchone()

        try:
            added, (answered, right) = database.write(work)
        except sqlite3.IntegrityError as why:
            raise HTTPException(409, "already answered") from why
        response.status_code = 201 if added else 200
        return {"answer": {"item": body.item, "choice": body.choice}, "feedback": {"truth": truth, "correct": correct},
                "progress": {"answered": answered, "of": options.items, "correct": int(right)}}

    @app.get("/api/v1/sessions/{session_id}/summary")
    def summary(session_id: str, authorization: str = Header(None)):
        session(session_id, authorization)
        rows = database.read(
            "SELECT a.item, a.choice, i.class, a.correct, a.response_ms, i.image FROM answers a JOIN items i"
            " ON i.session_id = a.session_id AND i.n = a.item WHERE a.session_id = ? ORDER BY a.id", session_id)
        items = [{"n": n, "choice": choice, "truth": classes[truth], "correct": bool(right), "response_ms": ms,
                  "image": f"/api/v1/images/{name}.png"} for n, choice, truth, right, ms, name in rows]
        return {"summary": {"answered": len(rows), "of": options.items,
                            "correct": sum(item["correct"] for item in items), "items": items}}

    app.mount("/", StaticFiles(directory=options.web, html=True))
    return app


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--checkpoint", required=True)
    parser.add_argument("--db", required=True)
    parser.add_argument("--web", required=True)
    parser.add_argument("--items", type=int, default=20)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--precision", choices=("f32", "bf16"), default="bf16")
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    app = create_app(options)
    # With the protocol named, asyncio switches Nagle's algorithm off; else each reply waits 40 ms for an acknowledgement.
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listening.bind(("127.0.0.1", options.port))
    listening.listen(2048)
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning", access_log=False))
    print(f"listening on http://127.0.0.1:{listening.getsockname()[1]}", flush=True)
    server.run(sockets=[listening])


if __name__ == "__main__":
    main()
