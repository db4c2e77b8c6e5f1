#!/usr/bin/python3
"""`roentgym ingest` on uncompressed 16-bit DICOM files of 2,000x2,000, beside pydicom and Pillow doing the same with as many
processes, in one run: images a second, processor time, and the most memory that a process had, for a number of files and
for three times as many.

    tests/bench/bench_ingest.py [--build DIR] [--count N] [--workers N]
"""

import argparse
import csv
import multiprocessing
import os
import resource
import subprocess
import sys
import tempfile
import time

import numpy
import pydicom
from PIL import Image
from pydicom.pixel_data_handlers.util import apply_voi_lut

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "tests", "commands"))
from dicom_files import dataset, save  # noqa: E402

SIDE = 2000


def make(folder, count):
    """Files of a smooth scene with sensor noise; each its own."""
    random = numpy.random.default_rng(1)
    y, x = numpy.mgrid[0:SIDE, 0:SIDE] / SIDE
    scene = 20000 + 15000 * numpy.sin(9 * x) * numpy.cos(7 * y)
    noise = random.normal(0, 300, scene.shape)
    with open(os.path.join(folder, "labels.csv"), "w", newline="") as file:
        table = csv.writer(file)
        table.writerow(["file", "label", "patient_id"])
        for i in range(count):
            pixels = (scene + numpy.roll(noise, i, 0) + 3000 * numpy.sin((5 + i % 50) * (x + y))).clip(0, 65535).astype(numpy.uint16)
            save(dataset(pixels, 16, WindowCenter=20000, WindowWidth=40000), os.path.join(folder, f"{i}.dcm"))
            table.writerow([f"{i}.dcm", "ab"[i % 2], f"P{i}"])


def peer(job):
    """The same by what a user would write in Python."""
    source, target = job
    d = pydicom.dcmread(source)
    shown = apply_voi_lut(d.pixel_array, d).astype(float)
    grey = (255 * shown / 65535).round().astype(numpy.uint8)
    Image.fromarray(grey).resize((1024, 1024), Image.BOX).save(target, compress_level=1)


def measure(work):
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    work()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.monotonic() - start, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def tell(name, count, seconds, processor_s):
    print(f"{name:28} {count / seconds:6.1f} images/s  {1e3 * processor_s / count:6.1f} ms of processor an image", flush=True)


def ingest(program, source, out, workers):
    """The most memory of the command or of one of its workers, in MB."""
    done = subprocess.run(["/usr/bin/env", "python3", "-c", "import resource,subprocess,sys\n"
                           "subprocess.run(sys.argv[1:],check=True,stdout=subprocess.DEVNULL)\n"
                           "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss//1024)",
                           program, "ingest", source, "--out", out, "--workers", str(workers)],
                          check=True, stdout=subprocess.PIPE, text=True)
    return int(done.stdout)


def main():
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--build", default="build")
    options.add_argument("--count", type=int, default=100)
    options.add_argument("--workers", type=int, default=2)
    o = options.parse_args()
    program = os.path.join(o.build, "roentgym")
    with tempfile.TemporaryDirectory() as folder:
        source, more = os.path.join(folder, "in"), os.path.join(folder, "more")
        os.mkdir(source)
        os.mkdir(more)
        make(source, o.count)
        jobs = [(os.path.join(source, f"{i}.dcm"), os.path.join(folder, f"{i}.png")) for i in range(o.count)]

        def python():
            with multiprocessing.Pool(o.workers) as pool:
                pool.map(peer, jobs, 1)

        peaks = []
        for turn in range(2):  # in turns, as the machine's speed wanders
            tell("roentgym ingest", o.count,
                 *measure(lambda: peaks.append(ingest(program, source, os.path.join(folder, f"out{turn}"), o.workers))))
            tell("pydicom, NumPy, Pillow", o.count, *measure(python))
        make(more, 3 * o.count)
        tell("roentgym ingest, three times", 3 * o.count,
             *measure(lambda: peaks.append(ingest(program, more, os.path.join(folder, "out3"), o.workers))))
        print(f"most memory of a process: {peaks[0]} MB for {o.count} files, {peaks[-1]} MB for {3 * o.count}")


main()
