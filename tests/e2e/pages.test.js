/**
 * Every HTML file of web/, as an administrator first sees it on a phone and at a desk: accessible, valid, within its
 * width, under the strict policy, saying what the images are, and with a screenshot to look at.
 */

import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { desktop, openPage, phone } from './browser.js';
import { BUILD } from './daemon.js';
import { browser, daemon, serve } from './served.js';
import { firstAdmin } from './staff.js';
import { assertFits, assertTargets } from './steps.js';

const narrow = { ...phone, viewport: { width: 360, height: 740 } };
/** Those that only a stranger sees: whoever is logged in is sent on from there. */
const STRANGERS = ['login.html', 'setup.html'];

let cookie;
serve(undefined, async () => {
  ({ cookie } = await firstAdmin(daemon));
});

/** It says what the images are, and nothing was loaded for a while. */
async function quiet(page) {
  await page.waitForSelector('h1');
  await page.waitForSelector('body:has-text("not for diagnosis")');
  await page.waitForLoadState('networkidle');
}

for (const file of readdirSync(path.join(BUILD, 'web')).filter((name) => name.endsWith('.html'))) {
  test(`${file} is whole on a phone, at a desk and at 360 px`, async () => {
    for (const [options, width] of [[phone, 390], [desktop, 1280], [narrow, 360]]) {
      const cookies = STRANGERS.includes(file) ? [] : [cookie];
      const visitor = await openPage(browser, options, `${daemon.url}/${file}`, String(width), { cookies });
      const { page } = visitor;
      await quiet(page);
      assert.ok(await visitor.shifted() < 0.005, `layout shift ${await visitor.shifted()}`); // a screenshot of the whole page moves things
      await assertFits(page, `${file} at ${width} px`);
      await assertTargets(page, `${file} at ${width} px`);
      await visitor.axe(`${file} at ${width} px`);
      if (width !== 360) {
        await visitor.shot(`page-${file.replace('.html', '')}`, file !== 'atlas.html'); // its grid is a million pixels high
      }
      assert.deepEqual(visitor.complaints.filter((text) => !/40[14]/.test(text)), []); // a stranger's 401, an empty link's 404
      await visitor.context.close();
    }
  });
}

test('the head of each page names just the modules that its script imports, so that none waits for another', async () => {
  const named = /<link rel="modulepreload" href="([^"]+)">\n/g;
  for (const file of readdirSync(path.join(BUILD, 'web')).filter((name) => name.endsWith('.html'))) {
    const context = await browser.newContext();
    await context.addCookies(STRANGERS.includes(file) ? [] : [cookie]);
    const page = await context.newPage();
    const asked = new Set();
    let names = [];
    page.on('request', (request) => asked.add(new URL(request.url()).pathname));
    await page.route(`**/${file}`, async (route) => { // without them the browser finds the modules by itself
      const response = await route.fetch();
      const html = await response.text();
      names = [...html.matchAll(named)].map(([, name]) => name);
      const [, script] = /<script type="module" src="([^"]+)"/.exec(html) ?? [];
      names.push(...(script ? [script] : []));
      await route.fulfill({ response, body: html.replaceAll(named, '') });
    });
    await page.goto(`${daemon.url}/${file}`);
    await page.waitForLoadState('networkidle');
    assert.deepEqual(names.sort(), [...asked].filter((address) => address.startsWith('/js/')).sort(), file);
    await context.close();
  }
});

test('every page comes under a policy without inline code and with Trusted Types', async () => {
  for (const file of readdirSync(path.join(BUILD, 'web')).filter((name) => name.endsWith('.html'))) {
    const policy = (await fetch(`${daemon.url}/${file}`)).headers.get('content-security-policy');
    assert.match(policy, /default-src 'none'; script-src 'self'; style-src 'self';/, file);
    assert.match(policy, /require-trusted-types-for 'script'/, file);
    assert.doesNotMatch(policy, /unsafe|https?:|\*/, file);
  }
});

test('a link to a deck or a page that is not there says so, and leads to the start page', async () => {
  for (const [address, title] of [['/?deck=none', 'There is no such deck here'], ['/decks', 'There is no such page']]) {
    const visitor = await openPage(browser, phone, daemon.url + address, 'unused');
    const { page } = visitor;
    await page.waitForSelector(`h1:has-text("${title}")`);
    await page.tap('.button-main');
    await page.waitForSelector('[data-screen=start]');
    await visitor.context.close();
  }
});
