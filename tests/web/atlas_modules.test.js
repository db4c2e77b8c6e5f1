import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';
import { framesOf, readPlace, readSeed, writePlace } from '../../web/js/atlas/atlas_place.js';
import { cellAt, gridHeight, gridLayout, visibleCells } from '../../web/js/atlas/grid_window.js';
import { createThumbnailLoader } from '../../web/js/thumbnails.js';

const models = [{ id: 'hips', classes: ['none', 'neck', 'shaft'] }, { id: 'other', classes: ['a'] }];
const read = (search) => readPlace(search, models).place;

test('an address without anything is the first model’s grid from seed 0', () => {
  assert.deepEqual(readPlace('', models), {
    place: { model: 'hips', classes: ['none', 'neck', 'shaft'], strength: 1, truncation: 1, from: '0', sample: null }, unknown: null,
  });
});

test('every place reads as itself from the address that is written of it', () => {
  const base = { model: 'hips', classes: ['neck', 'shaft'], strength: 0.35, truncation: 0, from: '18446744073709551615' };
  for (const sample of [null,
    { seed: '0', className: 'neck', view: 'one', other: 'none' },
    { seed: '18446744073709551615', className: 'shaft', view: 'morph', other: 'neck' }]) {
    const place = { ...base, sample };
    assert.deepEqual(readPlace(writePlace(place, models), models), { place, unknown: null });
  }
});

test('what an address gets wrong takes its default, and what it means but the server lacks is named', () => {
  assert.equal(read('?strength=2&truncation=x&from=-3').strength, 1);
  assert.deepEqual([read('?truncation=x').truncation, read('?strength=').strength, read('?from=-3').from], [1, 1, '0']);
  assert.equal(read('?seed=18446744073709551616&of=neck').sample, null);
  assert.equal(readPlace('?model=gone', models).unknown, 'gone');
  assert.equal(readPlace('?class=hand', models).unknown, 'hand');
  assert.equal(readPlace('?seed=1&of=hand', models).unknown, 'hand');
  assert.equal(read('?model=other&of=a&seed=1&view=pair').sample.view, 'one', 'nothing to compare with');
});

test('seeds are decimal numbers of up to 64 bits', () => {
  assert.deepEqual([' 007 ', '18446744073709551615'].map(readSeed), ['7', '18446744073709551615']);
  assert.deepEqual(['', null, '-1', '1e3', '18446744073709551616', '0x1'].map(readSeed), [null, null, null, null, null, null]);
});

test('a pair is the same seed in two classes, a morph goes over the mean of all classes', () => {
  const sample = { seed: '3', className: 'neck', view: 'pair', other: 'none' };
  assert.deepEqual(framesOf({ strength: 0.8, sample }), [{ className: 'neck', strength: 0.8 }, { className: 'none', strength: 0.8 }]);
  const morph = framesOf({ strength: 0.8, sample: { ...sample, view: 'morph' } });
  assert.deepEqual(morph.map(({ strength }) => strength), [0.8, 0.6, 0.4, 0.2, 0, 0.2, 0.4, 0.6, 0.8]);
  assert.deepEqual([morph[0].className, morph.at(-1).className], ['neck', 'none']);
});

test('cells fill the width, and classes of one seed stay side by side', () => {
  for (const width of [320, 350, 768, 1048]) {
    const layout = gridLayout(width, 2);
    assert.equal(layout.columns % 2, 0);
    assert.ok(Math.abs(cellAt(layout, layout.columns - 1).x + layout.cell - width) < 1e-9);
    assert.ok(layout.cell >= 140);
  }
  assert.equal(gridLayout(1048, 4).columns, 4);
  assert.equal(gridLayout(320, 5).columns, 2);
});

test('only cells near the view are had, however long the grid', () => {
  const layout = gridLayout(1048, 2);
  const count = 20000;
  const somewhere = visibleCells(layout, 500 * layout.rowHeight, 800, count);
  assert.ok(somewhere.end - somewhere.first <= 10 * layout.columns);
  assert.equal(somewhere.top, 500 * layout.columns);
  assert.deepEqual(visibleCells(layout, -300, 200, count).first, 0);
  assert.equal(visibleCells(layout, gridHeight(layout, count), 800, count).end, count);
  assert.ok(visibleCells(layout, 1e9, 800, 7).first < 7);
});

const realFetch = globalThis.fetch;
afterEach(() => {
  globalThis.fetch = realFetch;
});

test('few thumbnails are asked for at a time, and none that nobody wants any more', async () => {
  const asked = [];
  globalThis.fetch = (url) => new Promise((resolve) => {
    asked.push({ url, finish: () => resolve(new Response('png')) });
  });
  const load = createThumbnailLoader();
  const leaving = new AbortController();
  const { signal } = new AbortController();
  const wanted = [1, 2, 3, 4].map((n) => load(`/${n}`, signal));
  const unwanted = load('/5', leaving.signal);
  const last = load('/6', signal);
  assert.equal(asked.length, 4);
  leaving.abort();
  asked.forEach(({ finish }) => finish());
  await Promise.all(wanted);
  await assert.rejects(unwanted, { name: 'AbortError' });
  asked.at(-1).finish();
  await last;
  assert.deepEqual(asked.map(({ url }) => url), ['/1', '/2', '/3', '/4', '/6']);
});
