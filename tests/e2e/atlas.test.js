/**
 * The atlas: hundreds of thumbnails without hundreds of elements, and an address for every view.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { desktop, openPage, phone } from './browser.js';
import { browser, daemon, serve } from './served.js';

serve();

const open = (options, search, suffix) => openPage(browser, options, `${daemon.url}/atlas.html${search}`, suffix);
/** Every cell in view has its image. */
const settled = (page) => page.waitForFunction(() => {
  const cells = [...document.querySelectorAll('.atlas-grid li')].filter((cell) => {
    const { top, bottom } = cell.getBoundingClientRect();
    return bottom > 0 && top < innerHeight;
  });
  return cells.length > 0 && cells.every((cell) => cell.querySelector('img')?.complete);
});
const drawn = (page) => page.waitForFunction(() => document.querySelector('.sample-status').textContent === ''
  && document.querySelector('.viewer-readout').textContent !== '');

test('one scrolls through thousands of hips, of which only those near the view exist', async () => {
  for (const [options, suffix] of [[phone, '390'], [desktop, '1280']]) {
    const student = await open(options, '', suffix);
    const { page } = student;
    await settled(page);
    await student.axe('the atlas');
    await student.shot('atlas', false);
    assert.deepEqual(await page.$$eval('.atlas-grid a', (links) => links.slice(0, 3).map((link) => link.innerText.replace(/\s+/g, ' ').trim())),
      ['no fracture hip 0', 'fracture hip 0', 'no fracture hip 1']);
    const height = await page.evaluate(() => document.documentElement.scrollHeight);
    assert.ok(height > 300000, `${height} px to scroll`);
    for (const part of [0.02, 0.3, 0.9]) {
      await page.evaluate((y) => scrollTo(0, y), height * part);
      await settled(page);
      const cells = await page.$$eval('.atlas-grid li', (items) => items.length);
      assert.ok(cells <= 100, `${cells} cells`);
    }
    const seen = student.traffic.filter(({ url }) => url.includes('/samples/'));
    assert.ok(seen.every(({ url }) => url.includes('size=256')), 'thumbnails only');
    await page.waitForFunction(() => { // the address is that of what is in view
      const hip = new RegExp(`\\s${new URLSearchParams(location.search).get('from')}$`);
      return [...document.querySelectorAll('.atlas-grid a')].some((link) => {
        const { top, bottom } = link.getBoundingClientRect();
        return hip.test(link.textContent) && bottom > 0 && top < innerHeight;
      });
    });
    const label = (await page.$$eval('.atlas-grid a', (links) => links.filter((link) => link.getBoundingClientRect().top >= 0)[0].textContent));
    await page.reload();
    await settled(page);
    assert.ok(await page.$$eval('.atlas-grid a', (links, wanted) => links.some((link) => link.textContent === wanted
      && link.getBoundingClientRect().top < innerHeight), label), 'a reload comes back to the same hips');
    assert.ok(await student.shifted() < 0.005, `layout shift ${await student.shifted()}`);
    assert.deepEqual(student.complaints, []);
    await student.context.close();
  }
});

test('by keyboard: from a thumbnail to the sample, its pair, its morph, the next hip and back', async () => {
  const student = await open(desktop, '?class=fracture&strength=0.8', '1280');
  const { page } = student;
  await settled(page);
  await page.focus('.atlas-grid li:nth-child(1) a');
  await page.keyboard.press('ArrowRight');
  await page.keyboard.press('ArrowRight');
  await page.keyboard.press('Enter');
  await page.waitForSelector('h2:has-text("Hip 2: fracture")');
  await drawn(page);
  await student.axe('one sample');
  await student.shot('atlas-sample');
  await page.focus('[data-view=pair]');
  await page.keyboard.press('Enter');
  await page.waitForSelector('h2:has-text("Hip 2: fracture and no fracture")');
  await page.waitForSelector('.viewer-stage[data-mode=side]');
  await drawn(page);
  await student.axe('a pair');
  await student.shot('atlas-pair');
  await page.focus('[data-view=morph]');
  await page.keyboard.press('Enter');
  await page.waitForSelector('.viewer-stage[data-mode=morph]');
  await drawn(page);
  const strengths = student.traffic.map(({ url }) => /\/(\w+)\/2\.png\?.*strength=([\d.]+)/.exec(url)).filter(Boolean).map(([, name, value]) => `${name} ${value}`);
  assert.deepEqual([...new Set(strengths.slice(-9))].sort(), ['fracture 0', 'fracture 0.2', 'fracture 0.4', 'fracture 0.6', 'fracture 0.8',
    'no_fracture 0.2', 'no_fracture 0.4', 'no_fracture 0.6', 'no_fracture 0.8']);
  await student.axe('a morph');
  await student.shot('atlas-morph');
  await page.focus('#sample-after');
  await page.keyboard.press('Enter');
  await page.waitForSelector('h2:has-text("Hip 3: fracture and no fracture")');
  const address = page.url();
  assert.equal(await page.inputValue('#sample-link'), address);
  await page.goBack();
  await page.waitForSelector('.atlas:not(.is-open)');
  await settled(page);

  const other = await openPage(browser, phone, address, '390');
  await other.page.waitForSelector('h2:has-text("Hip 3: fracture and no fracture")');
  await drawn(other.page);
  await other.axe('a morph by its link');
  await other.shot('atlas-morph');
  await other.page.click('#sample-close');
  await other.page.waitForSelector('.atlas:not(.is-open)');
  await settled(other.page);
  assert.deepEqual([...student.complaints, ...other.complaints], []);
  await other.context.close();
  await student.context.close();
});

test('a link to what the server no longer has says so and shows what there is', async () => {
  const student = await open(phone, '?model=gone&seed=1&of=fracture', '390');
  await student.page.waitForSelector('[role=alert]:has-text("The link names “gone”")');
  await student.page.waitForSelector('h2:has-text("Hip 1: fracture")');
  await student.axe('a lost link');
  await student.shot('atlas-lost');
  await student.context.close();
});

test('without a model, and when images do not come, the atlas says what is the matter', async () => {
  const student = await open(phone, '', '390');
  const { page } = student;
  await settled(page);
  await page.route('**/api/v1/samples/**', (route) => route.fulfill({ status: 404, json: { error: { code: 'unknown_model', message: 'There is no such model.' } } }));
  await page.evaluate(() => scrollTo(0, 90000));
  await page.waitForSelector('.thumb-trouble:has-text("There is no such model.")');
  await student.axe('thumbnails that do not come');
  await page.evaluate(() => document.querySelector('.atlas-grid li:nth-child(8) a').click());
  await page.waitForSelector('.sample-status:has-text("This cannot be shown: There is no such model.")');
  await student.axe('a sample that does not come');
  await student.shot('atlas-trouble');

  await page.route('**/api/v1/models', (route) => route.fulfill({ json: { models: [] } }));
  await page.goto(`${daemon.url}/atlas.html`);
  await page.waitForSelector('h1:has-text("Nothing to show yet")');
  await student.axe('no model');
  await student.shot('atlas-empty');
  await student.context.close();
});
