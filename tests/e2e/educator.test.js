/**
 * The educator's main task from start to end, and what may go wrong on the way: nothing that was typed is lost.
 */

import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { desktop, openPage, phone } from './browser.js';
import { addCollection } from './library.js';
import { browser, daemon, serve } from './served.js';
import { firstAdmin, PASSWORD } from './staff.js';
import { assertFits, filled, next, tabTo } from './steps.js';

let admin;
serve(undefined, async () => {
  admin = await firstAdmin(daemon);
});

const openAs = (cookie, address, options = desktop, suffix = '1280') => openPage(browser, options, daemon.url + address, suffix, { cookies: [cookie] });
const previewed = (page) => page.waitForSelector('.preview-status:has-text("Fracture")');
const imagesOf = (page) => page.waitForFunction(() => document.querySelectorAll('#preview-images img').length >= 8);

/** Answers a whole drill, in the page that is open. */
async function drill(page, items) {
  await page.click('#start');
  await page.click('#go');
  for (let item = 1; item <= items; item++) {
    await page.waitForSelector(`[data-screen=drill][data-item="${item}"][data-phase=viewing]`);
    await page.click('[data-choice=yes]');
    await page.click('[data-confidence="2"]');
    await page.waitForSelector(`[data-screen=drill][data-item="${item}"][data-phase=feedback]`);
    await next(page);
  }
  await page.waitForSelector('h1:has-text("Your result")');
}

test('from an empty account to a class that drills, and a second version', async () => {
  await admin.invite('educator', 'Eve');
  const eve = await openPage(browser, desktop, `${daemon.url}/decks.html`, '1280');
  const { page } = eve;
  await page.waitForSelector('h1:has-text("Log in")');
  await page.fill('#name', 'Eve');
  await page.fill('#password', PASSWORD);
  await page.keyboard.press('Enter');
  await filled(page);
  await page.waitForSelector('h2:has-text("Your first deck takes less than a minute")');
  await eve.axe('no deck yet');
  await eve.shot('educator-empty');

  await page.click('#new-deck');
  await page.waitForSelector('#deck-title');
  await page.fill('#deck-title', 'Hips for year 3');
  await page.fill('#deck-items', '8');
  await page.focus('#deck-prevalence');
  await page.keyboard.press('ArrowLeft');
  await page.keyboard.press('ArrowLeft');
  await page.keyboard.press('ArrowLeft');
  await page.keyboard.press('ArrowLeft');
  await page.keyboard.press('ArrowLeft');
  await page.waitForSelector('.preview-status:has-text("2 Fracture, 6 No fracture.")');
  await imagesOf(page);
  assert.match(await page.textContent('.preview-words'), /Is there a fracture\? Say “No fracture” or “Fracture”/);

  const first = await page.textContent('#preview-images li:first-child .thumb-words');
  await page.click('#preview-images li:first-child button');
  await page.waitForFunction((before) => document.querySelector('#preview-images li:first-child .thumb-words').textContent !== before, first);
  await imagesOf(page);
  assert.match(await page.textContent('#choosing summary'), /1 left out/);
  await eve.axe('the editor');
  await eve.shot('educator-editor');

  await page.keyboard.press('Tab'); // off the button that was pressed, wherever the focus is
  await page.click('#save-deck');
  await page.waitForSelector('#to-share:focus');
  assert.equal(new URL(page.url()).search, '?deck=hips-for-year-3');
  await page.keyboard.press('Enter');
  await page.waitForSelector('#class-title');
  await page.fill('#class-title', 'Tuesday');
  await page.keyboard.press('Enter');
  await page.waitForSelector('.qr');
  const link = await page.inputValue('[id^=link-]');
  assert.match(link, /\?class=[0-9a-f]{10}$/);
  await eve.axe('a class was made');
  await eve.shot('educator-share');

  const learner = await openPage(browser, phone, link, '390');
  await learner.page.waitForSelector('h1:has-text("Tuesday")');
  await drill(learner.page, 8);
  await learner.context.close();
  await page.click('#refresh');
  await page.waitForSelector('.class-results:has-text("Some have started, but fewer than 5.")');

  await page.click('.views a:has-text("Results")');
  await page.waitForSelector('p:has-text("Fewer than 5 learners have answered so far.")');
  await eve.axe('results of too few');

  await page.click('.views a:has-text("Edit")');
  await page.waitForSelector('#deck-title');
  assert.match(await page.textContent('.save-state'), /All is saved/);
  await page.fill('#deck-items', '12');
  await page.click('#asked > summary');
  await page.click('label:has-text("Two buttons")');
  await page.click('#save-deck');
  await page.waitForSelector('.saved-box:has-text("Saved as version 2.")');
  await page.click('.views a:has-text("Versions")');
  await page.waitForSelector('[data-version="2"]:has-text("Images: 8 → 12")');
  await page.waitForSelector('[data-version="2"]:has-text("Answering: with confidence → two buttons")');
  await page.waitForSelector('[data-version="1"]:has-text("was drilled with")');
  await eve.axe('versions');
  await eve.shot('educator-versions');
  assert.deepEqual(eve.complaints.filter((text) => !/401/.test(text)), []); // before the log-in
  await eve.context.close();
});

test('what was typed survives a closed tab, and a save that somebody else was faster with', async () => {
  const [otto, ines] = [await admin.invite('educator', 'Otto'), await admin.invite('educator', 'Ines')];
  const visitor = await openAs(otto, '/deck.html');
  const { page, context } = visitor;
  await page.waitForSelector('#deck-title');
  await page.fill('#deck-title', 'Kept');
  await page.waitForSelector('.save-state:has-text("kept in this browser")');
  await page.close();
  const again = await context.newPage();
  await again.goto(`${daemon.url}/decks.html`);
  await again.waitForSelector('h2:has-text("Not saved yet")');
  await again.click('a:has-text("Go on")');
  await again.waitForSelector('p:has-text("These are your changes from")');
  assert.equal(await again.inputValue('#deck-title'), 'Kept');
  await again.click('#save-deck');
  await again.waitForSelector('#to-share');

  const faster = await openAs(ines, '/deck.html?deck=kept');
  await faster.page.waitForSelector('#deck-title');
  await faster.page.fill('#deck-items', '30');
  await faster.page.click('#save-deck');
  await faster.page.waitForSelector('.saved-box:has-text("Saved as version 2.")');
  await faster.context.close();

  await again.fill('#deck-title', 'Kept and renamed');
  await again.click('#save-deck');
  await again.waitForSelector('#conflict:focus');
  assert.match(await again.textContent('.is-conflict'), /What they changedImages: 20 → 30What you changedTitle: Kept → Kept and renamed/);
  assert.equal(await again.inputValue('#deck-title'), 'Kept and renamed');
  await again.screenshot({ path: path.join(process.env.ROENTGYM_BUILD ?? '../../build', 'screenshots', 'educator-conflict-1280.png') });
  await again.click('#keep-mine');
  await again.waitForSelector('.saved-box:has-text("Saved as version 3.")');
  await context.close();
});

test('the server’s objections stand beside their fields', async () => {
  const visitor = await openAs(admin.cookie, '/deck.html', phone, '390');
  const { page } = visitor;
  await page.waitForSelector('#deck-title');
  await page.click('#save-deck');
  await page.waitForSelector('#deck-title[aria-invalid=true]:focus');
  await page.fill('#deck-title', 'Wrong');
  await page.click('#order > summary');
  await page.selectOption('#deck-order', 'adaptive');
  await page.waitForSelector('[data-path="order.rule"] .told:has-text("adaptive needs 4 sub-categories")');
  await page.waitForSelector('.preview-status:has-text("it is said beside its field")');
  await visitor.axe('an objection');
  await visitor.shot('educator-objection');
  await page.click('#save-deck');
  await page.waitForSelector('#deck-order:focus');
  await page.selectOption('#deck-order', 'random');
  await previewed(page);
  assert.equal(await page.$('.told'), null);
  await visitor.context.close();
});

test('by keyboard a list is ticked, saved, downloaded, and taken in again as a file', async () => {
  addCollection(daemon, 'phantoms', 40);
  const visitor = await openAs(admin.cookie, '/deck.html');
  const { page } = visitor;
  await page.waitForSelector('#deck-title');
  await page.fill('#deck-title', 'Listed');
  await page.click('#order > summary');
  await page.click('label:has-text("A list that I choose")');
  await page.click('#choosing > summary');
  await page.waitForSelector('.picks img');
  await page.fill('#from-hip', '12 hips');
  await page.press('#from-hip', 'Enter');
  await page.waitForSelector('.trouble:has-text("A number without sign or point")');
  await page.fill('#from-hip', '18446744073709551600');
  await page.press('#from-hip', 'Enter');
  await page.waitForSelector('p:has-text("Hips 18446744073709551600 to 18446744073709551611")');
  await page.focus('.picks input');
  await page.keyboard.press('Space');
  await page.keyboard.press('ArrowRight');
  await page.keyboard.press('Space');
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('Space');
  await page.waitForSelector('#chosen li:nth-child(3)');
  await page.waitForSelector('.preview-status:has-text("Fracture")');
  await visitor.axe('choosing');
  await visitor.shot('educator-choosing');

  await page.click('#images > summary');
  await page.click('#add-source');
  await page.waitForSelector('#source-1-collection');
  await visitor.shot('educator-sources');
  await visitor.axe('two sources');
  const [download] = await Promise.all([page.waitForEvent('download'), page.click('button:has-text("Download the file")')]);
  const folder = mkdtempSync(path.join(tmpdir(), 'roentgym-deck-'));
  const file = path.join(folder, 'listed.json');
  await download.saveAs(file);
  const definition = JSON.parse(readFileSync(file, 'utf8'));
  assert.equal(definition.list.length, 3);
  assert.deepEqual(definition.sources.map(({ kind }) => kind), ['gan', 'library']);
  await page.click('#save-deck');
  await page.waitForSelector('#to-share');

  writeFileSync(file, JSON.stringify({ ...definition, title: 'From a file' }));
  await page.goto(`${daemon.url}/decks.html`);
  await page.waitForSelector('#take-in');
  await page.setInputFiles('#deck-file', file);
  await page.waitForSelector('#deck-title');
  assert.equal(await page.inputValue('#deck-title'), 'From a file');
  await page.click('#save-deck');
  await page.waitForSelector('.saved-box:has-text("Saved as version 1.")');
  assert.equal(new URL(page.url()).search, '?deck=listed-2', 'a name that was taken gets a number');
  await page.goto(`${daemon.url}/deck.html?deck=listed-2&view=results`);
  await page.waitForSelector('#moodle-file');
  await page.goto(`${daemon.url}/decks.html`);
  await filled(page);
  await visitor.shot('educator-decks');
  rmSync(folder, { recursive: true });
  assert.deepEqual(visitor.complaints, []);
  await visitor.context.close();
});

test('five learners are told of, and every view fits a phone of 360 px', async () => {
  await admin.send('/api/v1/decks', {
    format: 2, id: 'five', title: 'Five', question: 'Is there a fracture?', choices: [{ id: 'no', label: 'No fracture' }, { id: 'yes', label: 'Fracture' }], items: 6, prevalence: 0.5,
    sources: [{ kind: 'gan', model: 'default', classes: { no: ['no_fracture'], yes: ['fracture'] } }], draw: { mode: 'fixed', seed: '5' }, rating: 'two_buttons',
  });
  const { class: made } = await admin.send('/api/v1/classes', { title: 'Five learners', deck: 'five' });
  await Promise.all(Array.from({ length: 5 }, (_, n) => answerAll(made.code, 6, n)));
  const narrow = { ...phone, viewport: { width: 360, height: 740 } };
  const visitor = await openAs(admin.cookie, '/classes.html', narrow, '360');
  const { page } = visitor;
  await page.waitForSelector('.class-results:has-text("5 have started, 5 have answered: 30 answers")');
  for (const [view, selector] of [['share', '#classes'], ['results', 'table'], ['history', '#versions'], ['edit', '#preview-images img']]) {
    await page.goto(`${daemon.url}/deck.html?deck=five&view=${view}`);
    await page.waitForSelector(selector);
    await assertFits(page, view);
    await visitor.axe(view);
    await visitor.shot(`educator-${view}`);
  }

  await page.route(/\/statistics/, async (route) => { // as if there were three versions
    const version = Number(new URL(route.request().url()).searchParams.get('version') ?? 3);
    const response = await route.fetch({ url: route.request().url().split('?')[0] });
    const { statistics } = await response.json();
    await route.fulfill({ response, json: { statistics: { ...statistics, versions: [1, 2, 3], version } } });
  });
  await page.goto(`${daemon.url}/deck.html?deck=five&view=results`);
  await page.waitForSelector('#readers:has-text("version 3")');
  await page.$eval('main select:has([value="3"])', (select) => ['1', '2'].forEach((version) => { // 2 while 1 is on its way
    select.value = version;
    select.dispatchEvent(new Event('input'));
  }));
  await page.waitForSelector('#readers:has-text("version 2")');
  assert.deepEqual(visitor.complaints, []);
  await visitor.context.close();
});

/** A learner of a class who answers all items, through the interface. */
async function answerAll(code, items, n) {
  const ask = async (method, address, secret, body) => {
    const response = await fetch(daemon.url + address, {
      method, headers: { ...(body ? { 'Content-Type': 'application/json' } : {}), ...(secret ? { Authorization: `Bearer ${secret}` } : {}) }, body: body && JSON.stringify(body),
    });
    assert.ok(response.ok, `${address} ${response.status} ${response.ok ? '' : await response.text()}`);
    return response.json();
  };
  const { learner } = await ask('POST', '/api/v1/learners', null);
  const { session } = await ask('POST', '/api/v1/sessions', null, { class: code, learner: learner.code });
  for (let item = 1; item <= items; item++) {
    await ask('GET', `/api/v1/sessions/${session.id}/items/${item}`, session.secret);
    await ask('POST', `/api/v1/sessions/${session.id}/answers`, session.secret, {
      key: randomUUID(), item, choice: (item + n) % 3 ? 'yes' : 'no', response_ms: 1000 + 100 * item + n,
    });
  }
}

test('by touch a deck is made while the server is away for a moment, its class closed, the deck archived and given back', async () => {
  const visitor = await openAs(await admin.invite('educator', 'Tess'), '/deck.html?copy=default', phone, '390');
  const { page } = visitor;
  await page.waitForSelector('#deck-title');
  assert.equal(await page.inputValue('#deck-title'), 'Copy of Hip radiographs: fracture or not');
  await page.fill('#deck-title', 'By touch');
  await page.route('**/api/v1/decks', (route) => route.abort());
  await page.tap('#save-deck');
  await page.waitForSelector('.save-bar .trouble:has-text("The server did not answer")');
  await visitor.axe('the server is away');
  await page.unroute('**/api/v1/decks');
  await page.tap('#images > summary');
  await page.waitForSelector('.example img');
  await page.evaluate(() => { // a finger's drag, as the browser reports it
    const [faintest] = document.querySelectorAll('#images input[type=range]');
    faintest.value = '0.4';
    faintest.dispatchEvent(new Event('input', { bubbles: true }));
    faintest.dispatchEvent(new Event('change', { bubbles: true }));
  });
  await page.waitForFunction(() => document.querySelectorAll('.example img').length === 4);
  assert.match(await page.textContent('#images summary'), /strength 40\s% to 100\s%/);
  await previewed(page);
  await visitor.shot('educator-difficulty');
  await page.tap('#save-deck');
  await page.waitForSelector('#to-share');
  await visitor.shot('educator-saved');
  await page.tap('#to-share');
  await page.waitForSelector('#class-title');
  await page.fill('#class-title', 'Wednesday');
  await page.tap('#make-class');
  await page.waitForSelector('.qr');
  await visitor.shot('educator-share');
  const code = await page.getAttribute('#classes .row', 'data-class');
  await page.tap('[aria-label="Close Wednesday"]');
  await page.tap('[aria-label="Close for good: Wednesday"]');
  await page.waitForSelector('#classes .badge:has-text("Closed")');
  await visitor.axe('a closed class');
  const { class: seen } = await (await fetch(`${daemon.url}/api/v1/classes/${code}`)).json();
  assert.equal(seen.closed, true);

  await page.goto(`${daemon.url}/decks.html`);
  await page.waitForSelector('[data-deck=by-touch]');
  await page.tap('[data-deck=by-touch] .row-more summary');
  await visitor.axe('more about a deck');
  await page.tap('[aria-label="Archive: By touch"]');
  await page.waitForSelector('summary:has-text("Archived (1)")');
  await page.tap('summary:has-text("Archived (1)")');
  await visitor.shot('educator-archived');
  await page.tap('[aria-label="Give back to learners: By touch"]');
  await page.waitForSelector('#decks-own [data-deck=by-touch]');
  assert.deepEqual(visitor.complaints.filter((text) => !/ERR_FAILED/.test(text)), []);
  await visitor.context.close();
});

test('images of a collection are left out in the grid, and an old version is gone back to', async () => {
  addCollection(daemon, 'films', 20);
  const source = { kind: 'library', collection: 'films', model: 'default', classes: { no: ['no_fracture'], yes: ['fracture'] } };
  const deck = { format: 2, id: 'films', title: 'Films', question: 'Is there a fracture?', choices: [{ id: 'no', label: 'No fracture' }, { id: 'yes', label: 'Fracture' }], items: 6, prevalence: 0.5, sources: [source] };
  await admin.send('/api/v1/decks', deck);
  const visitor = await openAs(admin.cookie, '/deck.html?deck=films');
  const { page } = visitor;
  await page.waitForSelector('#deck-title');
  await page.click('#choosing > summary');
  await page.waitForSelector('.picks img');
  await page.click('.picks li:nth-child(2) label');
  await page.waitForSelector('#choosing summary:has-text("1 left out")');
  await page.waitForSelector('#chosen img');
  await visitor.shot('educator-left-out');
  await page.click('#save-deck');
  await page.waitForSelector('.saved-box:has-text("Saved as version 2.")');
  await page.goto(`${daemon.url}/deck.html?deck=films&view=history`);
  await page.waitForSelector('[data-version="2"]:has-text("1 more left out.")');
  await page.click('[data-version="1"] a:has-text("Go back")');
  await page.waitForSelector('#choosing summary:has-text("none left out")');
  await page.click('#save-deck');
  await page.waitForSelector('.saved-box:has-text("Saved as version 3.")');
  const now = await (await fetch(`${daemon.url}/api/v1/decks/films`, { headers: { Authorization: `Bearer ${daemon.token()}` } })).json();
  assert.deepEqual(now.exclude ?? [], []);
  assert.deepEqual(visitor.complaints, []);
  await visitor.context.close();
});

test('with the keyboard alone a deck is made and shared, and a log-in that ended takes nothing', async () => {
  const visitor = await openAs(await admin.invite('educator', 'Kim'), '/decks.html');
  const { page, context } = visitor;
  await filled(page);
  await tabTo(page, '#new-deck');
  await page.keyboard.press('Enter');
  await page.waitForSelector('#deck-title');
  await tabTo(page, '#deck-title');
  await page.keyboard.type('By keyboard');
  await page.waitForSelector('#preview-images button');
  await tabTo(page, '#preview-images button');
  await page.keyboard.press('Enter');
  await page.waitForSelector('#choosing summary:has-text("1 left out")');
  await page.waitForSelector('#preview-images button:focus');
  const cookies = await context.cookies();
  await context.clearCookies();
  await page.focus('#deck-title');
  await page.keyboard.press('Enter');
  await page.waitForSelector('.save-bar .trouble a:has-text("Log in again in a new tab")');
  await context.addCookies(cookies);
  await page.keyboard.press('Enter');
  await page.waitForSelector('#to-share:focus');
  await page.keyboard.press('Enter');
  await page.waitForSelector('#class-title');
  await tabTo(page, '#class-title');
  await page.keyboard.type('Thursday');
  await page.keyboard.press('Enter');
  await page.waitForSelector('.share-box h3:focus');
  await visitor.context.close();
});
