#!/usr/bin/python3
"""The daemon under a class of learners, beside a peer, on loopback. Prints a table; asserts nothing.

    bench_load.py [--only class|burst|answers|start] [--no-peer] [--repeats N]

class     200 learners, 20 items each, pauses divided by 10, an educator in the atlas; twice, to see memory stay
burst     500 sessions starting at once, each to its first three items
answers   answers only: 64 connections, each waiting for its reply before it sends the next
start     from starting the process to the last byte of the first sample

tests/bench/load_learners.c plays the learners; its first lines say what the pauses are and why. The peer is
tests/bench/load_peer.py: FastAPI, uvicorn and PyTorch with the same weights and the same routes. It needs
Debian's python3-fastapi, python3-uvicorn, python3-torch and python3-pil; without them ours is measured alone.

With --repeats each scenario is run that often on fresh processes, ours and the peer's in turn; the table has the
medians, and the worst of ours. Learners and server share the machine's processors; what else takes them is told
with each run, for it makes times longer.

Seen on two cores (Zen 5) of which others took 46 to 64 %, each run cut off at 110 s, ours and the peer's: first
sample 0.19 and 2.7 s; durable answers a second 5,595 and 1,038. Class: answer p99 34 ms and 2.5 s, wait p99 0.7
and 57 s, images a second 59 and 6, errors 0 and 2,186, finished 200 and 0 of 200; our memory 428 and 425 MiB after
runs 1 and 2. Burst: 500 finished in 38 s with 167 refusals and no error, 109 in 110 s. Image p99 was 4.4 s there.
With the service preferred to those others (they still took 47 %) it was 20 to 40 ms from the moment the class was
in, and 0.6 to 0.7 s while it came in, 200 within 6 s; the learners' wait p99 was 0."""

import argparse
import importlib.util
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
MODELS = os.path.join(ROOT, "deploy/models")
ITEMS = 20
SAMPLE = "/api/v1/samples/default/fracture/1.png?size=1024"
CLASS = ("--learners", 200, "--items", ITEMS, "--ramp", 60, "--atlas", 4)
BURST = ("--learners", 500, "--items", 3, "--ramp", 0)
ANSWERS = ("--answers", 1500, "--pens", 64)
PEER_PACKAGES = {"fastapi": "python3-fastapi", "uvicorn": "python3-uvicorn", "torch": "python3-torch",
                 "PIL": "python3-pil"}


class Server:
    """One of the two, started on a folder of its own."""

    def __init__(self, command, folder):
        self.folder, self.started = folder, time.monotonic()
        with open(os.path.join(folder, "log"), "w", encoding="utf-8") as log:
            self.process = subprocess.Popen(list(map(str, command)), cwd=ROOT, stdout=subprocess.PIPE, stderr=log,
                                            text=True)
        line = self.process.stdout.readline()
        if not line.startswith("listening on "):
            self.process.wait()
            with open(os.path.join(folder, "log"), encoding="utf-8") as log:
                sys.exit(f"{command[0]} did not start: {line} {log.read()[-2000:]}")
        self.port = int(line.rsplit(":", 1)[1])
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{SAMPLE}", timeout=120) as answer:
            answer.read()
        self.first_sample_s = time.monotonic() - self.started

    def memory_mib(self):
        with open(f"/proc/{self.process.pid}/status", encoding="ascii") as status:
            return next(int(line.split()[1]) / 1024 for line in status if line.startswith("VmRSS:"))

    def cpu_s(self):
        with open(f"/proc/{self.process.pid}/stat", encoding="ascii") as stat:
            return sum(map(int, stat.read().rsplit(")", 1)[1].split()[11:13])) / os.sysconf("SC_CLK_TCK")

    def others_s(self):
        """Processor seconds that the machine has spent on anything else than this server, learners included."""
        with open("/proc/stat", encoding="ascii") as stat:
            ticks = list(map(int, stat.readline().split()[1:]))
        return (sum(ticks[:3]) + sum(ticks[5:8])) / os.sysconf("SC_CLK_TCK") - self.cpu_s()

    def play(self, build, *arguments):
        """What load_learners reports, with the server's processor time and its memory in the middle."""
        before, others, memory = self.cpu_s(), self.others_s(), []
        ended = threading.Event()

        def watch():
            while not ended.wait(0.5):
                memory.append(self.memory_mib())

        thread = threading.Thread(target=watch)
        thread.start()
        try:
            done = subprocess.run([f"{build}/tests/bench/load_learners", "--port", str(self.port),
                                   *map(str, arguments)], stdout=subprocess.PIPE, text=True, check=True)
        finally:
            ended.set()
            thread.join()
        report = json.loads(done.stdout)
        report["server_cpu_s"] = self.cpu_s() - before
        report["others"] = ((self.others_s() - others - report["cpu_seconds"]) / report["seconds"] / os.cpu_count())
        report["memory"] = {"middle": statistics.median(memory or [0]), "most": max(memory or [0]),
                            "end": self.memory_mib()}
        return report

    def close(self):
        self.process.terminate()
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()
        shutil.rmtree(self.folder, ignore_errors=True)


def start_ours(options):
    folder = tempfile.mkdtemp(prefix="bench-load-")
    deck = {"id": "default", "title": "Hips", "question": "Is there a fracture?", "model": "default", "items": ITEMS,
            "choices": [{"id": "no_fracture", "label": "No"}, {"id": "fracture", "label": "Yes"}],
            "prevalence": 0.5, "feedback": "truth"}
    config = {"port": 0, "db": os.path.join(folder, "roentgym.db"), "models": MODELS, "device": "cpu",
              "web": os.path.join(ROOT, "web"), "admin_token_file": os.path.join(folder, "token"),
              "image_folder": os.path.join(folder, "images"), "decks": [deck]}
    path = os.path.join(folder, "config.json")
    with open(path, "w", encoding="utf-8") as file:
        json.dump(config, file)
    return Server([f"{options.build}/roentgymd", "--config", path], folder)


def start_peer(options):
    folder = tempfile.mkdtemp(prefix="bench-load-")
    return Server([sys.executable, os.path.join(HERE, "load_peer.py"), "--checkpoint",
                   os.path.join(MODELS, "default.safetensors"), "--db", os.path.join(folder, "peer.db"),
                   "--web", os.path.join(ROOT, "web"), "--items", ITEMS, "--precision", options.peer_precision],
                  folder)


# ---- scenarios: {figure: value} of one server ----


def times(report, kind, figures, name=None):
    for which in ("p50", "p95", "p99"):
        figures[f"{name or kind}, {which} ms"] = report["ms"].get(kind, {}).get(which)


def count(report, *kinds):
    return sum(report["ms"].get(kind, {}).get("count", 0) for kind in kinds)


def images(report):
    return count(report, "first image", "image", "sample", "atlas", "atlas 1024")


def common(report, figures):
    figures["images/s"] = images(report) / report["seconds"]
    figures["answers acknowledged"] = report["acknowledged"]
    figures["learners who did not finish"] = report["unfinished"]
    figures["503 with Retry-After"] = count(report, "refusal")
    figures["errors"] = sum(report["errors"].values())
    figures["server's processor time, ms an image"] = report["server_cpu_s"] * 1e3 / max(1, images(report))
    figures["MB/s"] = report["bytes"] / 1e6 / report["seconds"]
    figures["machine's time taken by others, %"] = report["others"] * 100


def run_class(server, options):
    figures, memory = {}, {"start": server.memory_mib()}
    for n in (1, 2):
        report = server.play(options.build, *CLASS, "--seed", n, "--limit", options.limit)
        memory[n] = report["memory"]
        if n == 1:
            for kind in ("page", "session", "item", "first image", "image", "wait", "answer", "summary", "sample",
                         "atlas", "atlas 1024"):
                times(report, kind, figures)
            common(report, figures)
            figures["seconds in all"] = report["seconds"]
            note_errors(report)
        if server.slow:
            break
    figures["memory at start, MiB"] = memory["start"]
    for n, seen in memory.items():
        if n != "start":
            figures[f"memory in the middle of run {n}, MiB"] = seen["middle"]
            figures[f"memory at the end of run {n}, MiB"] = seen["end"]
    return figures


def run_burst(server, options):
    figures = {}
    report = server.play(options.build, *BURST, "--limit", options.limit)
    for kind in ("page", "session", "first image", "image", "wait", "answer"):
        times(report, kind, figures)
    common(report, figures)
    figures["seconds in all"] = report["seconds"]
    figures["connections"] = report["connections"]
    note_errors(report)
    return figures


def run_answers(server, options):
    figures = {}
    report = server.play(options.build, *ANSWERS, "--limit", min(options.limit, 30))
    figures["durable answers/s"] = report["acknowledged"] / report["seconds"]
    times(report, "answer", figures)
    figures["errors"] = sum(report["errors"].values())
    figures["machine's time taken by others, %"] = report["others"] * 100
    note_errors(report)
    return figures


def run_start(server, options):
    return {"first sample, s": server.first_sample_s, "memory then, MiB": server.memory_mib()}


def note_errors(report):
    if report["errors"]:
        print("  " + ", ".join(f"{what} {n}" for what, n in sorted(report["errors"].items())), flush=True)


SCENARIOS = {"start": run_start, "answers": run_answers, "class": run_class, "burst": run_burst}
TARGETS = {("class", "image, p99 ms"): "<= 100", ("class", "answer, p99 ms"): "<= 50", ("class", "errors"): "0",
           ("burst", "errors"): "0", ("answers", "durable answers/s"): ">= 1000", ("answers", "errors"): "0",
           ("start", "first sample, s"): "<= 1", ("class", "memory at the end of run 2, MiB"): "as of run 1"}


# ---- the table ----


def number(value):
    return "-" if value is None else f"{value:.0f}" if abs(value) >= 100 or value == int(value) else f"{value:.3g}"


def ratio(ours, theirs):
    return f"{ours / theirs:.3g}" if ours and theirs else "-"


def median(runs, figure):
    values = [run[figure] for run in runs if run.get(figure) is not None]
    return statistics.median(values) if values else None


def worst(runs, figure):
    values = [run[figure] for run in runs if run.get(figure) is not None]
    if not values:
        return None
    return (min if figure.endswith("/s") else max)(values)


def show(name, ours, theirs):
    row = "  {:42} {:>12} {:>10} {:>10} {:>10} {:>11}"
    print(f"\n{name}: {SCENARIO_TEXTS[name]}")
    print(row.format("", "target", "ours", "worst", "peer", "ours/peer"))
    for figure in ours[0]:
        mine, peers = median(ours, figure), median(theirs, figure)
        print(row.format(figure, TARGETS.get((name, figure), ""), number(mine), number(worst(ours, figure)),
                         number(peers), ratio(mine, peers)))
    sys.stdout.flush()


SCENARIO_TEXTS = {line.split()[0]: " ".join(line.split()[1:]) for line in __doc__.split("\n\n")[2].splitlines()
                  if line and not line.startswith(" ")}


def missing_packages():
    return [package for module, package in PEER_PACKAGES.items() if importlib.util.find_spec(module) is None]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--build", default="build", help="where the programs are")
    parser.add_argument("--only", action="append", choices=sorted(SCENARIOS), help="a scenario; may be repeated")
    parser.add_argument("--repeats", type=int, default=1)
    parser.add_argument("--no-peer", action="store_true")
    parser.add_argument("--peer-precision", default="bf16", choices=("bf16", "f32"))
    parser.add_argument("--limit", type=float, default=300, help="seconds after which a run is cut off (300)")
    options = parser.parse_args()
    options.build = os.path.abspath(options.build)
    os.environ["OMP_WAIT_POLICY"] = "passive"
    missing = [] if options.no_peer else missing_packages()
    if missing:
        print(f"No peer: {sys.executable} lacks {' '.join(missing)}", flush=True)
    starts = {"ours": start_ours} if missing or options.no_peer else {"ours": start_ours, "peer": start_peer}
    for name in options.only or SCENARIOS:
        runs = {"ours": [], "peer": []}
        for _ in range(options.repeats):
            for side, start in starts.items():
                server = start(options)
                server.slow = side == "peer"
                try:
                    runs[side].append(SCENARIOS[name](server, options))
                finally:
                    server.close()
        show(name, runs["ours"], runs["peer"])


if __name__ == "__main__":
    main()
