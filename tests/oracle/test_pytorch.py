"""One training step, recomputed by PyTorch in f64 from the same parameters and inputs.

The networks here follow the paper, not the engine: they work at full resolution throughout, up- and
down-sample in steps of their own instead of by fused kernels, and PyTorch differentiates twice.
dump_gradients (C) writes what the engine computed."""

import json
import os
import struct
import subprocess
import tempfile
import unittest

try:
    import torch
    import torch.nn.functional as F
except ImportError as why:
    raise unittest.SkipTest(f"no PyTorch: {why}; Debian's is python3-torch")

torch.set_num_threads(1)  # the networks are small
TOLERANCE = 1e-4  # |a - b| / |b|


def read_safetensors(path):
    """{name: f64 tensor} of a file with F32 tensors."""
    with open(path, "rb") as file:
        data = file.read()
    (length,) = struct.unpack("<Q", data[:8])
    tensors = {}
    for name, entry in json.loads(data[8 : 8 + length]).items():
        if name == "__metadata__":
            continue
        assert entry["dtype"] == "F32", name
        first, last = (8 + length + offset for offset in entry["data_offsets"])
        values = torch.frombuffer(bytearray(data[first:last]), dtype=torch.float32)
        tensors[name] = values.reshape(entry["shape"]).double()
    return tensors


def in_torch_order(tensor):
    """Stored N,H,W,C (weights O,K,K,I) to N,C,H,W."""
    return tensor.permute(0, 3, 1, 2).contiguous()


def pixel_norm(x, epsilon):
    return x / torch.sqrt((x * x).mean(dim=1, keepdim=True) + epsilon)


def minibatch_stddev(x, group_size):
    """Karras et al. 2018, section 3, over strided groups."""
    n, channels, height, width = x.shape
    group = min(group_size or n, n)
    y = x.reshape(group, n // group, channels, height, width)
    y = torch.sqrt(y.var(dim=0, unbiased=False) + 1e-8).mean(dim=(1, 2, 3))
    plane = y.repeat(group).reshape(n, 1, 1, 1).expand(n, 1, height, width)
    return torch.cat([x, plane], dim=1)


class Network:
    """What both networks share: named parameters, scaled by gain / sqrt(fan-in) when they are used."""

    def __init__(self, parameters, resolution_log2, lod, variant=()):
        self.variant = variant
        self.parameters = {name: p.clone().requires_grad_() for name, p in parameters.items()}
        self.resolution_log2 = resolution_log2
        self.lod = lod
        self.top = resolution_log2 - int(lod)
        self.fade = lod - int(lod)

    def weight(self, layer, fan_in, gain=2**0.5):
        return self.parameters[layer + "/weight"] * (gain / fan_in**0.5)

    def finish(self, x, layer, linear=False):
        x = x + self.parameters[layer + "/bias"].reshape(1, -1, 1, 1)
        return x if linear else F.leaky_relu(x, 0.2)

    def conv(self, x, layer, padding, gain=2**0.5, linear=False):
        stored = self.parameters[layer + "/weight"]
        w = self.weight(layer, stored[0].numel(), gain)
        return self.finish(F.conv2d(x, w, padding=padding), layer, linear)

    def lod_of(self, res):
        return self.resolution_log2 - res


class Generator(Network):
    def normal(self, x):
        return pixel_norm(x, 0.01 if "epsilon" in self.variant else 1e-8)

    def upsample(self, x, side):
        x = F.interpolate(x, scale_factor=2, mode="nearest")
        if "unfused" in self.variant:
            return self.conv(x, f"{side}x{side}/Conv0", 1)
        layer = f"{side}x{side}/Conv0_up"
        w = self.weight(layer, 9 * x.shape[1])
        return self.finish(F.conv2d(x, w.transpose(0, 1).flip(2, 3), padding=1), layer)

    def block(self, x, res):
        side = 2**res
        x = self.normal(self.upsample(x, side))
        return self.normal(self.conv(x, f"{side}x{side}/Conv1", 1))

    def to_grey(self, x, res):
        return self.conv(x, f"ToRGB_lod{self.lod_of(res)}", 0, gain=1, linear=True)

    def __call__(self, latents, labels):
        if "latent_only" in self.variant:
            x = torch.cat([self.normal(latents), labels], dim=1)
        else:
            x = self.normal(torch.cat([latents, labels], dim=1))
        w = self.weight("4x4/Dense", x.shape[1], gain=2**0.5 / 4)
        x = F.conv_transpose2d(x.reshape(x.shape[0], -1, 1, 1), w)
        x = self.normal(self.finish(x, "4x4/Dense"))
        x = self.normal(self.conv(x, "4x4/Conv", 1))
        below = None
        for res in range(3, self.top + 1):
            below, x = x, self.block(x, res)
        image = self.to_grey(x, self.top)
        if self.fade:
            old = F.interpolate(self.to_grey(below, self.top - 1), scale_factor=2, mode="nearest")
            image = image + (old - image) * self.fade
        return F.interpolate(image, scale_factor=2 ** int(self.lod), mode="nearest")


class Discriminator(Network):
    def __init__(self, parameters, resolution_log2, lod, group_size, variant=()):
        super().__init__(parameters, resolution_log2, lod, variant)
        self.group_size = group_size

    def block(self, x, res):
        side = 2**res
        x = self.conv(x, f"{side}x{side}/Conv0", 1)
        if "unfused" in self.variant:
            return F.avg_pool2d(self.conv(x, f"{side}x{side}/Conv1", 1), 2)
        layer = f"{side}x{side}/Conv1_down"
        x = F.conv2d(x, self.weight(layer, 9 * x.shape[1]), padding=1)
        return self.finish(F.avg_pool2d(x, 2), layer)

    def from_grey(self, image, res):
        return self.conv(image, f"FromRGB_lod{self.lod_of(res)}", 0)

    def __call__(self, images, labels):
        """Full-resolution images to scores (N) and label logits (N, labels)."""
        image = F.avg_pool2d(images, 2 ** int(self.lod))
        x = self.from_grey(image, self.top)
        for res in range(self.top, 2, -1):
            x = self.block(x, res)
            if res == self.top and self.fade:
                x = x + (self.from_grey(F.avg_pool2d(image, 2), res - 1) - x) * self.fade
        x = self.conv(minibatch_stddev(x, self.group_size), "4x4/Conv", 1)
        x = self.conv(x, "4x4/Dense0", 0)
        features = x.flatten(1)
        x = self.conv(x, "4x4/Dense1", 0, gain=1, linear=True).flatten(1)
        scores = x[:, 0]
        if "projection" in self.variant:  # Miyato & Koyama 2018; a sum over the labels that an image has
            embedding = self.parameters["4x4/Embedding/weight"].flatten(1)
            sums = [sum(embedding[:, k] * y for k, y in enumerate(row)) for row in labels]
            scores = scores + (features * torch.stack(sums)).sum(dim=1) / features.shape[1] ** 0.5
        return scores, x[:, 1:]


def cross_entropy(labels, logits):
    """Odena et al. 2017; 0 without logits."""
    if not logits.shape[1]:
        return logits.sum()
    return F.cross_entropy(logits, labels.argmax(dim=1))


def cross_entropy_of_each(labels, logits):
    """Of yes or no for each label by itself, summed over the labels."""
    return F.binary_cross_entropy_with_logits(logits, labels, reduction="sum") / len(logits)


def critic_terms(discriminator, reals, fakes, mix, labels, label_loss):
    """Gulrajani et al. 2017 with the drift and label terms of Karras et al. 2018."""
    real_scores, real_logits = discriminator(reals, labels)
    fake_scores, fake_logits = discriminator(fakes, labels)
    mixed = torch.lerp(reals, fakes, mix).requires_grad_()
    mixed_scores, _ = discriminator(mixed, labels)
    (gradient,) = torch.autograd.grad(mixed_scores.sum(), mixed, create_graph=True)
    norm = gradient.flatten(1).norm(dim=1)
    terms = {
        "critic_real": real_scores.mean(),
        "critic_fake": fake_scores.mean(),
        "critic_penalty": 10 * ((norm - 1) ** 2).mean(),
        "critic_label": label_loss(labels, real_logits) + label_loss(labels, fake_logits),
    }
    terms["critic_total"] = (
        terms["critic_fake"]
        - terms["critic_real"]
        + terms["critic_penalty"]
        + terms["critic_label"]
        + 0.001 * (real_scores**2).mean()
    )
    return terms


def adam_twice(value, gradient, lr=0.01, beta1=0.5, beta2=0.9, epsilon=1e-3):
    """Kingma & Ba 2015, the form at the end of section 2, with which TensorFlow computes."""
    m = v = 0
    for t in (1, 2):
        m = beta1 * m + (1 - beta1) * gradient
        v = beta2 * v + (1 - beta2) * gradient**2
        value = value - lr * (1 - beta2**t) ** 0.5 / (1 - beta1**t) * m / (v**0.5 + epsilon)
    return value


class Step:
    """A step as the engine computed it, and as PyTorch does."""

    def __init__(
        self, backend, resolution_log2, fmap_base, fmap_max, lod, seed, labels=2, group=2, n=4, variant=()
    ):
        program = os.path.join(os.environ.get("ROENTGYM_BUILD", "build"), "tests/oracle/dump_gradients")
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "step.safetensors")
            numbers = (resolution_log2, fmap_base, fmap_max, labels, group, n, lod, seed)
            subprocess.run([program, backend, *map(str, numbers), path, *variant], check=True)
            self.engine = read_safetensors(path)
        self.engine = {name: in_torch_order(tensor) for name, tensor in self.engine.items()}
        self.lod = lod
        self.generator = Generator(self.group("g"), resolution_log2, lod, variant)
        self.discriminator = Discriminator(self.group("d"), resolution_log2, lod, group, variant)
        self.has_logits = labels > 0 and "projection" not in variant
        self.label_loss = cross_entropy_of_each if "multi" in variant and self.has_logits else cross_entropy
        self.torch = {}
        self.recompute()

    def group(self, prefix):
        start = prefix + "/"
        return {name[len(start) :]: t for name, t in self.engine.items() if name.startswith(start)}

    def full_size(self, images):
        return F.interpolate(images, scale_factor=2 ** int(self.lod), mode="nearest")

    def recompute(self):
        inputs = {name: t.flatten(1) for name, t in self.group("in").items()}
        labels = inputs.get("labels", torch.zeros(len(inputs["latents"]), 0, dtype=torch.float64))
        out = self.torch
        fakes = self.generator(inputs["latents"], labels)
        reals = self.full_size(self.engine["in/reals"])
        mix = self.engine["in/mix"]
        out["out/fakes"] = F.avg_pool2d(fakes, 2 ** int(self.lod))
        terms = critic_terms(self.discriminator, reals, fakes.detach(), mix, labels, self.label_loss)
        if not self.has_logits:
            del terms["critic_label"]
        self.keep_gradients("d", self.discriminator, terms["critic_total"])
        scores, logits = self.discriminator(fakes, labels)
        terms["generator_total"] = self.label_loss(labels, logits) - scores.mean()
        self.keep_gradients("g", self.generator, terms["generator_total"])
        out.update({"out/" + name: value.reshape(1, 1, 1, 1) for name, value in terms.items()})
        for name, value in self.group("d").items():
            if "d.gradient/" + name in out:
                # From the engine's gradient: where it is near 0, Adam makes much of its last digits.
                stepped = adam_twice(value, self.engine["d.gradient/" + name])
                out["d.stepped/" + name] = stepped

    def keep_gradients(self, prefix, network, loss):
        names, parameters = zip(*network.parameters.items())
        gradients = torch.autograd.grad(loss, parameters, allow_unused=True)
        for name, gradient in zip(names, gradients):
            if gradient is not None:
                self.torch[f"{prefix}.gradient/{name}"] = gradient

    def errors(self):
        """{name: relative error} of all that was computed; of a stepped parameter, that of its change."""
        errors = {}
        for name, want in self.torch.items():
            got = self.engine[name]
            if name.startswith("d.stepped/"):
                start = self.engine["d/" + name.split("/", 1)[1]]
                want, got = want - start, got - start
            errors[name] = float((got - want).norm() / want.norm())
        return errors


SEEDS = (9, 3, 6, 12)


class PyTorchAgrees(unittest.TestCase):
    def check(self, backend, **settings):
        """Where rounding carries one of some 400,000 activations across the leaky ReLU's kink, gradients
        jump by up to 1e-3. That befalls one seed in seven, so gradients may agree at the second attempt;
        what is continuous agrees at the first."""
        for seed in SEEDS:
            step = Step(backend, seed=seed, **settings)
            computed = {name for name in step.engine if name.split("/")[0] not in ("g", "d", "in")}
            self.assertEqual(computed, set(step.torch))
            errors = step.errors()
            self.assertGreater(len(errors), 40)
            worst = max(errors, key=errors.get)
            print(f"# {backend} {settings} seed {seed}: {len(errors)} tensors, worst {worst} {errors[worst]:.1e}")
            wrong = {name: error for name, error in errors.items() if not error <= TOLERANCE}
            if not wrong or any(name.startswith("out/") for name in wrong):
                break
        self.assertFalse(wrong)


SETTINGS = {
    "at_full_resolution": dict(resolution_log2=6, fmap_base=256, fmap_max=32, lod=0),
    "while_a_level_fades_in": dict(resolution_log2=6, fmap_base=256, fmap_max=32, lod=0.3),
    "below_full_resolution": dict(resolution_log2=7, fmap_base=512, fmap_max=32, lod=1),
    "fading_below_full_resolution": dict(resolution_log2=7, fmap_base=512, fmap_max=32, lod=2.6),
}

# Half-way through a fade below the full resolution: every kind of layer takes part.
GROWING = dict(resolution_log2=6, fmap_base=256, fmap_max=32, lod=1.4)
VARIANTS = {
    "unfused": dict(variant=("unfused",)),
    "normalised_latents_only": dict(variant=("latent_only",)),
    "multi_label": dict(variant=("multi",), labels=3),
    "projection": dict(variant=("projection",), labels=3),
    "multi_label_projection": dict(variant=("projection", "multi", "latent_only", "unfused"), labels=3),
    "unconditional": dict(labels=0),
    "whole_minibatch_group_and_epsilon": dict(group=0, n=6, variant=("epsilon",)),
}
SETTINGS.update({name: {**GROWING, **settings} for name, settings in VARIANTS.items()})


def add_tests():
    for backend in ("reference", "cpu"):
        for name, settings in SETTINGS.items():

            def test(self, backend=backend, settings=settings):
                self.check(backend, **settings)

            setattr(PyTorchAgrees, f"test_{backend}_{name}", test)


add_tests()

if __name__ == "__main__":
    unittest.main()
