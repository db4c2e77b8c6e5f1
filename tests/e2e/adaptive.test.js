/**
 * Drills whose length is not fixed, and whose next image depends on the answers.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { desktop, openPage, phone } from './browser.js';
import { assertNothingTold } from './secrecy.js';
import { browser, daemon, serve } from './served.js';
import { next, settle, shown } from './steps.js';

const deck = (id, change) => ({
  format: 2,
  id,
  title: `Hips: ${id}`,
  question: 'Is there a fracture?',
  choices: [{ id: 'no', label: 'No fracture' }, { id: 'yes', label: 'Fracture' }],
  items: 40,
  prevalence: 0.5,
  sources: [{ kind: 'gan', model: 'default', classes: { no: ['no_fracture'], yes: ['fracture'] } }],
  ...change,
});

serve((config) => {
  config.decks = [deck('mastery', { mastery: { correct: 3, of: 4, within_s: 0 } }),
    deck('staircase', { items: 6, rating: 'two_buttons', order: { rule: 'staircase' },
      sources: [{ kind: 'gan', model: 'default', strength: [0.1, 1], classes: { no: ['no_fracture'], yes: ['fracture'] } }] })];
});

const truthOf = (item) => daemon.rows(`SELECT truth FROM items WHERE session_id = (SELECT id FROM sessions ORDER BY created_at DESC LIMIT 1) AND n = ${item}`)[0].truth;
const other = { no: 'yes', yes: 'no' };

test('a drill to mastery says how far one is, survives a reload, and ends when it is reached', async () => {
  const student = await openPage(browser, phone, daemon.url, '390', { introduced: false });
  const { page } = student;
  await page.click('.deck:has([value=mastery])');
  await page.tap('#start');
  await page.waitForSelector('[data-screen=intro]');
  assert.match(await page.textContent('.intro-facts'), /3 of your last 4 answers are right.*40 images at the latest/);
  await page.tap('#go');
  const towards = [];
  for (const [item, right] of [[1, true], [2, false], [3, true], [4, true]]) {
    await shown(page, item, 'viewing');
    assert.equal(await page.textContent('.bar-count'), `Image ${item}`);
    if (item === 3) {
      await page.reload();
      await shown(page, 3, 'viewing');
    }
    await page.tap(`[data-choice=${right ? truthOf(item) : other[truthOf(item)]}]`);
    await page.tap('[data-confidence="2"]');
    await shown(page, item, 'feedback');
    towards.push(await page.textContent('.bar-towards'));
    await settle(page);
    if (item === 1) {
      await student.axe('on the way to mastery');
      await student.shot('mastery');
    }
    if (item === 4) {
      assert.match(await page.textContent('#next'), /See the result/);
    }
    await page.tap('#next');
  }
  assert.deepEqual(towards.map((text) => text.split(' of the last 4 right, 3 to finish')[0]), ['1', '1', '2', '3']);
  await page.waitForSelector('[data-screen=summary]');
  assert.equal(await page.textContent('.score strong'), '3 of 4');
  await student.axe('the summary of a drill to mastery');
  await assertNothingTold(student.traffic, ['fracture', 'no_fracture', 'No fracture']);
  assert.deepEqual(student.complaints, [], 'nothing was asked for too early');
  await student.context.close();
});

test('a staircase tells how it chooses, and where one begins to see', async () => {
  const student = await openPage(browser, desktop, daemon.url, '1280', { introduced: false });
  const { page } = student;
  await page.click('.deck:has([value=staircase])');
  await page.click('#start');
  await page.click('.intro-order summary');
  assert.match(await page.textContent('.intro-order p'), /as plain or as faint.*thresholds/);
  await student.axe('how a staircase goes');
  await student.shot('intro-staircase');
  await page.click('#go');
  for (let item = 1; item <= 6; item++) {
    await shown(page, item, 'viewing');
    await page.click(`[data-choice=${truthOf(item)}]`);
    await shown(page, item, 'feedback');
    await next(page);
  }
  await page.waitForSelector('[data-screen=summary]');
  assert.match(await page.textContent('.summary'), /Faintest that you tell apart threshold/);
  await student.axe('the summary of a staircase');
  await student.shot('summary-staircase');
  assert.deepEqual(student.complaints, []);
  await student.context.close();
});
