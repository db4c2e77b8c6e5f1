/**
 * What decks may ask for: two buttons, right or wrong only, a time limit, images that follow from the answers and an
 * early end, at 390 and at 1280.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { desktop, openPage, phone } from './browser.js';
import { browser, daemon, serve } from './served.js';
import { next, shown } from './steps.js';

const deck = (id, change) => ({
  format: 2,
  id,
  title: `Hips: ${id}`,
  question: 'Is there a fracture?',
  choices: [{ id: 'no', label: 'No fracture' }, { id: 'yes', label: 'Fracture' }],
  items: 2,
  prevalence: 0.5,
  sources: [{ kind: 'gan', model: 'default', classes: { no: ['no_fracture'], yes: ['fracture'] } }],
  ...change,
});
/** Four sub-categories out of two classes. */
function clearAndFaint() {
  return [1, 0.5].map((strength) => ({ ...deck('').sources[0], strength }));
}
const LIMIT_S = 3; // of a deck whose time is to end, and of one whose is not
const LONG_S = 600;

serve((config) => {
  config.decks = [deck('buttons', { rating: 'two_buttons', description: 'Only the answer, no grades.' }), deck('right', { feedback: 'correct' }),
    deck('timed', { time_limit_s: LIMIT_S, rating: 'two_buttons' }), deck('unhurried', { time_limit_s: LONG_S, rating: 'two_buttons' }),
    deck('mastery', { items: 9, rating: 'two_buttons', order: { rule: 'adaptive' }, mastery: { correct: 2, of: 2 }, sources: clearAndFaint() })];
});

const lastAnswer = () => daemon.rows('SELECT * FROM answers LEFT JOIN answer_context ON answer_id = id ORDER BY id DESC LIMIT 1')[0];

async function start(device, name, id) {
  const student = await openPage(browser, device, daemon.url, name);
  assert.match(await student.page.textContent('.deck:has([value=buttons])'), /Only the answer, no grades\./);
  await student.page.click(`.deck:has([value=${id}])`);
  await student.page.click('#start');
  await shown(student.page, 1, 'viewing');
  return student;
}

/** The page itself answers an item as soon as it is there: a busy machine could be later than the limit. */
const answerAtOnce = (page, item) => page.evaluate((n) => {
  new MutationObserver((_, watch) => {
    if (document.querySelector(`[data-screen=drill][data-item="${n}"][data-phase=viewing]`)) {
      watch.disconnect();
      document.querySelector('[data-choice=no]').click();
    }
  }).observe(document.body, { subtree: true, attributes: true, attributeFilter: ['data-phase'] });
}, item);

async function leave(student) {
  assert.deepEqual(student.complaints, []);
  await student.context.close();
}

for (const [device, name] of [[phone, '390'], [desktop, '1280']]) {
  test(`two buttons answer with one press, by pointer and by key, at ${name}`, async () => {
    const student = await start(device, name, 'buttons');
    const { page } = student;
    assert.equal(await page.locator('.level').count(), 0);
    await student.axe('two buttons');
    await student.shot('two-buttons');
    await page.click('[data-choice=yes]');
    await shown(page, 1, 'feedback');
    assert.match(await page.textContent('.told-mine'), /^You said fracture\.$/);
    assert.deepEqual([lastAnswer().choice, lastAnswer().rating], ['yes', 6]);
    await next(page);
    await shown(page, 2, 'viewing');
    await page.keyboard.press('ArrowLeft');
    await shown(page, 2, 'feedback');
    assert.deepEqual([lastAnswer().choice, lastAnswer().rating], ['no', 1]);
    await next(page);
    await page.waitForSelector('[data-screen=summary] .confusion');
    assert.equal(await page.locator('.roc').count(), 0, 'no curve from two steps');
    await student.axe('the summary of two buttons');
    await student.shot('two-buttons-summary');
    await leave(student);
  });

  test(`images follow from the answers, until enough are right, at ${name}`, async () => {
    const student = await start(device, name, 'mastery');
    const { page } = student;
    for (const [n, right] of [[1, true], [2, false], [3, true], [4, true]]) {
      await shown(page, n, 'viewing');
      const [{ truth }] = daemon.rows(`SELECT truth FROM items JOIN sessions s ON s.id = session_id WHERE n = ${n}
        ORDER BY s.created_at DESC LIMIT 1`);
      await page.click(`[data-choice=${right ? truth : { no: 'yes', yes: 'no' }[truth]}]`);
      await shown(page, n, 'feedback');
      await next(page);
    }
    await page.waitForSelector('[data-screen=summary] .confusion');
    assert.equal(daemon.rows(`SELECT count(*) AS n FROM items JOIN sessions s ON s.id = session_id
      WHERE schedule_state IS NOT NULL AND n > 4`)[0].n, 0);
    await student.shot('mastery-summary');
    await leave(student);
  });

  test(`right or wrong is told without the truth at ${name}`, async () => {
    const student = await start(device, name, 'right');
    const { page } = student;
    await page.click('[data-choice=yes]');
    await page.click('[data-confidence="2"]');
    await shown(page, 1, 'feedback');
    assert.equal((await page.textContent('.told-truth')).trim(), '');
    assert.match(await page.textContent('.verdict'), /^(Correct|Not correct)$/);
    await student.axe('right or wrong');
    await student.shot('right-or-wrong');
    await leave(student);
  });

  test(`who answers within the time limit sees how much is left at ${name}`, async () => {
    const student = await start(device, name, 'unhurried');
    const { page } = student;
    assert.match(await page.textContent('.time-left'), /left to look/);
    await student.axe('a time limit');
    await student.shot('time-limit');
    await page.click('[data-choice=no]');
    await shown(page, 1, 'feedback');
    assert.equal(lastAnswer().timed_out, 0);
    await leave(student);
  });

  test(`after the time limit the image is covered and the answer still counts at ${name}`, async () => {
    const student = await start(device, name, 'timed');
    const { page } = student;
    await page.waitForSelector('#time-up:not(.is-absent)');
    assert.ok(!await page.isVisible('.viewer-pane:first-child canvas'), 'the image is covered');
    assert.match(await page.textContent('#announcer'), /time to look is over/);
    await student.axe('after the time limit');
    await student.shot('time-over');
    await page.click('[data-choice=no]');
    await shown(page, 1, 'feedback');
    assert.ok(await page.isVisible('.viewer-pane:first-child canvas'), 'to learn from');
    assert.equal(lastAnswer().timed_out, 1);
    assert.ok(lastAnswer().response_ms >= LIMIT_S * 1000);
    assert.ok(lastAnswer().at_item_ms >= lastAnswer().response_ms, 'the server saw at least that time');
    await answerAtOnce(page, 2);
    await next(page);
    await shown(page, 2, 'feedback');
    assert.equal(lastAnswer().timed_out, 0);
    await page.waitForTimeout(LIMIT_S * 1000);
    assert.ok(await page.isVisible('.viewer-pane:first-child canvas'), 'the clock stops with the answer');
    await leave(student);
  });
}
