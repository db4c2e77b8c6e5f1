/**
 * What mouse, fingers and keys do to the image, for a help dialog.
 */

import { el } from '../dom.js';
import { setShortcuts, shortcutsOn } from '../store.js';
import { keysTexts, viewerTexts } from '../texts/viewer_texts.js';

const t = viewerTexts.helpText;

/** @returns {HTMLElement} a section that any dialog can take in */
export function viewerHelp() {
  const list = (title, rows) => [el('h3', {}, title),
    el('dl', {}, ...rows.map(([what, ...keys]) => el('div', {}, el('dt', {}, what), el('dd', {}, ...keys.flatMap(shownKey)))))];
  return el('section', { class: 'viewer-help' }, el('h2', {}, t.title), el('p', {}, t.lead),
    ...list(t.mouse, t.mouseRows), ...list(t.touch, t.touchRows), ...list(t.keys, t.keyRows), el('p', {}, t.keyNote));
}

/** `words` are plain, a key stands in brackets. */
function shownKey(text) {
  return text.split(/(\[[^ ]+?\])/).filter(Boolean).map((part) => (part.startsWith('[') ? el('kbd', {}, part.slice(1, -1)) : part));
}

/** The dialog of viewers whose page has none. */
export function helpDialog() {
  const dialog = el('dialog', { class: 'keys', 'aria-label': t.title },
    viewerHelp(),
    el('label', { class: 'switch' },
      el('input', { type: 'checkbox', checked: shortcutsOn(), on: { change: (event) => setShortcuts(event.target.checked) } }),
      el('span', {}, keysTexts.on)),
    el('button', { type: 'button', class: 'button', on: { click: () => dialog.close() } }, keysTexts.close));
  return dialog;
}
