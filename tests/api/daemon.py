"""Starts the real daemon for a test and speaks HTTP to it.

The environment may name ROENTGYM_BUILD (folder of the programs, default build) and ROENTGYM_MODELS (folder of
the checkpoint `default.safetensors`, default deploy/models). Every JSON answer is held to server/openapi.json.
"""

import contextlib
import csv
import http.client
import io
import json
import os
import re
import shutil
import signal
import sqlite3
import struct
import subprocess
import tempfile
import unittest
import uuid
import zlib

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.path.join(ROOT, os.environ.get("ROENTGYM_BUILD", "build"))
MODELS = os.path.join(ROOT, os.environ.get("ROENTGYM_MODELS", "deploy/models"))
PROGRAM = os.path.join(BUILD, "roentgymd")
CHECKPOINT = os.path.join(MODELS, "default.safetensors")
FAKETIME = "/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1"

with open(os.path.join(ROOT, "server/openapi.json"), encoding="utf-8") as _file:
    OPENAPI = json.load(_file)


def table(text, **dialect):
    """The rows of a CSV file."""
    return list(csv.DictReader(io.StringIO(text, newline=""), **dialect))


def deck(name="default", **changes):
    """A deck of the configuration; keyword arguments replace its keys."""
    return {
        "id": name,
        "title": "Hips",
        "question": "Is there a fracture?",
        "model": "default",
        "items": 10,
        "choices": [{"id": "no_fracture", "label": "No"}, {"id": "fracture", "label": "Yes"}],
        "prevalence": 0.5,
        "feedback": "truth",
        **changes,
    }


def source(model="default", **more):
    return {"kind": "gan", "model": model, "classes": {"no": ["no_fracture"], "yes": ["fracture"]}, **more}


def deck_of(name, *sources, **changes):
    """A deck of format 2, of the default model where no source is given; keyword arguments replace its keys, and None
    takes one away."""
    value = {"format": 2, "id": name, "title": "Hips", "question": "Is there a fracture?", "items": 4, "prevalence": 0.5,
             "choices": [{"id": "no", "label": "No"}, {"id": "yes", "label": "Yes"}], "sources": list(sources) or [source()],
             **changes}
    return {key: member for key, member in value.items() if member is not None}


class Answer:
    """One HTTP response, its body read whole."""

    def __init__(self, response):
        self.status = response.status
        self.headers = response.headers
        self.body = response.read()

    @property
    def json(self):
        return json.loads(self.body)

    @property
    def code(self):
        return self.json["error"]["code"]


def read_rows(path, sql, values=(), row_factory=None):
    """Of a database, whoever else has it open: tuples, or what sqlite3's row_factory makes of them."""
    connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    connection.row_factory = row_factory
    try:
        return connection.execute(sql, values).fetchall()
    finally:
        connection.close()


class Daemon:
    """One running roentgymd, with files of its own in self.folder. Ends with stop() or kill(). Further keyword
    arguments are keys of the configuration."""

    def __init__(self, decks=None, folder=None, models=MODELS, flags=(), config=None, **settings):
        self.folder = folder or tempfile.mkdtemp(prefix="roentgymd-")
        self.db = os.path.join(self.folder, "roentgym.db")
        self.config_path = os.path.join(self.folder, "config.json")
        if config is None:
            config = {"port": 0, "db": self.db, "models": models, "web": os.path.join(ROOT, "web"), "device": "cpu",
                      "admin_token_file": os.path.join(self.folder, "admin-token"),
                      "image_folder": os.path.join(self.folder, "images"),
                      "library": os.path.join(self.folder, "library"), "decks": decks or [deck()], **settings}
        with open(self.config_path, "w", encoding="utf-8") as file:
            json.dump(config, file)
        self.log_path = os.path.join(self.folder, "log")
        with open(self.log_path, "a", encoding="utf-8") as log:
            self.process = subprocess.Popen([PROGRAM, "--config", self.config_path, *flags], cwd=ROOT,
                                            stdout=subprocess.PIPE, stderr=log, text=True)
        line = self.process.stdout.readline()
        match = re.fullmatch(r"listening on http://127\.0\.0\.1:(\d+)\n", line)
        if not match:
            self.process.wait()
            raise AssertionError(f"the daemon did not start: {line!r} {self.log()}")
        self.port = int(match[1])

    def admin_link(self):
        """The link for the first administrator, which a fresh database's start prints."""
        line = self.process.stdout.readline()
        match = re.fullmatch(r"for an administrator, once, within 24 hours: (http://\S+#[0-9a-f]{64})\n", line)
        assert match, line
        return match[1]

    def log(self):
        with open(self.log_path, encoding="utf-8") as file:
            return file.read()

    def end(self, number):
        self.process.send_signal(number)
        status = self.process.wait(timeout=120)
        self.process.stdout.close()
        return status

    def stop(self):
        """The daemon's exit status after SIGTERM."""
        return self.end(signal.SIGTERM)

    def kill(self):
        self.end(signal.SIGKILL)

    def end_if_running(self):
        if self.process.poll() is None:
            self.stop()

    def close(self):
        """Stops it if need be and removes its files."""
        self.end_if_running()
        shutil.rmtree(self.folder, ignore_errors=True)

    # ---- HTTP ----

    def request(self, method, path, body=None, headers=None, check=True):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)
        try:
            connection.request(method, path, body, headers or {})
            answer = Answer(connection.getresponse())
        finally:
            connection.close()
        if check:
            check_answer(method, path, answer)
        return answer

    def get(self, path, secret=None, **headers):
        if secret:
            headers["Authorization"] = "Bearer " + secret
        return self.request("GET", path, headers={k.replace("_", "-"): v for k, v in headers.items()})

    def post(self, path, value, secret=None, **headers):
        headers = {"Content-Type": "application/json", **headers}
        if secret:
            headers["Authorization"] = "Bearer " + secret
        body = value if isinstance(value, (bytes, str)) else json.dumps(value)
        return self.request("POST", path, body, headers)

    def metric(self, name, labels=""):
        """The value of a metric; the sum over all its lines that hold `labels`, such as 'priority="atlas"'."""
        text = self.get("/metrics").body.decode()
        lines = re.findall(rf"^{re.escape(name)}(?:{{(.*)}})? (\S+)$", text, re.M)
        assert lines, name
        return sum(float(value) for found, value in lines if labels in found)

    # ---- what is kept ----

    def rows(self, sql, *values):
        return read_rows(self.db, sql, values, sqlite3.Row)

    def admin_token(self):
        with open(os.path.join(self.folder, "admin-token"), encoding="ascii") as file:
            return file.read().strip()

    def export(self):
        answer = self.get("/api/v1/export/responses.csv", self.admin_token())
        assert answer.status == 200, answer.body
        return table(answer.body.decode())


class Learner:
    """A session, as a page would walk through it."""

    def __init__(self, daemon, deck_id="default", **more):
        self.daemon = daemon
        answer = daemon.post("/api/v1/sessions", {"deck": deck_id, **more})
        assert answer.status == 201, answer.body
        session = answer.json["session"]
        self.id, self.secret, self.deck = session["id"], session["secret"], session["deck"]
        self.url = "/api/v1/sessions/" + self.id

    def item(self, n):
        return self.daemon.get(f"{self.url}/items/{n}", self.secret)

    def image(self, n):
        return self.daemon.get(self.item(n).json["item"]["image"])

    def answer(self, n, choice="fracture", confidence=2, key=None, response_ms=1234.5, **more):
        return self.daemon.post(self.url + "/answers",
                                {"key": key or str(uuid.uuid4()), "item": n, "choice": choice,
                                 "confidence": confidence, "response_ms": response_ms, **more}, self.secret)

    def summary(self):
        return self.daemon.get(self.url + "/summary", self.secret)


@contextlib.contextmanager
def fake_time(**how):
    """Daemons that are started within it read clocks that faketime(1) makes."""
    if not os.path.exists(FAKETIME):
        raise unittest.SkipTest("faketime is not installed")
    how = {"LD_PRELOAD": FAKETIME, "FAKETIME_DONT_RESET": "1", **how}
    os.environ.update(how)
    try:
        yield
    finally:
        for name in how:
            del os.environ[name]


class DaemonTest(unittest.TestCase):
    """One daemon for the class, with the decks of `decks`."""

    decks = None

    @classmethod
    def setUpClass(cls):
        need_checkpoint()
        cls.daemon = Daemon(cls.decks)
        cls.model = cls.daemon.get("/api/v1/models").json["models"][0]

    @classmethod
    def tearDownClass(cls):
        cls.daemon.close()


def need_checkpoint():
    if not os.path.exists(CHECKPOINT):
        raise unittest.SkipTest(f"no checkpoint at {CHECKPOINT}")


# ---- PNG ----


def png_chunks(data):
    """[(type, bytes)], the checksums verified."""
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    chunks, at = [], 8
    while at < len(data):
        (size,) = struct.unpack(">I", data[at : at + 4])
        kind, body = data[at + 4 : at + 8], data[at + 8 : at + 8 + size]
        assert struct.unpack(">I", data[at + 8 + size : at + 12 + size])[0] == zlib.crc32(kind + body)
        chunks.append((kind.decode(), body))
        at += 12 + size
    return chunks


def png_header(data):
    """(width, height, bit depth, colour type)"""
    return struct.unpack(">IIBB", dict(png_chunks(data))["IHDR"][:10])


def pixels(png):
    """The pixels, line by line, of an 8-bit grey PNG whose lines are not filtered, as those of learners."""
    chunks = png_chunks(png)
    width = int.from_bytes(dict(chunks)["IHDR"][:4], "big")
    lines = zlib.decompress(b"".join(body for kind, body in chunks if kind == "IDAT"))
    return [lines[at + 1:at + 1 + width] for at in range(0, len(lines), width + 1)]


# ---- openapi.json ----


def find_operation(method, path):
    path = path.split("?")[0]
    for pattern, operations in OPENAPI["paths"].items():
        regex = re.sub(r"\\{\w+\\}", "[^/]+", re.escape(pattern))
        if re.fullmatch(regex, path) and method.lower() in operations:
            return operations[method.lower()]
    return None


def resolve(schema):
    while "$ref" in schema:
        target = OPENAPI
        for part in schema["$ref"].split("/")[1:]:
            target = target[part]
        schema = target
    return schema


TYPES = {"string": str, "integer": int, "number": (int, float), "boolean": bool, "object": dict, "array": list,
         "null": type(None)}


def has_type(value, name):
    if isinstance(value, bool) and name != "boolean":
        return False
    return isinstance(value, TYPES[name])


def check_value(value, schema, where):
    """The part of JSON Schema that openapi.json uses."""
    schema = resolve(schema)
    names = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    assert any(has_type(value, name) for name in names), f"{where}: {value!r} is not {names}"
    if value is None:
        return
    if "enum" in schema:
        assert value in schema["enum"], f"{where}: {value!r}"
    if "pattern" in schema:
        assert re.search(schema["pattern"], value), f"{where}: {value!r}"
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        assert schema.get("minimum", value) <= value <= schema.get("maximum", value), f"{where}: {value!r}"
    if isinstance(value, dict) and "properties" in schema:
        assert set(schema["required"]) <= set(value), f"{where}: misses {set(schema['required']) - set(value)}"
        for key, member in value.items():
            if key not in schema["properties"] and schema.get("additionalProperties"):
                continue
            assert key in schema["properties"], f"{where}: {key} is not described"
            check_value(member, schema["properties"][key], f"{where}.{key}")
    if isinstance(value, list):
        assert schema.get("minItems", 0) <= len(value) <= schema.get("maxItems", len(value)), where
        for i, member in enumerate(value):
            check_value(member, schema["items"], f"{where}[{i}]")


def check_answer(method, path, answer):
    """Holds an answer to openapi.json, and an error to the shape of errors; a page that is not there is answered by a page."""
    if method not in ("GET", "POST"):
        return
    operation = find_operation(method, path)
    if operation is None:
        if answer.status == 404 and not path.startswith("/api/") and answer.headers["Content-Type"].startswith("text/html"):
            assert b"There is no such page" in answer.body, path
        elif answer.status >= 400:
            check_value(answer.json, OPENAPI["components"]["schemas"]["Error"], path)
        return
    assert str(answer.status) in operation["responses"], f"{method} {path}: {answer.status} is not described"
    content = resolve(operation["responses"][str(answer.status)]).get("content")
    if not content:
        assert answer.body == b""
        return
    kind = answer.headers["Content-Type"].split(";")[0]
    assert kind in content, f"{method} {path}: {kind} is not described"
    if kind == "application/json":
        check_value(answer.json, content[kind]["schema"], f"{method} {path}")
