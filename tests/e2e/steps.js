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

/** Every target is large enough: 24 px, and 44 px for what opens more. Links within words are not counted. */
export async function assertTargets(page, where) {
  const small = await page.$$eval('a, button, input, select, textarea, summary', (controls) => controls
    .filter((control) => control.checkVisibility({ visibilityProperty: true }) && !control.closest('p, label, .visually-hidden, .skip'))
    .map((control) => ({ name: control.outerHTML.slice(0, 80), least: control.localName === 'summary' ? 44 : 24, box: control.getBoundingClientRect() }))
    .filter(({ least, box }) => box.width < least || box.height < least).map(({ name, box }) => `${name} ${box.width}x${box.height}`));
  assert.deepEqual(small, [], `${where}: targets that are too small`);
}

/** The focus is somewhere, and on a control it can be seen. Headings and the like take it for screen readers only. */
export async function assertFocus(page, where) {
  const { what, seen } = await page.evaluate(() => {
    const focused = document.activeElement;
    const { outlineStyle, outlineWidth } = getComputedStyle(focused);
    const { top, bottom } = focused.getBoundingClientRect();
    return {
      what: focused.outerHTML.slice(0, 80),
      seen: focused !== document.body && (focused.tabIndex < 0
        || (outlineStyle !== 'none' && parseFloat(outlineWidth) >= 2 && top < innerHeight && bottom > 0 && focused.checkVisibility({ visibilityProperty: true }))),
    };
  });
  assert.ok(seen, `${where}: the focus is on ${what}`);
}

/** Presses Tab until the focus is on what the selector names, and can be seen there. */
export async function tabTo(page, selector) {
  for (let presses = 0; presses < 60; presses++) {
    await page.keyboard.press('Tab');
    if (await page.evaluate((wanted) => document.activeElement.matches(wanted), selector)) {
      await assertFocus(page, selector);
      return;
    }
  }
  assert.fail(`Tab does not reach ${selector}`);
}

/** Waits for what no selector can tell of. */
export async function eventually(condition, what) {
  for (const until = performance.now() + PATIENCE_MS; !condition(); await sleep(20)) {
    assert.ok(performance.now() < until, what);
  }
}
