/**
 * What this browser kept is shown instead of what the server has: from when it is, and how to be rid of it.
 */

import { timeElement } from '../dates.js';
import { el } from '../dom.js';
import { researchTexts } from '../texts/research_texts.js';

const t = researchTexts.editor;

/**
 * @param {{name: ?string, kept: import('./kept_draft.js').KeptDraft, from: ?string}} start
 * @param {() => void} onDiscard
 * @returns {HTMLElement}
 */
export function keptNotice({ name, kept, from }, onDiscard) {
  const discard = name !== null ? t.keptDiscard : from ? t.keptCopy(from) : t.keptDiscardNew;
  const sure = el('button', { type: 'button', class: 'button', id: 'discard-sure', on: { click: onDiscard } }, t.discardSure);
  const ask = el('p', { hidden: true }, t.discardAsk, ' ', sure);
  const button = el('button', {
    type: 'button', class: 'link-button', id: 'discard', 'aria-expanded': 'false',
    on: { click: () => { ask.hidden = !ask.hidden; button.setAttribute('aria-expanded', String(!ask.hidden)); } },
  }, discard);
  return el('div', { class: 'note', id: 'kept' }, el('p', {}, t.kept, ' ', timeElement(kept.kept_at), '. ', t.keptWords), button, ask);
}
