"""The resampling of augmentation against PyTorch's: grid_sample with mirrored borders where a map does not
shrink, and its gradient; anti-aliased interpolation where it does, away from the borders."""

import os
import subprocess
import unittest

try:
    import numpy as np
    import torch
    import torch.nn.functional as F
except ImportError as why:
    raise unittest.SkipTest(f"no PyTorch: {why}; Debian's is python3-torch")

TOLERANCE = {"reference": 1e-12, "cpu": 1e-5}


def engine(backend, maps, images, cotangents):
    program = os.path.join(os.environ.get("ROENTGYM_BUILD", "build"), "tests/oracle/dump_warp")
    data = b"".join(t.numpy().astype(np.float64).tobytes() for t in (maps, images, cotangents))
    n, height, width = images.shape
    done = subprocess.run([program, backend, str(n), str(height), str(width)], input=data, capture_output=True, check=True)
    out = np.frombuffer(done.stdout).reshape(2, n, height, width)
    return torch.from_numpy(out[0].copy()), torch.from_numpy(out[1].copy())


def grid_sampled(maps, images):
    n, height, width = images.shape
    rows, columns = torch.meshgrid(torch.arange(height).double(), torch.arange(width).double(), indexing="ij")
    m = maps.reshape(n, 6, 1, 1)
    u = m[:, 0] * columns + m[:, 1] * rows + m[:, 2]
    v = m[:, 3] * columns + m[:, 4] * rows + m[:, 5]
    grid = torch.stack([(2 * u + 1) / width - 1, (2 * v + 1) / height - 1], dim=-1)
    return F.grid_sample(images[:, None], grid, "bilinear", "reflection", align_corners=False)[:, 0]


def gentle_maps(generator, n, height, width):
    """Maps that turn by any angle, enlarge, flip and move by up to three image sizes, in numbers that are
    exact in f32."""
    angle = torch.rand(n, generator=generator) * 6.28
    scale = 0.3 + 0.69 * torch.rand(n, 2, generator=generator)
    flip = torch.where(torch.rand(n, generator=generator) < 0.5, -1.0, 1.0)
    move = (torch.rand(n, 2, generator=generator) - 0.5) * 6 * torch.tensor([width, height])
    maps = torch.stack(
        [
            flip * scale[:, 0] * torch.cos(angle),
            flip * scale[:, 0] * torch.sin(angle),
            move[:, 0],
            -scale[:, 1] * torch.sin(angle),
            scale[:, 1] * torch.cos(angle),
            move[:, 1],
        ],
        dim=1,
    )
    maps[0] = torch.tensor([1, 0, 0, 0, 1, 0])
    return maps.float().double()


class WarpAgrees(unittest.TestCase):
    def near(self, backend, got, want):
        error = float((got - want).norm() / want.norm())
        print(f"# {backend}: {error:.1e}")
        self.assertLess(error, TOLERANCE[backend])

    def check_gentle(self, backend):
        generator = torch.Generator().manual_seed(1)
        for n, height, width in ((8, 32, 32), (8, 5, 17), (3, 128, 64)):
            maps = gentle_maps(generator, n, height, width)
            images, cotangents = torch.randn(2, n, height, width, generator=generator).double()
            images.requires_grad_()
            want = grid_sampled(maps, images)
            (want_adjoint,) = torch.autograd.grad(want, images, cotangents)
            got, got_adjoint = engine(backend, maps, images.detach(), cotangents)
            self.near(backend, got, want.detach())
            self.near(backend, got_adjoint, want_adjoint)

    def check_shrinking(self, backend):
        generator = torch.Generator().manual_seed(2)
        for side, small in ((48, 16), (60, 24), (64, 40)):  # 3, 2.5 and 1.6 pixels become one
            factor = side / small
            images = torch.randn(1, side, side, generator=generator).double()
            middle = 0.5 * factor - 0.5
            maps = torch.tensor([[factor, 0, middle, 0, factor, middle]], dtype=torch.float64)
            got, _ = engine(backend, maps, images, images)
            want = F.interpolate(images[:, None], (small, small), mode="bilinear", antialias=True)[:, 0]
            inside = slice(2, small - 2)
            self.near(backend, got[:, inside, inside], want[:, inside, inside])

    def test_reference_is_grid_sample_where_nothing_shrinks(self):
        self.check_gentle("reference")

    def test_cpu_is_grid_sample_where_nothing_shrinks(self):
        self.check_gentle("cpu")

    def test_reference_is_antialiased_interpolation_where_it_shrinks(self):
        self.check_shrinking("reference")

    def test_cpu_is_antialiased_interpolation_where_it_shrinks(self):
        self.check_shrinking("cpu")


if __name__ == "__main__":
    unittest.main()
