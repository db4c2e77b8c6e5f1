"""The sliced Wasserstein distance, recomputed in f64 by NumPy and SciPy from the formulas of Karras et al. 2018:
grey really tiled to three channels, pyramids by scipy.ndimage, whole descriptors, numpy.sort. dump_swd (C)
writes images, places, directions and the distances that the trainer found."""

import os
import subprocess
import tempfile
import unittest

import numpy as np

from tensors import read_safetensors

try:
    from scipy import ndimage
except ImportError as why:
    raise unittest.SkipTest(f"no SciPy: {why}; Debian's is python3-scipy")

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
DUMP = os.path.join(ROOT, os.environ.get("ROENTGYM_BUILD", "build"), "tests/oracle/dump_swd")
SETS = 3
KERNEL = np.outer([1, 4, 6, 4, 1], [1, 4, 6, 4, 1]) / 256.0
TOLERANCE = 1e-6  # relative; f32 against f64


def dump(side, images, levels_in_memory, threads):
    """{name: array} of what dump_swd wrote."""
    with tempfile.NamedTemporaryFile() as file:
        subprocess.run([DUMP, file.name, str(side), str(images), str(levels_in_memory)], check=True,
                       env={**os.environ, "OMP_NUM_THREADS": str(threads)})
        return read_safetensors(file.name)


def down(image):
    return ndimage.convolve(image, KERNEL, mode="mirror")[::2, ::2]


def up(image):
    wide = np.zeros((2 * len(image), 2 * len(image)))
    wide[::2, ::2] = image
    return ndimage.convolve(wide, 4 * KERNEL, mode="mirror")


def laplacian_pyramid(image, levels):
    gaussian = [image.astype(np.float64)]
    for _ in range(levels - 1):
        gaussian.append(down(gaussian[-1]))
    return [fine - up(coarse) for fine, coarse in zip(gaussian, gaussian[1:])] + gaussian[-1:]


def descriptors(levels, places, channels):
    """(images x 128, channels x 49): normalised channel by channel."""
    patches = np.array([[level[y:y + 7, x:x + 7] for y, x in at] for level, at in zip(levels, places)])
    patches = np.repeat(patches.reshape(-1, 1, 7, 7), channels, axis=1)
    patches = patches - patches.mean(axis=(0, 2, 3), keepdims=True)
    patches = patches / patches.std(axis=(0, 2, 3), keepdims=True)
    return patches.reshape(len(patches), -1)


def distance(a, b, directions):
    repeats = []
    for some in np.split(directions.astype(np.float64), 4):
        projected = [np.sort(each @ some.T, axis=0) for each in (a, b)]
        repeats.append(np.mean(np.abs(projected[0] - projected[1])))
    return 1000 * np.mean(repeats)


def expected(arrays, side, images):
    """[set - 1][form][level]"""
    sides = [side >> k for k in range(side.bit_length() - 4)]
    pixels = arrays[f"images/{side}/0"]
    pyramids = [laplacian_pyramid(image, len(sides)) for image in pixels]
    result = np.zeros((SETS - 1, 2, len(sides)))
    for k, level_side in enumerate(sides):
        for form, channels in ((0, 3), (1, 1)):
            sets = [descriptors([p[k] for p in pyramids[s * images:(s + 1) * images]],
                                arrays[f"places/{level_side}/{s}"], channels) for s in range(SETS)]
            directions = arrays[f"directions/{level_side}/{form}"][0]
            for s in range(1, SETS):
                result[s - 1][form][k] = distance(sets[0], sets[s], directions)
    return result


class SlicedWassersteinDistance(unittest.TestCase):
    def test_it_agrees_with_numpy_and_scipy_in_both_forms(self):
        for side, images in ((16, 40), (64, 12), (128, 5)):
            arrays = dump(side, images, 7, 2)
            want = expected(arrays, side, images)
            got = arrays[f"distances/{side}/0"][:, :, :want.shape[2]]
            np.testing.assert_allclose(got, want, rtol=TOLERANCE, err_msg=f"side {side}")
            self.assertTrue((got > 0).all())

    def test_threads_and_passes_do_not_change_a_bit(self):
        once = dump(64, 10, 7, 1)["distances/64/0"]
        for levels_in_memory, threads in ((7, 2), (1, 2), (2, 3), (1, 1)):
            again = dump(64, 10, levels_in_memory, threads)["distances/64/0"]
            self.assertEqual(once.tobytes(), again.tobytes(), (levels_in_memory, threads))

    def test_places_keep_whole_neighbourhoods_inside_and_reach_every_border(self):
        arrays = dump(16, 40, 7, 1)
        for s in range(SETS):
            places = arrays[f"places/16/{s}"]
            self.assertEqual((places.min(), places.max()), (0, 16 - 7))
            counts = np.bincount(places.ravel(), minlength=10)
            self.assertLess(np.abs(counts / counts.mean() - 1).max(), 0.2)
        self.assertFalse((arrays["places/16/0"] == arrays["places/16/1"]).all())

    def test_directions_have_unit_length_and_no_mean(self):
        arrays = dump(16, 2, 7, 1)
        for form, size in ((0, 147), (1, 49)):
            directions = arrays[f"directions/16/{form}"][0].astype(np.float64)
            self.assertEqual(directions.shape, (512, size))
            np.testing.assert_allclose((directions ** 2).sum(axis=1), 1, rtol=1e-6)
            self.assertLess(np.abs(directions.mean(axis=0)).max() * np.sqrt(size), 0.2)


if __name__ == "__main__":
    unittest.main()
