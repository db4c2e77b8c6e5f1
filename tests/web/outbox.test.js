import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import { createOutbox, sendKept } from '../../web/js/drill/outbox.js';
import * as store from '../../web/js/store.js';

const real = { fetch: globalThis.fetch, window: globalThis.window };
const session = { id: 'abc', secret: 's' };
const answer = (item) => ({ key: `k${item}`, item });
const settle = () => new Promise((resolve) => setTimeout(resolve, 20));

beforeEach(() => {
  const methods = {
    getItem: { value: function getItem(name) { return this[name] ?? null; } },
    setItem: { value: function setItem(name, value) { this[name] = value; } },
    removeItem: { value: function removeItem(name) { delete this[name]; } },
  };
  globalThis.localStorage = Object.create(Object.defineProperties({}, methods));
  globalThis.window = new EventTarget();
});
afterEach(() => {
  delete globalThis.localStorage;
  Object.assign(globalThis, real);
});

/** A server that takes items in this way: 'yes', a code that refuses, or 'away'. */
function serve(wayOf) {
  const got = [];
  globalThis.fetch = async (url, { body }) => {
    const { item } = JSON.parse(body);
    const way = wayOf(item);
    if (way === 'away') {
      throw new TypeError('no connection');
    }
    got.push(item);
    return way === 'yes'
      ? new Response(JSON.stringify({ feedback: { correct: true } }), { status: 201 })
      : new Response(JSON.stringify({ error: { code: way, message: 'No.' } }), { status: 409 });
  };
  return got;
}

function outbox(signal = new AbortController().signal) {
  const told = [];
  const box = createOutbox({
    session,
    signal,
    onWait: () => told.push('waits'),
    onSaved: (item) => told.push(`saved ${item}`),
    onRefused: (error) => told.push(error.code),
  });
  return { box, told };
}

test('answers go out in their order, and are no longer kept once the server has them', async () => {
  const got = serve(() => 'yes');
  const { box, told } = outbox();
  box.add(answer(1));
  box.add(answer(2));
  assert.deepEqual([box.items(), store.keptAnswers().length], [[1, 2], 2], 'kept at once');
  await box.sentUpTo(2);
  await settle();
  assert.deepEqual([got, told, store.keptAnswers()], [[1, 2], ['saved 1', 'saved 2'], []]);
});

test('without a connection they wait, also beyond the page, and go out when it is back', async () => {
  let way = 'away';
  const got = serve(() => way);
  const leaving = new AbortController();
  const { box, told } = outbox(leaving.signal);
  let ready = false;
  box.add(answer(1));
  box.sentUpTo(1).then(() => { ready = true; });
  await settle();
  assert.deepEqual([told, ready, box.items()], [['waits'], false, [1]]);
  leaving.abort();
  await settle();
  assert.equal(store.keptAnswers('abc').length, 1);
  way = 'yes';
  await sendKept('abc', (task) => task());
  assert.deepEqual([got, store.keptAnswers()], [[1], []]);
});

test('back online, the sending does not wait for its turn', async () => {
  let way = 'away';
  serve(() => way);
  const { box } = outbox();
  box.add(answer(1));
  await settle();
  way = 'yes';
  window.dispatchEvent(new Event('online'));
  await box.sentUpTo(1);
});

test('an answer that is refused is told of, not kept, and holds up no other', async () => {
  const got = serve((item) => (item === 1 ? 'already_answered' : 'yes'));
  const { box, told } = outbox();
  box.add(answer(1));
  box.add(answer(2));
  await box.sentUpTo(2);
  await settle();
  assert.deepEqual([got, told, store.keptAnswers()], [[1, 2], ['already_answered', 'saved 2'], []]);
});

test('what an earlier page kept and the server refuses is done with', async () => {
  serve(() => 'phase_closed');
  store.keepAnswer(session, answer(1));
  await sendKept(null, (task) => task());
  assert.deepEqual(store.keptAnswers(), []);
});

test('nobody waits for what was not answered', async () => {
  await outbox().box.sentUpTo(5);
});
