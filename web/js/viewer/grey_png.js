/**
 * Reads an 8-bit grey PNG into its bytes.
 *
 * A canvas could decode it too, but what a canvas gives back is not always what was drawn: browsers that hide from
 * fingerprinting add noise or return white. Here every browser gets the file's own grey levels.
 * Source: Portable Network Graphics, third edition (W3C 2025), chapters 5, 9 and 11.
 */

/**
 * @typedef {object} GreyImage 8-bit grey, rows from the top
 * @property {number} width
 * @property {number} height
 * @property {Uint8Array} grey width x height bytes
 */

const SIGNATURE = [137, 80, 78, 71, 13, 10, 26, 10];
const SIDE_MAX = 4096;

/**
 * @param {Blob} file
 * @returns {Promise<GreyImage>} rejects with a TypeError when the file is no 8-bit grey PNG, or is not whole
 */
export async function readGreyPng(file) {
  const bytes = new Uint8Array(await file.arrayBuffer());
  const { width, height, data } = parse(bytes);
  const rows = new Uint8Array(await inflate(data));
  if (rows.length !== height * (width + 1)) {
    throw new TypeError('The PNG file is not whole.');
  }
  return { width, height, grey: unfilter(rows, width, height) };
}

function parse(bytes) {
  if (SIGNATURE.some((byte, i) => bytes[i] !== byte)) {
    throw new TypeError('This is no PNG file.');
  }
  const view = new DataView(bytes.buffer);
  const data = [];
  let size = null;
  for (let at = 8; at + 12 <= bytes.length;) {
    const length = view.getUint32(at);
    const kind = String.fromCharCode(...bytes.subarray(at + 4, at + 8));
    const body = bytes.subarray(at + 8, at + 8 + length);
    if (kind === 'IHDR' && body.length === 13) {
      size = readHeader(view, at + 8);
    } else if (kind === 'IDAT') {
      data.push(body);
    }
    at += 12 + length;
  }
  if (!size) {
    throw new TypeError('The PNG file has no header.');
  }
  return { ...size, data };
}

function readHeader(view, at) {
  const [width, height] = [view.getUint32(at), view.getUint32(at + 4)];
  const [depth, colour, , , interlaced] = [8, 9, 10, 11, 12].map((i) => view.getUint8(at + i));
  if (depth !== 8 || colour !== 0 || interlaced !== 0) {
    throw new TypeError('The PNG file is not 8-bit grey.');
  }
  if (width < 1 || height < 1 || width > SIDE_MAX || height > SIDE_MAX) {
    throw new TypeError(`The PNG file's sides are not from 1 to ${SIDE_MAX} pixels.`);
  }
  return { width, height };
}

async function inflate(parts) {
  try {
    return await new Response(new Blob(parts).stream().pipeThrough(new DecompressionStream('deflate'))).arrayBuffer();
  } catch {
    return new ArrayBuffer(0);
  }
}

function unfilter(rows, width, height) {
  const grey = new Uint8Array(width * height);
  let above = new Uint8Array(width);
  for (let y = 0; y < height; y++) {
    const start = y * (width + 1);
    const line = grey.subarray(y * width, (y + 1) * width);
    unfilterRow(rows[start], rows.subarray(start + 1, start + 1 + width), above, line);
    above = line;
  }
  return grey;
}

function unfilterRow(filter, from, above, line) {
  const { length } = line;
  if (filter === 0) {
    line.set(from);
  } else if (filter === 1) {
    for (let x = 0, left = 0; x < length; x++) {
      left = (from[x] + left) & 255;
      line[x] = left;
    }
  } else if (filter === 2) {
    for (let x = 0; x < length; x++) {
      line[x] = from[x] + above[x];
    }
  } else if (filter === 3) {
    for (let x = 0, left = 0; x < length; x++) {
      left = (from[x] + ((left + above[x]) >> 1)) & 255;
      line[x] = left;
    }
  } else if (filter === 4) {
    for (let x = 0, left = 0, corner = 0; x < length; x++) {
      const up = above[x];
      left = (from[x] + paeth(left, up, corner)) & 255;
      corner = up;
      line[x] = left;
    }
  } else {
    throw new TypeError('The PNG file has an unknown filter.');
  }
}

function paeth(left, up, corner) {
  const toLeft = Math.abs(up - corner);
  const toUp = Math.abs(left - corner);
  const toCorner = Math.abs(left + up - 2 * corner);
  if (toLeft <= toUp && toLeft <= toCorner) {
    return left;
  }
  return toUp <= toCorner ? up : corner;
}
