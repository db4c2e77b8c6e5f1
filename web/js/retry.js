/**
 * Repeating what failed for a passing reason (offline, server restarting, queue full).
 */

const FIRST_DELAY_MS = 400;
const LONGEST_DELAY_MS = 8000;
const LONGEST_WISH_MS = 60000;

/**
 * Exponential back-off with jitter, so that a class of students does not return in step.
 * @param {number} attempt 0 for the wait after the first failure
 * @param {?number} retryAfterMs the server's own wish, taken as the least wait unless it is absurd; all who were
 *   refused together heard the same one, so it is spread, too
 * @param {number} random 0..1
 * @returns {number} milliseconds
 */
export function backoffDelay(attempt, retryAfterMs, random) {
  const ceiling = Math.min(LONGEST_DELAY_MS, FIRST_DELAY_MS * 2 ** attempt);
  const wish = Math.min(retryAfterMs ?? 0, LONGEST_WISH_MS);
  return Math.max(ceiling * (0.5 + 0.5 * random), wish * (1 + 0.5 * random));
}

/**
 * Calls `task` until it resolves or fails for good. Rejects with the first error whose `transient` is
 * not true, or with the signal's reason once it is aborted.
 *
 * @template T
 * @param {() => Promise<T>} task
 * @param {object} options
 * @param {AbortSignal} options.signal ends the waiting
 * @param {(error: Error) => void} [options.onWait] called before each wait, to tell the person
 * @param {(ms: number, signal: AbortSignal) => Promise<void>} [options.sleep]
 * @returns {Promise<T>}
 */
export async function withRetry(task, { signal, onWait = () => {}, sleep = sleepUntilOnline }) {
  for (let attempt = 0; ; attempt++) {
    signal.throwIfAborted();
    try {
      return await task();
    } catch (error) {
      signal.throwIfAborted();
      if (!error.transient) {
        throw error;
      }
      onWait(error);
      await sleep(backoffDelay(attempt, error.retryAfterMs, Math.random()), signal);
    }
  }
}

/** Resolves after `ms`, or as soon as the browser comes back online or the wait is aborted. */
function sleepUntilOnline(ms, signal) {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      window.removeEventListener('online', done);
      signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    window.addEventListener('online', done);
    signal.addEventListener('abort', done);
  });
}
