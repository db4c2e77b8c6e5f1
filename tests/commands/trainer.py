"""Runs the program roentgym for tests, on tiny data sets and networks and with one OpenMP thread, so that all
of it takes seconds.

The environment may name ROENTGYM_BUILD (folder of the programs, default build).
"""

import atexit
import contextlib
import fcntl
import functools
import hashlib
import json
import os
import resource
import shutil
import struct
import subprocess
import tempfile
import time
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PROGRAM = os.path.join(ROOT, os.environ.get("ROENTGYM_BUILD", "build"), "roentgym")
BARE = os.path.join(os.path.dirname(PROGRAM), "tests", "roentgym_bare")  # without DICOM and JPEG
PATIENTS = 40
SMALL = ["--resolution", "16", "--fmap-base", "128", "--fmap-max", "8"]


def environment(threads=1):
    """On the CPU, without a word about a GPU, whatever was built and is there."""
    return {**os.environ, "OMP_NUM_THREADS": str(threads), "OMP_WAIT_POLICY": "passive",
            "ROENTGYM_CUDA_LIBRARY": "none"}


def roentgym(*arguments, threads=1, file_bytes=None, program=PROGRAM):
    """Runs the program to its end. With file_bytes, files cannot grow beyond that: a full disk."""

    def limit():
        resource.setrlimit(resource.RLIMIT_FSIZE, (file_bytes, resource.RLIM_INFINITY))

    return subprocess.run([program, *map(str, arguments)], env=environment(threads), text=True, timeout=300,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          preexec_fn=limit if file_bytes is not None else None, check=False)


def read(*path):
    with open(os.path.join(*path), "rb") as file:
        return file.read()


def write(path, content):
    with open(path, "wb" if isinstance(content, bytes) else "w") as file:
        file.write(content)


def tree(folder):
    """{path: bytes} of all files below a folder."""
    return {os.path.relpath(os.path.join(where, name), folder): read(where, name)
            for where, _, names in os.walk(folder) for name in names}


def safetensors_header(path):
    content = read(path)
    return json.loads(content[8:8 + struct.unpack("<Q", content[:8])[0]])


def states(run):
    """Paths of a run's states, oldest first."""
    return [os.path.join(run, name) for name in sorted(os.listdir(run))
            if name.startswith("state-") and name.endswith(".safetensors")]


def edit_state(path, edit):
    """Calls edit(metadata, {tensor: bytearray}) on a state and writes it back with a checksum that agrees."""
    content = read(path)
    size = struct.unpack("<Q", content[:8])[0]
    header = json.loads(content[8:8 + size])
    metadata = header.pop("__metadata__")
    names = sorted(header, key=lambda name: header[name]["data_offsets"])
    tensors = {name: bytearray(content[8 + size:][slice(*header[name]["data_offsets"])]) for name in names}
    edit(metadata, tensors)
    checksum = hashlib.sha256()
    for key, value in metadata.items():
        checksum.update(b"" if key == "sha256" else f"{key}\0{value}\0".encode())
    for name in names:
        checksum.update(name.encode() + b"\0" + tensors[name])
    metadata["sha256"] = checksum.hexdigest()
    text = json.dumps({"__metadata__": metadata, **header}).encode()
    text += b" " * (-(len(text) + 8) % 64)
    write(path, struct.pack("<Q", len(text)) + text + b"".join(tensors.values()))


def png_header(content):
    """(width, height, depth, colour type)"""
    assert content[:8] == b"\x89PNG\r\n\x1a\n"
    return struct.unpack(">IIBB", content[16:26])


base = tempfile.mkdtemp()
atexit.register(shutil.rmtree, base)


@functools.cache
def phantoms():
    """Folder of a data set that `roentgym phantom` made with two threads; several tests train on it."""
    folder = os.path.join(base, "hips")
    made = roentgym("phantom", "--patients", PATIENTS, "--size", 64, "--out", folder, threads=2)
    assert made.returncode == 0, made.stderr
    return folder


@functools.cache
def trained():
    """Folder of a short run on it."""
    folder = os.path.join(base, "run")
    made = roentgym("train", "--data", phantoms(), "--out", folder, *SMALL,
                    "--levels", "4:0/0.1,8:0/0,16:0/0.1")
    assert made.returncode == 0, made.stderr
    return folder


@functools.cache
def another():
    """The generator of a run like it from another seed."""
    folder = os.path.join(base, "another")
    made = roentgym("train", "--data", phantoms(), "--out", folder, *SMALL, "--seed", 2, "--metric-kimg", 0,
                    "--levels", "4:0/0.1,8:0/0,16:0/0.1")
    assert made.returncode == 0, made.stderr
    return os.path.join(folder, "generator.safetensors")


@contextlib.contextmanager
def locked(folder):
    """As if another process were at work in the folder."""
    held = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(held, fcntl.LOCK_EX)
        yield
    finally:
        os.close(held)


class TrainerTest(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(dir=base)
        self.addCleanup(shutil.rmtree, self.folder)

    def path(self, *names):
        return os.path.join(self.folder, *names)

    def succeed(self, *arguments, **how):
        done = roentgym(*arguments, **how)
        self.assertEqual((done.returncode, done.stderr), (0, ""), arguments)
        return done.stdout

    def refuse(self, *arguments, status=1, text="", output="", **how):
        done = roentgym(*arguments, **how)
        self.assertEqual(done.returncode, status, (arguments, done.stderr))
        self.assertEqual(len(done.stderr.splitlines()), 1, done.stderr)
        self.assertIn(text, done.stderr)
        if output is not None:
            self.assertEqual(done.stdout, output)
        return done.stderr

    def replace_model(self, ready, *arguments):
        """Starts the program with --model and a copy of trained()'s, puts another's in its place once ready() is
        true, and returns (exit status, output)."""
        model, other = self.path("generator.safetensors"), self.path("other.safetensors")
        shutil.copy(os.path.join(trained(), "generator.safetensors"), model)
        shutil.copy(another(), other)

        def replaced():
            if not ready():
                return False
            os.replace(other, model)
            return True

        return self.interrupt(0, replaced, *arguments, "--model", model)

    def interrupt(self, number, ready, *arguments):
        """Starts the program, sends signal `number` once ready() is true, returns (exit status, output), or
        None if the program was faster."""
        with subprocess.Popen([PROGRAM, *map(str, arguments)], env=environment(), text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as process:
            limit = time.monotonic() + 300
            while process.poll() is None and not ready():
                self.assertLess(time.monotonic(), limit, "never ready")
                time.sleep(0.002)
            if process.poll() is not None:
                return None
            process.send_signal(number)
            output = process.communicate(timeout=300)[0]
            return (process.returncode, output)
