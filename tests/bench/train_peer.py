"""The peer of bench_train.py: the same training step as a user of PyTorch would write it to be fast.

    train_peer.py SIDE FMAP_BASE FMAP_MAX MINIBATCH bf16|f32 DATASET [cpu|cuda]

speaks the protocol of bench_training.c. Channels-last, fused up- and down-sampling, leaky ReLU in place,
bf16 by autocast."""

import os
import sys
import time

import torch
import torch.nn.functional as F

LAST = torch.channels_last
LABELS = 2


def channels_at(res, base, most):
    return min(base >> (res - 1), most)


def spread(w):
    """3x3 taps to the 4x4 taps of the fused layers: the sum of the four shifts."""
    w = F.pad(w, (1, 1, 1, 1))
    return w[..., 1:, 1:] + w[..., 1:, :-1] + w[..., :-1, 1:] + w[..., :-1, :-1]


def pixel_norm(x):
    return x * torch.rsqrt((x * x).mean(dim=1, keepdim=True) + 1e-8)


def minibatch_stddev(x, most=4):
    n, channels, height, width = x.shape
    group = min(most, n)
    y = x.float().reshape(group, n // group, channels, height, width)
    y = torch.sqrt(y.var(dim=0, unbiased=False) + 1e-8).mean(dim=(1, 2, 3))
    plane = y.repeat(group).reshape(n, 1, 1, 1).expand(n, 1, height, width)
    return torch.cat([x, plane.to(x.dtype)], dim=1)


class Network:
    """Parameters with the engine's names and shapes, their scales, and the layers made of them."""

    def __init__(self, parameters):
        self.parameters = {
            name: p.detach().clone().contiguous(memory_format=LAST).requires_grad_() for name, p in parameters.items()
        }

    def weight(self, layer, fan_in, gain):
        return self.parameters[layer + "/weight"] * (gain / fan_in**0.5)

    def bias(self, layer):
        return self.parameters[layer + "/bias"].flatten()

    def conv(self, x, layer, padding, gain=2**0.5, linear=False):
        fan_in = self.parameters[layer + "/weight"][0].numel()
        x = F.conv2d(x, self.weight(layer, fan_in, gain), self.bias(layer), padding=padding)
        return x if linear else F.leaky_relu_(x, 0.2)


class Generator(Network):
    def __init__(self, parameters, res):
        super().__init__(parameters)
        self.res = res

    def __call__(self, latents, labels):
        x = pixel_norm(torch.cat([latents, labels], dim=1))[..., None, None]
        w = self.weight("4x4/Dense", x.shape[1], 2**0.5 / 4)
        x = pixel_norm(F.leaky_relu_(F.conv_transpose2d(x, w, self.bias("4x4/Dense")), 0.2))
        x = x.contiguous(memory_format=LAST)
        x = pixel_norm(self.conv(x, "4x4/Conv", 1))
        for res in range(3, self.res + 1):
            side = 2**res
            up = f"{side}x{side}/Conv0_up"
            w = spread(self.weight(up, 9 * x.shape[1], 2**0.5))
            x = F.conv_transpose2d(x, w, self.bias(up), stride=2, padding=1)
            x = pixel_norm(F.leaky_relu_(x, 0.2))
            x = pixel_norm(self.conv(x, f"{side}x{side}/Conv1", 1))
        return self.conv(x, "ToRGB_lod0", 0, gain=1, linear=True).float()


class Discriminator(Network):
    def __init__(self, parameters, res):
        super().__init__(parameters)
        self.res = res

    def __call__(self, images):
        x = self.conv(images, "FromRGB_lod0", 0)
        for res in range(self.res, 2, -1):
            side = 2**res
            x = self.conv(x, f"{side}x{side}/Conv0", 1)
            down = f"{side}x{side}/Conv1_down"
            w = spread(self.weight(down, 9 * x.shape[1], 2**0.5)) * 0.25
            x = F.leaky_relu_(F.conv2d(x, w, self.bias(down), stride=2, padding=1), 0.2)
        x = self.conv(minibatch_stddev(x), "4x4/Conv", 1)
        x = self.conv(x, "4x4/Dense0", 0)
        x = self.conv(x, "4x4/Dense1", 0, gain=1, linear=True).flatten(1).float()
        return x[:, 0], x[:, 1:]


def cross_entropy(labels, logits):
    return -(labels * F.log_softmax(logits, dim=1)).sum(dim=1).mean()


def critic_loss(discriminator, reals, fakes, mix, labels):
    real_scores, real_logits = discriminator(reals)
    fake_scores, fake_logits = discriminator(fakes)
    mixed = torch.lerp(reals, fakes, mix).requires_grad_()
    (gradient,) = torch.autograd.grad(discriminator(mixed)[0].sum(), mixed, create_graph=True)
    norm = (gradient.float().square().flatten(1).sum(dim=1) + 1e-12).sqrt()
    return (
        fake_scores.mean()
        - real_scores.mean()
        + 10 * ((norm - 1) ** 2).mean()
        + 0.001 * (real_scores**2).mean()
        + cross_entropy(labels, real_logits)
        + cross_entropy(labels, fake_logits)
    )


def generator_loss(discriminator, fakes, labels):
    scores, logits = discriminator(fakes)
    return cross_entropy(labels, logits) - scores.mean()


def layout(res, base, most):
    """{name: shape} of both networks' parameters that a fully grown step uses."""

    def layer(group, name, o, i, k, bias=None):
        group[name + "/weight"] = (o, i, k, k)
        group[name + "/bias"] = (1, bias or o, 1, 1)

    width = {r: channels_at(r, base, most) for r in range(2, res + 1)}
    latent = min(base, most)
    g, d = {}, {}
    layer(g, "4x4/Dense", latent + LABELS, width[2], 4, width[2])
    layer(g, "4x4/Conv", width[2], width[2], 3)
    for r in range(3, res + 1):
        layer(g, f"{2**r}x{2**r}/Conv0_up", width[r - 1], width[r], 3, width[r])
        layer(g, f"{2**r}x{2**r}/Conv1", width[r], width[r], 3)
        layer(d, f"{2**r}x{2**r}/Conv0", width[r], width[r], 3)
        layer(d, f"{2**r}x{2**r}/Conv1_down", width[r - 1], width[r], 3)
    layer(g, "ToRGB_lod0", 1, width[res], 1)
    layer(d, "FromRGB_lod0", width[res], 1, 1)
    layer(d, "4x4/Conv", width[2], width[2] + 1, 3)
    layer(d, "4x4/Dense0", latent, width[2], 4)
    layer(d, "4x4/Dense1", 1 + LABELS, latent, 1)
    return g, d


class Training:
    def __init__(self, res, base, most, n, bf16, device):
        torch.manual_seed(1)
        self.device = device
        g, d = layout(res, base, most)

        def fresh(shapes):
            return {
                name: (torch.zeros(shape) if name.endswith("/bias") else torch.randn(shape)).to(device)
                for name, shape in shapes.items()
            }

        self.generator, self.discriminator = Generator(fresh(g), res), Discriminator(fresh(d), res)
        self.average = [p.detach().clone() for p in self.generator.parameters.values()]
        self.optimisers = [
            torch.optim.Adam(network.parameters.values(), lr=0.001, betas=(0, 0.99), eps=1e-8)
            for network in (self.generator, self.discriminator)
        ]
        self.reals = torch.rand(n, 1, 2**res, 2**res, device=device) * 2 - 1
        self.n, self.bf16, self.latent = n, bf16, min(base, most)

    def autocast(self):
        return torch.autocast(self.device, dtype=torch.bfloat16, enabled=self.bf16)

    def inputs(self):
        labels = F.one_hot(torch.randint(LABELS, (self.n,)), LABELS).float()
        return torch.randn(self.n, self.latent, device=self.device), labels.to(self.device)

    def descend(self, optimiser, loss, network):
        gradients = torch.autograd.grad(loss, list(network.parameters.values()))
        for p, gradient in zip(network.parameters.values(), gradients):
            p.grad = gradient
        optimiser.step()
        optimiser.zero_grad(set_to_none=True)

    def step(self):
        latents, labels = self.inputs()
        with self.autocast():
            with torch.no_grad():
                fakes = self.generator(latents, labels)
            mix = torch.rand(self.n, 1, 1, 1, device=self.device)
            loss = critic_loss(self.discriminator, self.reals, fakes, mix, labels)
        self.descend(self.optimisers[1], loss, self.discriminator)
        torch._foreach_mul_(self.average, 0.999)
        torch._foreach_add_(self.average, [p.detach() for p in self.generator.parameters.values()], alpha=0.001)
        latents, labels = self.inputs()
        with self.autocast():
            loss = generator_loss(self.discriminator, self.generator(latents, labels), labels)
        self.descend(self.optimisers[0], loss, self.generator)


def peak_bytes():
    """As bench_training.c has it: getrusage would count what the parent held."""
    with open("/proc/self/status", encoding="ascii") as status:
        return next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmHWM:"))


def main():
    side, base, most, n = map(int, sys.argv[1:5])
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "2")))
    device = sys.argv[7] if len(sys.argv) > 7 else "cpu"
    torch.backends.cudnn.benchmark = True
    torch.backends.cudnn.allow_tf32 = False  # f32 is f32 on both sides; bf16 does not care
    training = Training(side.bit_length() - 1, base, most, n, sys.argv[5] == "bf16", device)
    for line in sys.stdin:
        if line.strip() == "step":
            wall, cpu = time.monotonic(), time.process_time()
            training.step()
            if device == "cuda":
                torch.cuda.synchronize()
            print(time.monotonic() - wall, time.process_time() - cpu, flush=True)
        elif line.strip() == "peak":
            used = torch.cuda.max_memory_reserved() if device == "cuda" else 0
            print(used or peak_bytes(), flush=True)


if __name__ == "__main__":
    main()
