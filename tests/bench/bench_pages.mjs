/**
 * How fast the pages are in Chromium on a CPU slowed down four times: make bench-pages. About five minutes on two
 * cores that are free; learners' pages come first, and each page has its line as soon as it was visited.
 *
 * For each page, the medians and worst of ROUNDS first visits: LCP (largest contentful paint), CLS (how much moved),
 * and the longest time from an input to the paint after it (Event Timing) over what people do there. Beside them the
 * limits that the pages aim at, and the input that took longest. Prints, asserts nothing; a page that does not come as
 * far as it is used here is told with what it showed, and the others go on. No page needs another one to have been
 * visited. The daemon runs on the same cores, not slowed down.
 */

import { desktop, launchBrowser, phone } from '../e2e/browser.js';
import { startDaemon } from '../e2e/daemon.js';
import { addCollection } from '../e2e/library.js';
import { firstAdmin } from '../e2e/staff.js';

const ROUNDS = 3;
const ONLY = process.argv[2]; // the name of one page
const PATIENCE_MS = 60000; // of one wait; slowed down on busy cores the slowest takes a few seconds
const SLOWDOWN = 4;
const LIMITS = { lcp: 2500, cls: 0, input: 200 };

const settle = (page) => page.waitForTimeout(400);
const press = async (page, key) => {
  await page.keyboard.press(key);
  await settle(page);
};
const click = async (page, selector) => {
  await page.click(selector);
  await settle(page);
};
const filled = (page) => page.waitForSelector('main[data-filled]');
const thumbnails = (page) => page.waitForFunction(() => document.querySelectorAll('.atlas-grid img').length >= 6);

/** @type {{name: string, path: string, staff?: boolean, use: (page: object) => Promise<void>}[]} */
const PAGES = [
  { name: 'start', path: '/', use: (page) => page.waitForSelector('#start') },
  {
    name: 'drill',
    path: '/',
    use: async (page) => {
      await click(page, '#start');
      for (let item = 1; item <= 2; item++) {
        await page.waitForSelector(`[data-item="${item}"][data-phase=viewing]`);
        await click(page, '[data-choice=fracture]');
        await click(page, '[data-confidence="2"]');
        await page.waitForSelector('[data-phase=feedback]');
        await settle(page);
        await click(page, '#next');
      }
    },
  },
  {
    name: 'study',
    path: '/study.html?study=hips',
    use: async (page) => {
      await page.waitForSelector('[data-screen=invitation]');
      await click(page, '#agreed');
      await click(page, '#agree');
      await page.waitForSelector('[data-screen=code]');
      await click(page, '#go');
      await page.waitForSelector('[data-screen=where]');
      await click(page, '#start-phase');
      await page.waitForSelector('[data-screen=intro]');
      await click(page, '#go');
      await page.waitForSelector('[data-item="1"][data-phase=viewing]');
      await click(page, '[data-choice=yes]');
      await click(page, '[data-confidence="2"]');
      await page.waitForSelector('[data-item="2"][data-phase=viewing]');
    },
  },
  {
    name: 'atlas',
    path: '/atlas.html',
    use: async (page) => {
      await thumbnails(page);
      if (!await page.isVisible('.chip')) {
        await click(page, '.atlas-controls summary');
      }
      await click(page, '.chip input[value=no_fracture]');
      await page.focus('#strength');
      await press(page, 'ArrowLeft');
      await page.evaluate(() => scrollTo(0, 30000));
      await thumbnails(page);
      await click(page, '.atlas-grid li:nth-child(8) a');
    },
  },
  {
    name: 'atlas, a sample',
    path: '/atlas.html?of=fracture&seed=17',
    use: async (page) => {
      await page.waitForFunction(() => document.querySelector('.sample-status')?.textContent === '');
      await click(page, '[data-view=pair]');
      await click(page, '[data-view=morph]');
      await page.waitForFunction(() => document.querySelector('.sample-status').textContent === '');
      await click(page, '.viewer-extras .stepper-button:last-child');
    },
  },
  { name: 'log-in', path: '/login.html', use: (page) => click(page, '#name') },
  {
    name: 'accounts',
    path: '/accounts.html',
    staff: true,
    use: async (page) => {
      await filled(page);
      await click(page, '#accounts .button');
      await click(page, 'dialog .option:nth-of-type(2)');
    },
  },
  { name: 'decks', path: '/decks.html', staff: true, use: filled },
  {
    name: 'deck editor',
    path: '/deck.html',
    staff: true,
    use: async (page) => {
      await page.waitForSelector('#preview-images img');
      await page.focus('#deck-title');
      await press(page, 'H');
      await page.focus('#deck-prevalence');
      await press(page, 'ArrowLeft');
      await click(page, '#images > summary');
      await click(page, '#order > summary');
      await click(page, 'label:has-text("A list that I choose")');
      await click(page, '#choosing > summary');
      await page.waitForSelector('.picks img');
      await click(page, '.picks input');
    },
  },
  { name: 'studies', path: '/studies.html', staff: true, use: filled },
  {
    name: 'study editor',
    path: '/study-editor.html',
    staff: true,
    use: async (page) => {
      await filled(page);
      await page.focus('[data-path="title"] input');
      await press(page, 'H');
      await click(page, '#add-stratum');
      await click(page, '#add-question');
      await click(page, '#save');
    },
  },
  {
    name: 'study desk',
    path: '/study-desk.html?study=hips',
    staff: true,
    use: async (page) => {
      await filled(page);
      for (const view of ['flow', 'results', 'people', 'export']) {
        await click(page, `.tabs a[href="#${view}"]`);
      }
    },
  },
  { name: 'record', path: '/audit.html', staff: true, use: filled },
];

async function visit(browser, options, url, cookies, use) {
  const context = await browser.newContext(options);
  try {
    await context.addCookies(cookies);
    context.setDefaultTimeout(PATIENCE_MS);
    return await seenOn(await context.newPage(), url, use);
  } finally {
    await context.close();
  }
}

async function seenOn(page, url, use) {
  const debug = await page.context().newCDPSession(page);
  await debug.send('Emulation.setCPUThrottlingRate', { rate: SLOWDOWN });
  await page.addInitScript(() => {
    localStorage.setItem('roentgym.introduced', 'true');
    window.seen = { lcp: 0, cls: 0, input: 0, slowest: '' };
    const pressed = []; // what is pressed is often gone when its time is told
    for (const type of ['pointerdown', 'keydown']) {
      addEventListener(type, ({ target, timeStamp }) => {
        const { id, className, textContent } = target.closest('button, a, label, summary') ?? target;
        pressed.push({ at: timeStamp, name: id || className || textContent });
      }, { capture: true });
    }
    const watch = (type, note, more = {}) => new PerformanceObserver((list) => list.getEntries().forEach(note)).observe({ type, buffered: true, ...more });
    watch('largest-contentful-paint', (entry) => { window.seen.lcp = entry.startTime; });
    watch('layout-shift', (entry) => { window.seen.cls += entry.hadRecentInput ? 0 : entry.value; });
    watch('event', (entry) => {
      if (entry.interactionId && entry.duration > window.seen.input) {
        window.seen.input = entry.duration;
        window.seen.slowest = `${entry.name} ${pressed.findLast(({ at }) => at <= entry.startTime + 1)?.name ?? ''}`;
      }
    }, { durationThreshold: 16 });
  });
  await page.goto(url);
  await use(page).catch(async (error) => {
    const shown = (await page.innerText('body').catch(() => 'nothing')).replace(/\s+/g, ' ').slice(0, 300);
    throw new Error(`${error.message.split('\n').slice(0, 3).join(' ')}; ${page.url()} showed: ${shown}`);
  });
  await settle(page);
  return page.evaluate(() => window.seen);
}

const median = (values) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];
const cell = (values, digits = 0) => `${median(values).toFixed(digits).padStart(7)} ${Math.max(...values).toFixed(digits).padStart(7)}`;

const source = (kind) => ({ kind, model: 'default', classes: { no: ['no_fracture'], yes: ['fracture'] }, ...(kind === 'library' ? { collection: 'hips' } : {}) });
const deckOf = (id, change) => ({
  format: 2, id, title: id, question: 'Is there a fracture?', items: 4, prevalence: 0.5, choices: [{ id: 'no', label: 'No' }, { id: 'yes', label: 'Yes' }], ...change,
});

/** A test of a collection's images and a training of drawn ones, for all that take part. */
async function openStudy(admin) {
  await admin.send('/api/v1/studies', {
    format: 1, id: 'hips', title: 'Learning to read hips', contact: 'study@example.org', consent: { text: 'Taking part is voluntary.' },
    blocks: [2], arms: ['a', 'b'].map((id) => ({ id, label: id, deck: 'training' })),
    phases: [{ id: 'before', kind: 'test', deck: 'exam' }, { id: 'practice', kind: 'training' }],
  });
  await admin.send('/api/v1/studies/hips/open', {}, { 'If-Match': '"1"' });
}

/** One page at one width: its line, or what went wrong. */
async function time({ name, path, staff, use }, width, options, { browser, url, cookie }) {
  const rounds = [];
  try {
    for (let round = 0; round < ROUNDS; round++) {
      rounds.push(await visit(browser, options, url + path, staff ? [cookie] : [], use));
    }
  } catch (error) {
    process.exitCode = 1;
    console.log(`${`${name} ${width}`.padEnd(24)} failed: ${error.message}`);
    return;
  }
  const of = (key) => rounds.map((seen) => seen[key]);
  const { slowest } = rounds.toSorted((a, b) => b.input - a.input)[0];
  console.log(`${`${name} ${width}`.padEnd(24)} ${cell(of('lcp'))} ${cell(of('cls'), 3)} ${cell(of('input'))}  ${slowest}`);
}

const wanted = PAGES.filter(({ name }) => !ONLY || name === ONLY);
if (wanted.length === 0) {
  console.error(`bench-pages: no page is called "${ONLY}"; there are: ${PAGES.map(({ name }) => name).join('; ')}`);
  process.exit(2);
}
const daemon = await startDaemon((config) => {
  config.decks.push(deckOf('exam', { feedback: 'none', draw: { mode: 'fixed', seed: '5' }, sources: [{ ...source('library'), split: 'test' }] }),
    deckOf('training', { sources: [source('gan')] }));
});
const browser = await launchBrowser();
try {
  const admin = await firstAdmin(daemon);
  const { cookie } = admin;
  addCollection(daemon, 'hips', 24);
  await openStudy(admin);
  console.log(`CPU slowed down ${SLOWDOWN} times, ${ROUNDS} first visits each; median and worst`);
  console.log(`${''.padEnd(24)} ${'LCP ms'.padStart(15)} ${'CLS'.padStart(15)} ${'input to paint'.padStart(15)}`);
  console.log(`${'limit'.padEnd(24)} ${String(LIMITS.lcp).padStart(15)} ${String(LIMITS.cls).padStart(15)} ${String(LIMITS.input).padStart(15)}`);
  for (const page of wanted) {
    await time(page, '390', phone, { browser, url: daemon.url, cookie });
    await time(page, '1280', desktop, { browser, url: daemon.url, cookie });
  }
} finally {
  await browser.close();
  await daemon.stop();
}
