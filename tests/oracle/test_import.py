"""Import of official network pickles: real pickle bytes under the official names, converted, imported, sampled
by the engine, and compared with the published formulas in f64 from the variables as the pickle has them.

Also what must be refused: pickles that would run something, damaged ones, and networks that do not fit."""

import json
import os
import pickle
import struct
import subprocess
import sys
import tempfile
import types
import unittest

try:
    import numpy
    import torch
    import torch.nn.functional as F
    from PIL import Image
except ImportError as why:
    raise unittest.SkipTest(f"{why}; Debian has python3-torch, python3-numpy, python3-pil")

torch.set_num_threads(1)
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.path.join(ROOT, os.environ.get("ROENTGYM_BUILD", "build"))
ROENTGYM = os.path.join(BUILD, "roentgym")
CONVERTER = os.path.join(ROOT, "trainer/import/pggan_to_safetensors.py")
DUMP = os.path.join(BUILD, "tests/oracle/dump_images")
TOLERANCE = 1e-4
TENSORFLOW = "def get_weight(shape, gain=np.sqrt(2), use_wscale=False, fan_in=None):"
NVLABS = "def get_weight(shape, gain=np.sqrt(2), use_wscale=False):"


# ---- networks and their pickles ---------------------------------------------------------------------------


def widths(side, base, most):
    return min(base * 2 // max(side, 2), most)


def make_variables(layout, resolution=64, base=256, most=16, labels=0, channels=1, seed=1):
    """[(name, array)] as the official code stores them, biases not zero so that they show."""
    draw = numpy.random.RandomState(seed)

    def normal(*shape):
        return draw.randn(*shape).astype(numpy.float32)

    def layer(name, *shape, outputs):
        return [(name + "/weight", normal(*shape)), (name + "/bias", normal(outputs))]

    def nf(side):
        return widths(side, base, most)

    top = resolution.bit_length() - 1
    variables = [("lod", numpy.float32(0))]  # session.run gives a scalar, not an array
    variables += layer("4x4/Dense", nf(1) + labels, nf(4) * 16, outputs=nf(4))
    variables += layer("4x4/Conv", 3, 3, nf(4), nf(4), outputs=nf(4))
    variables += layer(f"ToRGB_lod{top - 2}", 1, 1, nf(4), channels, outputs=channels)
    for log2 in range(3, top + 1):
        side, below = 1 << log2, nf(1 << (log2 - 1))
        name, here = f"{side}x{side}/", nf(side)
        if layout == "fused":
            variables += layer(name + "Conv0_up", 3, 3, here, below, outputs=here)
        else:
            variables += layer(name + ("Conv0" if layout == "unfused" else "Conv0_up"), 3, 3, below, here,
                               outputs=here)
        variables += layer(name + "Conv1", 3, 3, here, here, outputs=here)
        variables += layer(f"ToRGB_lod{top - log2}", 1, 1, here, channels, outputs=channels)
    return variables


def make_state(layout, variables, resolution=64, base=256, most=16, labels=0, channels=1, source=True, **more):
    state = {
        "version": 3 if layout == "nvlabs" else 2, "name": "Gs",
        "static_kwargs": {"num_channels": channels, "resolution": resolution, "label_size": labels,
                          "fmap_base": base, "fmap_max": most, "latent_size": None, "dtype": "float32",
                          "normalize_latents": True, "use_wscale": True, "fused_scale": layout != "unfused"},
        "build_module_src": (NVLABS if layout == "nvlabs" else TENSORFLOW) if source else "",
        "build_func_name": "G_paper", "variables": variables,
    }
    if layout == "nvlabs":
        state["components"] = {}
    for key, value in more.items():
        (state if key in state else state["static_kwargs"])[key] = value
    return state


def network_class(layout):
    """The class of the official name, as pickle finds it."""
    names = {"fused": ("tfutil",), "unfused": ("network",), "nvlabs": ("dnnlib", "dnnlib.tflib",
                                                                    "dnnlib.tflib.network")}[layout]
    for name in names:
        sys.modules.setdefault(name, types.ModuleType(name))
    module = sys.modules[names[-1]]
    if not hasattr(module, "Network"):
        module.Network = type("Network", (), {"__module__": names[-1],
                                              "__getstate__": lambda self: self.state})
    return module.Network


def make_pickle(state, layout, protocol=4):
    """(G, D, Gs), of which only the last is what the state says."""
    networks = [network_class(layout)() for _ in range(3)]
    networks[0].state = {"version": 2, "static_kwargs": {}, "variables": []}
    networks[1].state = {"version": 2, "static_kwargs": {"mbstd_group_size": 16}, "variables": []}
    networks[2].state = state
    return pickle.dumps(tuple(networks), protocol=protocol)


# ---- the published formulas, in f64, on variables as stored -----------------------------------------------


def pixel_norm(x):
    return x / torch.sqrt((x * x).mean(dim=1, keepdim=True) + 1e-8)


def fuse(w):
    """Zero-pad spatially by 1, sum of the four 1-shifts: 3x3 -> 4x4."""
    p = F.pad(w.permute(2, 3, 0, 1), (1, 1, 1, 1))
    return (p[..., 1:, 1:] + p[..., :-1, 1:] + p[..., 1:, :-1] + p[..., :-1, :-1]).permute(2, 3, 0, 1)


def up(x, w, layout, scale):
    if layout == "nvlabs":
        w = w.permute(0, 1, 3, 2)  # the copy of the code transposes before use
    if layout != "unfused":
        return F.conv_transpose2d(x, scale * fuse(w).permute(3, 2, 0, 1), stride=2, padding=1)
    return F.conv2d(F.interpolate(x, scale_factor=2), scale * w.permute(3, 2, 0, 1), padding=1)


def generate(variables, layout, latents, labels, resolution, scaled=True):
    """Images (N, channels, side, side) of the fully grown network."""
    v = {name: torch.from_numpy(numpy.asarray(values)).double() for name, values in variables}

    def finish(x, name):
        return pixel_norm(F.leaky_relu(x + v[name + "/bias"][None, :, None, None], 0.2))

    def he(inputs, gain=2**0.5):
        return gain / inputs**0.5 if scaled else 1

    x = pixel_norm(torch.cat([latents, labels], dim=1))
    w = v["4x4/Dense/weight"]
    x = (x @ w * he(w.shape[0], 2**0.5 / 4)).reshape(len(x), -1, 4, 4)
    x = finish(x, "4x4/Dense")
    side, name = 4, "4x4/Conv"
    while True:
        w = v[name + "/weight"]
        x = finish(F.conv2d(x, w.permute(3, 2, 0, 1) * he(9 * w.shape[2]), padding=1), name)
        if side == resolution:
            break
        side *= 2
        name = f"{side}x{side}/Conv0" + ("" if layout == "unfused" else "_up")
        x = finish(up(x, v[name + "/weight"], layout, he(9 * x.shape[1])), name)
        name = f"{side}x{side}/Conv1"
    w = v["ToRGB_lod0/weight"]
    return F.conv2d(x, w.permute(3, 2, 0, 1) * he(w.shape[2], 1)) + v["ToRGB_lod0/bias"][None, :, None, None]


class Identities(unittest.TestCase):
    def test_the_fused_kernel_is_an_upscale_and_a_rotated_3x3(self):
        x, w = torch.randn(2, 5, 8, 8).double(), torch.randn(3, 3, 7, 5).double()
        plain = F.conv2d(F.interpolate(x, scale_factor=2), w.permute(2, 3, 0, 1).flip(2, 3), padding=1)
        self.assertLess((up(x, w, "fused", 1) - plain).abs().max(), 1e-13)


# ---- running ----------------------------------------------------------------------------------------------


class ImportTest(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.folder = scratch.name

    def path(self, name):
        return os.path.join(self.folder, name)

    def write(self, name, content):
        with open(self.path(name), "wb") as file:
            file.write(content)

    def run_program(self, *arguments):
        return subprocess.run([str(argument) for argument in arguments], cwd=self.folder, text=True, timeout=100,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              env={**os.environ, "OMP_NUM_THREADS": "1"}, check=False)

    def succeed(self, *arguments):
        done = self.run_program(*arguments)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        return done.stdout

    def refuse(self, *arguments, text, status=1):
        before = sorted(os.listdir(self.folder))
        done = self.run_program(*arguments)
        self.assertEqual((done.returncode, done.stdout, len(done.stderr.splitlines())), (status, "", 1),
                         done.stderr)
        self.assertIn(text, done.stderr)
        self.assertEqual(sorted(os.listdir(self.folder)), before)

    def convert(self, content, name="net.pkl"):
        self.write(name, content)
        return self.succeed(sys.executable, CONVERTER, self.path(name), self.path("flat.safetensors"))

    def import_flat(self, *more):
        return self.succeed(ROENTGYM, "import", self.path("flat.safetensors"), "--out",
                            self.path("made.safetensors"), "--licence", "CC BY-NC 4.0", *more)

    def metadata(self, name):
        with open(self.path(name), "rb") as file:
            (length,) = struct.unpack("<Q", file.read(8))
            return json.loads(file.read(length))["__metadata__"]

    def images(self, resolution, latent_size, class_index=0, count=3):
        """(latents, images) by the engine's reference."""
        self.succeed(DUMP, self.path("made.safetensors"), class_index, 5, count, self.path("dump"))
        values = numpy.fromfile(self.path("dump"), "<f4").reshape(count, latent_size + resolution**2)
        os.remove(self.path("dump"))
        return (torch.from_numpy(values[:, :latent_size]).double(),
                torch.from_numpy(values[:, latent_size:]).double().reshape(count, resolution, resolution))

    def compare(self, layout, state, *, labels=0, resolution=64, protocol=4, scaled=True, classes=()):
        variables = state["variables"]
        self.convert(make_pickle(state, layout, protocol))
        self.import_flat(*classes)
        for k in range(max(labels, 1)):
            latents, got = self.images(resolution, variables[1][1].shape[0] - labels, k)
            one_hot = torch.zeros(len(latents), labels).double()
            one_hot[:, k : k + 1] = 1
            wanted = generate(variables, layout, latents, one_hot, resolution, scaled)
            luma = torch.tensor([0.299, 0.587, 0.114] if wanted.shape[1] == 3 else [1.0]).double()
            wanted = torch.einsum("nchw,c->nhw", wanted, luma)
            self.assertGreater(wanted.std(), 0.05)
            self.assertLess((got - wanted).abs().max() / max(1, wanted.abs().max()), TOLERANCE)
        return wanted


class Layouts(ImportTest):
    def test_the_fused_layout_of_tensorflow(self):
        state = make_state("fused", make_variables("fused", labels=3), labels=3)
        self.compare("fused", state, labels=3)
        self.assertEqual(json.loads(self.metadata("made.safetensors")["classes"]),
                         ["label_0", "label_1", "label_2"])
        self.assertEqual(self.metadata("made.safetensors")["fused_scale"], "true")

    def test_the_unfused_layout_of_the_published_weights_and_colour(self):
        state = make_state("unfused", make_variables("unfused", channels=3), channels=3)
        self.compare("unfused", state)
        made = self.metadata("made.safetensors")
        self.assertEqual([made["fused_scale"], made["mbstd_group"], made["training_data"], made["licence"]],
                         ["false", "16", "real", "CC BY-NC 4.0"])
        self.assertIn("grey by luma", made["provenance"])

    def test_the_layout_of_the_stylegan_repository(self):
        state = make_state("nvlabs", make_variables("nvlabs", labels=1), labels=1)
        self.compare("nvlabs", state, labels=1)

    def test_small_networks_are_told_apart_by_source_or_version(self):
        for layout in ("fused", "nvlabs"):
            for source in (True, False):
                state = make_state(layout, make_variables(layout, resolution=16), resolution=16, source=source)
                self.compare(layout, state, resolution=16)
                os.remove(self.path("flat.safetensors"))
                os.remove(self.path("made.safetensors"))

    def test_shapes_count_more_than_version_and_source(self):
        state = make_state("nvlabs", make_variables("fused"))
        self.compare("fused", state)

    def test_every_pickle_protocol_that_holds_arrays(self):
        for protocol in (4, 5):
            state = make_state("fused", make_variables("fused", resolution=8), resolution=8)
            self.compare("fused", state, resolution=8, protocol=protocol)
            os.remove(self.path("flat.safetensors"))
            os.remove(self.path("made.safetensors"))

    def test_weights_stored_as_they_are_used(self):
        variables = [(name, values / 4 if values.ndim > 1 else values) for name, values in make_variables("fused")]
        self.compare("fused", make_state("fused", variables, use_wscale=False), scaled=False)

    def test_a_network_of_4x4(self):
        state = make_state("fused", make_variables("fused", resolution=4), resolution=4)
        self.compare("fused", state, resolution=4)


class Checkpoints(ImportTest):
    def setUp(self):
        super().setUp()
        self.variables = make_variables("fused", resolution=32, labels=2)
        self.content = make_pickle(make_state("fused", self.variables, resolution=32, labels=2), "fused")

    def test_roentgym_samples_it_with_names_and_licence(self):
        told = self.convert(self.content, "network-snapshot-012000.pkl")
        self.assertIn("fused layout", told)
        told = self.import_flat("--classes", "well,ill", "--name", "old net")
        self.assertIn("licence: CC BY-NC 4.0", told)
        self.succeed(ROENTGYM, "sample", "--model", self.path("made.safetensors"), "--out", self.path("out"),
                     "--class", "ill", "--seeds", "5..7", "--depth", 16, "--device", "cpu")
        made = self.metadata("made.safetensors")
        self.assertEqual([made["name"], made["kimg"]], ["old net", "12000.000"])
        latents, wanted = self.images(32, 16, 1)
        for k in range(len(latents)):
            with Image.open(self.path(f"out/images/ill-{5 + k}.png")) as image:
                self.assertEqual([image.text[key] for key in ("Model licence", "Training data", "Label")],
                                 ["CC BY-NC 4.0", "real", "ill"])
                grey = numpy.asarray(image).astype(float) / 32767.5 - 1
            difference = numpy.sqrt(((grey - wanted[k].clamp(-1, 1).numpy()) ** 2).mean())
            self.assertLess(difference, 0.03)  # bf16 where the processor has it

    def test_a_converted_file_is_no_checkpoint_and_a_checkpoint_no_converted_file(self):
        self.convert(self.content)
        self.refuse(ROENTGYM, "sample", "--model", self.path("flat.safetensors"), "--out", self.path("out"),
                    text="roentgym import")
        self.import_flat()
        self.refuse(ROENTGYM, "import", self.path("made.safetensors"), "--out", self.path("x.safetensors"),
                    "--licence", "x", text="not a converted network")

    def import_refused(self, text, *more, status=1, file="flat.safetensors"):
        licence = () if "--licence" in more else ("--licence", "x")
        self.refuse(ROENTGYM, "import", self.path(file), "--out", self.path("x.safetensors"), *licence, *more,
                    text=text, status=status)

    def test_what_import_refuses(self):
        self.convert(self.content)
        self.refuse(ROENTGYM, "import", self.path("flat.safetensors"), "--out", self.path("x"), text="--licence",
                    status=2)
        self.import_refused("--licence", "--licence", "", status=2)
        self.import_refused("--licence", "--licence", "two\nlines", status=2)
        for names in ("a", "a,b,c", "a,a", "a,", "a,b/c", "a,none", "x" * 48 + ",b"):
            self.import_refused("--classes", "--classes", names)
        self.import_refused("none.safetensors", file="none.safetensors")
        self.write("x.safetensors", b"mine")
        self.import_refused("is there already")

    def test_a_changed_byte_a_foreign_tensor_or_a_nan_is_told(self):
        self.convert(self.content)
        with open(self.path("flat.safetensors"), "rb") as file:
            good = file.read()
        self.write("flat.safetensors", good[:-3] + bytes([good[-3] ^ 1]) + good[-2:])
        self.import_refused("SHA-256")
        self.write("flat.safetensors", good[:-4] + struct.pack("<f", float("nan")))
        self.import_refused("finite")
        self.write("flat.safetensors", good[:-8])
        self.import_refused("flat.safetensors")
        (length,) = struct.unpack("<Q", good[:8])
        header = json.loads(good[8 : 8 + length])
        header["extra"] = {"dtype": "F32", "shape": [1], "data_offsets": [len(good) - 8 - length,
                                                                         len(good) - 4 - length]}
        text = json.dumps(header).encode()
        self.write("flat.safetensors", struct.pack("<Q", len(text)) + text + good[8 + length :] + bytes(4))
        self.import_refused('tensor "extra"')

    def test_nothing_is_overwritten(self):
        self.convert(self.content)
        self.refuse(sys.executable, CONVERTER, self.path("net.pkl"), self.path("flat.safetensors"),
                    text="is there already")


# ---- refusals ---------------------------------------------------------------------------------------------


class Reduced:
    """Pickles as a call."""

    def __init__(self, function, *arguments):
        self.call = (function, arguments)

    def __reduce__(self):
        return self.call


class Refusals(ImportTest):
    def convert_refused(self, content, text):
        self.write("bad.pkl", content)
        self.refuse(sys.executable, CONVERTER, self.path("bad.pkl"), self.path("out.safetensors"), text=text)
        self.assertFalse(os.path.exists(self.path("ran")))

    def test_a_pickle_that_would_run_something_is_refused_and_nothing_runs(self):
        touch = f"touch {self.path('ran')}"
        python = f"open({self.path('ran')!r}, 'w')"
        evil = {
            "posix.system": Reduced(os.system, touch),
            "builtins.eval": Reduced(eval, python),
            "builtins.exec": Reduced(exec, python),
            "subprocess.Popen": Reduced(subprocess.Popen, touch, 0, None, None, None, None, None, True, True),
            "builtins.getattr": Reduced(getattr, numpy.ndarray, "tofile"),
        }
        variables = make_variables("fused", resolution=8)
        for name, call in evil.items():
            self.convert_refused(pickle.dumps(call), name)
            for state in (make_state("fused", [*variables, ("x", call)], resolution=8),
                          make_state("fused", [*variables, (call, numpy.zeros(3))], resolution=8),
                          make_state("fused", variables, resolution=8, fmap_base=call)):
                self.convert_refused(make_pickle(state, "fused"), name)
        self.convert_refused(pickle.dumps(Reduced(map, Reduced(eval, python), [1])), "builtins.map")
        self.convert_refused(b"cos\nsystem\n(S'" + touch.encode() + b"'\ntR.", "os.system")
        self.convert_refused(b"(S'" + touch.encode() + b"'\nios\nsystem\n.", "os.system")
        # A name that is allowed, and on from there
        for name in ("OrderedDict.fromkeys", "abc", "OrderedDict.__init__.__globals__"):
            text = name.encode()
            self.convert_refused(b"\x80\x04\x8c\x0bcollections\x8c" + bytes([len(text)]) + text + b"\x93.",
                                 "collections." + name)
        self.convert_refused(b"\x80\x04\x8c\x05numpy\x8c\x04load\x93.", "numpy.load")
        self.convert_refused(b"\x80\x04\x8c\x06tfutil\x8c\x03run\x93.", "tfutil.run")

    def test_damaged_pickles_are_told_in_one_line(self):
        content = make_pickle(make_state("fused", make_variables("fused", resolution=8), resolution=8), "fused")
        for size in (0, 1, 2, 50, 300, len(content) // 2, len(content) - 1):
            self.convert_refused(content[:size], "bad.pkl: is damaged")
        self.convert_refused(b"\x89PNG\r\n\x1a\n", "bad.pkl: is damaged")
        self.convert_refused(b"\x80\x04" + b"(" * 1000000, "bad.pkl: is damaged")
        for thing in (1, (), {}, (1, 2, 3), "x", [[]]):
            self.convert_refused(pickle.dumps(thing), "(G, D, Gs)")
        self.refuse(sys.executable, CONVERTER, self.path("none.pkl"), self.path("x"), text="none.pkl")

    def state_refused(self, text, change=lambda variables: variables, **more):
        variables = make_variables("fused", resolution=8)
        state = make_state("fused", change(variables), **{"resolution": 8, **more})
        self.convert_refused(make_pickle(state, "fused"), text)

    def test_variables_that_do_not_fit_are_told_by_name(self):
        def with_one(name, values):
            return lambda variables: [(key, values if key == name else old) for key, old in variables]

        weight = dict(make_variables("fused", resolution=8))["8x8/Conv1/weight"]
        poisoned = weight.copy()
        poisoned[0, 0, 0, 0] = numpy.nan
        name = "8x8/Conv1/weight"
        self.state_refused(f"{name} has shape", with_one(name, weight[:, :, :, :15]))
        self.state_refused(f"{name} has shape", with_one(name, weight.ravel()))
        self.state_refused(f"{name} has a value that is not finite", with_one(name, poisoned))
        self.state_refused(f"{name} has a value that is not finite", with_one(name, weight * numpy.inf))
        self.state_refused("plain numbers", with_one(name, weight.astype(complex)))
        self.state_refused("no list", with_one(name, "text"))
        self.state_refused(f"{name} is missing", lambda v: [e for e in v if e[0] != name])
        self.state_refused("16x16/Conv1/weight is none", lambda v: [*v, ("16x16/Conv1/weight", weight)])
        self.state_refused("no variables", lambda v: [])
        self.state_refused("4x4/Dense/weight has shape", labels=3)

    def test_settings_that_the_engine_does_not_have_are_told(self):
        for key, value in (("resolution", 2048), ("resolution", 12), ("num_channels", 4), ("label_size", 65),
                           ("fmap_decay", 2.0), ("latent_size", 99), ("use_pixelnorm", False),
                           ("normalize_latents", False), ("use_leakyrelu", False), ("tanh_at_end", True),
                           ("pixelnorm_epsilon", "x"), ("fmap_base", 0), ("fmap_max", -1),
                           ("fmap_max", "many")):
            self.state_refused(key, **{key: value})
        self.state_refused("static_kwargs", static_kwargs=3)

    def test_arrays_with_forged_shapes_are_told(self):
        content = make_pickle(make_state("fused", make_variables("fused", resolution=8), resolution=8), "fused",
                              protocol=2)
        self.assertIn(b"_codecs", content)  # python 3 writes bytes so in protocol 2; python 2 did not
        self.convert_refused(content, "_codecs.encode")

        def forge(shape, kind, data):
            array = Reduced(numpy.core.multiarray._reconstruct, numpy.ndarray, (0,), b"b")
            array.call += ((1, shape, numpy.dtype(kind), False, data),)
            return array

        for shape, kind, data, text in (((10**9,), "f4", b"x" * 4, "shape"), ((2,), "f4", b"x" * 4, "4 bytes"),
                                        ((-1,), "f4", b"", "shape"), ((1,), "O", b"x" * 8, "plain numbers")):
            self.state_refused(text, lambda v: [*v, ("x", forge(shape, kind, data))])


if __name__ == "__main__":
    unittest.main()
