/**
 * The staff's pages: strangers and other roles are told where they are, and an administrator's main task, from the
 * invitation to the locked account, goes by keyboard.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { desktop, openPage, phone } from './browser.js';
import { browser, daemon, serve } from './served.js';
import { firstAdmin, PASSWORD } from './staff.js';
import { filled, tabTo } from './steps.js';

let admin;
serve(undefined, async () => {
  admin = await firstAdmin(daemon);
});

const heading = (page, text) => page.waitForSelector(`h1:has-text("${text}")`);

/** A page of somebody who is logged in. */
const openAs = (cookie, path, options, suffix) => openPage(browser, options, daemon.url + path, suffix, { cookies: [cookie] });

test('a stranger logs in and stands where they wanted to go', async () => {
  const visitor = await openPage(browser, phone, `${daemon.url}/audit.html`, '390');
  const { page } = visitor;
  await heading(page, 'Log in');
  await page.fill('#name', 'Dr. Zoë Klein');
  await page.fill('#password', PASSWORD);
  await page.keyboard.press('Enter');
  await heading(page, 'Record of changes');
  await filled(page);
  assert.equal(new URL(page.url()).pathname, '/audit.html');
  await visitor.context.close();
});

test('an educator is told which pages are not for educators', async () => {
  const visitor = await openAs(await admin.invite('educator', 'Eve'), '/accounts.html', phone, '390');
  await visitor.page.waitForSelector('main:has-text("This page is for accounts of the role administrator; yours is educator.")');
  assert.deepEqual(await visitor.page.$$eval('nav a', (links) => links.map(({ pathname }) => pathname).filter((path) => /accounts|audit/.test(path))), []);
  await visitor.axe('a page for others');
  await visitor.shot('not-for-you');
  await visitor.context.close();
});

test('by keyboard an administrator invites a researcher, makes an educator of her, and locks her out', async () => {
  const visitor = await openAs(admin.cookie, '/accounts.html', desktop, '1280');
  const { page } = visitor;
  await filled(page);
  await tabTo(page, 'input[value=educator]');
  await page.keyboard.press('ArrowDown');
  await tabTo(page, 'form [type=submit]');
  await page.keyboard.press('Enter');
  await page.waitForSelector('#one-time-link:focus');
  await visitor.axe('a link was made');
  await visitor.shot('accounts-link');
  const link = await page.inputValue('#one-time-link');

  const ruth = await openPage(browser, phone, link, '390');
  await heading(ruth.page, 'Your account');
  assert.match(await ruth.page.textContent('.account-lead'), /researcher/);
  await ruth.page.fill('#name', 'Ruth');
  await ruth.page.fill('#password', PASSWORD);
  await ruth.page.keyboard.press('Enter');
  await heading(ruth.page, 'Hello, Ruth');

  await page.reload();
  await filled(page);
  await tabTo(page, '[aria-label="Manage Ruth"]');
  await page.keyboard.press('Enter');
  await page.waitForSelector('dialog[open]');
  await visitor.axe('managing an account');
  await visitor.shot('accounts-manage');
  await page.keyboard.press('ArrowUp'); // the dialog's focus begins on the chosen role
  await tabTo(page, '#save-role');
  await page.keyboard.press('Enter');
  await page.waitForSelector('.row:has-text("Ruth"):has-text("Educator")');
  await page.waitForSelector('[aria-label="Manage Ruth"]:focus');
  await page.keyboard.press('Enter');
  await tabTo(page, '#lock');
  await page.keyboard.press('Enter');
  await page.waitForSelector('.row:has-text("Ruth"):has-text("Locked")');
  await visitor.axe('accounts, one locked');
  await visitor.shot('accounts');

  await ruth.page.reload();
  await heading(ruth.page, 'Log in');
  await ruth.context.close();

  await page.goto(`${daemon.url}/audit.html`);
  await page.waitForSelector('.row:has-text("Dr. Zoë Klein locked an account")');
  await visitor.axe('the record');
  await visitor.shot('audit');
  assert.deepEqual(visitor.complaints, []);
  await visitor.context.close();
});

test('whoever was logged out keeps what was typed and is told what to do', async () => {
  const visitor = await openAs(await admin.invite('educator', 'Otto'), '/account.html', phone, '390');
  const { page } = visitor;
  await filled(page);
  await page.fill('#current-password', PASSWORD);
  await page.fill('#next-password', 'seven grey hips');
  await page.context().clearCookies();
  await page.click('form [type=submit]');
  await page.waitForSelector('[role=alert]:has-text("You are logged out")');
  assert.equal(await page.inputValue('#next-password'), 'seven grey hips');
  await visitor.axe('logged out meanwhile');
  await visitor.shot('account-logged-out');
  await visitor.context.close();
});

test('the back button shows nothing of a page to the next one, and all of it to whoever is still logged in', async () => {
  const visitor = await openAs(await admin.invite('educator', 'Berta'), '/account.html', desktop, '1280');
  const { page } = visitor;
  await filled(page);
  await page.fill('#next-password', 'seven grey hips');
  // Playwright's Chromium keeps no pages: what a browser that does tells a page of its return.
  const comeBack = () => page.evaluate(() => window.dispatchEvent(new PageTransitionEvent('pageshow', { persisted: true })));
  await comeBack();
  await page.waitForSelector('#next-password');
  assert.equal(await page.inputValue('#next-password'), 'seven grey hips');
  await page.context().clearCookies();
  await comeBack();
  await heading(page, 'Log in');
  await visitor.context.close();
});

test('a server that fails is told with what to do, on the page and beside a button', async () => {
  const visitor = await openPage(browser, desktop, `${daemon.url}/staff.html`, '1280', { cookies: [admin.cookie] });
  const { page } = visitor;
  await filled(page);
  const fail = (route) => route.fulfill({ status: 500, json: { error: { code: 'internal', message: 'The disk is full.' } } });
  await page.route('**/api/v1/invitations', fail);
  await page.goto(`${daemon.url}/accounts.html`);
  await heading(page, 'Something went wrong');
  await page.waitForSelector('[role=alert]:has-text("“The disk is full.” Try again in a moment")');
  await visitor.axe('a page that could not be had');
  await visitor.shot('staff-failed');
  await page.unroute('**/api/v1/invitations', fail);
  await page.click('main button');
  await filled(page);
  await page.route('**/api/v1/invitations', (route) => (route.request().method() === 'POST' ? fail(route) : route.continue()));
  await page.click('form [type=submit]');
  await page.waitForSelector('form [role=alert]:has-text("The disk is full")');
  await visitor.axe('a button whose work failed');
  await visitor.context.close();
});

test('a password is changed, with the old one, and the way by touch leads out', async () => {
  const visitor = await openAs(await admin.invite('researcher', 'Rosa'), '/account.html', phone, '390');
  const { page } = visitor;
  await filled(page);
  await page.fill('#current-password', 'not this one');
  await page.fill('#next-password', 'seven grey hips');
  await page.tap('form [type=submit]');
  await page.waitForSelector('form [role=alert]:has-text("wrong")');
  await page.fill('#current-password', PASSWORD);
  await page.tap('form [type=submit]');
  await page.waitForSelector('form:has-text("The password is changed.")');
  assert.equal(await page.inputValue('#next-password'), '');
  await page.tap('.menu-button');
  await visitor.axe('the menu is open');
  await visitor.shot('menu');
  await page.tap('#log-out');
  await heading(page, 'Log in');
  await visitor.context.close();
});
