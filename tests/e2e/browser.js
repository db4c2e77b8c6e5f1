/**
 * Debian's Chromium with what every browser test watches: console, Content-Security-Policy, layout shifts,
 * accessibility, HTML, and the traffic.
 */

import assert from 'node:assert/strict';
import { mkdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { HtmlValidate, StaticConfigLoader } from 'html-validate';
import { chromium } from 'playwright-core';
import { BUILD } from './daemon.js';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
/** The standard's rules, on the document as scripts have made it: styles that they have set are no inline code. */
const HTML = new HtmlValidate(new StaticConfigLoader({
  extends: ['html-validate:standard'], rules: { 'no-inline-style': 'off', 'no-trailing-whitespace': 'off' },
}));
const SHOTS = path.join(BUILD, 'screenshots');
const CHROMIUM = process.env.CHROMIUM ?? '/usr/bin/chromium';
const PATIENCE_MS = 120000; // of what never comes, a slow and busy machine must not be thought to be

export const desktop = { viewport: { width: 1280, height: 800 } };
export const phone = { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true, deviceScaleFactor: 2 };

export function launchBrowser() {
  return chromium.launch({
    executablePath: CHROMIUM,
    timeout: PATIENCE_MS,
    args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
      '--disable-component-update', '--disable-sync'],
  });
}

/**
 * A page that is being watched.
 *
 * introduced: somebody who has read before how a drill goes, and is not told again. cookies: of somebody who is
 * logged in, as staff.js makes them.
 *
 * @returns {Promise<{page: object, context: object, complaints: string[], traffic: object[],
 *   shot: (name: string, whole?: boolean) => Promise<void>, axe: (where: string) => Promise<void>, shifted: () => Promise<number>}>}
 *   complaints: console errors, exceptions, policy violations and requests to other servers so far; axe: accessibility
 *   and HTML of what is on screen; traffic: see watchTraffic
 */
export async function openPage(browser, options, url, shotSuffix, { introduced = true, cookies = [] } = {}) {
  const context = await browser.newContext(options);
  context.setDefaultTimeout(PATIENCE_MS);
  await context.addCookies(cookies);
  const page = await context.newPage();
  const complaints = [];
  page.on('pageerror', (error) => complaints.push(`exception: ${error.message}`));
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') {
      complaints.push(`${message.type()}: ${message.text()}`);
    }
  });
  await page.exposeFunction('reportViolation', (text) => complaints.push(`policy: ${text}`));
  await page.addInitScript(() => {
    document.addEventListener('securitypolicyviolation', (event) => {
      window.reportViolation(`${event.violatedDirective} ${event.blockedURI} ${event.sourceFile}:${event.lineNumber}`);
    });
    window.layoutShift = 0;
    new PerformanceObserver((list) => {
      for (const entry of list.getEntries()) {
        window.layoutShift += entry.value;
      }
    }).observe({ type: 'layout-shift', buffered: true });
  });
  if (introduced) {
    await page.addInitScript(() => localStorage.setItem('roentgym.introduced', 'true'));
  }
  page.on('request', (request) => {
    if (/^(https?|wss?):/.test(request.url()) && new URL(request.url()).origin !== new URL(url).origin) {
      complaints.push(`third party: ${request.url()}`);
    }
  });
  const traffic = watchTraffic(page);
  await page.goto(url);
  return {
    page,
    context,
    complaints,
    traffic,
    shot: (name, whole = true) => screenshot(page, `${name}-${shotSuffix}`, whole),
    axe: async (where) => {
      await checkAccessibility(page, where);
      await checkHtml(page, where);
    },
    shifted: () => page.evaluate(() => window.layoutShift),
  };
}

/**
 * Notes each exchange in the order of the requests. `sent` is the request's body, `head` the reply's raw headers,
 * `body` its text or `image` its bytes; `done` resolves when the reply is complete.
 */
function watchTraffic(page) {
  const traffic = [];
  const byRequest = new Map();
  page.on('request', (request) => {
    const entry = { url: request.url(), method: request.method(), sent: request.postData() ?? '', status: null, head: '', body: '', image: null };
    entry.done = new Promise((resolve) => {
      entry.finish = resolve;
    });
    byRequest.set(request, entry);
    traffic.push(entry);
  });
  page.on('requestfailed', (request) => byRequest.get(request)?.finish());
  page.on('response', async (response) => {
    const entry = byRequest.get(response.request());
    try {
      entry.status = response.status();
      const headers = await response.headersArray();
      entry.head = headers.map(({ name, value }) => `${name}: ${value}`).join('\n');
      if (response.headers()['content-type']?.startsWith('image/png')) {
        entry.image = await response.body();
      } else {
        entry.body = await response.text();
      }
    } catch {
      /* The page went on before the body was read: checked as empty. */
    } finally {
      entry.finish();
    }
  });
  return traffic;
}

async function screenshot(page, name, whole) {
  mkdirSync(SHOTS, { recursive: true });
  await page.screenshot({ path: path.join(SHOTS, `${name}.png`), fullPage: whole });
}

/** The HTML standard, as far as html-validate knows it, on the state that is on screen. */
async function checkHtml(page, where) {
  const { results } = await HTML.validateString(await page.content());
  const found = results.flatMap(({ messages }) => messages.map(({ ruleId, message, selector }) => `${ruleId}: ${message} ${selector ?? ''}`));
  assert.deepEqual(found, [], `html-validate on ${where}`);
}

/** axe-core's WCAG 2.0 to 2.2 A and AA rules and its best practices, on the state that is on screen. */
async function checkAccessibility(page, where) {
  const debug = await page.context().newCDPSession(page);
  await debug.send('Runtime.evaluate', { expression: AXE }); // the page's own policy forbids scripts from elsewhere
  await debug.detach();
  const violations = await page.evaluate(async () => {
    const { violations: found } = await window.axe.run(document, {
      runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'],
    });
    return found.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html).join(' ')}`);
  });
  assert.deepEqual(violations, [], `axe-core on ${where}`);
}
