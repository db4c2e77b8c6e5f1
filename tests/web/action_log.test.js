import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ACTIONS, MEANS, createActionLog } from '../../web/js/viewer/action_log.js';

test('a drag is one action however long it rests, and two drags are two', () => {
  const log = createActionLog();
  log.note('window', 'mouse', 1000, 1);
  log.note('window', 'mouse', 4000, 1);
  log.note('window', 'mouse', 4100, 2);
  assert.deepEqual(log.list(500), [{ action: 'window', by: 'mouse', count: 2, first_ms: 500, last_ms: 3600 }]);
});

test('turns of the wheel and held keys belong together until there is a pause', () => {
  const log = createActionLog();
  [0, 100, 300, 700, 1300].forEach((time) => log.note('zoom', 'wheel', time));
  assert.equal(log.list(0)[0].count, 2);
});

test('what an action was done with is counted apart, and gestures apart from keys', () => {
  const log = createActionLog();
  log.note('zoom', 'wheel', 0);
  log.note('zoom', 'key', 10);
  log.note('zoom', 'touch', 20, 7);
  log.note('pan', 'touch', 20, 7);
  assert.deepEqual(log.list(0).map(({ action, by, count }) => `${action} ${by} ${count}`), ['zoom wheel 1', 'zoom key 1', 'zoom touch 1', 'pan touch 1']);
});

test('another image begins an empty log, and what lay before its first frame counts from there', () => {
  const log = createActionLog();
  log.note('invert', 'key', 10);
  assert.deepEqual(log.list(20)[0].first_ms, 0);
  log.clear();
  assert.deepEqual(log.list(0), []);
});

test('the fullest log is within what the server takes', () => {
  const log = createActionLog();
  for (const action of ACTIONS) {
    for (const by of MEANS) {
      for (let i = 0; i < 100; i++) {
        log.note(action, by, 86400000 - i, i);
      }
    }
  }
  const size = Buffer.byteLength(JSON.stringify(log.list(0)));
  assert.ok(size <= 8192, `${size} bytes`);
});
