/**
 * The only module that knows URLs and calls fetch.
 *
 * Every function resolves with the reply's useful part or rejects with an ApiError.
 * Nothing here retries: see retry.js.
 */

const TIMEOUT_MS = 20000;
const IMAGE_TIMEOUT_MS = 60000; // longer than the server lets an image wait: giving up sooner would lose the place in its queue

/**
 * @typedef {object} Deck
 * @property {string} id
 * @property {string} title
 * @property {string} description for the start page, may be empty
 * @property {string} question asked of every item
 * @property {number} items how many a drill has
 * @property {{id: string, label: string}[]} choices ratings 1..3 stand for the first, 4..6 for the second
 * @property {'truth'|'correct'|'none'} feedback what follows an answer: the truth, whether it was right, nothing
 * @property {'confidence'|'two_buttons'} rating whether each choice is graded by confidence
 * @property {number} time_limit_s for looking at each image; 0 is none
 * @property {string} model id of the model that makes the images
 *
 * @typedef {object} Model
 * @property {string} id
 * @property {string} name
 * @property {number[]} sizes pixels a side that images are offered in
 * @property {string[]} classes
 * @property {'simulated'|'real'} training_data
 *
 * @typedef {object} Summary
 * @property {number} of items in the deck
 * @property {?number} correct
 * @property {?Score} score null while nothing may be told
 * @property {SummaryItem[]} items
 *
 * @typedef {object} Score the parts that the pages use; openapi.json has all and says how they are computed
 * @property {number} trials
 * @property {{hits: number, misses: number, false_alarms: number, correct_rejections: number}} counts
 * @property {Estimate} accuracy
 * @property {Estimate} sensitivity
 * @property {Estimate} specificity
 * @property {Estimate} auc
 * @property {Estimate} d_prime
 * @property {Estimate} criterion
 * @property {{rating: ?number, false_alarms: number, hits: number}[]} roc from (0, 0) to (1, 1), or empty
 * @property {{all: ?Quartiles, right: ?Quartiles, wrong: ?Quartiles}} response_ms
 * @property {{trials_needed: number, window: number, average: {n: number, accuracy: number}[], fit: ?{start: number,
 *   asymptote: number, rate: number, last: number}, gap: ?string}} learning_curve
 *
 * @typedef {{value: ?number, low: ?number, high: ?number, gap: ?string}} Estimate with its 95 % interval; gap says
 *   why something is null
 * @typedef {{count: number, lower: number, median: number, upper: number}} Quartiles
 *
 * @typedef {object} SummaryItem
 * @property {number} n
 * @property {string} choice
 * @property {?string} truth
 * @property {?boolean} correct
 * @property {number} rating 1..6
 * @property {number} response_ms
 * @property {string} image URL
 */

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

  /** True when the same request may succeed later: no reply, overload, restart. */
  get transient() {
    return this.status === 0 || this.status === 408 || this.status === 429 || this.status >= 500;
  }
}

/** @returns {Promise<Deck[]>} */
export async function listDecks() {
  return (await request('GET', '/api/v1/decks')).decks;
}

/** @returns {Promise<Model[]>} without those whose file is broken, of which nothing is known */
export async function listModels() {
  return (await request('GET', '/api/v1/models')).models.filter(({ state }) => state !== 'broken');
}

/** @returns {Promise<{id: string, secret: string, deck: Deck}>} */
export async function createSession(deckId) {
  return (await request('POST', '/api/v1/sessions', { body: { deck: deckId } })).session;
}

/** @returns {Promise<{id: string, deck: Deck, answered: number[], finished: boolean}>} */
export async function readSession(id, secret) {
  return (await request('GET', `/api/v1/sessions/${encodeURIComponent(id)}`, { secret })).session;
}

/** @returns {Promise<{n: number, of: number, image: string}>} the image's URL tells nothing about it */
export async function readItem(id, secret, n) {
  return (await request('GET', `/api/v1/sessions/${encodeURIComponent(id)}/items/${n}`, { secret })).item;
}

/**
 * Safe to repeat with the same answer: the server keeps one row per key.
 * @param {{key: string, item: number, choice: string, confidence?: number, response_ms: number}} answer
 *   and what context.js adds
 * @returns {Promise<{feedback: ?{truth: ?string, correct: boolean}}>}
 */
export async function sendAnswer(id, secret, answer) {
  return request('POST', `/api/v1/sessions/${encodeURIComponent(id)}/answers`, { secret, body: answer });
}

/** @returns {Promise<Summary>} */
export async function readSummary(id, secret) {
  return (await request('GET', `/api/v1/sessions/${encodeURIComponent(id)}/summary`, { secret })).summary;
}

/** URL of a labelled sample, for pages where the class is no secret. */
export function sampleUrl(modelId, className, seed, size) {
  const path = [modelId, className, `${seed}.png`].map(encodeURIComponent).join('/');
  return `/api/v1/samples/${path}?size=${size}`;
}

/**
 * An image's file, asked for as an <img> asks, so that either finds what the other has put into the browser's cache.
 * Unlike an <img>, this tells a busy server from a broken line and from an image that is gone.
 * @param {string} url of an item's image
 * @param {AbortSignal} leaving aborted when nobody waits any more, so that the server need not make it
 * @returns {Promise<Blob>}
 */
export async function readImage(url, leaving) {
  return exchange(url, {}, IMAGE_TIMEOUT_MS, leaving, async (response) => (
    response.ok ? response.blob() : readReply(response, await response.text())));
}

/**
 * @typedef {{account: {id: number, name: string, role: 'educator'|'researcher'|'admin'}, csrf_token: string}} Me who is
 *   logged in, and what changes must carry beside the cookie
 */

/** @returns {Promise<?Me>} null when nobody is logged in */
export async function whoAmI() {
  try {
    return await request('GET', '/api/v1/me', { cookie: true });
  } catch (error) {
    if (error.status === 401) {
      return null;
    }
    throw error;
  }
}

/** @returns {Promise<Me>} */
export async function logIn(name, password) {
  return request('POST', '/api/v1/login', { cookie: true, body: { name, password } });
}

export async function logOut(csrfToken) {
  await request('POST', '/api/v1/logout', { cookie: true, csrfToken });
}

/** @returns {Promise<{purpose: 'first_admin'|'invite'|'reset', role: string, name: ?string}>} what a link is for */
export async function lookAtInvitation(token) {
  return (await request('POST', '/api/v1/invitation/look', { body: { token } })).invitation;
}

/** @returns {Promise<Me>} */
export async function useInvitation(token, name, password) {
  return request('POST', '/api/v1/invitation/use', { cookie: true, body: { token, password, ...(name === null ? {} : { name }) } });
}

/** Learners' requests carry no cookie: whoever is logged in drills as anybody else. */
async function request(method, path, { secret = null, body = null, cookie = false, csrfToken = null } = {}) {
  const headers = { Accept: 'application/json' };
  if (secret) {
    headers.Authorization = `Bearer ${secret}`;
  }
  if (body) {
    headers['Content-Type'] = 'application/json';
  }
  if (csrfToken) {
    headers['X-CSRF-Token'] = csrfToken;
  }
  const credentials = cookie ? 'same-origin' : 'omit';
  const init = { method, headers, body: body ? JSON.stringify(body) : undefined, credentials, cache: 'no-store' };
  return exchange(path, init, TIMEOUT_MS, null, async (response) => readReply(response, await response.text()));
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
    throw error instanceof ApiError ? error : new ApiError(0, 'network', 'The server did not answer.');
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
    throw new ApiError(0, 'bad_reply', 'The server’s reply was cut short.');
  }
  const { code = 'http_error', message = `The server answered ${response.status}.` } = reply?.error ?? {};
  const seconds = Number(response.headers.get('Retry-After'));
  throw new ApiError(response.status, code, message, seconds > 0 ? seconds * 1000 : null);
}
