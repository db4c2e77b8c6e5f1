/**
 * What is being typed, kept in this browser at every change until the server has it: a closed tab, a crash or a lost
 * connection takes nothing. One draft a study, and one of a study that the server does not know yet; those of one
 * account are not shown to another.
 */

const PREFIX = 'roentgym.study_draft.';
const KEEP_AFTER_MS = 300;

/**
 * @typedef {object} KeptDraft
 * @property {import('../api/api_studies.js').Study} study
 * @property {?string} version of the server that was edited; null: none
 * @property {string} kept_at
 */

/** A study without a name is the one that the server does not know. */
const keyOf = (account, name) => `${PREFIX}${account}.${name ?? ''}`;

/** @param {number} account id @param {?string} name of a study, null: of a new one @returns {?KeptDraft} */
export function loadDraft(account, name) {
  try {
    const draft = JSON.parse(localStorage.getItem(keyOf(account, name)));
    return draft?.study?.arms ? draft : null;
  } catch {
    return null;
  }
}

export function dropDraft(account, name) {
  try {
    localStorage.removeItem(keyOf(account, name));
  } catch {
    /* Nothing was kept. */
  }
}

/** @returns {boolean} whether it is kept now: a browser may refuse */
function keepDraft(account, name, study, version) {
  try {
    localStorage.setItem(keyOf(account, name), JSON.stringify({ study, version, kept_at: new Date().toISOString() }));
    return true;
  } catch {
    return false;
  }
}

/**
 * Keeps a plan while it is edited: soon after every change, and at once when the page goes.
 * @param {number} account
 * @param {{name: ?string, study: object, version: ?string}} plan as it is at any time
 * @param {{onKept: (kept: boolean) => void, onOtherTab: () => void}} told onOtherTab: another tab edits the same study
 * @returns {{changed: () => void, now: () => void, done: () => void}} now: if anything is to be kept; done: the server has it
 */
export function draftKeeper(account, plan, { onKept, onOtherTab }) {
  let timer = null;
  let dirty = false;
  const now = () => {
    clearTimeout(timer);
    timer = null;
    dirty && onKept(keepDraft(account, plan.name, plan.study, plan.version));
  };
  const leave = () => timer !== null && now();
  window.addEventListener('pagehide', leave);
  document.addEventListener('visibilitychange', leave);
  window.addEventListener('beforeunload', (event) => {
    if (dirty && !keepDraft(account, plan.name, plan.study, plan.version)) {
      event.preventDefault();
    }
  });
  window.addEventListener('storage', ({ key, newValue }) => {
    if (key === keyOf(account, plan.name) && newValue !== null) {
      onOtherTab();
    }
  });
  return {
    changed() {
      dirty = true;
      clearTimeout(timer);
      timer = setTimeout(now, KEEP_AFTER_MS);
    },
    now,
    done() {
      clearTimeout(timer);
      timer = null;
      dirty = false;
      dropDraft(account, plan.name);
    },
  };
}
