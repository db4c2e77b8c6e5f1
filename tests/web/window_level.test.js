import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FULL, LIMITS, PRESETS, dragged, limitedWindow, lookUpTable, presetOf } from '../../web/js/viewer/window_level.js';

test('the full range shows every level as it is, or inverted', () => {
  const levels = Array.from({ length: 256 }, (_, level) => level);
  assert.deepEqual([...lookUpTable(FULL, false)], levels);
  assert.deepEqual([...lookUpTable(FULL, true)], levels.toReversed?.() ?? [...levels].reverse());
});

test('a window is the LINEAR function of DICOM PS3.3 C.11.2.1.2.1', () => {
  for (const [centre, width] of [[100, 50], [40, 400], [200.5, 31], [0, 2], [128, 1]]) {
    const table = lookUpTable({ centre, width }, false);
    for (let x = 0; x < 256; x++) {
      let y = ((x - (centre - 0.5)) / (width - 1) + 0.5) * 255; // the standard's own words, in its own order
      if (x <= centre - 0.5 - (width - 1) / 2) {
        y = 0;
      } else if (x > centre - 0.5 + (width - 1) / 2) {
        y = 255;
      }
      assert.equal(table[x], Math.round(y), `${x} in ${centre}/${width}`);
    }
  }
});

test('a drag right widens, a drag down raises the centre, one level a pixel; the direction can be turned', () => {
  const at = { centre: 100, width: 100 };
  assert.deepEqual(dragged(at, 10, 0, false), { centre: 100, width: 110 });
  assert.deepEqual(dragged(at, -10, 0, false), { centre: 100, width: 90 });
  assert.deepEqual(dragged(at, 0, 10, false), { centre: 110, width: 100 });
  assert.deepEqual(dragged(at, 0, 10, true), { centre: 90, width: 100 });
  const mean = (window) => lookUpTable(window, false).reduce((sum, level) => sum + level) / 256;
  assert.ok(mean(dragged(at, 0, 10, false)) < mean(at), 'down is darker, as in OHIF');
});

test('no drag leaves the limits', () => {
  assert.deepEqual(dragged(FULL, -9999, -9999, false), { centre: LIMITS.centre[0], width: LIMITS.width[0] });
  assert.deepEqual(dragged(FULL, 9999, 9999, false), { centre: LIMITS.centre[1], width: LIMITS.width[1] });
  for (const preset of Object.values(PRESETS)) {
    assert.deepEqual(limitedWindow(preset), { ...preset });
  }
});

test('a preset is known again, anything else is none', () => {
  assert.equal(presetOf({ centre: 128, width: 256 }), 'full');
  assert.equal(presetOf(PRESETS.bone), 'bone');
  assert.equal(presetOf({ centre: 128, width: 255 }), null);
  assert.equal(presetOf({ centre: 127, width: 256 }), null);
});
