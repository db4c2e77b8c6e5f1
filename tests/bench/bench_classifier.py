#!/usr/bin/python3
"""Training steps of the classifiers beside torchvision's, in one run: the two alternate, so that whatever else the
machine does slows both; figures are medians. Prints a table; asserts nothing. A step is forward in training,
backward to every weight, and the batch norms' running moments. On a shared machine processor time says more than
wall time; both are printed."""

import argparse
import os
import statistics
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)

from bench_train import NotFinished, Worker  # noqa: E402

CASES = ("resnet18 224 8 f32", "resnet18 224 8 bf16", "inception_v3 299 4 f32", "inception_v3 299 4 bf16")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", default="build")
    parser.add_argument("--only", help="a case: " + ", ".join(f'"{case}"' for case in CASES))
    parser.add_argument("--steps", type=int, default=7)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--limit", type=float, default=120, help="seconds that a step is waited for")
    options = parser.parse_args()
    program = os.path.join(options.build, "tests", "bench", "bench_classifier")
    print(f"{'network, side, minibatch':32} {'':9} {'images/s':>9} {'CPU s/step':>10} {'peak MiB':>9}")
    for case in [options.only] if options.only else CASES:
        words = case.split()
        peer = ["/usr/bin/python3", os.path.join(HERE, "classifier_peer.py")]
        commands = {"ours": [program, *words], "PyTorch": [*peer, *words]}
        workers = {who: Worker(command, options.threads) for who, command in commands.items()}
        took = {who: [] for who in workers}
        try:
            for turn in range(options.steps + 1):
                for who, worker in workers.items():
                    seconds = worker.ask("step", options.limit)
                    if turn:  # the first finds its memory
                        took[who].append(seconds)
            wall = {who: statistics.median(t[0] for t in each) for who, each in took.items()}
            cpu = {who: statistics.median(t[1] for t in each) for who, each in took.items()}
            for who, worker in workers.items():
                peak = worker.ask("peak", 10)[0] / 2**20
                print(f"{case:32} {who:9} {int(words[2]) / wall[who]:9.2f} {cpu[who]:10.3f} {peak:9.0f}", flush=True)
            ratios = [each["PyTorch"] / each["ours"] for each in (wall, cpu)]
            print(f"{'':32} {'ratio':9} {ratios[0]:9.2f} {ratios[1]:10.2f}", flush=True)
        except NotFinished as why:
            print(f"{case:32} {why}", flush=True)
        finally:
            for worker in workers.values():
                worker.close()


if __name__ == "__main__":
    main()
