/**
 * The dialog that lists the keys and switches single-key shortcuts off.
 */

import { el } from '../dom.js';
import { choiceLetters } from './keys.js';
import { keysTexts } from '../texts/viewer_texts.js';
import { byFingers, viewerHelp } from '../viewer/view_viewer_help.js';

/**
 * @param {object} props
 * @param {{label: string}[]} props.choices
 * @param {boolean} props.graded whether confidence is asked for
 * @param {boolean} props.on whether shortcuts are on
 * @param {(on: boolean) => void} props.onChange
 * @returns {HTMLDialogElement} to be added to the page and opened with showModal()
 */
export function keysDialog({ choices, graded, on, onChange }) {
  const t = keysTexts;
  const letters = choiceLetters(choices);
  const arrows = choices.length === 2 ? Object.values(t.arrows) : [];
  const row = (what, ...keys) => el('div', {}, el('dt', {}, what),
    el('dd', {}, ...keys.flatMap((key, i) => [i ? ` ${t.or} ` : '', el('kbd', {}, key)])));

  const answering = [
    el('h2', { id: 'keys-title' }, t.title),
    el('dl', {},
      ...choices.map(({ label }, i) => row(label, ...[letters[i].toUpperCase(), arrows[i]].filter(Boolean))),
      graded ? el('div', {}, el('dt', {}, t.confidence), el('dd', {}, ...['1', '2', '3'].flatMap((k) => [el('kbd', {}, k), ' ']))) : null,
      row(t.next, t.enter, t.space),
      row(t.help, '?')),
    el('label', { class: 'switch' },
      el('input', { type: 'checkbox', checked: on, on: { change: (event) => onChange(event.target.checked) } }),
      el('span', {}, t.on)),
    el('p', { class: 'keys-hint' }, t.offHint),
  ];
  const dialog = el('dialog', { class: 'keys', 'aria-labelledby': 'keys-title' },
    ...(byFingers() ? [viewerHelp(), ...answering] : [...answering, viewerHelp()]),
    el('button', { type: 'button', class: 'button', on: { click: () => dialog.close() } }, t.close));
  return dialog;
}
