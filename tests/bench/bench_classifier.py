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

from bench_train import Side  # noqa: E402

CASES = ("resnet18 224 8 f32", "resnet18 224 8 bf16", "inception_v3 299 4 f32", "inception_v3 299 4 bf16")


def measure(case, options, sides):
    """Of each of `sides`, "ours" and PyTorch with arguments of its own, what became of it; their steps alternate."""
    words = [*case.split(), options.device]
    program = os.path.join(options.build, "tests", "bench", "bench_classifier")
    peer = [sys.executable, os.path.join(HERE, "classifier_peer.py")]
    sides = {who: Side([*([program] if who == "ours" else peer), *words, *more], options.threads)
             for who, more in sides.items()}
    for one in sides.values():
        one.warm_up(options.limit)
    for _ in range(options.steps):
        for one in sides.values():
            one.step(options.limit, options.steps)
    for one in sides.values():
        one.finish()
    return sides


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", default="build")
    parser.add_argument("--only", help="a case: " + ", ".join(f'"{case}"' for case in CASES))
    parser.add_argument("--steps", type=int, default=7)
    parser.add_argument("--device", default="cpu", help="cpu or cuda, for both sides")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--limit", type=float, default=120, help="seconds that a step is waited for")
    options = parser.parse_args()
    print(f"{'network, side, minibatch':32} {'':9} {'images/s':>9} {'CPU s/step':>10} {'peak MiB':>9}")
    for case in [options.only] if options.only else CASES:
        sides = measure(case, options, {"ours": [], "PyTorch": []})
        for who, one in sides.items():
            if one.failure:
                print(f"{case:32} {who:9} {one.failure}", flush=True)
            else:
                print(f"{case:32} {who:9} {int(case.split()[2]) / one.seconds():9.2f} {statistics.median(one.cpu):10.3f} "
                      f"{one.peak:9.0f}", flush=True)
        ours, peer = sides.values()
        if not ours.failure and not peer.failure:
            cpu = statistics.median(peer.cpu) / statistics.median(ours.cpu)
            print(f"{'':32} {'ratio':9} {peer.seconds() / ours.seconds():9.2f} {cpu:10.2f}", flush=True)


if __name__ == "__main__":
    main()
