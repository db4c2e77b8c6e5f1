/**
 * What is being typed, kept in this browser at every change until the server has it: a closed tab, a crash or a lost
 * connection takes nothing. One draft a study, and one of a study that the server does not know yet.
 */

const PREFIX = 'roentgym.draft.';
const NEW = ''; // in place of a name

/**
 * @typedef {object} KeptDraft
 * @property {import('../api/api_studies.js').Study} study
 * @property {?string} version of the server that was edited; null: none
 * @property {string} kept_at
 */

/** @param {?string} name of a study, null: of a new one @returns {?KeptDraft} */
export function loadDraft(name) {
  try {
    const draft = JSON.parse(localStorage.getItem(PREFIX + (name ?? NEW)));
    return draft?.study?.arms ? draft : null;
  } catch {
    return null;
  }
}

/** @returns {boolean} whether it is kept now: a browser may refuse */
export function keepDraft(name, study, version) {
  try {
    localStorage.setItem(PREFIX + (name ?? NEW), JSON.stringify({ study, version, kept_at: new Date().toISOString() }));
    return true;
  } catch {
    return false;
  }
}

export function dropDraft(name) {
  try {
    localStorage.removeItem(PREFIX + (name ?? NEW));
  } catch {
    /* Nothing was kept. */
  }
}

/** @param {?string} name @param {() => void} onChange another tab has kept another draft of the same study */
export function watchDraft(name, onChange) {
  window.addEventListener('storage', ({ key, newValue }) => {
    if (key === PREFIX + (name ?? NEW) && newValue !== null) {
      onChange();
    }
  });
}
