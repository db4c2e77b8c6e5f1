import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { deflateSync } from 'node:zlib';
import { readGreyPng } from '../../web/js/viewer/grey_png.js';

function chunk(kind, body) {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(body.length);
  return Buffer.concat([length, Buffer.from(kind), body, Buffer.alloc(4)]); // the check sum is not looked at
}

function png(width, height, rows, { depth = 8, colour = 0, interlaced = 0, parts = 1 } = {}) {
  const head = Buffer.alloc(13);
  head.writeUInt32BE(width, 0);
  head.writeUInt32BE(height, 4);
  head.set([depth, colour, 0, 0, interlaced], 8);
  const data = deflateSync(Buffer.from(rows));
  const cut = Array.from({ length: parts }, (_, i) => data.subarray(Math.floor((i * data.length) / parts), Math.floor(((i + 1) * data.length) / parts)));
  return new Blob([Buffer.from([137, 80, 78, 71, 13, 10, 26, 10]), chunk('IHDR', head), chunk('tEXt', Buffer.from('a\0b')),
    ...cut.map((part) => chunk('IDAT', part)), chunk('IEND', Buffer.alloc(0))]);
}

test('every filter is undone, across several data chunks', async () => {
  // Worked out by hand from the standard's chapter 9.
  const rows = [
    0, 10, 20, 30,
    1, 10, 5, 250,
    2, 1, 1, 1,
    3, 100, 100, 100,
    4, 7, 7, 7,
    4, 50, 200, 3,
  ];
  const { width, height, grey } = await readGreyPng(png(3, 6, rows, { parts: 3 }));
  assert.deepEqual([width, height], [3, 6]);
  assert.deepEqual([...grey], [
    10, 20, 30,
    10, 15, 9,
    11, 16, 10,
    105, 160, 185,
    112, 167, 192,
    162, 111, 114,
  ]);
});

test('what is no 8-bit grey PNG, or not whole, is refused', async () => {
  const rows = [0, 1, 2, 0, 3, 4];
  for (const [file, reason] of [
    [new Blob(['GIF89a']), /no PNG/],
    [png(2, 2, rows, { depth: 16 }), /not 8-bit grey/],
    [png(2, 2, rows, { colour: 2 }), /not 8-bit grey/],
    [png(2, 2, rows, { interlaced: 1 }), /not 8-bit grey/],
    [png(2, 3, rows), /not whole/],
    [png(2, 2, [9, 1, 2, 0, 3, 4]), /unknown filter/],
    [png(0, 2, []), /sides/],
    [png(1 << 30, 2, []), /sides/],
    [png(2, 2, rows).slice(0, 20), /no header/],
    [png(2, 2, rows).slice(0, 60), /not whole/],
  ]) {
    await assert.rejects(readGreyPng(file), (error) => error instanceof TypeError && reason.test(error.message), String(reason));
  }
});

test('a picture that another program wrote is read', async () => {
  const file = readFileSync(new URL('../../deploy/models/sheet.png', import.meta.url));
  const { width, height, grey } = await readGreyPng(new Blob([file]));
  assert.deepEqual([width, height], [file.readUInt32BE(16), file.readUInt32BE(20)]);
  assert.ok(grey.some((level) => level > 200) && grey.some((level) => level < 20));
});
