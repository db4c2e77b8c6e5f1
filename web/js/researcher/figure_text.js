/**
 * Measures as text, each with the digits that it deserves. Pure.
 */

import { researchTexts } from '../texts/research_texts.js';

const t = researchTexts.results;

/** In the order of the tables. The first five can have a margin. */
export const MEASURES = ['auc', 'accuracy', 'sensitivity', 'specificity', 'd_prime', 'criterion', 'median_response_ms'];

/** A minus sign, and none before a zero. */
const minus = (text) => (Number.parseFloat(text) === 0 ? text.replace('-', '') : text.replace('-', '\u2212'));

/** @param {string} measure @param {number} value @returns {string} */
export function figure(measure, value) {
  if (measure === 'median_response_ms') return minus(`${(value / 1000).toFixed(1)}\u00a0s`);
  if (measure === 'auc') return minus(value.toFixed(3));
  if (measure === 'd_prime' || measure === 'criterion') return minus(value.toFixed(2));
  return minus(`${(value * 100).toFixed(1)}\u00a0%`);
}

/**
 * @param {string} measure
 * @param {{value: ?number, low: ?number, high: ?number, gap: ?string}} mean
 * @returns {string} with its interval in brackets, or why there is none
 */
export function meanText(measure, { value, low, high, gap }) {
  if (!Number.isFinite(value)) {
    return t.gaps[gap] ?? '–';
  }
  const interval = Number.isFinite(low) ? t.intervalOf(figure(measure, low), figure(measure, high)) : t.gaps[gap];
  return interval ? `${figure(measure, value)} (${interval})` : figure(measure, value);
}
