import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import * as store from '../../web/js/store.js';

/** As a browser's: what is kept is seen as properties. */
function fakeStorage() {
  const methods = {
    getItem: { value: function getItem(name) { return this[name] ?? null; } },
    setItem: { value: function setItem(name, value) { this[name] = String(value); } },
    removeItem: { value: function removeItem(name) { delete this[name]; } },
  };
  return Object.create(Object.defineProperties({}, methods));
}

beforeEach(() => {
  globalThis.localStorage = fakeStorage();
  globalThis.sessionStorage = fakeStorage();
});
afterEach(() => {
  delete globalThis.localStorage;
  delete globalThis.sessionStorage;
});

const one = { id: 'one', secret: 's1' };
const other = { id: 'other', secret: 's2' };

test('answers of several drills are kept beside each other, in the order of their items', () => {
  for (const [session, item] of [[one, 10], [other, 1], [one, 9]]) {
    store.keepAnswer(session, { key: `k${item}`, item });
  }
  assert.deepEqual(store.keptAnswers('one').map(({ answer }) => answer.item), [9, 10]);
  assert.deepEqual(store.keptAnswers().map(({ id, secret }) => [id, secret]), [['one', 's1'], ['one', 's1'], ['other', 's2']]);
  store.dropAnswer('one', { item: 9 });
  assert.deepEqual(store.keptAnswers('one').map(({ answer }) => answer.item), [10]);
});

test('a new tab knows the last drill until it is finished, and its own tab until it is left', () => {
  store.saveSession(one);
  globalThis.sessionStorage = fakeStorage();
  assert.deepEqual([store.loadSession(), store.loadLastSession()], [null, one]);
  store.saveSession(other);
  store.sessionFinished('one');
  assert.deepEqual(store.loadLastSession(), other);
  store.sessionFinished('other');
  assert.deepEqual([store.loadSession(), store.loadLastSession()], [other, null]);
  store.leaveSession();
  assert.equal(store.loadSession(), null);
});

test('a drill that is gone takes its answers with it', () => {
  store.saveSession(one);
  store.keepAnswer(one, { key: 'k', item: 1 });
  store.keepAnswer(other, { key: 'l', item: 1 });
  store.forgetSession('one');
  assert.deepEqual([store.loadSession(), store.loadLastSession(), store.keptAnswers().length], [null, null, 1]);
});

test('shortcuts are on and a drag down darkens until the user wishes otherwise', () => {
  assert.deepEqual([store.shortcutsOn(), store.brighterDown()], [true, false]);
  store.setShortcuts(false);
  store.setBrighterDown(true);
  assert.deepEqual([store.shortcutsOn(), store.brighterDown()], [false, true]);
});

test('a code is forgotten with the drill that it opened', () => {
  store.saveCode('BCDF');
  store.saveSession({ id: 'one', secret: 'BCDF' });
  store.forgetCode();
  assert.ok(![...Object.values(localStorage), ...Object.values(sessionStorage)].some((kept) => kept.includes('BCDF')));
});

test('a browser that refuses storage is no error', () => {
  delete globalThis.localStorage;
  delete globalThis.sessionStorage;
  store.saveSession(one);
  store.keepAnswer(one, { key: 'k', item: 1 });
  assert.deepEqual([store.loadSession(), store.loadCode(), store.keptAnswers(), store.shortcutsOn(), store.wasIntroduced()],
    [null, null, [], true, false]);
});
