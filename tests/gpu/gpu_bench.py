#!/usr/bin/python3
"""Sampling and training on an NVIDIA GPU beside PyTorch, with the card's ceilings measured in the same run:
`make gpu-bench`, or in a bundle ./run.sh bench. Prints text for tests/gpu/RESULTS.md; asserts nothing.

Sampling: one generator's weights on both sides, bf16, channels-last; PyTorch eager and compiled. Training: one
step with the penalty on both sides, as in tests/bench/bench_train.py. Classifiers: one step, forward and backward, on
both sides, as in tests/bench/bench_classifier.py, beside torchvision's eager and compiled. The floor of a row is its
arithmetic over the matrix rate or, of sampling, its bytes over the copy bandwidth where that is larger."""

import argparse
import datetime
import os
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

DEVICE = "cuda"
# Multiplications and additions of a classifier's convolutions and dense layers in a step, GFLOP an image: three
# passes, the first layer's gradient in the image among them.
CLASSIFIERS = {"resnet18 224": 10.9, "inception_v3 299": 34.3, "vgg16 224": 92.8}


def median_seconds(run, budget_s=2.0, least=5, most=200):
    """Of calls that each wait for the device; two to warm up."""
    times = []
    for i in range(most + 2):
        torch.cuda.synchronize()
        start = time.perf_counter()
        run()
        torch.cuda.synchronize()
        if i >= 2:
            times.append(time.perf_counter() - start)
        if len(times) >= least and sum(times) > budget_s:
            break
    return statistics.median(times)


def ceilings():
    """Bytes a second of a copy, counting both ways, and bf16 FLOP/s of a product of random matrices."""
    source = torch.randn(1 << 30, device=DEVICE)
    target = torch.empty_like(source)
    copy = 2 * source.numel() * 4 / median_seconds(lambda: target.copy_(source))
    del source, target
    a, b = (torch.randn(8192, 8192, device=DEVICE, dtype=torch.bfloat16) for _ in range(2))
    return copy, 2 * 8192**3 / median_seconds(lambda: a @ b)


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


def sampling(options, copy, matrix):
    side, base, most = options.side, options.base, options.most
    flop, size = sampling_work(side, base, most)
    torch.backends.cudnn.benchmark = True
    print(f"\n### Sampling {side}x{side}, width {base}/{most}, bf16; {flop / 1e9:.1f} GFLOP and "
          f"{size / 1e6:.0f} MB an image\n")
    with tempfile.TemporaryDirectory() as folder, torch.inference_mode():
        ours = Ours(options.build, [side, base, most], DEVICE, folder)
        eager = Generator(ours.parameters(), side.bit_length() - 1, torch.bfloat16, DEVICE)
        check_images(ours, eager, folder)
        compiled = torch.compile(eager, mode="max-autotune") if options.compile else None
        print("| batch | ours ms | images/s | eager ms | ratio | compiled ms | ratio | floor ms | ours / floor |")
        print("|---|---|---|---|---|---|---|---|---|")
        for n in options.batches:
            inputs = torch.randn(n, most + 2, device=DEVICE, dtype=torch.bfloat16)
            host = torch.empty(n, 1, side, side, dtype=torch.uint8, pin_memory=True)

            def run(model):
                host.copy_(model(inputs), non_blocking=True)

            for _ in range(3):
                ours.ask(f"run {n}")
            mine, theirs = [], []
            for _ in range(options.rounds):  # alternating, so that the card's clocks serve both alike
                mine.append(statistics.median(ours.seconds(n)[0] for _ in range(10)))
                theirs.append(median_seconds(lambda: run(eager), 0.5))
            mine, theirs = statistics.median(mine), statistics.median(theirs)
            fast = None
            if compiled:
                try:
                    fast = median_seconds(lambda: run(compiled), 1.0)
                except Exception as why:  # what PyTorch's compiler needs may be missing
                    print(f"compiled: {str(why).splitlines()[0][:120]}", file=sys.stderr)
            floor = n * max(flop / matrix, size / copy)
            print(f"| {n} | {mine * 1e3:.3f} | {n / mine:.0f} | {theirs * 1e3:.3f} | {theirs / mine:.2f}x | "
                  + (f"{fast * 1e3:.3f} | {fast / mine:.2f}x" if fast else "- | -")
                  + f" | {floor * 1e3:.3f} | {mine / floor:.1f} |", flush=True)
        ours.close()


def check_images(ours, peer, folder):
    """The first sample by both, from the same weights and input."""
    image, inputs = ours.first_sample(folder)
    image, theirs = image.float(), peer(inputs[None].to(DEVICE, torch.bfloat16)).flatten().cpu().float()
    print(f"The same sample by both: deviation {image.std():.1f} grey levels, difference {(image - theirs).abs().mean():.2f}"
          " on average.\n")


def training(options, matrix):
    import bench_train

    print("\n### Training step with the penalty, images/s\n")
    options.device, options.threads, options.limit, options.no_check = "cuda", 8, 120, True
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
                floor = bench_train.WORK[cell] * 1e9 / matrix
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
    parser.add_argument("--only", choices=("sampling", "training", "classifiers"))
    options = parser.parse_args()
    if not torch.cuda.is_available():
        sys.exit("gpu_bench: PyTorch sees no GPU")
    os.environ.setdefault("ROENTGYM_CUDA_LIBRARY", os.path.abspath(os.path.join(options.build, "libroentgym_cuda.so")))
    copy, matrix = ceilings()
    print(f"## {datetime.date.today()}, {torch.cuda.get_device_name()}, PyTorch {torch.__version__}, "
          f"cuDNN {torch.backends.cudnn.version()}\n\n    {' '.join(['gpu_bench.py', *sys.argv[1:]])}\n")
    print(f"Ceilings: copy {copy / 1e12:.2f} TB/s (read and written), bf16 product {matrix / 1e12:.0f} TFLOP/s.")
    if options.only in (None, "sampling"):
        sampling(options, copy, matrix)
        torch.cuda.empty_cache()
    if options.only in (None, "training"):
        training(options, matrix)
    if options.only in (None, "classifiers"):
        classifiers(options, matrix)


if __name__ == "__main__":
    main()
