/**
 * Where things are: nothing moves, everything fits, targets are large enough for thumbs.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { desktop, openPage, phone } from './browser.js';
import { browser, daemon, serve } from './served.js';
import { assertFits, settle, shown } from './steps.js';

serve();

test('nothing moves from the question to the next image, and the next image is there at once', async () => {
  for (const options of [desktop, phone]) {
    const student = await openPage(browser, options, daemon.url, 'unused');
    const { page } = student;
    await page.click('#start');
    await shown(page, 1, 'viewing');
    const before = await page.$eval('.viewer-stage', (film) => JSON.stringify(film.getBoundingClientRect()));
    for (const item of [1, 2]) {
      await shown(page, item, 'viewing');
      await page.waitForLoadState('networkidle'); // the read-ahead of the next image
      await page.click('[data-choice=fracture]');
      await page.click('[data-confidence="2"]');
      await shown(page, item, 'feedback');
      await settle(page);
      const requests = student.traffic.length;
      await page.click('#next');
      await shown(page, item + 1, 'viewing');
      const fetched = student.traffic.slice(requests).filter(({ url }) => url.includes('/images/')).length;
      assert.ok(fetched <= 1, 'at most the image after the next one is fetched');
    }
    assert.equal(await page.$eval('.viewer-stage', (film) => JSON.stringify(film.getBoundingClientRect())), before);
    assert.ok(await student.shifted() < 0.005, `layout shift ${await student.shifted()}`);
    await student.context.close();
  }
});

test('every page fits 320, 360, 390 and 1280 px and 200 % zoom, with targets of at least 44 px', async () => {
  for (const [width, height] of [[320, 568], [360, 640], [390, 664], [640, 400], [844, 390], [1280, 800]]) {
    const where = `${width}x${height}`;
    const student = await openPage(browser, { viewport: { width, height } }, daemon.url, where);
    const { page } = student;
    await page.waitForSelector('[data-screen=start]');
    await assertFits(page, `start ${where}`);
    await page.click('#start');
    await shown(page, 1, 'viewing');
    await page.click('[data-choice=fracture]');
    await assertFits(page, `drill ${where}`);
    const small = await page.$$eval('button:enabled', (buttons) => buttons
      .filter((button) => button.checkVisibility({ visibilityProperty: true }))
      .map((button) => ({ text: button.textContent, box: button.getBoundingClientRect() }))
      .filter(({ box }) => box.width < 44 || box.height < 44)
      .map(({ text, box }) => `${text} ${box.width}x${box.height}`));
    assert.deepEqual(small, [], where);
    const film = await page.$eval('.viewer-stage', (element) => element.getBoundingClientRect().toJSON());
    assert.ok(Math.abs(film.width - film.height) < 1 && film.width >= 224, `${where}: image ${film.width}x${film.height}`);
    await student.shot('fits');
    await student.context.close();
  }
});

test('on the smallest phone the way on is in sight without scrolling', async () => {
  const student = await openPage(browser, { ...phone, viewport: { width: 320, height: 568 } }, daemon.url, 'unused');
  const { page } = student;
  await page.tap('#start');
  await shown(page, 1, 'viewing');
  await page.tap('[data-choice=fracture]');
  await page.tap('[data-confidence="2"]');
  await shown(page, 1, 'feedback');
  const bottom = await page.$eval('#next', (button) => button.getBoundingClientRect().bottom + scrollY);
  assert.ok(bottom <= 568, `it ends at ${bottom} px`);
  await student.context.close();
});

test('with text of 200 % nothing is cut off or broken inside a word', async () => {
  const student = await openPage(browser, phone, daemon.url, 'large-text');
  const { page } = student;
  await page.evaluate(() => {
    document.documentElement.style.fontSize = '200%';
  });
  await page.tap('#start');
  await shown(page, 1, 'viewing');
  await assertFits(page, 'drill with large text');
  const cut = await page.$$eval('.bar-count, .viewer-readout', (lines) => lines
    .filter((line) => line.getBoundingClientRect().height > line.parentElement.closest('.bar, .viewer-tools').getBoundingClientRect().height)
    .map((line) => line.textContent));
  assert.deepEqual(cut, [], 'lines that are higher than the bar that they stand in');
  const broken = await page.$$eval('.level', (levels) => levels.map((level) => {
    const words = document.createTreeWalker(level, NodeFilter.SHOW_TEXT).nextNode();
    const range = document.createRange();
    range.selectNodeContents(words);
    return { text: words.data, lines: range.getClientRects().length };
  }).filter(({ text, lines }) => lines > text.trim().split(' ').length));
  assert.deepEqual(broken, [], 'levels of confidence with more lines than words');
  await student.shot('large-text');
  await student.context.close();
});
