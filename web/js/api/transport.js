/**
 * The way to the server: the only module that calls fetch. Which routes there are, the modules beside it know, one a
 * resource of the server.
 *
 * Every function resolves with the reply or rejects with an ApiError. Nothing here retries: see retry.js.
 */

import { transportTexts } from '../texts/site_texts.js';

const TIMEOUT_MS = 20000;
const FILE_TIMEOUT_MS = 300000; // an export is made while it is sent
const IMAGE_TIMEOUT_MS = 60000; // longer than the server lets an image wait: giving up sooner would lose the place in its queue

let csrfToken = null; // of whoever is logged in

/** A request that failed, in the server's words where it gave any. */
export class ApiError extends Error {
  /**
   * @param {number} status HTTP status; 0 when no reply arrived (offline, timeout, aborted connection)
   * @param {string} code the server's snake_case code, or 'network' / 'bad_reply'
   * @param {string} message one sentence
   * @param {?number} retryAfterMs how long the server asked us to wait, null if it did not
   */
  constructor(status, code, message, retryAfterMs = null) {
    super(message);
    this.name = 'ApiError';
    this.status = status;
    this.code = code;
    this.retryAfterMs = retryAfterMs;
  }

  /** True when the same request may succeed soon: no reply, overload, restart; not what researchers have to be told of. */
  get transient() {
    return this.code !== 'phase_unavailable' && (this.status === 0 || this.status === 408 || this.status === 429 || this.status >= 500);
  }
}

/**
 * What learners and visitors ask. It carries no cookie: whoever is logged in drills as anybody else.
 * @param {string} method
 * @param {string} path
 * @param {{secret?: ?string, body?: ?object}} [options] secret: a session's, or a learner's code; body: sent as JSON
 * @returns {Promise<object>} the reply's JSON
 */
export async function request(method, path, { secret = null, body = null } = {}) {
  const headers = secret ? { Authorization: `Bearer ${secret}` } : {};
  return (await exchangeJson(method, path, body, headers, 'omit')).reply;
}

/**
 * What the staff ask, with their cookie, and for changes with the token that keepCsrfToken was told.
 * @param {string} method
 * @param {string} path
 * @param {?object} [body] sent as JSON
 * @returns {Promise<object>} the reply's JSON
 */
export async function staffRequest(method, path, body = null) {
  return (await staffExchange(method, path, { body })).reply;
}

/**
 * The same for what has versions.
 * @param {string} method
 * @param {string} path
 * @param {{body?: ?object, version?: ?string}} [options] version: that which was edited, as an earlier reply named it
 * @returns {Promise<{reply: object, version: ?string}>} version: of what the server has now (its ETag)
 */
export async function staffExchange(method, path, { body = null, version = null } = {}) {
  const send = () => exchangeJson(method, path, body, {
    ...(csrfToken && method !== 'GET' ? { 'X-CSRF-Token': csrfToken } : {}),
    ...(version ? { 'If-Match': version } : {}),
  }, 'same-origin');
  try {
    return await send();
  } catch (error) {
    if (error.code !== 'wrong_csrf_token') {
      throw error;
    }
    csrfToken = (await exchangeJson('GET', '/api/v1/me', null, {}, 'same-origin')).reply.csrf_token; // logged in anew in another tab
    return send();
  }
}

/**
 * A file that the staff save, asked for here and not by a link, so that a refusal can be told in words.
 * @param {string} path
 * @returns {Promise<{blob: Blob, version: ?string}>} version: its ETag
 */
export async function staffFile(path) {
  const init = { credentials: 'same-origin', cache: 'no-store' };
  return exchange(path, init, FILE_TIMEOUT_MS, null, async (response) => (
    response.ok ? { blob: await response.blob(), version: response.headers.get('ETag') } : readReply(response, await response.text())));
}

/** @param {?string} token what the staff's changes carry beside the cookie from now on; null when nobody is logged in */
export function keepCsrfToken(token) {
  csrfToken = token;
}

/**
 * An image's file, asked for as an <img> asks, so that either finds what the other has put into the browser's cache.
 * Unlike an <img>, this tells a busy server from a broken line and from an image that is gone.
 * @param {string} url
 * @param {AbortSignal} leaving aborted when nobody waits any more, so that the server need not make it
 * @param {?string} [secret] of whoever may see it, where its address alone does not permit that
 * @returns {Promise<Blob>}
 */
export async function readImage(url, leaving, secret = null) {
  return exchange(url, secret ? { headers: { Authorization: `Bearer ${secret}` } } : {}, IMAGE_TIMEOUT_MS, leaving, async (response) => (
    response.ok ? response.blob() : readReply(response, await response.text())));
}

async function exchangeJson(method, path, body, headers, credentials) {
  const init = {
    method,
    headers: { Accept: 'application/json', ...(body ? { 'Content-Type': 'application/json' } : {}), ...headers },
    body: body ? JSON.stringify(body) : undefined,
    credentials,
    cache: 'no-store',
  };
  return exchange(path, init, TIMEOUT_MS, null, async (response) => (
    { reply: readReply(response, await response.text()), version: response.headers.get('ETag') }));
}

/** @param {?AbortSignal} leaving ends the exchange early, as a network error */
async function exchange(path, init, timeoutMs, leaving, read) {
  const abort = new AbortController();
  const end = () => abort.abort();
  const timer = setTimeout(end, timeoutMs);
  leaving?.addEventListener('abort', end);
  try {
    return await read(await fetch(path, { ...init, signal: abort.signal }));
  } catch (error) {
    throw error instanceof ApiError ? error : new ApiError(0, 'network', transportTexts.silent);
  } finally {
    clearTimeout(timer);
    leaving?.removeEventListener('abort', end);
  }
}

function readReply(response, text) {
  let reply = null;
  try {
    reply = JSON.parse(text);
  } catch {
    /* A proxy's HTML error page, or a body cut short: judged by its status below. */
  }
  if (response.ok && reply) {
    return reply;
  }
  if (response.ok) {
    throw new ApiError(0, 'bad_reply', transportTexts.cutShort);
  }
  const { code = 'http_error', message = transportTexts.status(response.status) } = reply?.error ?? {};
  const seconds = Number(response.headers.get('Retry-After'));
  throw new ApiError(response.status, code, message, seconds > 0 ? seconds * 1000 : null);
}
