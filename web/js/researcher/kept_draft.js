/**
 * Plans of studies while they are typed: one draft of each that the server knows, and one of a study that it does not
 * know yet.
 */

import { keptDrafts } from '../staff/kept_drafts.js';

const KEEP_AFTER_MS = 300;

/**
 * @typedef {object} KeptDraft
 * @property {import('../api/api_studies.js').Study} study
 * @property {?string} version of the server that was edited; null: none
 */

const draftsOf = (account) => keptDrafts('study', account, ({ study }) => study?.arms);

/** A study without a name is the one that the server does not know. */
const keyOf = (name) => name ?? '';

/** @param {number} account id @param {?string} name of a study, null: of a new one @returns {?KeptDraft} */
export const loadDraft = (account, name) => draftsOf(account).load(keyOf(name));

export const dropDraft = (account, name) => draftsOf(account).drop(keyOf(name));

/**
 * Keeps a plan while it is edited: soon after every change, and at once when the page goes.
 * @param {number} account
 * @param {{name: ?string, study: object, version: ?string}} plan as it is at any time
 * @param {{onKept: (kept: boolean) => void, onOtherTab: () => void}} told onOtherTab: another tab edits the same study
 * @returns {{changed: () => void, now: () => void, done: () => void}} now: if anything is to be kept; done: the server has it
 */
export function draftKeeper(account, plan, { onKept, onOtherTab }) {
  const drafts = draftsOf(account);
  const keep = () => drafts.keep(keyOf(plan.name), { study: plan.study, version: plan.version });
  let timer = null;
  let dirty = false;
  const now = () => {
    clearTimeout(timer);
    timer = null;
    dirty && onKept(keep());
  };
  const leave = () => timer !== null && now();
  window.addEventListener('pagehide', leave);
  document.addEventListener('visibilitychange', leave);
  window.addEventListener('beforeunload', (event) => {
    if (dirty && !keep()) {
      event.preventDefault();
    }
  });
  drafts.watch(() => keyOf(plan.name), onOtherTab);
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
      drafts.drop(keyOf(plan.name));
    },
  };
}
