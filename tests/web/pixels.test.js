import assert from 'node:assert/strict';
import { test } from 'node:test';
import { covered, halved, mixed, resample, shade, tint } from '../../web/js/viewer/pixels.js';

const image = (width, height, level) => ({ width, height, grey: Uint8Array.from({ length: width * height }, (_, i) => level(i % width, Math.floor(i / width))) });
const noise = image(37, 23, (x, y) => (x * 7919 + y * 104729 + x * y * 31) % 256);

/** Bilinear interpolation as a textbook has it, in doubles. */
function textbook({ width, height, grey }, { left, top, scale }, px, py) {
  const at = (x, y) => grey[Math.min(height - 1, Math.max(0, y)) * width + Math.min(width - 1, Math.max(0, x))];
  const [x, y] = [(px + 0.5 - left) / scale - 0.5, (py + 0.5 - top) / scale - 0.5];
  const [x0, y0] = [Math.floor(x), Math.floor(y)];
  const [fx, fy] = [x - x0, y - y0];
  return (1 - fy) * ((1 - fx) * at(x0, y0) + fx * at(x0 + 1, y0)) + fy * ((1 - fx) * at(x0, y0 + 1) + fx * at(x0 + 1, y0 + 1));
}

function sampled(source, place, screen) {
  const part = covered(place, source, screen);
  const plane = new Uint8Array(screen.width * screen.height);
  resample(source, place, part, plane);
  return { part, plane, at: (x, y) => plane[(y - part.y0) * (part.x1 - part.x0) + x - part.x0] };
}

test('at its own size an image comes out byte for byte', () => {
  const { part, plane } = sampled(noise, { left: 0, top: 0, scale: 1 }, noise);
  assert.deepEqual(part, { x0: 0, y0: 0, x1: 37, y1: 23 });
  assert.deepEqual(plane, noise.grey);
});

test('any scale and place is bilinear interpolation, to one level', () => {
  const screen = { width: 50, height: 40 };
  for (const place of [{ left: 3.3, top: -7.8, scale: 1.37 }, { left: -100.5, top: -60, scale: 7.2 }, { left: 2, top: 5, scale: 0.61 }]) {
    const { part, at } = sampled(noise, place, screen);
    let bias = 0;
    for (let y = part.y0; y < part.y1; y++) {
      for (let x = part.x0; x < part.x1; x++) {
        const error = at(x, y) - textbook(noise, place, x, y);
        assert.ok(Math.abs(error) <= 1.5, `${x}, ${y} at ${JSON.stringify(place)}`);
        bias += error / ((part.x1 - part.x0) * (part.y1 - part.y0));
      }
    }
    assert.ok(Math.abs(bias) < 0.1, `${bias} levels too bright`);
  }
});

test('only pixels whose centre is on the image are drawn', () => {
  const screen = { width: 10, height: 10 };
  assert.deepEqual(covered({ left: 2.4, top: 2.6, scale: 1 }, { width: 5, height: 5 }, screen), { x0: 2, y0: 3, x1: 7, y1: 8 });
  assert.deepEqual(covered({ left: -3, top: -3, scale: 4 }, { width: 5, height: 5 }, screen), { x0: 0, y0: 0, x1: 10, y1: 10 });
});

test('an image of one pixel fills its place', () => {
  const { plane } = sampled(image(1, 1, () => 77), { left: 0, top: 0, scale: 4 }, { width: 4, height: 4 });
  assert.deepEqual([...plane], Array(16).fill(77));
});

test('halving takes the mean of four pixels', () => {
  const half = halved(image(5, 4, (x, y) => [[10, 20, 100, 0, 9], [30, 40, 100, 0, 9], [0, 0, 0, 0, 9], [255, 255, 1, 0, 9]][y][x]));
  assert.deepEqual([half.width, half.height, ...half.grey], [2, 2, 25, 50, 128, 0]);
  assert.deepEqual({ ...halved(image(1, 3, (x, y) => y * 10)) }, { width: 1, height: 1, grey: Uint8Array.of(5) });
});

test('mixing goes from the first image to the second', () => {
  const [dark, light] = [image(2, 1, () => 10), image(2, 1, (x) => 110 + x)];
  assert.deepEqual([...mixed(dark, light, 0).grey], [10, 10]);
  assert.deepEqual([...mixed(dark, light, 1).grey], [110, 111]);
  assert.deepEqual([...mixed(dark, light, 0.5).grey], [60, 61]);
});

test('shading writes opaque grey through the table, and nothing outside its part', () => {
  const table = Uint8Array.from({ length: 256 }, (_, level) => 255 - level);
  const screen = new Uint32Array(12);
  shade(Uint8Array.of(0, 255, 1, 2), { x0: 1, y0: 1, x1: 3, y1: 3 }, table, screen, 4);
  assert.deepEqual([...screen].map((pixel) => pixel.toString(16)), ['0', '0', '0', '0', '0', 'ffffffff', 'ff000000', '0', '0', 'fffefefe', 'fffdfdfd', '0']);
});

test('a tint is as strong as mark and opacity say, and leaves the rest alone', () => {
  const bytes = (screen) => [...new Uint8Array(screen.buffer)];
  const grey = (level) => (0xff000000 | (level * 0x010101)) >>> 0;
  const screen = Uint32Array.of(grey(100), grey(100), grey(100));
  tint(Uint8Array.of(0, 255, 128), { x0: 0, y0: 0, x1: 3, y1: 1 }, 0.5, [200, 100, 0], screen, 3);
  assert.deepEqual(bytes(screen), [100, 100, 100, 255, 150, 100, 50, 255, 125, 100, 75, 255]);
});
