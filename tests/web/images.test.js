import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { afterEach, beforeEach, mock, test } from 'node:test';
import { decodedImage, keepTrying } from '../../web/js/drill/images.js';

const real = { fetch: globalThis.fetch, window: globalThis.window };

/** As much of an <img> as the module uses. */
class FakeImage extends EventTarget {
  src = '';

  getAttribute() {
    return this.src;
  }

  async decode() {}
}

beforeEach(() => {
  globalThis.window = new EventTarget();
  mock.method(URL, 'createObjectURL', () => 'blob:one');
  mock.method(URL, 'revokeObjectURL', () => {});
});
afterEach(() => {
  Object.assign(globalThis, real);
  mock.restoreAll();
  mock.timers.reset();
});

/** Answers with these statuses in turn, the last one for ever, and counts. */
function replies(...statuses) {
  const asked = { count: 0 };
  globalThis.fetch = async () => {
    const status = statuses[Math.min(asked.count, statuses.length - 1)];
    asked.count += 1;
    return new Response('{}', { status, headers: { 'Retry-After': '5' } });
  };
  return asked;
}

/** Lets everything run that waits for no timer. */
const settle = async () => {
  for (let i = 0; i < 20; i++) {
    await Promise.resolve();
    await new Promise((resolve) => setImmediate(resolve));
  }
};

test('an image is decoded when it is handed over', async () => {
  const file = readFileSync(new URL('../../deploy/models/sheet.png', import.meta.url));
  globalThis.fetch = async () => new Response(file);
  const image = await decodedImage('/i.png', new AbortController().signal);
  assert.equal(image.grey.length, image.width * image.height);
});

test('a file that is no image is a passing failure', async () => {
  replies(200);
  await assert.rejects(decodedImage('/i.png', new AbortController().signal), { transient: true });
});

test('an <img> that failed waits, asks again as late as the server wishes, and is filled', async () => {
  mock.timers.enable({ apis: ['setTimeout'] });
  const asked = replies(503, 503, 200);
  const image = new FakeImage();
  image.src = '/i.png';
  keepTrying(image, new AbortController().signal);
  image.dispatchEvent(new Event('error'));
  await settle();
  assert.equal(asked.count, 0, 'not at once');
  mock.timers.tick(400);
  await settle();
  assert.equal(asked.count, 1);
  mock.timers.tick(4999);
  await settle();
  assert.equal(asked.count, 1, 'not before the server wishes');
  mock.timers.tick(2501);
  await settle();
  assert.equal(asked.count, 2);
  mock.timers.tick(7500);
  await settle();
  assert.deepEqual([asked.count, image.src], [3, 'blob:one']);
});

test('an <img> that is gone, or whose page was left, is not asked for again', async () => {
  for (const [status, leave] of [[404, false], [503, true]]) {
    mock.timers.enable({ apis: ['setTimeout'] });
    const asked = replies(status);
    const leaving = new AbortController();
    const image = new FakeImage();
    image.src = '/i.png';
    keepTrying(image, leaving.signal);
    image.dispatchEvent(new Event('error'));
    await settle();
    mock.timers.tick(400);
    await settle();
    if (leave) {
      leaving.abort();
    }
    for (let i = 0; i < 5; i++) {
      mock.timers.tick(60000);
      await settle();
    }
    assert.equal(asked.count, 1, String(status));
    mock.timers.reset();
  }
});
