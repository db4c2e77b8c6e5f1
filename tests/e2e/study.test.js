/**
 * Taking part in a study, from the invitation to the last page: on a phone and, meanwhile, at a desk; by keyboard alone;
 * and leaving it.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { desktop, openPage, phone } from './browser.js';
import { addCollection } from './library.js';
import { assertNothingTold } from './secrecy.js';
import { browser, daemon, serve } from './served.js';
import { assertFits, eventually, next, shown } from './steps.js';

const STUDY = 'hips';
const CONSENT = 'Purpose: we want to know how hips are best learnt.\n\nYou can leave at any time; nothing depends on it.';
const source = (kind) => ({ kind, model: 'default', classes: { no: ['no_fracture'], yes: ['fracture'] }, ...(kind === 'library' ? { collection: 'hips' } : {}) });
const deck = (id, change) => ({
  format: 2, id, title: `Covert ${id}`, question: 'Is there a fracture?', items: 2, prevalence: 0.5, choices: [{ id: 'no', label: 'No fracture' }, { id: 'yes', label: 'Fracture' }], ...change,
});
/** What would tell the arm, the source of images, or the truth. */
const TELLING = ['Covert', 'Arm of', 'of-gan', 'of-library', 'collection', 'no_fracture'];

serve((config) => {
  config.decks = [deck('practice', { sources: [source('gan')] }),
    deck('exam', { feedback: 'none', draw: { mode: 'fixed', seed: '5' }, sources: [{ ...source('library'), split: 'test' }] }),
    deck('of-gan', { sources: [source('gan')] }), deck('of-library', { sources: [source('library')] })];
}, async () => {
  addCollection(daemon, 'hips', 12);
  await openStudy(STUDY, {});
});

/** As a researcher does, with the operator's token. */
async function staff(path, body, version = '"1"') {
  const reply = await fetch(`${daemon.url}/api/v1/studies${path}`, {
    method: 'POST',
    headers: { Authorization: `Bearer ${daemon.token()}`, 'Content-Type': 'application/json', 'If-Match': version },
    body: JSON.stringify(body),
  });
  assert.ok(reply.ok, `${path}: ${await reply.clone().text()}`);
}

async function openStudy(id, changes) {
  await staff('', {
    format: 1, id, title: 'Learning to read hips', contact: 'Dr. Klein, study@example.org', consent: { text: CONSENT }, practice_deck: 'practice',
    strata: [{ id: 'year', label: 'Which year are you in?', choices: [{ id: 'y4', label: 'Fourth' }, { id: 'y5', label: 'Fifth' }] }],
    blocks: [2], arms: [{ id: 'a', label: 'Arm of drawn images', deck: 'of-gan' }, { id: 'b', label: 'Arm of others', deck: 'of-library' }],
    phases: [{ id: 'before', kind: 'test', deck: 'exam', closes_after_days: 7 }, { id: 'practice', kind: 'training' }, { id: 'after', kind: 'test', deck: 'exam' }],
    questions: [{ id: 'source', text: 'What were the images of the training?', kind: 'choice', choices: [{ id: 'real', label: 'Real' }, { id: 'drawn', label: 'Synthetic' }] },
      { id: 'sure', text: 'How sure are you?', kind: 'scale', choices: ['Not at all', 'A little', 'Very'].map((label, i) => ({ id: `s${i}`, label })) },
      { id: 'remarks', text: 'Anything else?', kind: 'text' }],
    ...changes,
  });
  await staff(`/${id}/open`, {});
}

const screen = (page, name) => page.waitForSelector(`[data-screen=${name}]`);
const address = (id) => `${daemon.url}/study.html?study=${id}`;

/** Axe, a picture, and that nothing is wider than the window. */
async function look(visitor, name) {
  await screen(visitor.page, name);
  await visitor.axe(`a study: ${name}`);
  await visitor.shot(`study-${name}`);
  await assertFits(visitor.page, name);
}

async function takePart(page) {
  await screen(page, 'invitation');
  await page.click('.choice:has-text("Fourth")');
  await page.check('#agreed');
  await page.click('#agree');
  await screen(page, 'code');
  const code = await page.textContent('.code');
  await page.click('#go');
  await screen(page, 'where');
  return code;
}

/** Answers items of a phase. Without feedback the next image follows at once. */
async function answer(page, items, { feedback }) {
  for (const item of items) {
    await shown(page, item, 'viewing');
    await page.click('[data-choice=yes]');
    await page.click('[data-confidence="2"]');
    if (feedback) {
      await shown(page, item, 'feedback');
      await next(page);
    }
  }
}

async function assertBlind(visitor) {
  await Promise.all(visitor.traffic.map(({ done }) => done));
  for (const { url, head, body } of visitor.traffic.filter((entry) => /\/api\/v1\/(studies|sessions|images)/.test(entry.url))) {
    for (const word of TELLING) {
      assert.ok(![url, head, body].some((text) => text.toLowerCase().includes(word.toLowerCase())), `${url} tells “${word}”: ${body}`);
    }
  }
}

test('a student takes part on a phone, goes on at a desk, and reaches the last page', async () => {
  const student = await openPage(browser, { ...phone, timezoneId: 'America/New_York' }, address(STUDY), '390');
  const { page } = student;
  await look(student, 'invitation');
  assert.match(await page.textContent('.consent'), /how hips are best learnt.*study@example\.org.*Version 1/);
  assert.equal(await page.isChecked('#agreed'), false);
  await page.tap('#agree');
  await page.waitForTimeout(200);
  assert.ok(!student.traffic.some(({ method }) => method === 'POST'), 'nobody is taken in who has not ticked the box');
  await page.emulateMedia({ media: 'print' });
  assert.equal(await page.isVisible('.study-form'), false, 'only the text is printed');
  assert.ok(await page.isVisible('.consent-text'));
  await student.shot('study-print');
  await page.emulateMedia({ media: 'screen' });
  await page.tap('.choice:has-text("Fourth")');
  await page.tap('.agree');
  await page.tap('#agree');
  await look(student, 'code');
  const code = await page.textContent('.code');
  await page.tap('#go');
  await look(student, 'where');
  assert.deepEqual(await page.$$eval('.phase strong', (names) => names.map((name) => name.textContent)), ['Test 1', 'Training', 'Test 2']);
  assert.match(await page.textContent('.phase[data-state=open]'), /Open until .* (EST|EDT|GMT-[45])$/, 'in the reader’s time zone');
  await page.tap('#start-phase');
  await screen(page, 'intro');
  assert.match(await page.textContent('.intro-provenance'), /Not for diagnosis/);
  await page.tap('#go');
  await answer(page, [1], { feedback: false });
  await shown(page, 2, 'viewing');
  await page.reload();
  await screen(page, 'where');
  assert.match(await page.textContent('#start-phase'), /Go on: Test 1/);
  await page.tap('#start-phase');
  await answer(page, [2], { feedback: false });
  await page.waitForSelector('#start-phase:has-text("Start: Training")');
  await page.tap('#start-phase');
  await page.tap('#go');
  await answer(page, [1], { feedback: true });
  await assertBlind(student);
  assert.ok(student.traffic.every(({ url }) => !url.includes(code)), 'the code is in no address');

  const desk = await openPage(browser, desktop, address(STUDY), '1280');
  await look(desk, 'invitation');
  await desk.page.fill('#code', code.toLowerCase());
  await desk.page.press('#code', 'Enter');
  await look(desk, 'where');
  await desk.page.click('#start-phase');
  await answer(desk.page, [2], { feedback: true });
  await desk.page.click('#start-phase');
  await desk.page.click('#go');
  await answer(desk.page, [1, 2], { feedback: false });
  await look(desk, 'questions');
  await desk.page.click('.choice:has-text("Synthetic")');
  await desk.page.fill('textarea', 'The letters at the edge.');
  await desk.page.click('#send');
  await look(desk, 'end');
  const [participant] = daemon.rows("SELECT * FROM participants ORDER BY id DESC LIMIT 1");
  assert.equal(await desk.page.textContent('#study-code'), participant.code);
  assert.equal(participant.ended_how, 'finished');
  assert.deepEqual(daemon.rows(`SELECT count(*) AS n FROM answers WHERE session_id IN (SELECT session_id FROM participant_sessions WHERE participant_id = ${participant.id})`), [{ n: 6 }]);
  await assertBlind(desk);
  await assertNothingTold(desk.traffic, ['fracture', 'no_fracture']);
  assert.deepEqual([...student.complaints, ...desk.complaints].filter((text) => !/401|404/.test(text)), []);
  await desk.context.close();
  await page.reload();
  await look(student, 'end');
  await page.tap('summary:has-text("Your code")');
  assert.equal(await page.textContent('.code-box .code'), code);
  await student.axe('a study: the code again');
  await page.tap('#forget-code');
  await screen(page, 'invitation');
  await student.context.close();
});

test('by keyboard alone: taking part, a text that changed, and leaving in two steps', async () => {
  const visitor = await openPage(browser, desktop, address(STUDY), '1280');
  const { page } = visitor;
  await screen(page, 'invitation');
  await page.focus('.choice input');
  await page.keyboard.press('Space');
  await page.keyboard.press('Tab');
  await page.keyboard.press('Space');
  await page.keyboard.press('Tab');
  await page.keyboard.press('Enter');
  await screen(page, 'code');
  await page.focus('#go');
  await page.keyboard.press('Enter');
  await screen(page, 'where');
  await staff(`/${STUDY}/consent`, { text: `${CONSENT}\n\nNow also: the times are kept.` }, await version());
  await page.reload();
  await look(visitor, 'consent');
  assert.match(await page.textContent('.consent-text'), /the times are kept/);
  await page.focus('#agreed');
  await page.keyboard.press('Space');
  await page.keyboard.press('Tab');
  await page.keyboard.press('Enter');
  await screen(page, 'where');
  const id = daemon.rows('SELECT max(id) AS id FROM participants')[0].id;
  const left = () => daemon.rows(`SELECT ended_how FROM participants WHERE id = ${id}`);
  await page.focus('#withdraw');
  await page.keyboard.press('Enter');
  await look(visitor, 'withdraw');
  await page.focus('[name=form]');
  await page.keyboard.press('Space');
  await page.keyboard.press('Tab');
  await page.keyboard.press('Enter');
  await look(visitor, 'left');
  assert.deepEqual(left(), [{ ended_how: 'stop' }]);
  await page.reload();
  await screen(page, 'left');
  await page.click('#withdraw');
  await page.click('.choice:has-text("Delete them")');
  await page.click('#leave-study');
  await page.waitForSelector('.study-lead:has-text("erased")');
  assert.deepEqual(left(), []);
  await page.reload();
  await screen(page, 'invitation');
  await visitor.context.close();
});

/** Of the study's newest version, as its ETag says it. */
async function version() {
  const reply = await fetch(`${daemon.url}/api/v1/studies/${STUDY}`, { headers: { Authorization: `Bearer ${daemon.token()}` } });
  return reply.headers.get('ETag');
}

test('whose enrolment got no reply is the same participant when trying again', async () => {
  const visitor = await openPage(browser, phone, address(STUDY), '390');
  const { page } = visitor;
  const count = () => daemon.rows('SELECT count(*) AS n FROM participants')[0].n;
  const before = count();
  await page.route('**/participants', async (route) => {
    await route.fetch(); // the server has it; the page hears nothing
    await route.abort('connectionreset');
  }, { times: 1 });
  await screen(page, 'invitation');
  await page.click('.choice:has-text("Fourth")');
  await page.check('#agreed');
  await page.click('#agree');
  await page.waitForSelector('.study-form .study-trouble:not(:empty)');
  await page.click('#agree');
  await screen(page, 'code');
  assert.equal(count(), before + 1);
  await visitor.context.close();
});

test('a part whose window closed while the page was open is looked up again, not told as a fault', async () => {
  const visitor = await openPage(browser, phone, address(STUDY), '390');
  const { page } = visitor;
  await takePart(page);
  await page.route('**/participant/session', (route) => route.fulfill({ status: 409, json: { error: { code: 'phase_closed', message: 'It is over.' } } }), { times: 1 });
  const asked = () => visitor.traffic.filter(({ url }) => url.endsWith('/participant')).length;
  const before = asked();
  await page.tap('#start-phase');
  await eventually(() => asked() > before, 'the server is asked how things stand');
  await screen(page, 'where');
  await visitor.context.close();
});

test('who does not take part can practise, and is told of studies that are closed or not there', async () => {
  const visitor = await openPage(browser, phone, address(STUDY), '390');
  await visitor.page.tap('#practise');
  await visitor.page.tap('#start');
  await shown(visitor.page, 1, 'viewing');
  assert.equal(daemon.rows('SELECT count(*) AS n FROM session_learners WHERE session_id = (SELECT id FROM sessions ORDER BY created_at DESC LIMIT 1)')[0].n, 0);

  await openStudy('later', { phases: [{ id: 'before', kind: 'test', deck: 'exam', opens_after_days: 2 }, { id: 'practice', kind: 'training' }] });
  await visitor.page.goto(address('later'));
  await takePart(visitor.page);
  assert.match(await visitor.page.textContent('.phase[data-state=waits]'), /Opens \w+day/);
  assert.equal(await visitor.page.$('#start-phase'), null);
  await visitor.axe('a study: waiting');
  await visitor.shot('study-waits');
  const asked = () => visitor.traffic.filter(({ url }) => url.endsWith('/participant')).length;
  const before = asked();
  await visitor.page.evaluate(() => document.dispatchEvent(new Event('visibilitychange')));
  await eventually(() => asked() === before + 1, 'coming back to the page looks whether the next part is open');
  await visitor.context.close();

  await staff('/later/close', {});
  const late = await openPage(browser, phone, address('later'), '390');
  await late.page.waitForSelector('.study-closed');
  assert.equal(await late.page.$('#agree'), null);
  await late.axe('a study: closed');
  await late.page.goto(address('none'));
  await screen(late.page, 'notice');
  assert.match(await late.page.textContent('h1'), /no such study/);
  await late.context.close();
});
