import assert from 'node:assert/strict';
import { test } from 'node:test';
import { responseTime } from '../../web/js/drill/timing.js';

test('the time runs from the first frame to the event, not to its late handler', () => {
  assert.equal(responseTime(1000, 2234.56, 2300), 1234.6);
});

test('an event stamp from another clock is replaced by the handler’s time', () => {
  assert.equal(responseTime(1000, 0, 1500), 500);
  assert.equal(responseTime(1000, 1763850000000, 1500), 500);
});

test('a time is never negative', () => {
  assert.equal(responseTime(1000, 0, 990), 0);
});
