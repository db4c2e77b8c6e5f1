/**
 * A learner's code: got, kept, entered on another device; and a class joined by its link.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { desktop, openPage, phone } from './browser.js';
import { assertNothingTold } from './secrecy.js';
import { browser, daemon, serve } from './served.js';
import { assertFits, next, shown } from './steps.js';

serve((config) => {
  config.decks[0].items = 3;
});

const screen = (page, name) => page.waitForSelector(`[data-screen=${name}]`);

async function answer(page, item) {
  await shown(page, item, 'viewing');
  await page.click('[data-choice=fracture]');
  await page.click('[data-confidence="2"]');
  await shown(page, item, 'feedback');
  await next(page);
}

/** As an educator does with the administrator's token. */
async function makeClass(title) {
  const reply = await fetch(`${daemon.url}/api/v1/classes`, {
    method: 'POST',
    headers: { Authorization: `Bearer ${daemon.token()}`, 'Content-Type': 'application/json' },
    body: JSON.stringify({ title, deck: 'default' }),
  });
  assert.equal(reply.status, 201);
  return (await reply.json()).class.code;
}

test('a drill begun on a phone goes on at a desk by the code, and nowhere without it', async () => {
  const student = await openPage(browser, phone, daemon.url, '390');
  await screen(student.page, 'start');
  await student.page.tap('#mine');
  await screen(student.page, 'mine');
  await student.axe('a learner without a code');
  await student.shot('no-code');
  await student.page.tap('#get-code');
  const code = await student.page.textContent('.code');
  assert.match(code, /^[B-DF-HJ-NP-TV-XZ]{4}(-[B-DF-HJ-NP-TV-XZ]{4}){3}$/);
  await student.axe('a learner with a code and no drill');
  await student.shot('code');
  await student.page.tap('#to-start');
  await student.page.tap('#start');
  await answer(student.page, 1);
  await shown(student.page, 2, 'viewing');
  assert.deepEqual(student.complaints, []);
  assert.ok(student.traffic.every(({ url }) => !url.includes(code)), 'the code is in no address');

  const desk = await openPage(browser, desktop, daemon.url, '1280');
  const { page } = desk;
  await screen(page, 'start');
  assert.equal(await page.$('#resume'), null);
  await page.click('#mine');
  await page.fill('#code', 'BCDF-GHJK-LMNP-QRST');
  await page.keyboard.press('Enter');
  await page.waitForSelector('.code-trouble:has-text("Nobody has this code")');
  await desk.axe('a code that nobody has');
  await page.fill('#code', code.toLowerCase().replaceAll('-', ' '));
  await page.keyboard.press('Enter');
  await page.waitForSelector('.mine-drill');
  await desk.axe('a learner’s drills');
  await desk.shot('drills');
  await assertFits(page, 'the list of drills');
  await page.click('.mine-drill .button');
  await answer(page, 2);
  await answer(page, 3);
  await screen(page, 'summary');
  await page.reload();
  await screen(page, 'summary');
  await page.click('#to-start');
  await page.click('#mine');
  await page.waitForSelector('.mine-drill:has-text("See the result")');
  await page.click('[data-deck=default]');
  await screen(page, 'overall');
  assert.match(await page.textContent('.summary-lead'), /together: 3 images/);
  await desk.axe('all drills together');
  await desk.shot('overall');
  await page.click('#back');
  await page.click('#forget-code');
  await page.waitForSelector('#get-code');
  await page.reload();
  await screen(page, 'start');
  assert.equal(await page.evaluate(() => localStorage.getItem('roentgym.code')), null);
  await desk.context.close();

  await student.page.tap('[data-choice=fracture]'); // answered at the desk meanwhile
  await student.page.tap('[data-confidence="2"]');
  await screen(student.page, 'summary');
  await assertNothingTold(student.traffic, ['fracture', 'no_fracture', 'No fracture']);
  await student.context.close();
});

test('a class is joined by its link, under a code that is shown', async () => {
  const title = 'Year 4, radiology week';
  const url = `${daemon.url}/?class=${await makeClass(title)}`;
  const student = await openPage(browser, phone, url, '390', { introduced: false });
  const { page } = student;
  await screen(page, 'class');
  assert.equal(await page.textContent('h1'), title);
  await student.axe('the page of a class');
  await student.shot('class');
  await assertFits(page, 'the page of a class');
  await page.tap('#start');
  await screen(page, 'intro');
  assert.match(await page.textContent('.code'), /-/);
  await student.axe('how a drill goes, with a new code');
  await student.shot('class-intro');
  await page.tap('#go');
  for (const item of [1, 2, 3]) {
    await answer(page, item);
  }
  await screen(page, 'summary');
  assert.equal(daemon.rows('SELECT count(*) AS n FROM session_learners WHERE class_id IS NOT NULL')[0].n, 1);
  await page.tap('#to-start');
  await screen(page, 'class');
  assert.deepEqual(student.complaints, []);
  await student.context.close();

  const lost = await openPage(browser, desktop, `${daemon.url}/?class=0000000000`, '1280');
  await screen(lost.page, 'notice');
  assert.match(await lost.page.textContent('h1'), /cannot be joined/);
  await lost.page.click('.button-main');
  await screen(lost.page, 'start');
  await lost.context.close();
});

test('an answer given before the tab was closed is delivered by the next visit', async () => {
  const student = await openPage(browser, desktop, daemon.url, '1280');
  const { page, context } = student;
  await page.click('#start');
  await shown(page, 1, 'viewing');
  await context.setOffline(true);
  await page.click('[data-choice=fracture]');
  await page.click('[data-confidence="2"]');
  await shown(page, 1, 'kept');
  await page.close();
  await context.setOffline(false);
  const answers = () => daemon.rows('SELECT count(*) AS n FROM answers')[0].n;
  const before = answers();
  const later = await context.newPage();
  await later.goto(daemon.url);
  await later.waitForSelector('#resume');
  await later.waitForFunction(() => Object.keys(localStorage).every((name) => !name.startsWith('roentgym.answer.')));
  assert.equal(answers(), before + 1);
  await later.click('#resume');
  await shown(later, 2, 'viewing');
  await context.close();
});
