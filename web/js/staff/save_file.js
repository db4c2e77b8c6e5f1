/**
 * Saves bytes that the page has as a file of the reader's.
 */

import { el } from '../dom.js';

/** @param {Blob} blob @param {string} name */
export function saveFile(blob, name) {
  const url = URL.createObjectURL(blob);
  el('a', { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 60000); // the browser may still be reading it
}
