import assert from 'node:assert/strict';
import { test } from 'node:test';
import { backoffDelay, withRetry } from '../../web/js/retry.js';

const failure = (more = {}) => Object.assign(new Error('no'), { transient: true, retryAfterMs: null, ...more });
const noSleep = async () => {};

test('delays double up to a ceiling and are spread over their upper half', () => {
  assert.equal(backoffDelay(0, null, 1), 400);
  assert.equal(backoffDelay(0, null, 0), 200);
  assert.equal(backoffDelay(3, null, 1), 3200);
  assert.equal(backoffDelay(60, null, 1), 8000);
});

test('the server may ask for a longer wait but not for a shorter one', () => {
  assert.equal(backoffDelay(0, 5000, 0), 5000);
  assert.equal(backoffDelay(5, 1000, 1), 8000);
});

test('those who were refused together come back apart, and an absurd wish is cut', () => {
  assert.equal(backoffDelay(0, 5000, 1), 7500);
  assert.equal(backoffDelay(0, 86400000, 0), 60000);
});

test('a passing failure is tried again until it succeeds, and each wait is told', async () => {
  let calls = 0;
  const waits = [];
  const result = await withRetry(async () => {
    calls += 1;
    if (calls < 4) {
      throw failure();
    }
    return 'saved';
  }, { signal: new AbortController().signal, onWait: (error) => waits.push(error.message), sleep: noSleep });
  assert.deepEqual([result, calls, waits.length], ['saved', 4, 3]);
});

test('a lasting failure is reported at once', async () => {
  let calls = 0;
  const refuse = async () => {
    calls += 1;
    throw failure({ transient: false });
  };
  await assert.rejects(withRetry(refuse, { signal: new AbortController().signal, sleep: noSleep }), /no/);
  assert.equal(calls, 1);
});

test('an aborted wait ends without another try', async () => {
  const abort = new AbortController();
  let calls = 0;
  const task = async () => {
    calls += 1;
    throw failure();
  };
  const waiting = withRetry(task, { signal: abort.signal, sleep: async () => abort.abort() });
  await assert.rejects(waiting, { name: 'AbortError' });
  assert.equal(calls, 1);
});
