"""The generator in PyTorch, as a user would prepare it to sample fast, and bench_sampling beside it."""

import itertools
import os
import subprocess

import torch
import torch.nn.functional as F

LAST = torch.channels_last


class Ours:
    """bench_sampling, and the weights that it has."""

    def __init__(self, build, model, device, folder, threads=None):
        self.weights_path = os.path.join(folder, "weights")
        environment = dict(os.environ, **({"OMP_NUM_THREADS": str(threads)} if threads else {}))
        self.process = subprocess.Popen(
            [f"{build}/tests/bench/bench_sampling", *map(str, model), device, self.weights_path],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment)
        self.shapes = {}
        for line in self.process.stdout:
            if line.strip() == "end":
                break
            name, *shape = line.split()
            self.shapes[name] = tuple(map(int, shape))

    def ask(self, line):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline().strip()
        if not answer:
            raise RuntimeError("bench_sampling has ended")
        return answer

    def seconds(self, n):
        """Wall and processor time of n samples."""
        return tuple(map(float, self.ask(f"run {n}").split()))

    def floor(self, n):
        return float(self.ask(f"floor {n}"))

    def first_sample(self, folder):
        """(pixels, input) of it."""
        path = os.path.join(folder, "image")
        self.ask(f"image {path}")

        def read(name, dtype):
            with open(name, "rb") as file:
                return torch.frombuffer(bytearray(file.read()), dtype=dtype)

        return read(path, torch.uint8), read(path + ".input", torch.float32)

    def parameters(self):
        with open(self.weights_path, "rb") as file:
            flat = torch.frombuffer(bytearray(file.read()), dtype=torch.float32)
        made, at = {}, 0
        for name, (o, i, h, w) in self.shapes.items():
            count = o * i * h * w
            made[name] = flat[at : at + count].reshape(o, h, w, i).permute(0, 3, 1, 2).contiguous()
            at += count
        return made

    def close(self):
        self.process.stdin.close()
        self.process.wait()


class Generator(torch.nn.Module):
    """Weights scaled and folded beforehand, channels-last, pixels at the end. Its input is a batch of the vectors
    that enter the first layer. `up` is the form of the up-sampling convolutions: "transposed", stride 2; "nearest",
    up-sampling and then 3x3; "phases", 3x3 on the small map to four times the channels, then a shuffle. On CPUs
    PyTorch 1.13 has the first in f32 only, and slowly."""

    def __init__(self, parameters, res, dtype, device="cpu", up="transposed"):
        super().__init__()
        self.res, self.up = res, up

        def keep(name, w, bias):
            for kind, values in (("w", w), ("b", bias)):
                if values.dim() == 4:
                    values = values.contiguous(memory_format=LAST)
                values = torch.nn.Parameter(values.to(device, dtype), requires_grad=False)
                self.register_parameter(f"{name.replace('/', '_')}_{kind}", values)

        def read(name, fan_in_of, gain=2**0.5):
            w, bias = parameters[name + "/weight"], parameters[name + "/bias"].flatten()
            return w * (gain / fan_in_of(w) ** 0.5), bias

        def fan_in(w):
            return w[0].numel()

        w, bias = read("4x4/Dense", len, 2**0.5 / 4)
        keep("4x4/Dense", w.flatten(1), bias.repeat_interleave(16))
        keep("4x4/Conv", *read("4x4/Conv", fan_in))
        for r in range(3, res + 1):
            side = f"{2**r}x{2**r}"
            w, bias = read(f"{side}/Conv0_up", lambda w: 9 * len(w))
            keep(f"{side}/Conv0_up", self.folded(w), bias.repeat_interleave(4) if up == "phases" else bias)
            keep(f"{side}/Conv1", *read(f"{side}/Conv1", fan_in))
        keep("ToRGB_lod0", *read("ToRGB_lod0", fan_in, 1))

    def folded(self, w):
        from train_peer import spread

        if self.up == "nearest":
            return w.flip(2, 3).transpose(0, 1)
        w = spread(w)
        if self.up == "transposed":
            return w
        i, o = w.shape[:2]
        phases = torch.zeros(o, 2, 2, i, 3, 3)
        for py, px, ty, tx in itertools.product(range(2), repeat=4):
            phases[:, py, px, :, py + ty, px + tx] = w[:, :, 3 - py - 2 * ty, 3 - px - 2 * tx].T
        return phases.reshape(4 * o, i, 3, 3)

    def layer(self, name):
        return getattr(self, name + "_w"), getattr(self, name + "_b")

    @staticmethod
    def finish(x):
        x = F.leaky_relu_(x, 0.2)
        return x * torch.rsqrt((x * x).mean(dim=1, keepdim=True) + 1e-8)

    def double(self, x, name):
        w, bias = self.layer(name)
        if self.up == "nearest":
            return F.conv2d(F.interpolate(x, scale_factor=2.0), w, bias, padding=1)
        if self.up == "phases":
            return F.pixel_shuffle(F.conv2d(x, w, bias, padding=1), 2).contiguous(memory_format=LAST)
        return F.conv_transpose2d(x, w, bias, stride=2, padding=1)

    def forward(self, inputs):
        w, bias = self.layer("4x4_Dense")
        x = F.linear(inputs, w.t(), bias).reshape(inputs.shape[0], -1, 4, 4)
        x = self.finish(x.contiguous(memory_format=LAST))
        x = self.finish(F.conv2d(x, *self.layer("4x4_Conv"), padding=1))
        for r in range(3, self.res + 1):
            side = f"{2**r}x{2**r}"
            x = self.finish(self.double(x, side + "_Conv0_up"))
            x = self.finish(F.conv2d(x, *self.layer(side + "_Conv1"), padding=1))
        x = F.conv2d(x, *self.layer("ToRGB_lod0")).float()
        return (x * 127.5 + 128).clamp_(0, 255).to(torch.uint8)
