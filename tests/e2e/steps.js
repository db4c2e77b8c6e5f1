/**
 * What many tests do and look at.
 */

import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';

const SETTLE_MS = 300; // a drill ignores a second tap within 250 ms of the feedback
const PATIENCE_MS = 120000;

/** An item of a drill, in that phase. */
export const shown = (page, item, phase) => page.waitForSelector(`[data-screen=drill][data-item="${item}"][data-phase=${phase}]`);

/** What is told is on screen for so long that the page takes a tap. */
export const settle = (page) => page.waitForTimeout(SETTLE_MS);

/** Goes on from the feedback. */
export async function next(page) {
  await settle(page);
  await page.click('#next');
}

/** A page of the staff that has what it shows. */
export const filled = (page) => page.waitForSelector('main[data-filled]');

export async function assertFits(page, where) {
  const [content, view] = await page.evaluate(() => [document.documentElement.scrollWidth, document.documentElement.clientWidth]);
  assert.ok(content <= view, `${where}: ${content} px of content in ${view} px`);
}

/** Waits for what no selector can tell of. */
export async function eventually(condition, what) {
  for (const until = performance.now() + PATIENCE_MS; !condition(); await sleep(20)) {
    assert.ok(performance.now() < until, what);
  }
}
