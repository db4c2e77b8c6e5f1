import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';
import { listDecks } from '../../web/js/api/api_decks.js';
import { useInvitation } from '../../web/js/api/api_invitations.js';
import { logIn, logOut, whoAmI } from '../../web/js/api/api_login.js';
import { sampleUrl } from '../../web/js/api/api_models.js';
import { readItem, sendAnswer } from '../../web/js/api/api_sessions.js';
import { readImage, staffExchange } from '../../web/js/api/transport.js';

const realFetch = globalThis.fetch;
afterEach(() => {
  globalThis.fetch = realFetch;
});

/** Answers every request with one reply and notes what was asked. */
function reply(status, body, headers = {}) {
  const asked = [];
  globalThis.fetch = async (path, options) => {
    asked.push({ path, ...options });
    return new Response(body, { status, headers });
  };
  return asked;
}

test('a request carries the secret and the answer as JSON', async () => {
  const asked = reply(201, '{"answer":{},"feedback":null}');
  await sendAnswer('s1', 'secret', { key: 'k', item: 1 });
  assert.equal(asked[0].method, 'POST');
  assert.equal(asked[0].path, '/api/v1/sessions/s1/answers');
  assert.equal(asked[0].headers.Authorization, 'Bearer secret');
  assert.equal(asked[0].headers['Content-Type'], 'application/json');
  assert.deepEqual(JSON.parse(asked[0].body), { key: 'k', item: 1 });
});

test('the useful part of a reply is handed on', async () => {
  reply(200, '{"item":{"n":2,"image":"/i.png"}}');
  assert.deepEqual(await readItem('s', 'x', 2), { n: 2, image: '/i.png' });
});

test('an error keeps the server’s code, sentence and wish to wait', async () => {
  reply(503, '{"error":{"code":"queue_full","message":"Busy."}}', { 'Retry-After': '2' });
  await assert.rejects(listDecks(), { status: 503, code: 'queue_full', message: 'Busy.', retryAfterMs: 2000, transient: true });
});

test('only failures that may pass are transient', async () => {
  for (const [status, transient] of [[400, false], [401, false], [404, false], [409, false], [422, false], [429, true], [500, true], [502, true]]) {
    reply(status, '<html>a proxy’s page</html>');
    await assert.rejects(listDecks(), { status, code: 'http_error', transient }, String(status));
  }
});

test('what only the researchers can mend is told, not waited for', async () => {
  reply(503, '{"error":{"code":"phase_unavailable","message":"Please tell who@example.org."}}');
  await assert.rejects(listDecks(), { status: 503, code: 'phase_unavailable', transient: false });
});

test('no connection and a reply cut short are transient', async () => {
  globalThis.fetch = async () => {
    throw new TypeError('Failed to fetch');
  };
  await assert.rejects(listDecks(), { status: 0, code: 'network', transient: true });
  reply(200, '{"decks":[{"id"');
  await assert.rejects(listDecks(), { status: 0, code: 'bad_reply', transient: true });
});

test('an image comes as a file, asked for as an <img> asks', async () => {
  const asked = reply(200, 'bytes', { 'Content-Type': 'image/png' });
  const file = await readImage('/i.png', new AbortController().signal);
  assert.deepEqual([await file.text(), file.type], ['bytes', 'image/png']);
  assert.deepEqual(Object.keys(asked[0]), ['path', 'signal'], 'no header, and the browser’s own ways with cache and credentials');
});

test('an image that cannot come yet is told from one that never will', async () => {
  const { signal } = new AbortController();
  reply(503, '{"error":{"code":"busy","message":"Busy."}}', { 'Retry-After': '3' });
  await assert.rejects(readImage('/i.png', signal), { status: 503, code: 'busy', retryAfterMs: 3000, transient: true });
  reply(410, '{"error":{"code":"model_gone","message":"Gone."}}');
  await assert.rejects(readImage('/i.png', signal), { status: 410, transient: false });
});

test('an image that nobody waits for any more is given up', async () => {
  const leaving = new AbortController();
  globalThis.fetch = (path, { signal }) => new Promise((resolve, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason));
  });
  const waiting = readImage('/i.png', leaving.signal);
  leaving.abort();
  await assert.rejects(waiting, { status: 0, transient: true });
});

test('names in URLs are escaped', () => {
  assert.equal(sampleUrl('a/b', 'no fracture', 7, 512), '/api/v1/samples/a%2Fb/no%20fracture/7.png?size=512');
});

test('only the staff’s requests carry the cookie, and what they change its token', async () => {
  const asked = reply(200, '{"account":{},"csrf_token":"t","decks":[]}');
  await listDecks();
  await logIn('ann', 'secret words');
  await useInvitation('link', null, 'secret words');
  await whoAmI();
  await logOut();
  assert.deepEqual(asked.map(({ credentials }) => credentials), ['omit', 'same-origin', 'same-origin', 'same-origin', 'same-origin']);
  assert.deepEqual(JSON.parse(asked[2].body), { token: 'link', password: 'secret words' });
  assert.equal(asked[4].headers['X-CSRF-Token'], 't');
  assert.ok(asked.every(({ path }) => !path.includes('secret') && !path.includes('link')));
});

test('what has versions is saved over the one that was edited, and nothing else', async () => {
  const asked = reply(200, '{"deck":{}}', { ETag: '"4"' });
  assert.deepEqual(await staffExchange('POST', '/d', { body: { title: 'x' }, version: '"3"' }), { reply: { deck: {} }, version: '"4"' });
  await staffExchange('GET', '/d');
  assert.deepEqual(asked.map(({ headers }) => headers['If-Match']), ['"3"', undefined]);
});

test('whoever logs in anew in another tab can go on here', async () => {
  reply(200, '{"account":{},"csrf_token":"old"}');
  await logIn('ann', 'secret words');
  const tokens = [];
  globalThis.fetch = async (path, { headers }) => {
    if (path === '/api/v1/me') {
      return new Response('{"account":{},"csrf_token":"new"}');
    }
    tokens.push(headers['X-CSRF-Token']);
    return headers['X-CSRF-Token'] === 'new' ? new Response('{}')
      : new Response('{"error":{"code":"wrong_csrf_token","message":"Wrong."}}', { status: 403 });
  };
  await logOut();
  assert.deepEqual(tokens, ['old', 'new']);
});

test('nobody being logged in is no error', async () => {
  reply(401, '{"error":{"code":"not_logged_in","message":"Please log in."}}');
  assert.equal(await whoAmI(), null);
});
