/**
 * The pages that roentgym writes, of an evaluation and of a training run, opened as files: accessible, valid, within
 * their width at 1000 px and on a phone, with nothing fetched, and with a screenshot to look at.
 */

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { launchBrowser, openPage, phone } from './browser.js';
import { BUILD } from './daemon.js';
import { assertFits } from './steps.js';

const desk = { viewport: { width: 1000, height: 800 } };
const WIDTHS = [[desk, 1000], [phone, 390]];
/** On the CPU, without a word about a GPU. */
const QUIETLY = { ...process.env, OMP_NUM_THREADS: '1', OMP_WAIT_POLICY: 'passive', ROENTGYM_CUDA_LIBRARY: 'none' };

let browser;
let folder;

const inside = (name) => path.join(folder, name);

function roentgym(...words) {
  execFileSync(path.join(BUILD, 'roentgym'), words, { env: QUIETLY, stdio: ['ignore', 'ignore', 'pipe'] });
}

before(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'roentgym-written-'));
  roentgym('phantom', '--patients', '40', '--size', '64', '--seed', '1', '--out', inside('hips'));
  roentgym('train', '--data', inside('hips'), '--out', inside('run'), '--resolution', '16', '--fmap-base', '128',
    '--fmap-max', '8', '--levels', '4:0/0.1,8:0/0,16:0/0.1');
  browser = await launchBrowser();
});

after(async () => {
  await browser?.close();
  rmSync(folder, { recursive: true, force: true });
});

/** Opens it at each width; look(page, width) besides what holds for all. */
async function check(file, name, look = async () => {}) {
  for (const [options, width] of WIDTHS) {
    const visitor = await openPage(browser, options, pathToFileURL(file).href, String(width), { introduced: false });
    const { page } = visitor;
    await page.waitForLoadState('networkidle');
    await assertFits(page, `${name} at ${width} px`);
    await visitor.axe(`${name} at ${width} px`);
    await look(page, width);
    await visitor.shot(`written-${name}`);
    assert.deepEqual(visitor.complaints, []);
    assert.deepEqual(visitor.traffic.filter(({ url }) => !/^(file|data):/.test(url)), []);
    await visitor.context.close();
  }
}

/** Words of an SVG picture are no smaller than 9 px, as it is shown. */
async function assertLegible(page, where) {
  const scales = await page.$$eval('img.drawn', (images) => images.map((image) => image.clientWidth / image.naturalWidth));
  assert.ok(scales.length >= 4, `${scales.length} pictures`);
  assert.ok(Math.min(...scales) > 0.6, `${where}: pictures shrink to ${Math.min(...scales)}`);
}

test('an evaluation with no part says what is missing', async () => {
  roentgym('evaluate', 'all', '--data', inside('hips'), '--model', inside('run/generator.safetensors'), '--out', inside('none'), '--parts', '');
  await check(inside('none/report.html'), 'evaluation-without-parts');
});

test('an evaluation of all parts is whole and has intervals with its headline figures', async () => {
  roentgym('evaluate', 'all', '--quick', '--side', '32', '--epochs', '1', '--data', inside('hips'), '--model',
    inside('run/generator.safetensors'), '--out', inside('evaluated'));
  await check(inside('evaluated/report.html'), 'evaluation', async (page, width) => {
    const figures = await page.$$eval('.facts div', (all) => all.map((one) => [one.querySelector('dt').textContent, one.querySelector('.range')?.textContent]));
    assert.deepEqual(figures.filter(([, range]) => !/^-?[\d.]+ to -?[\d.]+( %)?$/.test(range)).map(([name]) => name), ['SWD × 1000, mean']);
    assert.equal(figures.length, 5);
    const warned = await page.$$eval('main section:has(> .problem)', (all) => all.map(({ id }) => id));
    const ofTests = warned.filter((id) => !['neighbours', 'tsne'].includes(id)); // whose network may be weak or not
    assert.deepEqual(ofTests, ['labels', 'table1', 'low-data', 'boundary']); // of a judge and of tests on a few patients
    await assertLegible(page, `${width} px`);
  });
});

test('the report of a training run is whole', async () => {
  roentgym('report', inside('run'));
  await check(inside('run/report.html'), 'run');
});
