/**
 * The pages as other people have them: by keyboard alone, enlarged, without motion, in the system's own colours, on
 * paper, and over a line that is slow or breaks.
 */

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import path from 'node:path';
import { test } from 'node:test';
import { desktop, openPage, phone } from './browser.js';
import { BUILD } from './daemon.js';
import { addCollection } from './library.js';
import { browser, daemon, serve } from './served.js';
import { firstAdmin } from './staff.js';
import { assertFits, assertFocus, assertTargets, eventually, filled, settle, shown, tabTo } from './steps.js';

const STUDY = 'hips';
const source = (kind) => ({ kind, model: 'default', classes: { no: ['no_fracture'], yes: ['fracture'] }, ...(kind === 'library' ? { collection: 'hips' } : {}) });
const deck = (id, change) => ({
  format: 2, id, title: `Hips: ${id}`, question: 'Is there a fracture?', items: 2, prevalence: 0.5,
  choices: [{ id: 'no', label: 'No fracture' }, { id: 'yes', label: 'Fracture' }], sources: [source('library')], ...change,
});

let cookie;
serve((config) => {
  config.decks = [deck('drawn', { sources: [source('gan')] }), deck('quick', {}), deck('three', { items: 3 }),
    deck('exam', { items: 4, feedback: 'none', draw: { mode: 'fixed', seed: '5' }, sources: [{ ...source('library'), split: 'test' }] }),
    deck('phantoms', { items: 40 })];
}, async () => {
  addCollection(daemon, 'hips', 120);
  const admin = await firstAdmin(daemon);
  cookie = await admin.invite('researcher', 'Ruth');
  await openStudy();
});

/** A study that simulated learners have gone through, as a researcher makes it with the operator's token. */
async function openStudy() {
  const post = async (place, body, version = {}) => {
    const reply = await fetch(`${daemon.url}/api/v1/studies${place}`, {
      method: 'POST', headers: { Authorization: `Bearer ${daemon.token()}`, 'Content-Type': 'application/json', ...version }, body: JSON.stringify(body),
    });
    assert.ok(reply.ok, `${place}: ${await reply.clone().text()}`);
  };
  await post('', {
    format: 1, id: STUDY, title: 'Learning to read hips', contact: 'Dr. Klein, study@example.org', practice_deck: 'quick',
    consent: { text: 'Purpose: we want to know how hips are best learnt.\n\nYou can leave at any time; nothing depends on it.' },
    strata: [{ id: 'year', label: 'Which year are you in?', choices: [{ id: 'y4', label: 'Fourth' }, { id: 'y5', label: 'Fifth' }] }],
    blocks: [3, 6], arms: ['a', 'b', 'c'].map((id) => ({ id, label: `Arm ${id}`, deck: 'phantoms' })),
    phases: [{ id: 'before', kind: 'test', deck: 'exam' }, { id: 'practice', kind: 'training' }],
    questions: [],
  });
  await post(`/${STUDY}/open`, {}, { 'If-Match': '"1"' });
  execFileSync(path.join(BUILD, 'roentgym'), ['simulate', '--server', daemon.url, '--study', STUDY, '--learners', '12',
    '--admin-token-file', daemon.tokenFile, '--no-images', '--seed', '3', '--at-once', '4', '--skill', 'd=0.8,max=2.5,learn=0.03,spread=0.3']);
}

const screen = (page, name) => page.waitForSelector(`[data-screen=${name}]`);
const desk = (view) => `/study-desk.html?study=${STUDY}&simulated=true#${view}`;

/** Opens a part of the study's desk, and waits until it stands. */
async function openDesk(page, view) {
  await page.goto('about:blank'); // another # alone loads nothing
  await page.goto(daemon.url + desk(view));
  await filled(page);
  await page.waitForSelector(`.desk-view[data-shown=${view}]${view === 'results' ? ' .chart canvas' : ''}`);
}

/** Of an item of the session that was begun last, until what follows takes a press. */
async function answerWrongly(page, item) {
  await shown(page, item, 'viewing');
  const [{ class: truth }] = daemon.rows(`SELECT class FROM items WHERE n = ${item} AND session_id = (SELECT id FROM sessions ORDER BY created_at DESC LIMIT 1)`);
  await page.keyboard.press(truth === 'fracture' ? 'n' : 'f');
  await page.keyboard.press('2');
  await shown(page, item, 'feedback');
  await settle(page);
}

/** The next request of that address waits. @returns {Promise<() => void>} lets it go, or end otherwise */
async function hold(page, address, end = (route) => route.continue()) {
  let release;
  const released = new Promise((resolve) => {
    release = resolve;
  });
  await page.route(address, (route) => released.then(() => end(route)), { times: 1 });
  return release;
}

test('by keyboard alone, without shortcuts, the focus is seen and never lost', async () => {
  const student = await openPage(browser, desktop, `${daemon.url}/?deck=drawn`, '1280', { introduced: false });
  const { page } = student;
  await screen(page, 'start');
  await assertFocus(page, 'the start page');
  await tabTo(page, '#start');
  await page.keyboard.press('Enter');
  await screen(page, 'intro');
  await assertFocus(page, 'how a drill goes');
  await tabTo(page, '#go');
  await page.keyboard.press('Enter');
  await shown(page, 1, 'viewing');
  await assertFocus(page, 'the first image');
  await tabTo(page, '#keys');
  await page.keyboard.press('Enter');
  await page.waitForSelector('dialog[open]');
  await tabTo(page, 'dialog input');
  await page.keyboard.press('Space'); // no shortcuts from here on
  await page.keyboard.press('Escape');
  await page.waitForSelector('dialog:not([open])', { state: 'attached' });
  assert.equal(await page.evaluate(() => document.activeElement.id), 'keys', 'Escape leads back to where the dialog was opened');

  const letGo = await hold(page, '**/answers');
  await tabTo(page, '[data-choice=yes]');
  await page.keyboard.press('Space');
  await tabTo(page, '[data-confidence="2"]');
  await page.keyboard.press('Enter');
  await shown(page, 1, 'saving');
  await settle(page); // Chromium takes the focus from what is disabled with the next frame
  await assertFocus(page, 'an answer on its way');
  letGo();
  await shown(page, 1, 'feedback');
  await assertFocus(page, 'the feedback');
  await settle(page);

  await hold(page, '**/samples/**');
  await page.keyboard.press('Shift+Tab');
  assert.equal(await page.evaluate(() => document.activeElement.id), 'compare');
  await page.keyboard.press('Enter');
  await settle(page);
  await assertFocus(page, 'the pair that is drawn');
  await page.keyboard.press('Enter');
  assert.equal(await page.getAttribute('main', 'data-item'), '1', 'whoever presses twice stays');
  await tabTo(page, '#next');
  await page.keyboard.press('Enter');
  await shown(page, 2, 'viewing');
  await assertFocus(page, 'the second image');
  await student.context.close();
});

test('by keyboard alone, the focus is not lost while an image comes, in the review, or when a server does not answer', async () => {
  const student = await openPage(browser, desktop, `${daemon.url}/?deck=quick`, '1280');
  const { page } = student;
  const letGo = await hold(page, '**/items/2');
  await tabTo(page, '#start');
  await page.keyboard.press('Enter');
  await answerWrongly(page, 1);
  await page.keyboard.press('Enter');
  await shown(page, 2, 'waiting');
  await settle(page);
  await assertFocus(page, 'an image that is still to come');
  letGo();
  await answerWrongly(page, 2);
  await page.keyboard.press('Enter');
  await screen(page, 'summary');
  await assertFocus(page, 'the result');
  await tabTo(page, '#review');
  await page.keyboard.press('Enter');
  await page.waitForSelector('[data-screen=review][data-item="1"]');
  await assertFocus(page, 'the review');
  await tabTo(page, '#next');
  await page.keyboard.press('Enter');
  await page.waitForSelector('[data-screen=review][data-item="2"]');
  await page.keyboard.press('Shift+Tab');
  assert.equal(await page.evaluate(() => document.activeElement.id), 'before');
  await page.keyboard.press('Enter');
  await page.waitForSelector('[data-screen=review][data-item="1"]');
  await settle(page);
  await assertFocus(page, 'the first of the review, before which there is none');
  await tabTo(page, '#back');
  await page.keyboard.press('Enter');
  await screen(page, 'summary');
  await assertFocus(page, 'the result, come back to');

  await page.goto(`${daemon.url}/study.html?study=${STUDY}`);
  await screen(page, 'invitation');
  for (const control of ['.choice input', '#agreed']) {
    await tabTo(page, control);
    await page.keyboard.press('Space');
  }
  await page.route('**/participants', (route) => route.abort('connectionreset'));
  await tabTo(page, '#agree');
  await page.keyboard.press('Enter');
  await page.waitForSelector('.study-form .study-trouble:not(:empty)');
  await assertFocus(page, 'a form that was not sent');
  await student.context.close();
});

/** What may be pressed is brought into sight by scrolling, nothing lies over it, and little of the window does not scroll. */
async function assertReachable(page, where) {
  const staying = await page.$$eval('main *', (elements) => elements
    .filter((element) => ['sticky', 'fixed'].includes(getComputedStyle(element).position) && element.offsetHeight > innerHeight / 3)
    .map((element) => element.className));
  assert.deepEqual(staying, [], `${where}: what stays in sight`);
  const hidden = await page.$$eval('a, button:enabled, input, select, textarea, summary', (controls) => controls
    .filter((control) => control.checkVisibility({ visibilityProperty: true }) && !control.closest('.visually-hidden, .skip, .table-room'))
    .filter((control) => {
      control.scrollIntoView({ block: 'nearest' });
      const box = control.getBoundingClientRect();
      const middle = (Math.max(box.top, 0) + Math.min(box.bottom, innerHeight)) / 2; // of what can be seen of it
      const over = document.elementFromPoint((box.left + box.right) / 2, middle);
      return box.left < 0 || box.right > innerWidth || !over || !(control.contains(over) || over.contains(control));
    }).map((control) => control.outerHTML.slice(0, 80)));
  assert.deepEqual(hidden, [], `${where}: what cannot be reached`);
}

test('at 200 % and 400 % everything fits and can be reached, with all that opens opened', async () => {
  for (const [width, height] of [[640, 512], [320, 256]]) { // of a window of 1280x1024
    const visitor = await openPage(browser, { viewport: { width, height } }, `${daemon.url}/?deck=quick`, String(width), { cookies: [cookie] });
    const { page } = visitor;
    const check = async (name) => {
      await assertFits(page, `${name} at ${width}x${height}`);
      await assertReachable(page, `${name} at ${width}x${height}`);
      if (width === 320) {
        await visitor.shot(`modes-zoom-${name}`);
      }
    };
    await page.click('#start');
    await shown(page, 1, 'viewing');
    await page.click('[data-choice=yes]'); // from here on confidence can be pressed, too
    await check('drill');
    await page.click('[data-confidence="1"]');
    await shown(page, 1, 'feedback');
    await check('feedback');
    await settle(page);
    await page.click('#next');
    await answerWrongly(page, 2);
    await page.click('#next');
    await screen(page, 'summary');
    await check('summary');
    await page.click('#review');
    await page.waitForSelector('[data-screen=review]:not([data-item=""])');
    await check('review');
    await page.goto(`${daemon.url}/study.html?study=${STUDY}`);
    await screen(page, 'invitation');
    await check('invitation');
    for (const [name, address] of [['account', '/account.html'], ['editor', `/study-editor.html?from=${STUDY}`]]) {
      await page.goto(daemon.url + address);
      await filled(page);
      await check(name);
    }
    for (const view of ['overview', 'flow', 'results', 'people', 'export']) {
      await openDesk(page, view);
      for (const summary of await page.$$('summary')) {
        await summary.click();
      }
      await assertTargets(page, `${view} at ${width}x${height}`);
      await check(`desk-${view}`);
    }
    await visitor.context.close();
  }
});

test('who wishes no motion sees none', async () => {
  const visitor = await openPage(browser, { ...desktop, reducedMotion: 'reduce' }, `${daemon.url}/?deck=quick`, 'unused', { cookies: [cookie] });
  const { page } = visitor;
  /** Of all transitions and animations, in seconds; scrolling that takes time counts as well. */
  const longest = () => page.evaluate(() => Math.max(...[...document.querySelectorAll('*')].flatMap((element) => [null, '::before', '::after'].flatMap((part) => {
    const { transitionDuration, animationDuration, scrollBehavior } = getComputedStyle(element, part);
    return [...`${transitionDuration}, ${animationDuration}`.split(', ').map(parseFloat), scrollBehavior === 'smooth' ? 1 : 0];
  }))));
  await screen(page, 'start');
  assert.ok(await longest() < 0.01, 'the start page');
  await page.click('#start');
  await shown(page, 1, 'viewing');
  assert.ok(await longest() < 0.01, 'a drill');
  for (const address of ['/atlas.html', `/study-desk.html?study=${STUDY}`]) {
    await page.goto(daemon.url + address);
    await page.waitForLoadState('networkidle');
    assert.ok(await longest() < 0.01, address);
  }
  await page.emulateMedia({ reducedMotion: 'no-preference' });
  assert.ok(await longest() > 0.1, 'others see some: it would be noticed');
  await visitor.context.close();
});

/** The contrast of each element's colour, or another property, to the page's background (WCAG 1.4.3). */
const contrasts = (page, selector, property = 'color') => page.$$eval(selector, (elements, name) => {
  const luminance = (colour) => {
    const [r, g, b] = colour.match(/[\d.]+/g).slice(0, 3).map((value) => (value / 255 <= 0.04045 ? value / 255 / 12.92 : ((value / 255 + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const room = luminance(getComputedStyle(document.documentElement).backgroundColor);
  return elements.map((element) => {
    const own = luminance(getComputedStyle(element)[name]);
    return (Math.max(own, room) + 0.05) / (Math.min(own, room) + 0.05);
  });
}, property);

async function assertContrast(page, least, marks, where) {
  for (const [selector, property] of marks) {
    const found = await contrasts(page, selector, property);
    assert.ok(found.length > 0 && Math.min(...found) >= least, `${where}: ${selector} has a contrast of ${found}`);
  }
}

const PLOTS = [['.plot-line', 'stroke'], ['.plot-chance', 'stroke'], ['.plot-label', 'fill'], ['.card .mark', 'stroke']];

/** How a chart and its legend are drawn: the filter of its canvas, and the colours of the arms. */
const chartLook = (page) => page.evaluate(() => ({
  filter: getComputedStyle(document.querySelector('.chart canvas')).filter,
  arms: new Set([...document.querySelector('.chart-legend').children].map((item) => getComputedStyle(item, '::before').borderTopColor)).size,
}));

test('in the system’s own colours one sees what is chosen, what has the focus, what was right, and the lines of charts', async () => {
  for (const colorScheme of ['dark', 'light']) {
    const visitor = await openPage(browser, { ...desktop, forcedColors: 'active', colorScheme }, `${daemon.url}/?deck=quick`, colorScheme, { cookies: [cookie] });
    const { page } = visitor;
    await page.click('#start');
    await shown(page, 1, 'viewing');
    await page.click('[data-choice=yes]');
    await page.keyboard.press('Shift+Tab');
    const [focused, chosen] = await page.$$eval('.answer', (answers) => answers.map((answer) => {
      const { outlineStyle, backgroundColor, color } = getComputedStyle(answer);
      return { outlineStyle, backgroundColor, color };
    }));
    assert.deepEqual([focused.outlineStyle, chosen.outlineStyle], ['solid', 'none'], 'the outline says what has the focus');
    assert.notEqual(chosen.backgroundColor, focused.backgroundColor, 'the fill says what is chosen');
    await visitor.shot('modes-forced-drill');
    await page.click('[data-choice=no]');
    await page.keyboard.press('1');
    await shown(page, 1, 'feedback');
    await assertContrast(page, 4.5, [['.verdict .mark', 'stroke']], colorScheme);
    await settle(page);
    await page.click('#next');
    await answerWrongly(page, 2);
    await page.click('#next');
    await screen(page, 'summary');
    await assertContrast(page, 4.5, PLOTS, `the result, ${colorScheme}`);
    await visitor.shot('modes-forced-summary');
    await openDesk(page, 'results');
    assert.deepEqual(await chartLook(page), { filter: colorScheme === 'light' ? 'invert(1) hue-rotate(180deg)' : 'none', arms: 3 });
    await assertContrast(page, 4.5, [['.forest-line', 'stroke'], ['.forest-dot', 'fill']], `differences, ${colorScheme}`);
    const lines = await page.$$eval('nav a', (links) => links.map((link) => [link.ariaCurrent !== null, getComputedStyle(link).borderBottomStyle === 'solid']));
    assert.ok(lines.every(([current, underlined]) => current === underlined), 'the page and part that one is on are marked');
    await visitor.shot('modes-forced-results');
    await visitor.context.close();
  }
});

test('on paper everything is dark on white, whole, and without what is pressed', async () => {
  const paper = { viewport: { width: 718, height: 1000 } }; // A4 between its margins
  const visitor = await openPage(browser, paper, `${daemon.url}/?deck=quick`, 'paper', { cookies: [cookie] });
  const { page } = visitor;
  const check = async (name) => {
    assert.equal(await page.evaluate(() => getComputedStyle(document.documentElement).backgroundColor), 'rgb(255, 255, 255)', name);
    await assertContrast(page, 7, [['h1, h2, h3, p, dt, dd, dd *, td, th, li', 'color']], name);
    assert.deepEqual(await page.$$eval('button, .button', (all) => all.filter((one) => one.checkVisibility()).map((one) => one.id)), [], name);
    await assertFits(page, `${name} on paper`);
    await visitor.shot(`modes-print-${name}`);
  };
  await page.click('#start');
  for (const item of [1, 2]) {
    await answerWrongly(page, item);
    await page.click('#next');
  }
  await screen(page, 'summary');
  await page.emulateMedia({ media: 'print' });
  await assertContrast(page, 4.5, PLOTS, 'the result on paper');
  await check('summary');
  await page.goto(`${daemon.url}/study.html?study=${STUDY}`);
  await screen(page, 'invitation');
  await check('consent');
  await openDesk(page, 'results');
  assert.match((await chartLook(page)).filter, /invert/, 'the colours of a dark room are too pale for paper');
  await check('results');
  await visitor.context.close();
});

test('over a line that is slow, breaks and loses a reply, each answer is stored once and the next image comes', async () => {
  const student = await openPage(browser, phone, `${daemon.url}/?deck=three`, '390');
  const { page, context } = student;
  const answers = () => student.traffic.filter(({ url }) => url.endsWith('/answers'));
  const stored = () => daemon.rows('SELECT item FROM answers WHERE session_id = (SELECT id FROM sessions ORDER BY created_at DESC LIMIT 1) ORDER BY item').map(({ item }) => item);
  const answer = async (item) => {
    await shown(page, item, 'viewing');
    await page.tap('[data-choice=yes]');
    await page.tap('[data-confidence="2"]');
  };
  const firstComes = await hold(page, '**/images/**');
  await page.tap('#start');
  await shown(page, 1, 'waiting');
  assert.ok(await page.isVisible('.film-coming >> nth=0'), 'that the image comes is told');
  assert.ok(await page.isDisabled('[data-choice=yes]'));
  await student.shot('modes-slow');
  firstComes();
  await page.route('**/answers', async (route) => {
    await route.fetch(); // the server has it; the page hears nothing
    await route.abort('connectionreset');
  }, { times: 1 });
  await answer(1);
  await shown(page, 1, 'feedback');
  assert.equal(answers().length, 2, 'it was sent again');
  assert.equal(answers()[0].sent, answers()[1].sent, 'under the same key');
  assert.deepEqual(stored(), [1]);
  await settle(page);
  await eventually(() => student.traffic.filter(({ url, image }) => url.includes('/images/') && image).length === 2, 'the second image comes ahead');
  const breakOff = await hold(page, '**/images/**', (route) => route.abort('connectionreset'));
  await page.tap('#next');
  await answer(2);
  await shown(page, 2, 'feedback');
  await settle(page);
  await context.setOffline(true);
  breakOff();
  await page.tap('#next');
  await shown(page, 3, 'waiting');
  await page.waitForSelector('#trouble:not(.is-absent)');
  await student.shot('modes-broken');
  await context.setOffline(false);
  await answer(3);
  await shown(page, 3, 'feedback');
  await settle(page);
  await page.tap('#next');
  await screen(page, 'summary');
  assert.deepEqual(stored(), [1, 2, 3]);
  assert.match(await page.textContent('.score'), /of 3/);
  await context.close();
});
