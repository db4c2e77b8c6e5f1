#!/usr/bin/python3
"""Durable answers a second, ours beside what a user would write in Python. Prints a table; asserts nothing.

    bench_answers.py [--build build] [--folder FOLDER] [--seconds 5] [--rounds 2] [--threads 1 8 50 200]

Ours is tests/bench/bench_answers.c through the daemon's own store. The peer is Python's sqlite3 on the same tables,
WAL, synchronous=FULL, one connection a thread and one commit per answer, as its manual teaches. They run in turn on fresh
files in FOLDER (default: the current one), whose disk is what is measured. HTTP is not in it: `make bench-load
ONLY=answers` has that."""

import argparse
import os
import sqlite3
import statistics
import subprocess
import tempfile
import threading
import time
import uuid

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
ITEMS = 200


def peer(path, threads, seconds):
    schema = ""
    for name in "schema.sql", "server/database/frozen_studies.sql":
        with open(os.path.join(ROOT, name), encoding="utf-8") as file:
            schema += file.read()
    sessions = max(8, 200 // threads)
    first = sqlite3.connect(path)
    first.execute("PRAGMA journal_mode = WAL")
    first.executescript(schema)
    with first:
        first.execute("INSERT INTO models VALUES (1, ?, 'bench', 1024, 'simulated', '', 'now')", ("0" * 64,))
        first.execute("INSERT INTO decks VALUES (1, 'bench', 1, NULL, 'now', NULL)")
        first.execute("INSERT INTO deck_versions VALUES (1, 1, 1, '{}', NULL, 'now', NULL)")
        for thread in range(threads):
            for session in range(sessions):
                name = f"{thread:016x}{session:016x}"
                first.execute("INSERT INTO sessions (id, secret_sha256, deck_version_id, server_version, created_at)"
                              " VALUES (?, ?, 1, '', 'now')", (name, "0" * 64))
                first.execute("INSERT INTO session_models VALUES (?, 0, 1)", (name,))
                first.executemany("INSERT INTO items (session_id, n, image, class, seed, strength, truncation, truth)"
                                  " VALUES (?, ?, ?, 'yes', '1', 1, 1, 'yes')",
                                  [(name, n, name + f"{n:016x}") for n in range(1, ITEMS + 1)])
    taken, until = [[] for _ in range(threads)], time.monotonic() + seconds

    def play(thread):
        connection = sqlite3.connect(path, timeout=600, isolation_level=None)
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA foreign_keys = ON")
        while (begun := time.monotonic()) < until and (k := len(taken[thread])) < sessions * ITEMS:
            connection.execute("BEGIN IMMEDIATE")
            connection.execute("INSERT INTO answers (session_id, item, key, choice, confidence, rating, correct,"
                               " response_ms, received_at) VALUES (?, ?, ?, 'yes', 2, 5, 1, 900.0, 'now')",
                               (f"{thread:016x}{k // ITEMS:016x}", k % ITEMS + 1, str(uuid.uuid4())))
            connection.execute("COMMIT")
            taken[thread].append(time.monotonic() - begun)
        connection.close()

    players = [threading.Thread(target=play, args=(thread,)) for thread in range(threads)]
    begun, used = time.monotonic(), time.process_time()
    for player in players:
        player.start()
    for player in players:
        player.join()
    lasted, used = time.monotonic() - begun, time.process_time() - used
    first.close()
    every = sorted(1e3 * t for thread in taken for t in thread)
    return len(every) / lasted, every[len(every) // 2], every[len(every) * 99 // 100], every[-1], 1e6 * used / len(every)


def ours(build, path, threads, seconds):
    out = subprocess.run([os.path.join(build, "tests/bench/bench_answers"), path, str(threads), str(seconds)],
                         check=True, capture_output=True, text=True).stdout.split()
    return tuple(map(float, out[1:6]))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", default=os.path.join(ROOT, "build"))
    parser.add_argument("--folder", default=".")
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 8, 50, 200])
    args = parser.parse_args()
    print("threads           answers/s    p50 ms    p99 ms    max ms    us CPU")
    for threads in args.threads:
        runs = {"ours": [], "peer": []}
        for _ in range(args.rounds):
            with tempfile.TemporaryDirectory(dir=args.folder) as folder:
                runs["ours"].append(ours(args.build, os.path.join(folder, "ours.db"), threads, args.seconds))
                runs["peer"].append(peer(os.path.join(folder, "peer.db"), threads, args.seconds))
        for name, results in runs.items():
            rate, p50, p99, worst, cpu = map(statistics.median, zip(*results))
            print(f"{threads:7} {name:8} {rate:12.0f} {p50:9.2f} {p99:9.2f} {worst:9.2f} {cpu:9.0f}", flush=True)


if __name__ == "__main__":
    main()
