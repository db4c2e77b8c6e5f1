/**
 * What mouse, fingers and keys do to the image, for a help dialog.
 */

import { el } from '../dom.js';
import { setShortcuts, shortcutsOn } from '../store.js';
import { keysTexts, viewerTexts } from '../texts/viewer_texts.js';

const t = viewerTexts.helpText;

/** Whether fingers are what this device is held with: their ways are then told first. */
export const byFingers = () => matchMedia('(hover: none) and (pointer: coarse)').matches;

/** @returns {HTMLElement} a section that any dialog can take in */
export function viewerHelp() {
  const list = (title, rows) => [el('h3', {}, title),
    el('dl', {}, ...rows.map(([what, ...keys]) => el('div', {}, el('dt', {}, what), el('dd', {}, ...keys.flatMap(shownKey)))))];
  const mouse = list(t.mouse, t.mouseRows);
  const touch = list(t.touch, t.touchRows);
  return el('section', { class: 'viewer-help' }, el('h2', {}, t.title), el('p', {}, t.lead),
    ...(byFingers() ? [...touch, ...mouse] : [...mouse, ...touch]), ...list(t.keys, t.keyRows), el('p', {}, t.keyNote));
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
