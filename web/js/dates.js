/**
 * Dates in the reader's time zone and the page's language. The server speaks UTC.
 */

import { el } from './dom.js';
import { language } from './texts/site_texts.js';

/** @param {string} iso @returns {string} 3 Nov 2026, 14:05 */
export function dateAndTime(iso) {
  return new Intl.DateTimeFormat(language, { dateStyle: 'medium', timeStyle: 'short' }).format(new Date(iso));
}

/** With the day of the week and the zone: for what must not be missed. @param {string} iso */
export function exactTime(iso) {
  const parts = { weekday: 'long', day: 'numeric', month: 'long', year: 'numeric', hour: '2-digit', minute: '2-digit', timeZoneName: 'short' };
  return new Intl.DateTimeFormat(language, parts).format(new Date(iso));
}

/** @param {string} iso @returns {string} 3 Nov 2026 */
export function dateOnly(iso) {
  return new Intl.DateTimeFormat(language, { dateStyle: 'medium' }).format(new Date(iso));
}

/** @param {string} iso @returns {string} Tuesday 3 November 2026 */
export function dayText(iso) {
  return new Intl.DateTimeFormat(language, { dateStyle: 'full' }).format(new Date(iso));
}

/** @param {string} iso @returns {string} 14:05 */
export function timeOnly(iso) {
  return new Intl.DateTimeFormat(language, { timeStyle: 'short' }).format(new Date(iso));
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
