import assert from 'node:assert/strict';
import { test } from 'node:test';

process.env.TZ = 'Europe/Berlin';
const { dateAndTime, daysOf, exactTime } = await import('../../web/js/dates.js');

test('times are those of the reader’s clock', () => {
  assert.equal(dateAndTime('2026-11-03T23:30:00.000Z'), '4 Nov 2026, 00:30');
  assert.match(exactTime('2026-07-03T10:00:00.000Z'), /^Friday.* 3 July 2026.* 12:00 (CEST|GMT\+2)$/);
});

test('days are counted once, and in a row to the last one', () => {
  assert.deepEqual(daysOf([]), { days: 0, inARow: 0 });
  assert.deepEqual(daysOf(['2026-11-03T09:00:00Z', '2026-11-03T22:30:00Z']), { days: 1, inARow: 1 });
  assert.deepEqual(daysOf(['2026-11-05T09:00:00Z', '2026-11-03T09:00:00Z', '2026-11-03T23:30:00Z', '2026-11-01T09:00:00Z']), { days: 4, inARow: 3 });
});

test('the night on which clocks change is one night', () => {
  assert.equal(daysOf(['2026-10-24T10:00:00Z', '2026-10-25T10:00:00Z', '2026-10-26T10:00:00Z']).inARow, 3);
});
