/**
 * Grey pixels: enlarging and reducing, mixing, and what is put on the screen. Pure.
 *
 * Images are sampled first and windowed afterwards, at the screen's resolution: edges stay smooth under narrow windows,
 * and dragging the window touches each pixel of the screen once. Written for speed: a telephone draws 1.4 million
 * pixels 60 times a second with a quarter of a desktop's arithmetic.
 *
 * @typedef {import('./grey_png.js').GreyImage} GreyImage
 * @typedef {object} Placement where an image lies on a screen of device pixels
 * @property {number} left of the image's left edge, may be negative
 * @property {number} top
 * @property {number} scale device pixels a pixel of the image
 */

/** @returns {GreyImage} half as wide and high; each pixel the mean of four (a last odd row or column is left out) */
export function halved({ width, height, grey }) {
  const half = { width: Math.max(1, width >> 1), height: Math.max(1, height >> 1) };
  const mean = new Uint8Array(half.width * half.height);
  const [right, below] = [width > 1 ? 1 : 0, height > 1 ? width : 0];
  for (let y = 0, to = 0; y < half.height; y++) {
    for (let x = 0, at = 2 * y * width; x < half.width; x++, at += 2) {
      mean[to++] = (grey[at] + grey[at + right] + grey[at + below] + grey[at + below + right] + 2) >> 2;
    }
  }
  return { ...half, grey: mean };
}

/** @returns {GreyImage} between two of one size; part 0 is the first, 1 the second */
export function mixed(first, second, part) {
  const weight = Math.round(part * 256);
  const grey = new Uint8Array(first.grey.length);
  const [a, b] = [first.grey, second.grey];
  for (let i = 0; i < grey.length; i++) {
    grey[i] = (a[i] * (256 - weight) + b[i] * weight + 128) >> 8;
  }
  return { width: first.width, height: first.height, grey };
}

/** @returns {{x0: number, y0: number, x1: number, y1: number}} the device pixels whose centres lie on the image */
export function covered({ left, top, scale }, image, screen) {
  const first = (edge) => Math.max(0, Math.ceil(edge - 0.5));
  return {
    x0: first(left),
    y0: first(top),
    x1: Math.min(screen.width, first(left + image.width * scale)),
    y1: Math.min(screen.height, first(top + image.height * scale)),
  };
}

/**
 * Samples by bilinear interpolation in 8-bit fractions; beyond the outermost pixels' centres they go on.
 * @param {GreyImage} image reduced by halved() to at most twice the wanted size, or details are skipped
 * @param {Placement} place
 * @param {{x0: number, y0: number, x1: number, y1: number}} part of the screen, as covered() says
 * @param {Uint8Array} plane is filled from its beginning, row by row of the part
 */
export function resample(image, place, { x0, y0, x1, y1 }, plane) {
  const count = Math.max(0, x1 - x0);
  const columns = taps(x0, count, place.left, place.scale, image.width);
  const rows = taps(y0, Math.max(0, y1 - y0), place.top, place.scale, image.height);
  const kept = [{ row: -1, line: new Uint16Array(count) }, { row: -1, line: new Uint16Array(count) }];
  const stretched = (row) => {
    const entry = kept[row & 1]; // neighbours never share one
    if (entry.row !== row) {
      entry.row = row;
      stretchRow(image, row, columns, entry.line);
    }
    return entry.line;
  };
  for (let y = 0, to = 0; y < rows.at.length; y++, to += count) {
    const row = rows.at[y];
    blendRows(stretched(row), stretched(Math.min(row + 1, image.height - 1)), rows.weight[y], plane, to);
  }
}

/** For each of `count` device pixels from `start`: the pixel at or before it, and the weight of the next one of 256. */
function taps(start, count, edge, scale, size) {
  const at = new Int32Array(count);
  const weight = new Uint16Array(count);
  for (let i = 0; i < count; i++) {
    const position = Math.min(size - 1, Math.max(0, (start + i + 0.5 - edge) / scale - 0.5));
    const whole = Math.min(Math.floor(position), Math.max(0, size - 2));
    at[i] = whole;
    weight[i] = Math.round((position - whole) * 256);
  }
  return { at, weight };
}

function stretchRow({ width, grey }, row, { at, weight }, line) {
  const start = row * width;
  const next = width > 1 ? 1 : 0;
  for (let i = 0; i < line.length; i++) {
    const a = grey[start + at[i]];
    line[i] = (a << 8) + (grey[start + at[i] + next] - a) * weight[i];
  }
}

function blendRows(upper, lower, weight, plane, to) {
  for (let i = 0; i < upper.length; i++) {
    plane[to + i] = (upper[i] * (256 - weight) + lower[i] * weight + 32768) >> 16;
  }
}

/**
 * @param {Uint8Array} plane as resample() filled it
 * @param {{x0: number, y0: number, x1: number, y1: number}} part
 * @param {Uint8Array} table what each level is shown as
 * @param {Uint32Array} screen RGBA of the whole screen, little-endian as all browsers are
 * @param {number} stride pixels in a row of the screen
 */
export function shade(plane, { x0, y0, x1, y1 }, table, screen, stride) {
  const opaque = Uint32Array.from(table, (level) => (0xff000000 | (level * 0x010101)) >>> 0);
  const count = x1 - x0;
  for (let y = y0, from = 0; y < y1; y++, from += count) {
    const to = y * stride + x0;
    for (let i = 0; i < count; i++) {
      screen[to + i] = opaque[plane[from + i]];
    }
  }
}

/**
 * Lays a colour over what shade() wrote, as strongly as the marks say.
 * @param {Uint8Array} marks sampled as the image was; 0 leaves the pixel alone
 * @param {number} opacity 0 to 1, of the strongest mark
 * @param {number[]} colour red, green, blue
 */
export function tint(marks, { x0, y0, x1, y1 }, opacity, [red, green, blue], screen, stride) {
  const strength = Uint16Array.from({ length: 256 }, (_, mark) => Math.round((mark / 255) * opacity * 256));
  const count = x1 - x0;
  for (let y = y0, from = 0; y < y1; y++, from += count) {
    const to = y * stride + x0;
    for (let i = 0; i < count; i++) {
      const weight = strength[marks[from + i]];
      if (weight > 0) {
        const grey = (screen[to + i] & 255) * (256 - weight);
        screen[to + i] = (0xff000000 | (((grey + blue * weight) >> 8) << 16)
          | (((grey + green * weight) >> 8) << 8) | ((grey + red * weight) >> 8)) >>> 0;
      }
    }
  }
}
