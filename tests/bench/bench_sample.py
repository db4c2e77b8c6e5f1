#!/usr/bin/python3
"""Sampling on the CPU beside PyTorch, in one run. Prints a table; asserts nothing.

Both sides hold the same weights. Their batches alternate, so that whatever else the machine does slows all alike;
figures are medians, milliseconds an image. PyTorch runs in f32 and bf16, channels-last, with two forms of the
up-sampling convolution (sample_peer.py), eager and traced with optimize_for_inference; the best of them counts. The floor is the sum of our plan's convolutions, each timed by
itself and warm, on the same shapes, types and threads. On a shared machine the shortest says more than the median:
both are printed."""

import argparse
import os
import statistics
import sys
import tempfile
import time

os.environ["OMP_WAIT_POLICY"] = "passive"  # or the threads of one side spin while the other works
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE]

try:
    import torch

    from sample_peer import Generator, Ours
except ImportError as why:
    sys.exit(f"bench_sample: no PyTorch to compare with: {why}")

DEFAULT = os.path.join(HERE, "..", "..", "deploy", "models", "default.safetensors")
MODELS = ("1024/8192/512", "1024/2048/128", DEFAULT)
# f32-nearest-jit and f32-phases-jit are there too: two to four times slower than eager.
FORMS = "f32-nearest-eager,f32-phases-eager,bf16-nearest-eager,bf16-phases-eager,bf16-nearest-jit,bf16-phases-jit"
SLOW = 1.5  # times the best: a form that is left after its first run


class Form:
    """PyTorch's side in one precision and form of the up-sampling, eager or traced."""

    def __init__(self, name, parameters, res):
        self.name, self.times = name, {}
        precision, up, self.kind = name.split("-")
        self.dtype, self.traced = {"bf16": torch.bfloat16, "f32": torch.float32}[precision], {}
        self.eager = Generator(parameters, res, self.dtype, up=up)

    def model(self, inputs):
        if self.kind == "eager":
            return self.eager
        n = len(inputs)
        if n not in self.traced:
            frozen = torch.jit.freeze(torch.jit.trace(self.eager.eval(), inputs, check_trace=False))
            self.traced[n] = torch.jit.optimize_for_inference(frozen)
        return self.traced[n]

    def run(self, inputs):
        inputs = inputs.to(self.dtype)
        model = self.model(inputs)
        start, processor = time.perf_counter(), time.process_time()
        image = model(inputs)
        self.times.setdefault(len(inputs), []).append(
            (time.perf_counter() - start, time.process_time() - processor))
        return image

    def median(self, n):
        return statistics.median(t[0] for t in self.times[n])

    def best(self, n):
        return min(t[0] for t in self.times[n])


def ms(seconds, n):
    return f"{seconds / n * 1e3:.2f}"


def measure(ours, forms, inputs, n, options):
    """(ours, floor) of batches of n, wall and processor seconds; PyTorch's go to the forms."""
    batch = inputs.expand(n, -1).contiguous()
    mine, floors = [], []
    for form in forms:
        form.run(batch)  # to warm up, and to trace
        form.times.pop(n)
        form.run(batch)
    shortest = min(form.best(n) for form in forms)
    left = [form for form in forms if form.best(n) < SLOW * shortest]
    for _ in range(3):
        ours.seconds(n)
    for _ in range(options.rounds):
        mine += [ours.seconds(n) for _ in range(options.repeats)]
        floors.append(ours.floor(n))
        for form in left:
            form.run(batch)
    return mine, min(floors)


def run_model(model, options, folder):
    path = os.path.exists(model)
    print(f"\n{os.path.relpath(model) if path else 'side/fmap_base/fmap_max ' + model}, {options.threads} threads")
    began = time.monotonic()
    ours = Ours(options.build, [model] if path else model.split("/"), "cpu", folder, options.threads)
    started = time.monotonic() - began
    parameters = ours.parameters()
    res = max(int(name.split("x")[0]) for name in parameters if name.endswith("Conv/weight") or "Conv1/" in name)
    pixels, inputs = ours.first_sample(folder)
    forms = [Form(name, parameters, res.bit_length() - 1) for name in options.forms.split(",")]
    print(f"  weights ready and plan open after {started:.2f} s; it holds {int(ours.ask('bytes 0')) / 2**20:.0f} MiB")
    print("  the first sample by both, in grey levels: deviation {:.1f}; difference {}".format(
        pixels.float().std(), "; ".join("{} mean {:.2f} max {:.0f}".format(form.name, *difference(form, inputs, pixels))
                                        for form in forms)))
    row = "  {:>5} {:>8} {:>9} {:>9} {:>9} {:>18} {:>8} {:>9} {:>7}  {}"
    print(row.format("batch", "ours ms", "shortest", "CPU ms", "PyTorch", "form", "ratio", "floor ms", "/floor",
                     "all of PyTorch's forms, ms"))
    for n in options.batches:
        mine, floor = measure(ours, forms, inputs[None], n, options)
        wall, shortest = statistics.median(t[0] for t in mine), min(t[0] for t in mine)
        peer = min(forms, key=lambda form: form.median(n))
        print(row.format(n, ms(wall, n), ms(shortest, n), ms(statistics.median(t[1] for t in mine), n),
                         ms(peer.median(n), n), peer.name, f"{peer.median(n) / wall:.2f}x", ms(floor, n),
                         f"{shortest / floor:.2f}x", ", ".join(f"{form.name} {ms(form.median(n), n)}" for form in forms)), flush=True)
    ours.close()


def difference(form, inputs, pixels):
    theirs = form.eager(inputs[None].to(form.dtype)).flatten().float()
    apart = (theirs - pixels.float()).abs()
    return float(apart.mean()), float(apart.max())


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--build", default="build")
    parser.add_argument("--only", action="append", metavar="SIDE/BASE/MAX|FILE", help="a model; may be repeated")
    parser.add_argument("--batches", type=lambda t: [int(n) for n in t.split(",")], default=[1, 8])
    parser.add_argument("--rounds", type=int, default=5, help="of our batches, then PyTorch's (5)")
    parser.add_argument("--repeats", type=int, default=5, help="of our batches in a round (5)")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--forms", default=FORMS, help=f"of PyTorch ({FORMS})")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    print(f"PyTorch {torch.__version__}")
    with tempfile.TemporaryDirectory() as folder, torch.inference_mode():
        for model in options.only or MODELS:
            run_model(model, options, folder)


if __name__ == "__main__":
    main()
