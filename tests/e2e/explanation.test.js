/**
 * What can be seen of an image once it is answered: its place, its pair, the way between; and the review of what was
 * missed.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { desktop, openPage, phone } from './browser.js';
import { assertNothingTold } from './secrecy.js';
import { browser, daemon, serve } from './served.js';
import { assertFits, next, shown } from './steps.js';

serve((config) => {
  config.decks = [{
    format: 2, id: 'place', title: 'Hips, with places', question: 'Is there a fracture?', items: 3, prevalence: 1, feedback: 'location', rating: 'two_buttons',
    choices: [{ id: 'no', label: 'No fracture' }, { id: 'yes', label: 'Fracture' }],
    sources: [{ kind: 'gan', model: 'default', classes: { no: ['no_fracture'], yes: ['fracture'] } }],
  }];
});

for (const [device, name] of [[phone, '390'], [desktop, '1280']]) {
  test(`after the answer the place, the pair and the morph can be looked at, and again in the review, at ${name}`, async () => {
    const student = await openPage(browser, device, daemon.url, name);
    const { page } = student;
    await page.click('#start');
    await shown(page, 1, 'viewing');
    assert.ok(!await page.isVisible('#compare'));
    await page.click('[data-choice=no]');
    await shown(page, 1, 'feedback');
    await page.waitForSelector('.viewer-overlay:has-text("What the model changed")');
    const before = student.traffic.findIndex(({ url }) => url.endsWith('/location.png'));
    assert.ok(student.traffic.slice(0, before).every(({ url }) => !url.includes('/samples/') || url.includes('size=512')), 'nothing that tells was fetched before the answer');
    await student.axe('the place of the finding');
    await student.shot('place');
    await page.click('#compare');
    await page.waitForSelector('.viewer-frames');
    await student.axe('a pair that blinks');
    await page.click('.viewer-frames [data-mode=side]');
    await student.shot('pair-side');
    await page.click('.viewer-frames [data-mode=morph]');
    await student.axe('a morph');
    await student.shot('pair-morph');
    await assertFits(page, 'a morph');
    await page.click('#compare');
    await page.waitForSelector('.viewer-overlay');
    assert.equal(await page.$('.viewer-frames'), null);
    await next(page);
    await shown(page, 2, 'viewing');
    assert.equal(await page.$('.viewer-overlay'), null, 'nothing of the last image is left');
    await page.click('[data-choice=no]');
    await shown(page, 2, 'feedback');
    await next(page);
    await shown(page, 3, 'viewing');
    await page.click('[data-choice=yes]');
    await shown(page, 3, 'feedback');
    await next(page);
    await page.waitForSelector('[data-screen=summary]');
    await page.click('#review');
    await page.waitForSelector('[data-screen=review][data-item="1"] .viewer-overlay');
    assert.equal(await page.textContent('.bar-count'), '1 of 2 missed');
    assert.equal(await page.getAttribute('.viewer-pane canvas', 'aria-label'), 'Hip radiograph, item 1 of 3');
    await student.axe('the review');
    await student.shot('review');
    await page.click('#next');
    await page.waitForSelector('[data-screen=review][data-item="2"]');
    await page.click('#next');
    await page.waitForSelector('[data-screen=summary]');
    await assertNothingTold(student.traffic, ['no_fracture', 'No fracture']);
    assert.deepEqual(student.complaints, []);
    await student.context.close();
  });
}

test('on a phone the way on stays in sight and where it is, whatever is compared', async () => {
  for (const viewport of [{ width: 390, height: 844 }, { width: 390, height: 664 }, { width: 360, height: 640 }]) {
    const where = `${viewport.width}x${viewport.height}`;
    const student = await openPage(browser, { ...phone, viewport }, daemon.url, where);
    const { page } = student;
    const wayOn = () => page.$eval('#next', (button) => JSON.stringify(button.getBoundingClientRect()));
    await page.tap('#start');
    await shown(page, 1, 'viewing');
    await page.tap('[data-choice=no]');
    await shown(page, 1, 'feedback');
    await page.waitForSelector('.viewer-overlay');
    const place = await wayOn();
    assert.ok(JSON.parse(place).bottom <= viewport.height, `${where}: ${place}`);
    await page.tap('#compare');
    await page.waitForSelector('.viewer-frames');
    for (const mode of ['blink', 'side', 'morph']) {
      await page.tap(`.viewer-frames [data-mode=${mode}]`);
      await page.waitForSelector(`.viewer-stage[data-mode=${mode}]`);
      assert.equal(await wayOn(), place, `${mode} at ${where}`);
    }
    await student.axe(`a morph at ${where}`);
    await page.tap('#compare');
    await page.waitForSelector('.viewer-overlay');
    assert.equal(await wayOn(), place, where);
    await student.context.close();
  }
});
