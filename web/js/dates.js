/**
 * Dates in the reader's time zone and the page's language. The server speaks UTC.
 */

import { afterPaint } from './after_paint.js';
import { el } from './dom.js';
import { language } from './texts/site_texts.js';

const DATE_AND_TIME = { dateStyle: 'medium', timeStyle: 'short' };
const EXACT = { weekday: 'long', day: 'numeric', month: 'long', year: 'numeric', hour: '2-digit', minute: '2-digit', timeZoneName: 'short' };
const DATE = { dateStyle: 'medium' };
const DAY = { dateStyle: 'full' };
const TIME = { timeStyle: 'short' };
const writers = new Map(); // of these; making one takes longer than all else that a row of a table needs

function written(iso, parts) {
  if (!writers.has(parts)) {
    writers.set(parts, new Intl.DateTimeFormat(language, parts));
  }
  return writers.get(parts).format(new Date(iso));
}

/** @param {string} iso @returns {string} 3 Nov 2026, 14:05 */
export const dateAndTime = (iso) => written(iso, DATE_AND_TIME);

/** With the day of the week and the zone: for what must not be missed. @param {string} iso */
export const exactTime = (iso) => written(iso, EXACT);

/** @param {string} iso @returns {string} 3 Nov 2026 */
export const dateOnly = (iso) => written(iso, DATE);

/** @param {string} iso @returns {string} Tuesday 3 November 2026 */
export const dayText = (iso) => written(iso, DAY);

/** @param {string} iso @returns {string} 14:05 */
export const timeOnly = (iso) => written(iso, TIME);

/** A slow device needs a tenth of a second for the first date of a page: better while somebody reads than after a click. */
export async function prepareDates() {
  await afterPaint();
  exactTime(new Date().toISOString());
}

/** @returns {string} the reader's: Europe/Berlin */
export function timeZone() {
  return new Intl.DateTimeFormat(language).resolvedOptions().timeZone;
}

/** @param {string} iso @param {(iso: string) => string} [write] one of the above @returns {HTMLTimeElement} */
export function timeElement(iso, write = dateAndTime) {
  return el('time', { datetime: iso }, write(iso));
}

/**
 * On how many days something happened, and for how many days in a row up to the last one.
 * @param {string[]} isos in any order
 * @returns {{days: number, inARow: number}}
 */
export function daysOf(isos) {
  const noons = [...new Set(isos.map((iso) => new Date(iso).setHours(12, 0, 0, 0)))].sort((a, b) => b - a);
  const dayAfter = (time) => new Date(time).setDate(new Date(time).getDate() + 1);
  const gap = noons.findIndex((noon, i) => i > 0 && dayAfter(noon) !== noons[i - 1]);
  return { days: noons.length, inARow: gap < 0 ? noons.length : gap };
}
