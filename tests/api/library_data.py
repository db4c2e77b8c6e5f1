"""Data-set folders for tests of the library, and the command that takes them in."""

import json
import os
import struct
import subprocess
import zlib

from daemon import PROGRAM


def png(width, height, rows, depth=8):
    """A grey PNG; rows are bytes, big-endian where depth is 16."""
    def chunk(kind, body):
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, 0, 0, 0, 0)) +
            chunk(b"IDAT", zlib.compress(b"".join(b"\0" + row for row in rows))) + chunk(b"IEND", b""))


def grey(number, side):
    """Pixels that are those of no other number: steps of its bits, so that they survive no shift."""
    tile = min(side, 256)  # which is how often it repeats itself, both ways
    lines = [bytes((number * 37 + (x ^ y) + number * x) & 255 for x in range(tile)) for y in range(tile)]
    return b"".join((lines[y % 256] * (side // tile + 1))[:side] for y in range(side))


def rows(pixels, width):
    return [pixels[at:at + width] for at in range(0, len(pixels), width)]


def make(folder, count=8, side=64, simulated=True, header="file,label,patient_id,split,side,note",
         line="images/{n}.png,{label},p{n},{split},left,=1+{n}", **description):
    """Images 0, 1, ...: odd ones show a fracture, the last half are the test split."""
    os.makedirs(os.path.join(folder, "images"), exist_ok=True)
    lines = [header]
    for n in range(count):
        with open(os.path.join(folder, "images", f"{n}.png"), "wb") as file:
            file.write(png(side, side, rows(grey(n, side), side)))
        lines.append(line.format(n=n, label="fracture" if n % 2 else "no_fracture",
                                 split="test" if n >= count // 2 else "train"))
    with open(os.path.join(folder, "labels.csv"), "w", encoding="utf-8") as file:
        file.write("\n".join(lines) + "\n")
    with open(os.path.join(folder, "dataset.json"), "w", encoding="utf-8") as file:
        json.dump({"name": "test set", "simulated": simulated, **description}, file)
    return folder


def library(config, *arguments, **more):
    return subprocess.run([PROGRAM, "library", *arguments, "--config", config], capture_output=True, text=True,
                          timeout=120, **more)
