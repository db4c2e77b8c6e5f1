/**
 * A researcher's main task from start to end: a study is planned and opened, rehearsed, looked at, exported and frozen;
 * and what was typed is never lost.
 */

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { desktop, openPage, phone } from './browser.js';
import { BUILD } from './daemon.js';
import { addCollection } from './library.js';
import { browser, daemon, serve } from './served.js';
import { firstAdmin } from './staff.js';
import { assertFits, filled } from './steps.js';

const narrow = { ...phone, viewport: { width: 360, height: 740 } };
const source = (kind) => ({ kind, model: 'default', classes: { no: ['no_fracture'], yes: ['fracture'] }, ...(kind === 'library' ? { collection: 'hips' } : {}) });
const deck = (id, title, change) => ({
  format: 2, id, title, question: 'Is there a fracture?', items: 4, prevalence: 0.5, choices: [{ id: 'no', label: 'No fracture' }, { id: 'yes', label: 'Fracture' }], ...change,
});

let cookie;
serve((config) => {
  config.decks = [deck('practice', 'Practice', { sources: [source('gan')] }),
    deck('exam', 'Exam', { feedback: 'none', draw: { mode: 'fixed', seed: '5' }, sources: [{ ...source('library'), split: 'test' }] }),
    deck('drawn', 'Drawn hips', { items: 40, sources: [source('gan')] }), deck('phantoms', 'Phantom hips', { items: 40, sources: [source('library')] })];
}, async () => {
  addCollection(daemon, 'hips', 120);
  cookie = await (await firstAdmin(daemon)).invite('researcher', 'Ruth');
});

const open = (address, options = desktop, suffix = '1280') => openPage(browser, options, daemon.url + address, suffix, { cookies: [cookie] });

/** Axe, HTML, a picture, and that nothing is wider than the window. */
async function look(visitor, name, { shot = true } = {}) {
  await visitor.axe(`research: ${name}`);
  await assertFits(visitor.page, name);
  if (shot) {
    await visitor.shot(`research-${name}`);
  }
}

const field = (page, path) => page.locator(`[data-path="${path}"]`).locator('input, textarea, select').first();

test('the list teaches who has no study yet', async () => {
  const visitor = await open('/studies.html', phone, '390');
  await filled(visitor.page);
  assert.equal(await visitor.page.isVisible('.steps'), true);
  await look(visitor, 'empty');
  await visitor.context.close();
});

test('a study is planned by keyboard and mouse, with every gap told beside its field', async () => {
  const visitor = await open('/study-editor.html');
  const { page } = visitor;
  await filled(page);
  await page.click('#save');
  await page.waitForSelector('[data-path="title"] .told');
  assert.ok(await page.locator('.told').count() >= 8);
  assert.equal(await page.evaluate(() => document.activeElement.closest('[data-path]').dataset.path), 'title');
  await look(visitor, 'editor-gaps');
  await field(page, 'title').fill('Learning to read hips');
  assert.equal(await field(page, 'id').inputValue(), 'learning-to-read-hips');
  await field(page, 'id').fill('hips-2026');
  await field(page, 'contact').fill('Ruth, ruth@example.org');
  await page.click('#template');
  await page.click('#save');
  await page.waitForSelector('[data-path="consent.text"] .told:has-text("square brackets")');
  await field(page, 'consent.text').fill('Purpose: how hips are best learnt.\n\nTaking part is voluntary.');
  await page.click('#add-stratum');
  await field(page, 'strata[0].label').fill('Which year are you in?');
  await field(page, 'strata[0].choices').fill('Fourth\nFifth');
  for (const [place, label, name] of [[0, 'Phantom images', 'phantoms'], [1, 'Drawn images', 'drawn']]) {
    await field(page, `arms[${place}].label`).fill(label);
    await field(page, `arms[${place}].deck`).selectOption(name);
  }
  assert.equal(await page.locator('[data-path="phases[0].deck"] option[value=drawn]').isDisabled(), true, 'what cannot be a test says why');
  await page.click('#sample-size summary');
  await page.waitForSelector('#people-needed:has-text("41 in each arm")');
  await field(page, 'phases[0].deck').selectOption('exam');
  await field(page, 'phases[1].closes_after_days').fill('14');
  await page.waitForSelector('.window-words:has-text("open for 14 days")');
  await field(page, 'phases[2].deck').selectOption('exam');
  await page.click('#add-question');
  await field(page, 'questions[0].text').fill('What were the images?');
  await field(page, 'questions[0].choices').fill('Real\nDrawn');
  await page.click('#add-question');
  await page.click('[aria-label="Remove: Question 2 at the end"]');
  await page.waitForSelector('.group-undo button:focus');
  await page.click('#preview');
  await page.waitForSelector('.preview:has-text("how hips are best learnt"):has-text("Which year")');
  await look(visitor, 'preview');
  await page.keyboard.press('Escape');
  await page.waitForSelector('#preview:focus');
  await page.reload();
  await page.waitForSelector('#kept');
  assert.equal(await field(page, 'questions[0].text').inputValue(), 'What were the images?', 'nothing is lost by a reload');
  await field(page, 'arms[0].weight').fill('0');
  await page.click('#save');
  await page.waitForSelector('[data-path="arms[0].weight"] .told, [data-path="blocks"] .told');
  await field(page, 'arms[0].weight').fill('1');
  await page.click('#save');
  await page.waitForSelector('.plan-warnings:has-text("simulated, not real")');
  await page.waitForSelector('[data-path="phases[0].deck"] .told.is-warning');
  await look(visitor, 'editor');
  assert.deepEqual(visitor.complaints.filter((text) => !/422/.test(text)), []);
  await visitor.context.close();
});

test('two who edit the same draft are told, and neither loses anything', async () => {
  const [mine, theirs] = [await open('/study-editor.html?study=hips-2026', narrow, '360'), await open('/study-editor.html?study=hips-2026')];
  await filled(mine.page);
  await filled(theirs.page);
  await field(theirs.page, 'contact').fill('Tom, tom@example.org');
  await theirs.page.click('#save');
  await theirs.page.waitForSelector('.plan-warnings:has-text("Saved")');
  await field(mine.page, 'title').fill('Learning to read hips, again');
  await mine.page.click('#save');
  await mine.page.waitForSelector('.conflict:has-text("Ruth saved version 2")');
  await look(mine, 'conflict');
  await mine.page.click('#mine');
  await mine.page.waitForSelector('.plan-warnings:has-text("Saved")');
  const versions = daemon.rows("SELECT count(*) AS n FROM study_versions");
  assert.deepEqual(versions, [{ n: 3 }]);
  await mine.page.reload();
  await filled(mine.page);
  assert.equal(await field(mine.page, 'contact').inputValue(), 'Ruth, ruth@example.org');
  assert.equal(await mine.page.$('#kept'), null);
  await field(mine.page, 'title').fill('Not to be kept');
  await mine.page.waitForSelector('.plan-status:has-text("Kept in this browser")');
  await mine.page.reload();
  await mine.page.click('#discard');
  await field(mine.page, 'title').fill('Nor this');
  await mine.page.click('#discard-sure');
  await mine.page.waitForSelector('.plan-status:has-text("All is saved")');
  assert.equal(await field(mine.page, 'title').inputValue(), 'Learning to read hips, again');
  await mine.context.close();
  await theirs.context.close();
});

/** The desk's part that the address names has been drawn. */
const part = async (page, name) => {
  await page.click(`.tabs a[href="#${name}"]`);
  await page.waitForSelector(`.desk-view[data-shown=${name}]`);
};
const sha256 = (bytes) => createHash('sha256').update(bytes).digest('hex');

test('a study is opened, rehearsed, looked at, exported and frozen', async () => {
  const visitor = await open('/study-desk.html?study=hips-2026');
  const { page } = visitor;
  await filled(page);
  await look(visitor, 'desk-draft');
  await page.click('#open');
  await page.waitForSelector('dialog[open]:has-text("simulated, not real")');
  await look(visitor, 'desk-opening');
  await page.click('dialog [type=submit]');
  await page.waitForSelector('dialog .trouble:has-text("Nothing was changed")');
  await page.fill('dialog .field input', 'hips-2026');
  await page.keyboard.press('Enter');
  await page.waitForSelector('.desk-told:has-text("The study is open")');
  await page.waitForSelector('h1:has-text("Open")');
  assert.match(await page.inputValue('#participant-link'), /\/study\.html\?study=hips-2026$/);
  await look(visitor, 'desk-open');

  await page.click('#consent-change');
  await page.fill('dialog textarea', 'Purpose: how hips are best learnt.\n\nTimes are kept.');
  await page.click('dialog [type=submit]');
  await page.waitForSelector('.desk-told:has-text("Everybody is asked again")');

  await part(page, 'flow');
  await page.waitForSelector('.desk-view:has-text("Nobody takes part yet")');
  rehearse(24);
  await page.check('[name=whose][value=simulated]');
  await page.waitForSelector('.flow-arm');
  assert.equal(await page.textContent('.flow-top:first-child strong'), '24');
  await look(visitor, 'flow');
  rehearse(2, 25);
  await page.evaluate(() => document.dispatchEvent(new Event('visibilitychange'))); // as whoever comes back to the tab
  await page.waitForSelector('.flow-top:first-child strong:text-is("26")');

  await part(page, 'results');
  await page.waitForSelector('.uplot');
  await page.selectOption('#measure', 'accuracy');
  await page.fill('#margin', '0.2');
  await page.click('#work-out');
  await page.waitForSelector('[data-phase=post] .verdict');
  await look(visitor, 'results');

  await part(page, 'people');
  for (const form of ['anonymise', 'delete']) {
    const code = await page.textContent('.figures tbody tr:has(button) code');
    await page.fill('#find-code', code);
    await page.waitForFunction(() => document.querySelectorAll('.figures tbody tr').length === 1);
    await page.click(`[aria-label="Take out ${code}"]`);
    await page.check(`dialog [value=${form}]`);
    await page.fill('dialog .field input', code);
    if (form === 'delete') {
      await look(visitor, 'withdraw');
    }
    await page.keyboard.press('Enter');
    await page.waitForSelector(`.desk-told:has-text("${code} is taken out")`);
    assert.deepEqual(daemon.rows(`SELECT count(*) AS n FROM participants WHERE code = '${code}'`), [{ n: 0 }]);
    const [{ cut }] = daemon.rows("SELECT count(*) AS cut FROM participants WHERE ended_how = 'anonymise'");
    assert.ok(cut > 0);
    await page.waitForFunction((without) => document.querySelectorAll('.figures tbody tr:not(:has(button))').length === without, cut);
  }
  await look(visitor, 'people');

  await part(page, 'export');
  const csv = await saved(page, 'responses.csv');
  assert.match(csv.text, /^[^\n]*participant_id/);
  assert.equal(sha256(csv.bytes), csv.told);
  await page.click('.teach summary:has-text("Codebook")');
  await look(visitor, 'export');

  await page.goto(`${daemon.url}/study-desk.html?study=hips-2026`);
  await filled(page);
  for (const [action, name] of [['close', 'Closed'], ['freeze', 'Frozen']]) {
    await page.focus(`#${action}`);
    await page.keyboard.press('Enter');
    await page.waitForSelector('dialog .field input:focus');
    await page.keyboard.type('hips-2026');
    if (action === 'freeze') {
      await look(visitor, 'freezing');
    }
    await page.keyboard.press('Enter');
    await page.waitForSelector(`h1:has-text("${name}")`);
  }
  await page.reload();
  await filled(page);
  await look(visitor, 'desk-frozen');
  const recorded = await page.textContent('#recorded');
  await part(page, 'export');
  const archive = await saved(page, 'package.zip');
  assert.equal(sha256(archive.bytes), recorded);
  await page.waitForSelector('.file-told:has-text("This is the hash on record")');
  await look(visitor, 'export-frozen');
  assert.deepEqual(visitor.complaints, []);
  await visitor.context.close();
});

/** Simulated learners take part, numbered from `first` on. */
function rehearse(learners, first = 1) {
  execFileSync(path.join(BUILD, 'roentgym'), ['simulate', '--server', daemon.url, '--study', 'hips-2026', '--learners', String(learners), '--first', String(first),
    '--leave', '0.05', '--withdraw', '0.1', '--admin-token-file', daemon.tokenFile, '--no-images', '--seed', '3', '--at-once', '4',
    '--skill', 'd=0.8,max=2.5,learn=0.03,spread=0.3'], { encoding: 'utf8' });
}

/** Downloads a file by its button. */
async function saved(page, file) {
  const [download] = await Promise.all([page.waitForEvent('download'), page.click(`[data-file="${file}"]`)]);
  const bytes = readFileSync(await download.path());
  const told = await page.locator('.file-row', { has: page.locator(`[data-file="${file}"]`) }).locator('.hash').first().textContent();
  return { bytes, told, text: bytes.toString('utf8') };
}

test('list, plan and desk fit phones of 390 and 360 px', async () => {
  for (const [options, width] of [[phone, '390'], [narrow, '360']]) {
    for (const [name, address] of [['list', '/studies.html'], ['editor', '/study-editor.html?from=hips-2026']]) {
      const visitor = await open(address, options, width);
      await filled(visitor.page);
      await look(visitor, `phone-${name}`, { shot: width === '390' });
      await visitor.context.close();
    }
    for (const view of ['overview', 'flow', 'results', 'people', 'export']) {
      const visitor = await open(`/study-desk.html?study=hips-2026&simulated=true#${view}`, options, width);
      await filled(visitor.page);
      await visitor.page.waitForSelector(`.desk-view[data-shown=${view}]`);
      await visitor.page.waitForLoadState('networkidle');
      await look(visitor, `phone-${view}`, { shot: width === '390' });
      assert.deepEqual(visitor.complaints, []);
      await visitor.context.close();
    }
  }
});
