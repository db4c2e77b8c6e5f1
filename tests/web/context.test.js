import assert from 'node:assert/strict';
import { test } from 'node:test';
import { answerContext, awayTime, inputType, UI_VERSION } from '../../web/js/drill/context.js';

test('time without focus adds up, also while it lasts, and starts over with each image', () => {
  const away = awayTime();
  away.start(1000, true);
  assert.equal(away.until(1500), 0);
  away.lost(1500);
  assert.equal(away.until(1600.04), 100);
  away.lost(1700);
  away.back(1750);
  away.back(1800);
  away.lost(2000);
  away.back(2010);
  assert.equal(away.until(3000), 260);
  away.start(4000, false);
  assert.equal(away.until(4025), 25);
});

test('a click tells its pointer, a key press the keyboard, and a browser may stay silent', () => {
  assert.equal(inputType({ type: 'keydown' }), 'keyboard');
  assert.equal(inputType({ type: 'click', pointerType: 'touch', detail: 1 }), 'touch');
  assert.equal(inputType({ type: 'click', pointerType: '', detail: 0 }), 'keyboard');
  assert.equal(inputType({ type: 'click', detail: 1 }), null);
});

test('an answer carries what was measured in the API’s names', () => {
  const context = { blurMs: 1.5, width: 1280.4, height: 720, ratio: 1.5 };
  const told = { blur_ms: 1.5, viewport_px: '1280x720', dpr: 1.5, ui_version: UI_VERSION };
  assert.deepEqual(answerContext({ ...context, event: { type: 'keydown' } }), { ...told, input_type: 'keyboard' });
  assert.deepEqual(answerContext({ ...context, event: { type: 'click', detail: 1 } }), told);
  const looked = { viewer_actions: [], wl_centre: 128, wl_width: 256, zoom_max: 1 };
  assert.deepEqual(answerContext({ ...context, event: { type: 'click', detail: 1 }, looked }), { ...told, ...looked });
});
