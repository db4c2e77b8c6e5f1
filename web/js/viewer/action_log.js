/**
 * Counts what is done to an image, for the research log. Pure.
 *
 * One entry for each kind of action and what it was done with, so that the log stays small however long somebody looks:
 * {action, by, count, first_ms, last_ms}. A drag, a pinch, a turn of the wheel, a key held down, a slider's way is one
 * action each.
 */

export const ACTIONS = Object.freeze(['window', 'zoom', 'pan', 'invert', 'preset', 'reset', 'overlay', 'morph', 'blink', 'side']);
export const MEANS = Object.freeze(['mouse', 'touch', 'pen', 'wheel', 'key', 'control']);

/** What follows the same action within this time belongs to it. */
const BURST_MS = 500;

export function createActionLog() {
  const entries = new Map();

  return {
    /**
     * @param {string} action of ACTIONS
     * @param {string} by of MEANS
     * @param {number} time ms
     * @param {?number} [gesture] one number for all of a drag, however long it rests; null: counted by time
     */
    note(action, by, time, gesture = null) {
      const name = `${action} ${by}`;
      const entry = entries.get(name) ?? { action, by, count: 0, first: time, last: -Infinity, gesture: null };
      const same = gesture === null ? time - entry.last <= BURST_MS : gesture === entry.gesture;
      entries.set(name, { ...entry, count: entry.count + (same ? 0 : 1), last: time, gesture });
    },

    /** Forgets all: another image. */
    clear() {
      entries.clear();
    },

    /**
     * @param {number} since the image's first frame
     * @returns {{action: string, by: string, count: number, first_ms: number, last_ms: number}[]}
     */
    list(since) {
      const ms = (time) => Math.max(0, Math.round(time - since));
      return [...entries.values()].map(({ action, by, count, first, last }) => (
        { action, by, count, first_ms: ms(first), last_ms: ms(last) }));
    },
  };
}
