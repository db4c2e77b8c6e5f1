#!/usr/bin/python3
"""Training beside PyTorch, in one run: images a second and peak memory. Prints a table; asserts nothing.

Both sides do the same step: WGAN-GP with its double backward, drift, label loss, both networks' Adam, the
averaged generator. A cell is a side and a width (fmap_base/fmap_max). First a step's losses and gradients
are computed by both from the same parameters and inputs, in f32, and compared. Then steps of the two alternate,
so that whatever else the machine does slows both; figures are medians. At each precision two processes are
alive, and no step is waited for longer than --limit. On a shared machine processor time says more than wall
time; both are printed."""

import argparse
import os
import select
import statistics
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "oracle")]

WIDTHS = ("2048/128", "8192/512")
# The official minibatches where they finish in minutes on two cores.
MINIBATCH = {"64/2048/128": 16, "64/8192/512": 8, "256/2048/128": 8, "256/8192/512": 4, "1024/2048/128": 4,
             "1024/8192/512": 2}
# Multiplications and additions of the convolutions in a step, GFLOP an image: 4 passes of the generator's
# kind and 14 of the discriminator's.
WORK = {"64/2048/128": 21, "64/8192/512": 331, "256/2048/128": 41, "256/8192/512": 659, "1024/2048/128": 62,
        "1024/8192/512": 988}


LONG = 30  # seconds


class NotFinished(Exception):
    pass


class Worker:
    """One side's process, which does a step when told to."""

    def __init__(self, command, threads):
        self.process = subprocess.Popen(
            list(map(str, command)), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            env=dict(os.environ, OMP_NUM_THREADS=str(threads), OMP_WAIT_POLICY="passive"), bufsize=0)

    def ask(self, word, limit):
        try:
            self.process.stdin.write(word.encode() + b"\n")
        except BrokenPipeError:
            pass  # it has ended; why, it said
        if not select.select([self.process.stdout], [], [], limit)[0]:
            raise NotFinished(f"not finished in {limit:g} s")
        answer = self.process.stdout.readline().split()
        if not answer:
            last = self.process.stderr.read().decode().strip().splitlines()[-1:]
            raise NotFinished(f"ended: {last[0][:60] if last else self.process.wait()}")
        return [float(word) for word in answer]

    def close(self):
        self.process.kill()
        self.process.communicate()


class Side:
    """What became of one side at one precision."""

    def __init__(self, command, threads):
        self.worker = Worker(command, threads)
        self.wall, self.cpu, self.peak, self.failure = [], [], None, None

    def ask(self, word, limit):
        if self.failure:
            return None
        try:
            return self.worker.ask(word, limit)
        except NotFinished as why:
            self.failure = str(why)
            self.worker.close()
            return None

    def warm_up(self, limit):
        """Two steps, after which memory has found its place. A long one counts: it shows no start."""
        for _ in range(2):
            took = self.ask("step", limit)
            if took and took[0] >= LONG:
                self.keep(took)
                break

    def keep(self, took):
        self.wall.append(took[0])
        self.cpu.append(took[1])

    def step(self, limit, count):
        took = self.ask("step", limit) if len(self.wall) < count else None
        if took:
            self.keep(took)

    def finish(self):
        peak = self.ask("peak", 10)
        self.peak = peak[0] / 2**20 if peak else None
        if not self.failure:
            self.worker.close()

    def seconds(self):
        return statistics.median(self.wall) if self.wall else None


def write_data(folder, count=16, side=1024):
    """Noise in the form of a data set: what the images show costs nothing."""
    import struct
    import zlib

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    os.makedirs(os.path.join(folder, "images"))
    rows = ["file,label,patient_id,split"]
    for i in range(count):
        pixels = os.urandom(side * side)
        raw = b"".join(b"\0" + pixels[y * side : (y + 1) * side] for y in range(side))
        png = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0))
        png += chunk(b"IDAT", zlib.compress(raw, 0)) + chunk(b"IEND", b"")
        with open(os.path.join(folder, "images", f"{i}.png"), "wb") as file:
            file.write(png)
        rows.append(f"images/{i}.png,{'ab'[i % 2]},p{i},train")
    with open(os.path.join(folder, "labels.csv"), "w", encoding="utf-8") as file:
        file.write("\n".join(rows) + "\n")
    with open(os.path.join(folder, "dataset.json"), "w", encoding="utf-8") as file:
        file.write('{"name": "noise", "simulated": true}\n')


def difference(build, side, base, most, n):
    """The largest relative difference of losses and of each network's gradient between the two."""
    import torch

    import train_peer
    from test_pytorch import dump

    res = side.bit_length() - 1
    settings = dict(fmap_base=base, fmap_max=most, group=4, n=n, lod=0, seed=3, fake_labels="real_batch")
    ours = dump(build, backend="cpu", resolution_log2=res, **settings)
    ours = {name: tensor.float() for name, tensor in ours.items()}

    def group(prefix):
        return {name[len(prefix) :]: t for name, t in ours.items() if name.startswith(prefix)}

    g_names, d_names = train_peer.layout(res, base, most)
    generator = train_peer.Generator({n: t for n, t in group("g/").items() if n in g_names}, res)
    discriminator = train_peer.Discriminator({n: t for n, t in group("d/").items() if n in d_names}, res)
    inputs = group("in/")
    labels, latents = inputs["real_labels"].flatten(1), inputs["latents"].flatten(1)
    fakes = generator(latents, labels)
    losses = {
        "d": train_peer.critic_loss(discriminator, inputs["reals"], fakes.detach(), inputs["mix"], labels),
        "g": train_peer.generator_loss(discriminator, fakes, labels),
    }
    errors = []
    for kind, network, total in (("d", discriminator, "critic_total"), ("g", generator, "generator_total")):
        want = float(ours["out/" + total])
        errors.append(abs(float(losses[kind]) - want) / abs(want))
        theirs = torch.autograd.grad(losses[kind], list(network.parameters.values()), retain_graph=kind == "d")
        mine = [ours[f"{kind}.gradient/{name}"] for name in network.parameters]
        a, b = (torch.cat([t.flatten().double() for t in part]) for part in (mine, theirs))
        errors.append(float((a - b).norm() / b.norm()))
    return errors


def measure(cell, precision, options, data):
    """(ours, PyTorch's) of one cell at one precision, steps alternating."""
    side, base, most = cell.split("/")
    arguments = [side, base, most, options.minibatch or MINIBATCH[cell], precision, data, options.device]
    ours = Side([f"{options.build}/tests/bench/bench_training", *arguments], options.threads)
    peer = Side([sys.executable, os.path.join(HERE, "train_peer.py"), *arguments], options.threads)
    for one in (ours, peer):
        one.warm_up(options.limit)
    for _ in range(options.repeats):
        for one in (ours, peer):
            one.step(options.limit, options.repeats)
    ceiling = ours.ask("ceiling", options.limit)
    for one in (ours, peer):
        one.finish()
    return ours, peer, ceiling[0] if ceiling else None


def number(value, form="{:.3g}"):
    return form.format(value) if value else "-"


def ratio(a, b):
    return f"{a / b:.2f}x" if a and b else "-"


def run_cell(cell, options, data, folder):
    side, base, most = map(int, cell.split("/"))
    n = options.minibatch or MINIBATCH[cell]
    print(f"\n{side}x{side}, width {base}/{most}, minibatch {n}, about {WORK[cell]} GFLOP an image")
    if not options.no_check:
        errors = difference(options.build, side, base, most, 1 if side == 1024 else 2)
        print("  same step in f32: relative difference of critic's loss {:.1e}, its gradient {:.1e}, "
              "generator's loss {:.1e}, its gradient {:.1e}".format(*errors), flush=True)
    row = "  {:6} {:>14} {:>14} {:>8} {:>10} {:>10} {:>8} {:>10}"
    print(row.format("maps", "ours img/s", "PyTorch img/s", "ratio", "ours MiB", "PyTorch", "ratio", "of ceiling"))
    rates, peaks = {}, {}
    for precision in options.precisions.split(","):
        ours, peer, ceiling = measure(cell, precision, options, data)
        mine, theirs = (n / s.seconds() if s.seconds() else None for s in (ours, peer))
        for name, one, rate in (("ours", ours, mine), ("peer", peer, theirs)):
            rates.setdefault(name, []).append(rate or 0)
            if one.peak:
                peaks.setdefault(name, []).append((rate or 0, one.peak))
        spent = statistics.median(ours.cpu if options.device == "cpu" else ours.wall) / n if ours.wall else None
        share = f"{WORK[cell] / spent / ceiling:.0%}" if spent and ceiling else "-"
        print(row.format(precision, number(mine), number(theirs) if theirs else "-", ratio(mine, theirs),
                         number(ours.peak, "{:.0f}"), number(peer.peak, "{:.0f}"), ratio(ours.peak, peer.peak), share))
        for name, one in (("ours", ours), ("PyTorch", peer)):
            if one.failure:
                print(f"         {name}: {one.failure}")
            elif one.cpu:
                print(f"         {name}: {statistics.median(one.cpu) / n:.3f} s of processor time an image")
        if ceiling:
            print(f"         ceiling: a convolution of 256 channels does {ceiling:.0f} GFLOP in a second"
                  f"{' of processor time' if options.device == 'cpu' else ''}", flush=True)
    best = {name: max(values) for name, values in rates.items()}
    memory = {name: max(values)[1] for name, values in peaks.items()}
    print(f"  best of ours against best of PyTorch's: {ratio(best['ours'], best['peer'])} the images/s, "
          f"{ratio(memory.get('ours'), memory.get('peer'))} the memory", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--only", action="append", metavar="SIDE/BASE/MAX", help="a cell; may be repeated")
    parser.add_argument("--limit", type=float, default=300, help="seconds to wait for one step (300)")
    parser.add_argument("--repeats", type=int, default=3, help="steps counted, after those to warm up (3)")
    parser.add_argument("--minibatch", type=int, help="instead of each cell's own")
    parser.add_argument("--precisions", default="f32,bf16")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--device", default="cpu", help="cpu or cuda, for both sides")
    parser.add_argument("--build", default="build", help="where the programs are")
    parser.add_argument("--no-check", action="store_true", help="leave the comparison of losses away")
    options = parser.parse_args()
    cells = options.only or [f"{side}/{width}" for side in (64, 256, 1024) for width in WIDTHS]
    for cell in cells:
        if cell not in MINIBATCH:
            parser.error(f"no cell {cell}: there are {', '.join(MINIBATCH)}")
    with tempfile.TemporaryDirectory() as folder:
        data = os.path.join(folder, "data")
        write_data(data)
        for cell in cells:
            run_cell(cell, options, data, folder)


if __name__ == "__main__":
    main()
