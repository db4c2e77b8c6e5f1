/**
 * A student's drill of ten items, from start to end: by keyboard at 1280, by touch at 390 with a lost connection
 * and a reload on the way. What was clicked, what SQLite has and what the CSV says must agree.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { desktop, openPage, phone } from './browser.js';
import { assertNothingTold } from './secrecy.js';
import { browser, daemon, serve } from './served.js';
import { eventually, settle, shown, tabTo } from './steps.js';

const CLASS_NAMES = ['fracture', 'no_fracture', 'No fracture'];

serve();

/** What to answer: both choices and all confidences occur, in no pattern that follows the truth. */
const plan = Array.from({ length: 10 }, (_, i) => ({
  item: i + 1,
  choice: [0, 1, 1, 0, 1, 0, 0, 1, 0, 1][i] ? 'fracture' : 'no_fracture',
  confidence: (i % 3) + 1,
}));
const rating = ({ choice, confidence }) => (choice === 'fracture' ? 3 + confidence : 4 - confidence);

/** Waits until the page has so many images, the one after the one on screen among them. */
async function imagesArrived({ traffic }, count) {
  const asked = () => traffic.filter(({ url }) => url.includes('/images/'));
  await eventually(() => asked().length >= count, `image ${count} is asked for`);
  await Promise.all(asked().map(({ done }) => done));
}

/** The truth as the page tells it, 'fracture' or 'no_fracture'. */
async function toldTruth(page) {
  const label = await page.textContent('.told-truth strong');
  return label === 'Fracture' ? 'fracture' : 'no_fracture';
}

/** The session that was started last, as the database has it. */
function storedSession() {
  const [{ id }] = daemon.rows('SELECT id FROM sessions ORDER BY created_at DESC LIMIT 1');
  const rows = daemon.rows(`
    SELECT answers.*, items.class FROM answers
    JOIN items ON items.session_id = answers.session_id AND items.n = answers.item
    WHERE answers.session_id = '${id}' ORDER BY item`);
  return { id, rows };
}

/** How many of learners' images the daemon has sent, by its own count. */
async function imagesSent() {
  const text = await (await fetch(`${daemon.url}/metrics`)).text();
  return Number(text.match(/^roentgymd_requests_total\{.*images\/\{image\}\.png",status="2xx"\} (\d+)$/m)[1]);
}

/** Asserts that SQLite and the CSV hold exactly what was clicked and what the page told. */
async function assertStored(given) {
  const { id, rows } = storedSession();
  assert.equal(rows.length, given.length, 'one row an answer');
  const exported = (await daemon.csv()).filter((row) => row.session_id === id);
  assert.equal(exported.length, given.length, 'one CSV row an answer');
  given.forEach((answer, i) => {
    const row = rows[i];
    const where = `item ${answer.item}`;
    assert.deepEqual([row.item, row.choice, row.confidence, row.rating], [answer.item, answer.choice, answer.confidence, rating(answer)], where);
    assert.equal(row.class, answer.truth, `${where}: the page told the truth`);
    assert.equal(Boolean(row.correct), answer.choice === answer.truth, where);
    assert.ok(row.response_ms > 0 && row.response_ms <= answer.longestMs, `${where}: ${row.response_ms} of ${answer.longestMs} ms`);
    const line = exported.find((cells) => Number(cells.item) === answer.item);
    assert.deepEqual([line.choice, Number(line.rating), line.truth, line.class_label], [row.choice, row.rating, row.class, row.class], `${where} in the CSV`);
    assert.ok(Math.abs(Number(line.response_ms) - row.response_ms) < 0.1, `${where} in the CSV`);
    assert.match(line.viewport_px, /^\d+x\d+$/, where);
    assert.ok(Number(line.dpr) > 0 && Number(line.blur_ms) <= Number(line.response_ms), where);
    assert.ok(['keyboard', 'mouse', 'touch'].includes(line.input_type), `${where}: ${line.input_type}`);
    assert.ok(line.ui_version, where);
    assert.equal(line.correct === '1' || line.correct === 'true', Boolean(row.correct), `${where} in the CSV`);
  });
}

async function assertSummary(page, given) {
  await page.waitForSelector('[data-screen=summary]');
  const right = given.filter(({ choice, truth }) => choice === truth).length;
  assert.equal(await page.textContent('.score strong'), `${right} of 10`);
  const marks = await page.$$eval('.card', (cards) => cards.map((card) => card.dataset.correct));
  assert.deepEqual(marks, given.map(({ choice, truth }) => String(choice === truth)));
  for (const image of await page.$$('.card img')) {
    await image.scrollIntoViewIfNeeded();
  }
  await page.waitForFunction(() => [...document.querySelectorAll('.card img')].every((image) => image.complete && image.naturalWidth > 0));
  await page.evaluate(() => window.scrollTo(0, 0));
}

test('a drill by keyboard alone, and what is stored agrees with what was pressed', async () => {
  const student = await openPage(browser, desktop, daemon.url, '1280', { introduced: false });
  const { page } = student;
  await page.waitForSelector('[data-screen=start]');
  await page.waitForLoadState('networkidle');
  await student.axe('the start page');
  await student.shot('start');
  await tabTo(page, '#start');
  await page.keyboard.press('Enter');
  await page.waitForSelector('[data-screen=intro]');
  await student.axe('how a drill goes');
  await student.shot('intro');
  await tabTo(page, '#go');
  let since = performance.now(); // no image of the next item is on screen yet
  await page.keyboard.press('Enter');

  const given = [];
  for (const answer of plan) {
    const { item, choice, confidence } = answer;
    await shown(page, item, 'viewing');
    assert.equal(await page.textContent('.bar-count'), `${item} of 10`);
    assert.equal(await page.getAttribute('.film canvas', 'aria-label'), `Hip radiograph, item ${item} of 10`);
    if (item === 1) {
      await student.axe('an image with its question');
      await student.shot('image');
    }
    const [letter, arrow] = choice === 'fracture' ? ['f', 'ArrowRight'] : ['n', 'ArrowLeft'];
    await page.keyboard.press(item % 2 ? letter : arrow);
    const longestMs = performance.now() - since;
    await shown(page, item, 'rating');
    if (item === 1) {
      await student.axe('an answer without confidence');
      await student.shot('confidence');
    }
    await page.keyboard.press(String(confidence));
    await shown(page, item, 'feedback');
    given.push({ ...answer, longestMs, truth: await toldTruth(page) });
    if (item <= 2) {
      await settle(page);
      await student.axe('the feedback');
      await student.shot(`feedback-${item}`);
    }
    assert.match(await page.textContent('#announcer'), /correct/i, 'the feedback is announced');
    assert.equal(await page.evaluate(() => document.activeElement.id), 'next', 'the focus is on Next');
    await settle(page);
    since = performance.now();
    await page.keyboard.press(item % 2 ? 'Space' : 'Enter');
  }
  await assertSummary(page, given);
  assert.equal(await imagesSent(), plan.length, 'the summary shows the images that the browser has');
  await student.axe('the summary');
  await student.shot('summary');
  await assertStored(given);
  await assertNothingTold(student.traffic, CLASS_NAMES);
  assert.deepEqual(student.complaints, []);

  await tabTo(page, '#again');
  await page.keyboard.press('Enter');
  await shown(page, 1, 'viewing');
  await student.context.close();
});

test('a drill by touch survives a lost connection and a reload', async () => {
  const student = await openPage(browser, phone, daemon.url, '390', { introduced: false });
  const { page, context } = student;
  await page.waitForSelector('[data-screen=start]');
  await page.waitForLoadState('networkidle');
  await student.axe('the start page on a phone');
  await student.shot('start');
  await page.tap('#start');
  await page.waitForSelector('[data-screen=intro]');
  await student.axe('how a drill goes, on a phone');
  await student.shot('intro');
  let since = performance.now();
  await page.tap('#go');

  const given = [];
  const complaintsOffline = [];
  let before = 0;
  for (const answer of plan) {
    const { item, choice, confidence } = answer;
    await shown(page, item, 'viewing');
    if (item === 1) {
      await student.axe('an image on a phone');
      await student.shot('image');
    }
    await page.tap(`[data-choice=${choice}]`);
    const longestMs = performance.now() - since;
    await shown(page, item, 'rating');
    if (item === 1) {
      await student.shot('confidence');
    }
    if (item === 4) {
      await imagesArrived(student, item + 1);
      before = student.complaints.length;
      await context.setOffline(true);
      await page.tap(`[data-confidence="${confidence}"]`);
      await shown(page, item, 'kept');
      assert.match(await page.textContent('.told-truth'), /safe in this browser/);
      assert.match(await page.textContent('#announcer'), /safe in this browser/);
      await student.axe('an answer that waits for the connection');
      await student.shot('offline');
      await settle(page);
      since = performance.now();
      await page.tap('#next');
      given.push({ ...answer, longestMs, truth: null });
      continue;
    } else if (item === 5) {
      assert.equal(await page.textContent('.bar-count'), '5 of 10 · 1 kept here');
      await page.tap(`[data-confidence="${confidence}"]`);
      await shown(page, item, 'kept');
      await settle(page);
      assert.equal(storedSession().rows.length, 3);
      await page.tap('#next');
      await shown(page, 6, 'waiting'); // its image comes when the server has the answers
      await page.waitForSelector('#trouble:not(.is-absent)');
      await student.axe('waiting for the connection');
      await student.shot('offline-waiting');
      since = performance.now();
      await context.setOffline(false);
      complaintsOffline.push(...student.complaints.splice(before));
      given.push({ ...answer, longestMs, truth: null });
      continue;
    } else if (item === 7) {
      before = student.complaints.length;
      await context.setOffline(true);
      await page.tap(`[data-confidence="${confidence}"]`);
      await shown(page, item, 'kept');
      await context.setOffline(false);
      since = performance.now();
      await page.reload();
      complaintsOffline.push(...student.complaints.splice(before));
      given.push({ ...answer, longestMs, truth: null });
      continue;
    } else {
      await page.tap(`[data-confidence="${confidence}"]`);
    }
    await shown(page, item, 'feedback');
    given.push({ ...answer, longestMs, truth: await toldTruth(page) });
    await settle(page);
    if (item === 6) {
      assert.match(await page.textContent('.told-late'), /^Without connection: image 4 .*, image 5 /);
      await student.shot('late-feedback');
    }
    if (item === 1) {
      await student.axe('the feedback on a phone');
      await student.shot('feedback');
    }
    since = performance.now();
    await page.tap('#next');
  }
  for (const item of [4, 5, 7]) { // whose feedback came later or was lost with the reload; the summary shows it
    given[item - 1].truth = storedSession().rows[item - 1].class;
  }
  await assertSummary(page, given);
  await student.axe('the summary on a phone');
  await student.shot('summary');
  await assertStored(given);
  await assertNothingTold(student.traffic, CLASS_NAMES);
  assert.deepEqual(student.complaints, []);
  assert.ok(complaintsOffline.every((text) => /ERR_INTERNET_DISCONNECTED/.test(text)), complaintsOffline.join('\n'));
  await context.close();
});

test('while somebody reads how a drill goes, its first image comes, and is not asked for again', async () => {
  const student = await openPage(browser, phone, daemon.url, 'unused', { introduced: false });
  const { page } = student;
  await page.tap('#start');
  await page.waitForSelector('[data-screen=intro]');
  await imagesArrived(student, 1);
  await page.context().setOffline(true);
  await page.tap('#go');
  await shown(page, 1, 'viewing');
  await student.context.close();
});
