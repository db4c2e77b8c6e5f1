"""The classifiers beside torchvision's on the same random weights, images and cotangent: logits in inference and
in training, gradients of every weight, running moments after a step.

The reference backend in f64 must agree at once. In f32 rounding carries some activation across a ReLU's kink in
every deep network, after which gradients differ by as much as 0.1; so the cpu backend's are compared where few
values are near one, and may be as far from PyTorch's f64 as four times PyTorch's own f32 is: of Inception-v3, with
batch norms over few values, that is 0.4 %. VGG16, without any, agrees at once.

dump_classifier (C) loads the weights in torchvision's names and writes what it computed in the same form, which
torchvision then loads: so that names and shapes agree is tested on both ways."""

import copy
import json
import os
import struct
import subprocess
import tempfile
import unittest

from tensors import read_safetensors

try:
    import torch
    import torchvision
except ImportError as why:
    raise unittest.SkipTest(f"no torchvision: {why}; Debian's is python3-torchvision")

PROGRAM = os.path.join(os.environ.get("ROENTGYM_BUILD", "build"), "tests", "oracle", "dump_classifier")
TOLERANCE = 1e-4  # |a - b| / |b|
OUTPUTS = 5
TYPES = {torch.float32: "F32", torch.float64: "F64", torch.int64: "I64"}


def write_safetensors(path, tensors):
    header, blobs, at = {}, [], 0
    for name, tensor in tensors.items():
        blob = tensor.detach().contiguous().numpy().tobytes()
        header[name] = {"dtype": TYPES[tensor.dtype], "shape": list(tensor.shape),
                        "data_offsets": [at, at + len(blob)]}
        blobs.append(blob)
        at += len(blob)
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + b"".join(blobs))


def make_model(name, smooth=False):
    """`smooth`: hardly any value before a ReLU is negative, hence none is carried across its kink by rounding."""
    torch.manual_seed(len(name))
    if name == "inception_v3":
        model = torchvision.models.inception_v3(
            weights=None, aux_logits=False, num_classes=OUTPUTS, init_weights=False)
    else:
        model = getattr(torchvision.models, name)(weights=None, num_classes=OUTPUTS)
    for module in model.modules():
        if isinstance(module, torch.nn.BatchNorm2d):  # as a training leaves them
            torch.nn.init.uniform_(module.weight, 0.5, 1.0 if smooth else 1.5)
            torch.nn.init.normal_(module.bias, 5 if smooth else 0, 0.2)
            torch.nn.init.normal_(module.running_mean, 0, 0.3)
            torch.nn.init.uniform_(module.running_var, 0.5, 1.5)
        elif isinstance(module, torch.nn.Dropout):
            module.p = 0.0
        elif isinstance(module, (torch.nn.Conv2d, torch.nn.Linear)):
            torch.nn.init.kaiming_normal_(module.weight)
            if smooth and name == "vgg16":  # without batch norms; values of 5 +- 1 before each ReLU
                torch.nn.init.normal_(module.weight, 0, (26 * module.weight[0].numel()) ** -0.5)
                torch.nn.init.constant_(module.bias, 5)
    return model


def run(name, side, weights, inputs, out, backend="cpu"):
    return subprocess.run([PROGRAM, name, str(side), str(OUTPUTS), weights, inputs, out, backend],
                          capture_output=True, text=True, check=False)


def error(got, want, scale=1e-12):
    got, want = got.double(), want.double()
    return ((got - want).norm() / max(want.norm(), scale)).item()


class Classifiers(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.paths = [os.path.join(folder.name, name) for name in ("weights", "in", "out")]

    def compare(self, name, side, n, backend="cpu", smooth=False, carried=0):
        weights, inputs, out = self.paths
        model = make_model(name, smooth)
        images, cotangent = torch.randn(n, 3, side, side), torch.randn(n, OUTPUTS)
        write_safetensors(weights, model.state_dict())
        write_safetensors(inputs, {"images": images, "cotangent": cotangent})
        done = run(name, side, weights, inputs, out, backend)
        self.assertEqual(done.stderr, "")
        logits, got = ({name: torch.from_numpy(array) for name, array in read_safetensors(out + kind).items()}
                       for kind in (".logits", ".gradient"))

        single = copy.deepcopy(model).train() if smooth else None
        if single:
            (single(images) * cotangent).sum().backward()
        model = model.double()
        with torch.no_grad():
            want = model.eval()(images.double())
        self.assertLess(error(logits["inference"], want), TOLERANCE)
        want = model.train()(images.double())
        self.assertLess(error(logits["training"], want), TOLERANCE)
        (want * cotangent.double()).sum().backward()
        parameters = dict(model.named_parameters())
        self.assertEqual(set(got), {k for k in model.state_dict() if not k.endswith("num_batches_tracked")})
        # A shift before a batch norm has next to no gradient, which then has no scale of its own.
        usual = sorted(p.grad.norm().item() for p in parameters.values())[len(parameters) // 2]
        worst = max((error(got[k], p.grad, 0.01 * usual), k) for k, p in parameters.items())
        print(f"# {name} at {side} {backend}: worst gradient {worst[1]} off by {worst[0]:.1e}")
        allowed = TOLERANCE
        if single:
            peer = max(error(p.grad, parameters[k].grad, 0.01 * usual) for k, p in single.named_parameters())
            print(f"# PyTorch's f32 by {peer:.1e}")
            allowed = max(TOLERANCE, 4 * peer, carried)
        self.assertLess(worst[0], allowed)
        for key, value in model.state_dict().items():
            if "running" in key:
                self.assertLess(error(got[key], value), TOLERANCE, key)

    def test_resnet18_agrees(self):
        self.compare("resnet18", 65, 3, backend="reference64")
        self.compare("resnet18", 64, 3, smooth=True)

    def test_inception_v3_agrees(self):
        self.compare("inception_v3", 79, 2, backend="reference64")
        self.compare("inception_v3", 107, 3, smooth=True)

    def test_vgg16_agrees(self):
        self.compare("vgg16", 224, 1, smooth=True, carried=0.02)

    def refusal(self, weights):
        write_safetensors(self.paths[0], weights)
        write_safetensors(self.paths[1], {"images": torch.zeros(1, 3, 64, 64), "cotangent": torch.zeros(1, OUTPUTS)})
        done = run("resnet18", 64, *self.paths)
        self.assertEqual(done.returncode, 1)
        self.assertIn(self.paths[0], done.stderr)
        return done.stderr

    def test_weights_that_do_not_fit_are_refused_by_name(self):
        whole = make_model("resnet18").state_dict()
        lacking = {k: v for k, v in whole.items() if k != "layer3.1.bn2.running_var"}
        self.assertIn('"layer3.1.bn2.running_var"', self.refusal(lacking))
        self.assertIn('"layer9.weight"', self.refusal({**whole, "layer9.weight": torch.zeros(3)}))
        told = self.refusal({**whole, "layer2.0.conv1.weight": torch.zeros(128, 64, 5, 5)})
        self.assertIn('"layer2.0.conv1.weight"', told)
        self.assertIn("(128,64,5,5)", told)
        told = self.refusal({**whole, "fc.bias": torch.zeros(1000)})
        self.assertIn('"fc.bias"', told)
        self.assertIn('"fc.bias"', self.refusal({**whole, "fc.bias": torch.zeros(OUTPUTS, dtype=torch.float64)}))


if __name__ == "__main__":
    unittest.main()
