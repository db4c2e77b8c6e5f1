#!/usr/bin/python3
"""Sampling and training on an NVIDIA GPU beside PyTorch, with the card's ceilings measured in the same run:
`make gpu-bench`, or in a bundle ./run.sh bench. Prints text for tests/gpu/RESULTS.md; asserts nothing.

Sampling: one generator's weights on both sides, bf16, channels-last; PyTorch eager, and compiled with max-autotune and
its CUDA graphs, one shape at a time. Both hand 8-bit pixels to the host; of the largest batch BEHIND follow each other,
so that copies lie behind arithmetic where a side does so. Training: one step with the penalty on both sides, as in
tests/bench/bench_train.py; PyTorch eager, since its compiler knows no second derivative; f32 is f32 on both sides, without
TF32. Classifiers: one step, forward and backward, on both sides, as in tests/bench/bench_classifier.py, beside
torchvision's eager and compiled. The floor of a row is the larger of its arithmetic over the matrix rate and, but for
classifiers, its bytes over the copy bandwidth. --device cpu tries sampling and training out, without the compiler."""

import argparse
import datetime
import os
import signal
import statistics
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "bench"), os.path.join(HERE, "..", "oracle")]

try:
    import torch

    from sample_peer import Ours, Generator
except ImportError as why:
    sys.exit(f"gpu_bench: no PyTorch to compare with: {why}")

# Multiplications and additions of a classifier's convolutions and dense layers in a step, GFLOP an image: three
# passes, the first layer's gradient in the image among them.
CLASSIFIERS = {"resnet18 224": 10.9, "inception_v3 299": 34.3, "vgg16 224": 92.8}
BEHIND = 4
WARM = 3  # PyTorch's compiler records its graph at the second or third call


def wait(device):
    if device == "cuda":
        torch.cuda.synchronize()


def median_seconds(run, device, budget_s=2.0, least=5, most=200):
    """Of calls that each wait for the device; the first ones warm up."""
    times = []
    for i in range(most + WARM):
        wait(device)
        start = time.perf_counter()
        run()
        wait(device)
        if i >= WARM:
            times.append(time.perf_counter() - start)
        if len(times) >= least and sum(times) > budget_s:
            break
    return statistics.median(times)


def ceilings(device):
    """Bytes a second of a copy, counting both ways, and FLOP/s of a product of random matrices, bf16 on a GPU."""
    count, side, dtype = (1 << 30, 8192, torch.bfloat16) if device == "cuda" else (1 << 24, 512, torch.float32)
    source = torch.randn(count, device=device)
    target = torch.empty_like(source)
    copy = 2 * source.numel() * 4 / median_seconds(lambda: target.copy_(source), device)
    del source, target
    a, b = (torch.randn(side, side, device=device, dtype=dtype) for _ in range(2))
    return copy, 2 * side**3 / median_seconds(lambda: a @ b, device)


def sampling_work(side, base, most):
    """FLOP and bytes of one sample: each convolution's arithmetic with folded up-sampling, and each map written
    and read once in bf16."""

    def channels(r):
        return min(base >> (r - 1), most)

    res, flop, size = side.bit_length() - 1, 0, 0
    for r in range(2, res + 1):
        pixels, c = 4**r, channels(r)
        flop += 2 * 9 * c * c * pixels
        flop += 2 * 4 * channels(r - 1) * c * pixels if r > 2 else 2 * 16 * c * (most + 2)
        size += 2 * 2 * 2 * c * pixels
    return flop, size


class TooLong(Exception):
    pass


def within(seconds, run):
    """run's result; TooLong where it takes longer, which what PyTorch compiles may."""

    def give_up(*_):
        raise TooLong(f"not compiled in {seconds} s")

    before = signal.signal(signal.SIGALRM, give_up)
    signal.alarm(seconds)
    try:
        return run()
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


class Sampling:
    """Both sides with the same weights."""

    def __init__(self, options, folder):
        model = [options.side, options.base, options.most]
        self.device, self.width, self.side = options.device, options.most + 2, options.side
        self.dtype = torch.bfloat16 if self.device == "cuda" else torch.float32
        self.ours = Ours(options.build, model, self.device, folder)
        self.eager = Generator(self.ours.parameters(), options.side.bit_length() - 1, self.dtype, self.device)
        self.largest = max(options.batches)

    def behind(self, n):
        return BEHIND if n == self.largest and n > 1 else 1

    def mine(self, n):
        """Seconds of n samples. The first calls prepare and record."""
        count = n * self.behind(n)
        for _ in range(WARM):
            self.ours.ask(f"run {count}")
        return statistics.median(self.ours.seconds(count)[0] for _ in range(10)) / self.behind(n)

    def theirs(self, model, n, budget_s):
        inputs = torch.randn(n, self.width, device=self.device, dtype=self.dtype)
        hosts = [torch.empty(n, 1, self.side, self.side, dtype=torch.uint8, pin_memory=self.device == "cuda")
                 for _ in range(2)]

        def run():
            for i in range(self.behind(n)):
                hosts[i % 2].copy_(model(inputs), non_blocking=True)

        return median_seconds(run, self.device, budget_s) / self.behind(n)


def sampling(options, copy, matrix):
    side, base, most = options.side, options.base, options.most
    flop, size = sampling_work(side, base, most)
    torch.backends.cudnn.benchmark = True
    print(f"\n### Sampling {side}x{side}, width {base}/{most}, bf16; {flop / 1e9:.1f} GFLOP and "
          f"{size / 1e6:.0f} MB an image\n")
    with tempfile.TemporaryDirectory() as folder, torch.no_grad():
        s = Sampling(options, folder)
        check_images(s, folder)
        print("| batch | ours ms | images/s | eager ms | ratio | floor ms | ours / floor |\n|---|---|---|---|---|---|---|")
        for n in options.batches:
            rounds = [(s.mine(n), s.theirs(s.eager, n, 0.5)) for _ in range(options.rounds)]  # the clocks serve both alike
            mine, theirs = (statistics.median(times) for times in zip(*rounds))
            floor = n * max(flop / matrix, size / copy)
            print(f"| {n} | {mine * 1e3:.3f} | {n / mine:.0f} | {theirs * 1e3:.3f} | {theirs / mine:.2f}x | "
                  f"{floor * 1e3:.3f} | {mine / floor:.1f} |", flush=True)
        if options.compile:
            compiled_sampling(s, options)
        s.ours.close()


def compiled_sampling(s, options):
    """Last, and with an end: how long tuning takes is not known beforehand."""
    print("\n| batch | ours ms | compiled ms | ratio |\n|---|---|---|---|")
    for n in options.batches:
        try:
            fast = torch.compile(s.eager, mode="max-autotune", dynamic=False)
            theirs = within(options.compile_s, lambda: s.theirs(fast, n, 1.0))
            mine = s.mine(n)
            print(f"| {n} | {mine * 1e3:.3f} | {theirs * 1e3:.3f} | {theirs / mine:.2f}x |", flush=True)
        except Exception as why:  # what PyTorch's compiler needs may be missing
            print(f"| {n} | - | - | {type(why).__name__}: {(str(why).splitlines() or [''])[0][:100]} |", flush=True)


def check_images(s, folder):
    """The first sample by both, from the same weights and input."""
    image, inputs = s.ours.first_sample(folder)
    image, theirs = image.float(), s.eager(inputs[None].to(s.device, s.dtype)).flatten().cpu().float()
    print(f"The same sample by both: deviation {image.std():.1f} grey levels, difference {(image - theirs).abs().mean():.2f}"
          " on average.\n")


def training(options, copy, matrix):
    import bench_train

    print("\n### Training step with the penalty, images/s\n")
    options.threads, options.limit, options.no_check = 8, 120, True
    options.repeats = options.steps
    with tempfile.TemporaryDirectory() as folder:
        data = os.path.join(folder, "data")
        bench_train.write_data(data, count=64)
        print("| cell | minibatch | maps | ours | PyTorch eager | ratio | ours MiB | PyTorch MiB | floor | ours / floor |")
        print("|---|---|---|---|---|---|---|---|---|---|")
        for cell, n in options.cells:
            options.minibatch = n
            for precision in ("bf16", "f32"):
                ours, peer, _ = bench_train.measure(cell, precision, options, data)
                mine, theirs = (n / s.seconds() if s.seconds() else None for s in (ours, peer))
                passes = 4 + 14  # of the generator, and as much of the discriminator; each writes and reads its maps
                floor = max(bench_train.WORK[cell] * 1e9 / matrix,
                            passes * sampling_work(*map(int, cell.split("/")))[1] / copy)
                number = bench_train.number
                print(f"| {cell} | {n} | {precision} | {number(mine)} | {number(theirs)} | "
                      f"{bench_train.ratio(mine, theirs)} | {number(ours.peak, '{:.0f}')} | "
                      f"{number(peer.peak, '{:.0f}')} | "
                      + (f"{1 / floor:.0f} | {1 / floor / mine:.1f} |" if mine and precision == "bf16" else "- | - |"),
                      flush=True)
                for name, one in (("ours", ours), ("PyTorch", peer)):
                    if one.failure:
                        print(f"{cell} {precision} {name}: {one.failure}", file=sys.stderr)


def classifiers(options, matrix):
    import bench_classifier
    from bench_train import number, ratio

    print("\n### Training step of a classifier, images/s\n")
    options.device, options.threads, options.limit = "cuda", 8, 240
    print("| network, side | minibatch | maps | ours | eager | ratio | compiled | ratio | ours MiB | eager MiB | floor | "
          "ours / floor |")
    print("|---|---|---|---|---|---|---|---|---|---|---|---|")
    kinds = {"ours": [], "eager": [], **({"compiled": ["compiled"]} if options.compile else {})}
    for name, work in CLASSIFIERS.items():
        for precision in ("bf16", "f32"):
            n = options.classifier_minibatch
            sides = bench_classifier.measure(f"{name} {n} {precision}", options, kinds)
            rates = {who: n / one.seconds() if one.seconds() else None for who, one in sides.items()}
            ours, fast, floor = rates["ours"], rates.get("compiled"), matrix / (work * 1e9)
            print(f"| {name} | {n} | {precision} | {number(ours)} | {number(rates['eager'])} | "
                  f"{ratio(ours, rates['eager'])} | {number(fast)} | {ratio(ours, fast)} | "
                  f"{number(sides['ours'].peak, '{:.0f}')} | {number(sides['eager'].peak, '{:.0f}')} | "
                  + (f"{floor:.0f} | {floor / ours:.1f} |" if ours and precision == "bf16" else "- | - |"), flush=True)
            for who, one in sides.items():
                if one.failure:
                    print(f"{name} {precision} {who}: {one.failure}", file=sys.stderr)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--build", default="build")
    parser.add_argument("--side", type=int, default=1024)
    parser.add_argument("--base", type=int, default=8192)
    parser.add_argument("--most", type=int, default=512)
    parser.add_argument("--batches", type=lambda t: [int(n) for n in t.split(",")], default=[1, 8, 64])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=10)
    parser.add_argument("--cells", type=lambda t: [(c.rsplit("/", 1)[0], int(c.rsplit("/", 1)[1])) for c in t.split(",")],
                        default=[("1024/8192/512", 16), ("256/8192/512", 16)], metavar="SIDE/BASE/MAX/MINIBATCH,...")
    parser.add_argument("--classifier-minibatch", type=int, default=64)
    parser.add_argument("--no-compile", dest="compile", action="store_false")
    parser.add_argument("--compile-s", type=int, default=150, metavar="S", help="for one batch size (150)")
    parser.add_argument("--only", choices=("sampling", "training", "classifiers"))
    parser.add_argument("--device", choices=("cuda", "cpu"), default="cuda")
    options = parser.parse_args()
    on_gpu = options.device == "cuda"
    if on_gpu and not torch.cuda.is_available():
        sys.exit("gpu_bench: PyTorch sees no GPU")
    options.compile = options.compile and hasattr(torch, "compile") and on_gpu
    os.environ.setdefault("ROENTGYM_CUDA_LIBRARY", os.path.abspath(os.path.join(options.build, "libroentgym_cuda.so")))
    copy, matrix = ceilings(options.device)
    print(f"## {datetime.date.today()}, {torch.cuda.get_device_name() if on_gpu else 'no GPU'}, PyTorch {torch.__version__}, "
          f"cuDNN {torch.backends.cudnn.version()}\n\n    {' '.join(['gpu_bench.py', *sys.argv[1:]])}\n")
    print(f"Ceilings: copy {copy / 1e12:.2f} TB/s (read and written), matrix product {matrix / 1e12:.1f} TFLOP/s.")
    if options.only in (None, "sampling"):
        sampling(options, copy, matrix)
        if on_gpu:
            torch.cuda.empty_cache()
    if options.only in (None, "training"):
        training(options, copy, matrix)
    if options.only == "classifiers" or options.only is None and on_gpu:
        classifiers(options, matrix)


if __name__ == "__main__":
    main()
