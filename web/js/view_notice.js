/**
 * A page that only says what happened and what to do.
 */

import { el } from './dom.js';
import { product, provenanceTexts } from './texts/site_texts.js';

/**
 * @param {object} props
 * @param {string} props.title
 * @param {string} props.text
 * @param {?{label: string, act: () => void}} [props.action]
 * @returns {HTMLElement}
 */
export function noticeView({ title, text, action = null }) {
  return el('main', { class: 'notice', 'data-screen': 'notice' },
    el('p', { class: 'wordmark' }, product),
    el('h1', { tabindex: '-1' }, title),
    el('p', { class: 'notice-text' }, text),
    action ? el('button', { type: 'button', class: 'button button-main', on: { click: action.act } }, action.label) : null,
    el('p', { class: 'notice-provenance' }, provenanceTexts.general));
}
