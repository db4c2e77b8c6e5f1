import assert from 'node:assert/strict';
import { test } from 'node:test';
import { countdown, secondsLeft } from '../../web/js/drill/countdown.js';

test('a second is shown until it is over', () => {
  assert.deepEqual([3000, 2001, 2000, 1, 0, -5].map(secondsLeft), [3, 3, 2, 1, 0, 0]);
});

test('it ticks each second down, ends once, and does neither after it was stopped', (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  let now = 1000;
  t.mock.method(performance, 'now', () => now);
  const advance = (ms) => {
    now += ms;
    t.mock.timers.tick(ms);
  };
  const seen = [];
  let ended = 0;
  countdown(900, 3000, (seconds) => seen.push(seconds), () => { ended += 1; });
  for (let i = 0; i < 40; i++) {
    advance(100);
  }
  assert.deepEqual([seen, ended], [[3, 2, 1, 0], 1]);
  const stop = countdown(now, 3000, (seconds) => seen.push(seconds), () => { ended += 1; });
  stop();
  advance(5000);
  assert.deepEqual([seen, ended], [[3, 2, 1, 0, 3], 1]);
});
