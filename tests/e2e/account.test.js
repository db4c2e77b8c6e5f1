/**
 * The first administrator's way from the link that the daemon prints to being logged in, out and in again.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { desktop, openPage, phone } from './browser.js';
import { browser, daemon, serve } from './served.js';

const NAME = 'Dr. Zoë Klein';
const PASSWORD = 'six grey hips in a row';

serve();

const heading = (page, text) => page.waitForSelector(`h1:has-text("${text}")`);
/** A browser tells of every 401 itself; that one is how the page finds that nobody is logged in. */
const serious = (complaints) => complaints.filter((text) => !text.includes('401'));

test('a link makes the account once, and name and password open it again', async () => {
  const link = daemon.adminLink();
  const visitor = await openPage(browser, phone, link, '390');
  const { page } = visitor;
  await heading(page, 'Your account');
  assert.match(await page.textContent('.account-lead'), /administrator/);
  await visitor.axe('setting up');
  await visitor.shot('setup');
  await page.fill('#name', NAME);
  await page.fill('#password', PASSWORD);
  await page.check('.switch input');
  assert.equal(await page.$eval('#password', (input) => input.type), 'text');
  await page.click('[type=submit]');
  await heading(page, `Hello, ${NAME}`);
  assert.ok(!page.url().includes('#'), 'the link is out of the address');
  await visitor.axe('the staff’s first page');
  await visitor.shot('staff');

  await page.reload();
  await heading(page, `Hello, ${NAME}`);
  assert.equal(await page.evaluate(() => document.cookie), '', 'scripts do not see the cookie');
  await page.click('.menu-button');
  await page.click('#log-out');
  await heading(page, 'Log in');
  await visitor.axe('logging in');
  await visitor.shot('login');
  await page.fill('#name', NAME.toLowerCase());
  await page.fill('#password', 'something else');
  await page.click('[type=submit]');
  await page.waitForSelector('.account-trouble:has-text("Name or password is wrong.")');
  await page.fill('#password', PASSWORD);
  await page.keyboard.press('Enter');
  await heading(page, `Hello, ${NAME}`);
  assert.deepEqual(serious(visitor.complaints), []);
  const secret = link.split('#')[1];
  assert.ok(visitor.traffic.every(({ url, head }) => !url.includes(secret) && !head.includes(secret)));
  await visitor.context.close();

  const late = await openPage(browser, desktop, link, '1280');
  await heading(late.page, 'This link is of no use');
  await late.axe('a used link');
  await late.shot('used-link');
  await late.context.close();
});
