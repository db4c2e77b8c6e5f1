#!/usr/bin/python3
"""Turns a network pickle of the original progressive GAN into a file that `roentgym import` reads.

    pggan_to_safetensors.py SNAPSHOT.pkl OUT.safetensors

Needs Python 3 and NumPy, no TensorFlow, and no network. A pickle is a program: this one is read by a machine
that knows the dozen names a network needs, gives each an inert stand-in, and refuses every other. Nothing of
the pickle runs.

The generator's moving average (Gs) is converted. Three layouts of weights are told apart:

  fused    trained by the TensorFlow code: Conv0_up is (3,3,OUT,IN)
  unfused  published weights, which came from Theano, or fused_scale=False: Conv0 is (3,3,IN,OUT)
  nvlabs   the copy of the code in the StyleGAN repository: Conv0_up is (3,3,IN,OUT)

Colour becomes grey by luma, 0.299 R + 0.587 G + 0.114 B. The last layer is linear, so this is done exactly,
once, to its weights: the grey image of the converted network is the luma of the colour image (but for pixels
that the colour image clips).
"""

import collections
import hashlib
import json
import math
import os
import pickle
import re
import struct
import sys

try:
    import numpy
except ImportError:
    sys.exit("This needs NumPy: on Debian the package python3-numpy, and /usr/bin/python3 to run it.")

LUMA = (0.299, 0.587, 0.114)
DEFAULTS = {  # of the code that wrote the pickles, for what static_kwargs leaves out
    "num_channels": 1, "resolution": 32, "label_size": 0, "fmap_base": 8192, "fmap_decay": 1.0, "fmap_max": 512,
    "latent_size": None, "use_wscale": True, "pixelnorm_epsilon": 1e-8,
}
MUST_BE = {"normalize_latents": True, "use_pixelnorm": True, "use_leakyrelu": True, "tanh_at_end": None}


class Refusal(Exception):
    """What is wrong with the file, in one line."""


# ---- reading a pickle without running it ------------------------------------------------------------------


class Name:
    """Stands for a class that is only mentioned."""


class Network:
    """Stands for the classes that the pickles' networks are of; keeps their state."""

    state = None

    def __setstate__(self, state):
        self.state = state


class DType:
    def __init__(self, kind, *_):
        self.kind, self.order = kind, "<"

    def __setstate__(self, state):
        self.order = state[1]

    def numpy(self):
        if not isinstance(self.kind, str) or not re.fullmatch("[fiu][248]|[iu]1", self.kind):
            raise Refusal("an array has elements that are not plain numbers")
        return numpy.dtype((">" if self.order == ">" else "<") + self.kind)


class Array:
    """Filled by a state (shape, type, order, bytes); `values` checks it."""

    def __init__(self, *filled):
        self.filled = filled

    def __setstate__(self, state):
        _, shape, kind, fortran, data = state
        self.filled = (shape, kind, "F" if fortran else "C", data)

    def values(self):
        shape, kind, order, data = self.filled
        data = data.encode("latin1") if isinstance(data, str) else bytes(data)
        kind = kind.numpy()
        if not all(isinstance(side, int) and 0 <= side < 1 << 24 for side in shape):
            raise Refusal("an array has no proper shape")
        if math.prod(shape) * kind.itemsize != len(data):
            raise Refusal(f"an array of shape {tuple(shape)} has {len(data)} bytes")
        return numpy.frombuffer(data, kind).reshape(shape, order=order).astype(numpy.float64)


class Attributes(dict):
    """Stands for a dictionary whose entries can be written as attributes."""

    def __setstate__(self, state):
        pass


KNOWN = {
    ("collections", "OrderedDict"): collections.OrderedDict,
    ("numpy", "ndarray"): Name,
    ("numpy", "dtype"): DType,
}
for module in ("numpy.core", "numpy._core"):
    KNOWN[module + ".multiarray", "_reconstruct"] = lambda *_: Array()
    KNOWN[module + ".multiarray", "scalar"] = lambda kind, data=b"": Array((), kind, "C", data)
    KNOWN[module + ".numeric", "_frombuffer"] = lambda data, kind, shape, order: Array(shape, kind, order, data)
for module in ("tfutil", "network", "dnnlib.tflib.network", "dnnlib.tflib.tfutil"):
    KNOWN[module, "Network"] = Network
for module in ("dnnlib", "dnnlib.util", "config"):
    KNOWN[module, "EasyDict"] = Attributes


class Reader(pickle.Unpickler):
    def find_class(self, module, name):
        if (module, name) not in KNOWN:
            raise Refusal(f"the pickle asks for {module}.{name}, which is no part of a network")
        return KNOWN[module, name]


def read_pickle(path):
    try:
        with open(path, "rb") as file:
            return Reader(file, encoding="latin1").load()
    except (Refusal, OSError):
        raise
    except Exception as why:  # a damaged pickle can break its reader in any way; none of them matters
        raise Refusal(f"is damaged, or no pickle ({type(why).__name__}: {why})") from None


# ---- the network in it ------------------------------------------------------------------------------------


def state_of(content):
    """The state of Gs, of (G, D, Gs) or alone."""
    network = content[-1] if isinstance(content, (tuple, list)) and content else content
    if not isinstance(network, Network) or not isinstance(network.state, dict):
        raise Refusal("holds no (G, D, Gs) of networks")
    return network.state


def settings_of(state):
    given = state.get("static_kwargs")
    if not isinstance(given, dict):
        raise Refusal("the network has no static_kwargs")
    for key, value in MUST_BE.items():
        if key in given and given[key] != value and not (value is None and not given[key]):
            raise Refusal(f"{key} is {given[key]}, which roentgym's generator has not")
    settings = {**DEFAULTS, **{key: given[key] for key in DEFAULTS if key in given}}
    for key in ("num_channels", "resolution", "label_size", "fmap_base", "fmap_max"):
        if isinstance(settings[key], bool) or not isinstance(settings[key], int) or settings[key] < 0:
            raise Refusal(f"{key} is {settings[key]!r}")
    if settings["resolution"] not in [1 << k for k in range(2, 11)]:
        raise Refusal(f"resolution is {settings['resolution']}, not 4, 8, ... 1024")
    if settings["num_channels"] not in (1, 3):
        raise Refusal(f"num_channels is {settings['num_channels']}, not 1 or 3")
    if settings["label_size"] > 64:
        raise Refusal(f"label_size is {settings['label_size']}, more than 64")
    if settings["fmap_decay"] != 1:
        raise Refusal(f"fmap_decay is {settings['fmap_decay']}, not 1")
    epsilon = settings["pixelnorm_epsilon"]
    if not isinstance(epsilon, (int, float)) or not 0 < epsilon <= 1:
        raise Refusal(f"pixelnorm_epsilon is {epsilon!r}")
    if settings["fmap_base"] < settings["resolution"] // 2 or settings["fmap_max"] < 1:
        raise Refusal(f"fmap_base {settings['fmap_base']} leaves no feature map")
    if settings["latent_size"] not in (None, width(settings, 1)):
        raise Refusal(f"latent_size is {settings['latent_size']}, not {width(settings, 1)}")
    return settings


def width(settings, side):
    """Feature maps at `side`; at 1 the size of the latent."""
    return min(settings["fmap_base"] * 2 // max(side, 2), settings["fmap_max"])


def variables_of(state):
    variables = {}
    listed = state.get("variables")
    for entry in listed if isinstance(listed, (tuple, list)) else []:
        if not (isinstance(entry, (tuple, list)) and len(entry) == 2 and isinstance(entry[1], Array)):
            raise Refusal("its variables are no list of names and arrays")
        variables[str(entry[0])] = entry[1].values()
    if not variables:
        raise Refusal("the network has no variables")
    return variables


def layout_of(state, settings, variables):
    """"fused", "unfused" or "nvlabs"."""
    sides = [1 << k for k in range(3, settings["resolution"].bit_length())]
    plain = [side for side in sides if f"{side}x{side}/Conv0/weight" in variables]
    if plain and len(plain) == len(sides):
        return "unfused"
    if plain:
        raise Refusal("mixes Conv0 and Conv0_up")
    for side in sides:  # where the two widths differ, the shape tells
        shape = variables.get(f"{side}x{side}/Conv0_up/weight", numpy.zeros(0)).shape
        below, here = width(settings, side // 2), width(settings, side)
        if below != here and shape[2:] in ((here, below), (below, here)):
            return "fused" if shape[2:] == (here, below) else "nvlabs"
    source, version = state.get("build_module_src"), state.get("version")
    if source:
        return "fused" if "fan_in=None" in str(source) else "nvlabs"
    if isinstance(version, int):
        return "fused" if version < 3 else "nvlabs"
    if not sides:
        return "fused"
    raise Refusal("has neither shapes, source nor version that tell the layout of its weights")


# ---- conversion -------------------------------------------------------------------------------------------


class Converter:
    """Takes variables by name and shape, gives tensors as roentgym keeps them: weights in the order O,K,K,I,
    where transposed layers have their input first, and without the factor of the equalised learning rate."""

    def __init__(self, settings, variables):
        self.settings, self.variables, self.tensors = settings, dict(variables), {}

    def take(self, name, shape):
        values = self.variables.pop(name, None)
        if values is None:
            raise Refusal(f"variable {name} is missing")
        if values.shape != shape:
            raise Refusal(f"variable {name} has shape {values.shape}, wanted {shape}")
        if not numpy.isfinite(values).all():
            raise Refusal(f"variable {name} has a value that is not finite")
        return values

    def add(self, layer, weight, scale, bias):
        if not self.settings["use_wscale"]:  # then weights are stored as they are used
            weight = weight / scale
        self.tensors[layer + "/weight"] = numpy.ascontiguousarray(weight, "<f4")
        self.tensors[layer + "/bias"] = numpy.ascontiguousarray(bias, "<f4")

    def dense(self):
        inputs, outputs = width(self.settings, 1) + self.settings["label_size"], width(self.settings, 4)
        weight = self.take("4x4/Dense/weight", (inputs, outputs * 16)).reshape(inputs, outputs, 4, 4)
        self.add("4x4/Dense", weight.transpose(0, 2, 3, 1), math.sqrt(2) / 4 / math.sqrt(inputs),
                 self.take("4x4/Dense/bias", (outputs,)))

    def conv(self, layer, inputs, outputs, kernel=3, gain=math.sqrt(2)):
        weight = self.take(layer + "/weight", (kernel, kernel, inputs, outputs))
        self.add(layer, weight.transpose(3, 0, 1, 2), gain / math.sqrt(inputs * kernel * kernel),
                 self.take(layer + "/bias", (outputs,)))

    def up(self, layer, inputs, outputs, layout):
        if layout == "fused":
            weight = self.take(layer + "/weight", (3, 3, outputs, inputs)).transpose(3, 0, 1, 2)
        else:
            weight = self.take(layer + "/weight", (3, 3, inputs, outputs)).transpose(2, 0, 1, 3)
        self.add(layer, weight, math.sqrt(2) / math.sqrt(9 * inputs), self.take(layer + "/bias", (outputs,)))

    def to_grey(self, layer, inputs):
        channels = self.settings["num_channels"]
        weight = self.take(layer + "/weight", (1, 1, inputs, channels)).transpose(3, 0, 1, 2)
        bias = self.take(layer + "/bias", (channels,))
        if channels == 3:
            weight = numpy.tensordot(LUMA, weight, 1)[None]
            bias = numpy.dot(LUMA, bias)[None]
        self.add(layer, weight, 1 / math.sqrt(inputs), bias)


def convert(settings, variables, layout):
    c = Converter(settings, variables)
    top = settings["resolution"].bit_length() - 1
    c.dense()
    c.conv("4x4/Conv", width(settings, 4), width(settings, 4))
    for log2 in range(3, top + 1):
        side = 1 << log2
        below, here = width(settings, side // 2), width(settings, side)
        if layout == "unfused":
            c.conv(f"{side}x{side}/Conv0", below, here)
        else:
            c.up(f"{side}x{side}/Conv0_up", below, here, layout)
        c.conv(f"{side}x{side}/Conv1", here, here)
    for log2 in range(2, top + 1):
        c.to_grey(f"ToRGB_lod{top - log2}", width(settings, 1 << log2))
    c.variables.pop("lod", None)
    if c.variables:
        raise Refusal(f"variable {min(c.variables)} is none of the generator's")
    return c.tensors


# ---- writing ----------------------------------------------------------------------------------------------


def sum_of(tensors):
    """Over names and bytes, in the order of the names."""
    digest = hashlib.sha256()
    for name in sorted(tensors):
        digest.update(name.encode() + b"\0" + tensors[name].tobytes())
    return digest.hexdigest()


def group_of(content):
    """Of the discriminator's minibatch standard deviation: the generator does without, a training would not."""
    network = content[1] if isinstance(content, (tuple, list)) and len(content) == 3 else None
    given = network.state.get("static_kwargs") if isinstance(getattr(network, "state", None), dict) else None
    group = given.get("mbstd_group_size") if isinstance(given, dict) else None
    return group if isinstance(group, int) and 0 < group <= 256 else 4


def metadata_of(path, settings, layout, tensors, group):
    with open(path, "rb") as file:
        source = hashlib.sha256(file.read()).hexdigest()
    name = os.path.basename(path)
    kimg = re.fullmatch(r"network-snapshot-(\d+)\.pkl", name)
    grey = ", colour turned into grey by luma" if settings["num_channels"] == 3 else ""
    metadata = {
        "format": "roentgym-import", "format_version": "1", "name": os.path.splitext(name)[0][:100],
        "resolution": settings["resolution"], "fmap_base": settings["fmap_base"],
        "fmap_max": settings["fmap_max"], "mbstd_group": group, "label_kind": "classes", "label_norm": "joint",
        "conditioning": "classifier", "fused_scale": "false" if layout == "unfused" else "true",
        "classes": json.dumps([f"label_{k}" for k in range(settings["label_size"])]),
        "kimg": int(kimg[1]) if kimg else 0, "training_data": "real",
        "provenance": f"imported from {name[:100]} (sha256 {source}), weights as in the {layout} layout{grey}",
        "tensors_sha256": sum_of(tensors),
    }
    if abs(settings["pixelnorm_epsilon"] - 1e-8) > 1e-12:
        metadata["pixel_norm_epsilon"] = repr(float(settings["pixelnorm_epsilon"]))
    return {key: str(value) for key, value in metadata.items()}


def write_safetensors(path, tensors, metadata):
    header, offset = {"__metadata__": metadata}, 0
    for name, values in tensors.items():
        header[name] = {"dtype": "F32", "shape": list(values.shape),
                        "data_offsets": [offset, offset + values.nbytes]}
        offset += values.nbytes
    text = json.dumps(header).encode()
    text += b" " * (-(8 + len(text)) % 64)
    temporary = f"{path}.{os.getpid()}.tmp"
    try:
        with open(temporary, "xb") as file:
            file.write(struct.pack("<Q", len(text)) + text)
            for values in tensors.values():
                file.write(values.tobytes())
            file.flush()
            os.fsync(file.fileno())
        os.rename(temporary, path)
    finally:
        if os.path.exists(temporary):
            os.remove(temporary)


def main():
    if len(sys.argv) != 3 or sys.argv[1].startswith("-"):
        print(__doc__)
        return 0 if "--help" in sys.argv else 2
    source, target = sys.argv[1:]
    try:
        if os.path.exists(target):
            raise Refusal(f"{target} is there already")
        content = read_pickle(source)
        state = state_of(content)
        settings, variables = settings_of(state), variables_of(state)
        layout = layout_of(state, settings, variables)
        tensors = convert(settings, variables, layout)
        write_safetensors(target, tensors, metadata_of(source, settings, layout, tensors, group_of(content)))
    except (Refusal, OSError) as why:
        print(f"{source}: {why}".replace("\n", " "), file=sys.stderr)
        return 1
    side, labels = settings["resolution"], settings["label_size"]
    print(f"{target}: generator of {side}x{side}, {labels} labels, {layout} layout"
          + (", colour turned into grey by luma" if settings["num_channels"] == 3 else "")
          + f"; next: roentgym import {target} --out NAME.safetensors --licence TEXT")
    return 0


if __name__ == "__main__":
    sys.exit(main())
