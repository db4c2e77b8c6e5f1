/**
 * Around the drill: several decks, a deck without feedback, leaving and coming back, shortcuts off, and a server
 * that is away or has forgotten the session.
 */

import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { desktop, openPage, phone } from './browser.js';
import { browser, daemon, serve } from './served.js';
import { assertFits, eventually, settle, shown } from './steps.js';

const EXAM = { id: 'exam', title: 'A short exam', items: 3, feedback: 'none' };

const LONG = { id: 'long', title: 'A long drill', items: 80 };

serve((config) => config.decks.push({ ...config.decks[0], ...EXAM }, { ...config.decks[0], ...LONG }));

const stored = (what) => daemon.rows(`SELECT count(*) AS n FROM ${what}`)[0].n;

async function answer(page, choice, confidence) {
  await page.click(`[data-choice=${choice}]`);
  await page.click(`[data-confidence="${confidence}"]`);
}

test('a deck without feedback is chosen, gives none, and ends with a summary', async () => {
  const student = await openPage(browser, phone, daemon.url, '390');
  const { page } = student;
  await page.waitForSelector('.decks');
  await page.waitForLoadState('networkidle');
  await student.axe('a choice of decks');
  await student.shot('decks');
  await page.tap(`.deck:has([value=${EXAM.id}])`);
  await page.tap('#start');
  for (let item = 1; item <= EXAM.items; item++) {
    await shown(page, item, 'viewing');
    assert.equal(await page.textContent('.bar-count'), `${item} of ${EXAM.items}`);
    await answer(page, item === 1 ? 'fracture' : 'no_fracture', 2);
    assert.ok(!await page.isVisible('.stage-told'), 'no feedback');
  }
  await page.waitForSelector('[data-screen=summary]');
  assert.equal(await page.$$eval('.card', (cards) => cards.length), EXAM.items);
  await student.axe('the summary of an exam');
  await student.shot('exam-summary');
  const replies = student.traffic.filter(({ method, url }) => method === 'POST' && url.endsWith('/answers'));
  assert.deepEqual(replies.map(({ body }) => JSON.parse(body).feedback), [null, null, null]);
  assert.deepEqual(student.complaints, []);
  await student.context.close();
});

/** Answers a whole session behind the page's back, like somebody who learns: right in 40 % at first, in 90 % later. */
async function answerAll({ id, secret }) {
  for (const { n, class: truth } of daemon.rows(`SELECT n, class FROM items WHERE session_id = '${id}' ORDER BY n`)) {
    const right = n <= 20 ? n % 5 < 2 : n % 10 > 0;
    const reply = await fetch(`${daemon.url}/api/v1/sessions/${id}/answers`, {
      method: 'POST',
      headers: { Authorization: `Bearer ${secret}`, 'Content-Type': 'application/json' },
      body: JSON.stringify({ key: randomUUID(), item: n, choice: right === (truth === 'fracture') ? 'fracture' : 'no_fracture', confidence: 1 + (n % 3), response_ms: 1500 + 20 * n }),
    });
    assert.equal(reply.status, 201);
  }
}

test('the summary of a long drill has a learning curve', async () => {
  for (const [device, width] of [[phone, '390'], [desktop, '1280']]) {
    const student = await openPage(browser, device, daemon.url, width);
    const { page } = student;
    await page.click(`.deck:has([value=${LONG.id}])`);
    await page.click('#start');
    await shown(page, 1, 'viewing');
    await page.waitForLoadState('networkidle');
    await answerAll(await page.evaluate(() => JSON.parse(sessionStorage.getItem('roentgym.session'))));
    await page.route('**/api/v1/images/*', (route) => route.abort()); // eighty images take long and are not looked at
    await page.reload();
    await page.waitForSelector('.plot-learning .plot-fit');
    assert.match(await page.textContent('.learning p'), /at the first image, \d+\s% at the last/);
    assert.equal(await page.$$eval('.plot-roc .is-own', (dots) => dots.length), 1);
    await assertFits(page, 'a long result');
    await student.axe('the summary of a long drill');
    await student.shot('long-summary');
    await student.context.close();
  }
});

test('a drill that was left goes on at its item', async () => {
  const student = await openPage(browser, desktop, daemon.url, '1280');
  const { page } = student;
  await page.click('#start');
  await shown(page, 1, 'viewing');
  await answer(page, 'fracture', 1);
  await shown(page, 1, 'feedback');
  const sessions = stored('sessions');
  await page.click('#leave');
  await page.waitForSelector('#resume');
  await page.waitForLoadState('networkidle');
  await student.axe('the start page with a drill to continue');
  await student.shot('resume');
  await page.click('#resume');
  await shown(page, 2, 'viewing');
  await page.reload();
  await shown(page, 2, 'viewing');
  assert.equal(stored('sessions'), sessions);
  await student.context.close();
});

test('the keys are listed, and single-key shortcuts can be switched off', async () => {
  const student = await openPage(browser, desktop, daemon.url, '1280');
  const { page } = student;
  await page.click('#start');
  await shown(page, 1, 'viewing');
  await page.keyboard.press('?');
  await page.waitForSelector('dialog[open]');
  await student.axe('the list of keys');
  await student.shot('keys');
  await page.click('dialog input[type=checkbox]');
  await page.keyboard.press('Escape');
  await page.keyboard.press('f');
  await page.keyboard.press('1');
  await page.keyboard.press('ArrowLeft');
  assert.equal(await page.getAttribute('[data-screen=drill]', 'data-phase'), 'viewing', 'keys do nothing');
  assert.ok(!await page.isVisible('.hint'), 'no hints for keys that do nothing');
  await page.focus('[data-choice=fracture]');
  await page.keyboard.press('Space');
  await page.keyboard.press('Tab');
  await page.keyboard.press('Enter');
  await shown(page, 1, 'feedback');
  await settle(page);
  await page.keyboard.press('Enter');
  await shown(page, 2, 'viewing');
  assert.deepEqual(student.complaints, []);
  await student.context.close();
});

test('an answer waits for a server that restarts, and is stored once', async () => {
  const student = await openPage(browser, phone, daemon.url, '390');
  const { page } = student;
  await page.click('#start');
  await shown(page, 1, 'viewing');
  const answers = stored('answers');
  await daemon.pause();
  await answer(page, 'fracture', 3);
  await shown(page, 1, 'kept');
  await daemon.restart();
  await shown(page, 1, 'feedback');
  assert.equal(stored('answers'), answers + 1);
  await student.context.close();
});

test('an answer whose confirmation is lost is stored once', async () => {
  const student = await openPage(browser, desktop, daemon.url, '1280');
  const { page } = student;
  let lost = 0;
  await page.route('**/answers', async (route) => {
    if (lost < 2) {
      lost += 1;
      await route.fetch(); // the server has it; the page hears nothing
      await route.abort('connectionreset');
    } else {
      await route.continue();
    }
  });
  await page.click('#start');
  await shown(page, 1, 'viewing');
  const answers = stored('answers');
  await answer(page, 'no_fracture', 2);
  await shown(page, 1, 'feedback');
  assert.equal(lost, 2);
  assert.equal(stored('answers'), answers + 1);
  await student.context.close();
});

/**
 * Lets no image come until `free` is set, and notes when each was asked for.
 * @param {(route: object) => Promise<void>} [refuse] as a full queue does, if left out
 */
async function refuseImages(page, refuse = (route) => (
  route.fulfill({ status: 503, headers: { 'Retry-After': '1' }, json: { error: { code: 'busy', message: 'Too many images are being made.' } } }))) {
  const refusal = { free: false, asked: new Map() };
  await page.route('**/api/v1/images/*', (route) => {
    const url = route.request().url();
    refusal.asked.set(url, [...(refusal.asked.get(url) ?? []), performance.now()]);
    return refusal.free ? route.continue() : refuse(route);
  });
  return refusal;
}

test('an image that a busy server refuses comes by itself, and the server is not pressed', async () => {
  const student = await openPage(browser, desktop, daemon.url, '1280');
  const { page } = student;
  const refusal = await refuseImages(page);
  await page.click('#start');
  await page.waitForSelector('#trouble:not(.is-absent)');
  assert.match(await page.textContent('#trouble'), /busy.*by itself.*nothing is lost/);
  await student.axe('an image that is late');
  await student.shot('busy');
  assert.ok(await page.isDisabled('[data-choice=fracture]'), 'no answer without an image');
  const times = () => [...refusal.asked.values()][0];
  await eventually(() => times().length >= 2, 'it is asked for again');
  refusal.free = true;
  await shown(page, 1, 'viewing');
  assert.ok(!await page.isVisible('#trouble'));
  assert.ok(times().every((time, i, all) => i === 0 || time - all[i - 1] > 990), 'a second or more apart, as the server wished');
  await student.context.close();
});

test('a line that breaks is waited for like a busy server', async () => {
  const student = await openPage(browser, desktop, daemon.url, '1280');
  const { page } = student;
  const refusal = await refuseImages(page, (route) => route.abort());
  await page.click('#start');
  await page.waitForSelector('#trouble:not(.is-absent)');
  assert.match(await page.textContent('#trouble'), /has not arrived yet/);
  refusal.free = true;
  await shown(page, 1, 'viewing');
  await student.context.close();
});

test('a drill whose model is gone ends in a page that says so', async () => {
  const student = await openPage(browser, desktop, daemon.url, '1280');
  const { page } = student;
  await page.route('**/api/v1/images/*', (route) => route.fulfill({ status: 410, json: { error: { code: 'model_gone', message: 'The model is no longer served.' } } }));
  await page.click('#start');
  await page.waitForSelector('[data-screen=notice]');
  assert.match(await page.textContent('.notice-text'), /replaced on the server.*Start a new drill/);
  await page.click('.button-main');
  await page.waitForSelector('#start');
  await student.context.close();
});

test('images of the result that a busy server refuses come by themselves', async () => {
  const student = await openPage(browser, desktop, daemon.url, '1280');
  const { page } = student;
  await page.click(`.deck:has([value=${EXAM.id}])`);
  await page.click('#start');
  await shown(page, 1, 'viewing');
  await page.evaluate(() => document.querySelector('#leave').click());
  await page.waitForSelector('#resume');
  await answerAll(await page.evaluate(() => JSON.parse(localStorage.getItem('roentgym.session'))));
  const refusal = await refuseImages(page);
  await page.click('#resume');
  await page.waitForSelector('[data-screen=summary]');
  for (const image of await page.$$('.card img')) {
    await image.scrollIntoViewIfNeeded();
  }
  await eventually(() => refusal.asked.size === EXAM.items, 'every image is asked for');
  refusal.free = true;
  await page.waitForFunction((count) => [...document.querySelectorAll('.card img')].filter((image) => image.complete && image.naturalWidth > 0).length === count, EXAM.items);
  await student.context.close();
});

test('a copy of the tab that answered first is caught up with', async () => {
  const student = await openPage(browser, desktop, daemon.url, '1280');
  const { page } = student;
  await page.click('#start');
  await shown(page, 1, 'viewing');
  const session = await page.evaluate(() => JSON.parse(sessionStorage.getItem('roentgym.session')));
  const reply = await fetch(`${daemon.url}/api/v1/sessions/${session.id}/answers`, {
    method: 'POST',
    headers: { Authorization: `Bearer ${session.secret}`, 'Content-Type': 'application/json' },
    body: JSON.stringify({ key: randomUUID(), item: 1, choice: 'fracture', confidence: 1, response_ms: 500 }),
  });
  assert.equal(reply.status, 201);
  await answer(page, 'no_fracture', 3);
  await shown(page, 2, 'viewing');
  await student.context.close();
});

test('a session the server does not know ends in a page that says what to do', async () => {
  const student = await openPage(browser, phone, daemon.url, '390');
  const { page } = student;
  await page.waitForSelector('#start');
  await page.evaluate(() => sessionStorage.setItem('roentgym.session', JSON.stringify({ id: '0'.repeat(32), secret: 'none' })));
  await page.reload();
  await page.waitForSelector('[data-screen=notice]');
  await student.axe('a notice');
  await student.shot('notice');
  await page.click('.button-main');
  await page.waitForSelector('#start');
  await student.context.close();
});

test('a server that is away when the page starts is waited for', async () => {
  const student = await openPage(browser, desktop, daemon.url, '1280');
  const { page } = student;
  await page.waitForSelector('#start');
  let away = true;
  await page.route('**/api/v1/decks', (route) => (away
    ? route.fulfill({ status: 503, headers: { 'Retry-After': '1' }, json: { error: { code: 'loading', message: 'The model loads.' } } })
    : route.continue()));
  await page.reload();
  await page.waitForSelector('[data-screen=notice]');
  assert.match(await page.textContent('.notice-text'), /tries again by itself/);
  away = false;
  await page.waitForSelector('#start');
  await student.context.close();
});
