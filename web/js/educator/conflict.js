/**
 * What to do when somebody else has saved a deck meanwhile: what they changed, what was changed here, three ways on.
 */

import { el } from '../dom.js';
import { teachTexts } from '../texts/teach_texts.js';
import { differences } from './differences.js';

/**
 * @param {object} props
 * @param {object} props.mine definition
 * @param {?object} props.before the version that was edited, if it is known
 * @param {object} props.theirs
 * @param {() => void} props.onMine @param {() => void} props.onCopy @param {() => void} props.onTheirs
 * @returns {HTMLElement}
 */
export function conflictView({ mine, before, theirs, onMine, onCopy, onTheirs }) {
  const t = teachTexts.conflict;
  const list = (title, changes) => el('div', {}, el('h3', {}, title), el('ul', { class: 'changes' }, ...(changes.length > 0 ? changes : [t.nothing]).map((words) => el('li', {}, words))));
  const button = (id, words, work, main = false) => el('button', { type: 'button', class: main ? 'button button-main' : 'button', id, on: { click: work } }, words);
  return el('section', { class: 'saved-box is-conflict form', 'aria-labelledby': 'conflict' },
    el('h2', { id: 'conflict', tabindex: '-1' }, t.title),
    el('p', {}, t.words),
    ...(before ? [list(t.theirChanges, differences(before, theirs)), list(t.myChanges, differences(before, mine))] : [list(t.apart, differences(theirs, mine))]),
    el('div', { class: 'buttons' }, button('keep-mine', t.mine, onMine, true), button('keep-copy', t.copy, onCopy), button('keep-theirs', t.theirs, onTheirs)));
}
