/**
 * Answers on their way: kept in the browser from the moment they are given until the server has them, and sent in
 * the order of their items, because the server opens items in that order.
 */

import * as api from '../api/api_sessions.js';
import * as store from '../store.js';
import { withRetry } from '../retry.js';

/**
 * @param {object} props
 * @param {{id: string, secret: string}} props.session
 * @param {AbortSignal} props.signal ends the sending; what is not sent stays kept
 * @param {(error: Error) => void} props.onWait the connection or the server fails for now; sending goes on by itself
 * @param {(item: number, reply: object) => void} props.onSaved the server has the answer
 * @param {(error: Error) => void} props.onRefused the server will never take it; it is no longer kept
 */
export function createOutbox({ session, signal, onWait, onSaved, onRefused }) {
  const waiting = [];
  let sending = false;
  let watchers = []; // of sentUpTo

  const settle = () => {
    const oldest = waiting[0]?.item ?? Infinity;
    watchers.filter(({ item }) => item < oldest).forEach(({ resolve }) => resolve());
    watchers = watchers.filter(({ item }) => item >= oldest);
  };

  async function sendOne(answer) {
    try {
      const reply = await withRetry(() => api.sendAnswer(session.id, session.secret, answer), { signal, onWait });
      return () => onSaved(answer.item, reply);
    } catch (error) {
      signal.throwIfAborted();
      return () => onRefused(error);
    }
  }

  async function sendAll() {
    sending = true;
    while (waiting.length > 0) {
      const tell = await sendOne(waiting[0]);
      store.dropAnswer(session.id, waiting.shift());
      settle();
      tell();
    }
    sending = false;
  }

  return {
    /** @param {{key: string, item: number}} answer */
    add(answer) {
      store.keepAnswer(session, answer);
      waiting.push(answer);
      if (!sending) {
        sendAll().catch(() => {}); // only the signal ends it early
      }
    },

    /** @returns {number[]} whose answers wait */
    items: () => waiting.map(({ item }) => item),

    /** Resolves when no answer to this item or an earlier one waits. */
    sentUpTo(item) {
      return new Promise((resolve) => {
        watchers.push({ item, resolve });
        settle();
      });
    },
  };
}

/**
 * Delivers what earlier pages could not: of one session, or of all. An answer that the server has already, or
 * refuses, is done with: a refused item is asked again.
 * @param {?string} sessionId null for all
 * @param {(task: () => Promise<void>) => Promise<void>} patiently repeats what failed for a passing reason
 */
export async function sendKept(sessionId, patiently) {
  for (const { id, secret, answer } of store.keptAnswers(sessionId)) {
    try {
      await patiently(() => api.sendAnswer(id, secret, answer));
    } catch {
      /* Refused for good. */
    }
    store.dropAnswer(id, answer);
  }
}
