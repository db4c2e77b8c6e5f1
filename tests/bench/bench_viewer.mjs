#!/usr/bin/env node
/**
 * Frame times of the image viewer in Chromium without a GPU, beside other ways to window an image. Prints; asserts
 * nothing.
 *
 *   ROENTGYM_BUILD=build node tests/bench/bench_viewer.mjs [--throttle 1,4] [--seconds 2]
 *
 * A 1024x1024 sample in a viewer as wide as the drill shows it, on a page of 1280x800 and on a telephone of 390x844 with
 * three device pixels to a CSS pixel. The mouse is moved through the browser's own input; each interval between two
 * frames of the page counts, and 16.7 ms is the display's. Throttling slows the page's own thread; drawing on other
 * threads (CSS and SVG filters) goes unthrottled, so those rows flatter. `cpu` is what that thread computed for a frame:
 * on a busy machine it is steadier than the intervals.
 */

import { parseArgs } from 'node:util';
import { launchBrowser } from '../e2e/browser.js';
import { startDaemon } from '../e2e/daemon.js';

const { values: options } = parseArgs({ options: { throttle: { type: 'string', default: '1,4' }, seconds: { type: 'string', default: '2' } } });
const SECONDS = Number(options.seconds);
const INPUT_HZ = 120;

const places = [
  { name: '1280x800, 1 px', width: 712, page: { viewport: { width: 1280, height: 800 } } },
  { name: '390x844, 3 px', width: 390, page: { viewport: { width: 390, height: 844 }, deviceScaleFactor: 3 } },
];

/** In the page: one viewer with a pair of samples and marks, ready at zoom `zoom`. */
async function openViewer({ width, zoom, mode, marked }) {
  const [{ createViewer }, { readGreyPng }] = await Promise.all([import('/js/viewer/viewer.js'), import('/js/viewer/grey_png.js')]);
  const read = async (name) => readGreyPng(await (await fetch(`/api/v1/samples/default/${name}/1.png?size=1024`)).blob());
  const [first, second] = [await read('no_fracture'), await read('fracture')];
  const viewer = createViewer({ shortcuts: () => true, help: false });
  const place = document.createElement('div');
  place.style.width = `${width}px`;
  place.append(viewer.root, viewer.extras);
  document.body.replaceChildren(place);
  await new Promise((resolve) => setTimeout(resolve, 200));
  if (mode) {
    viewer.setFrames([{ image: first, label: 'No fracture' }, { image: second, label: 'Fracture' }]);
    viewer.compare(mode);
  } else {
    viewer.setImage(second, 'sample');
  }
  if (marked) {
    viewer.setOverlay({ ...second, grey: second.grey.map((level, i) => Math.abs(level - first.grey[i])) }, 'Difference');
  }
  for (let at = 1; at < zoom; at *= 1.25) {
    viewer.stage.dispatchEvent(new KeyboardEvent('keydown', { key: '+', bubbles: true }));
  }
  window.benched = viewer;
}

/** In the page: another way to window the same sample, moved by `window.steer(t)` at each frame. */
async function openPeer({ width, way }) {
  const blob = await (await fetch('/api/v1/samples/default/fracture/1.png?size=1024')).blob();
  const bitmap = await createImageBitmap(blob);
  const side = way === 'lut of the image' || way.endsWith('filter') ? 1024 : Math.round(width * devicePixelRatio);
  const canvas = Object.assign(document.createElement('canvas'), { width: side, height: side });
  canvas.style.width = canvas.style.height = `${width}px`;
  document.body.replaceChildren(canvas);
  const work = new OffscreenCanvas(side, side).getContext('2d', { willReadFrequently: true });
  const context = canvas.getContext('2d', { alpha: false });
  const draw = (zoom) => work.drawImage(bitmap, (side * (1 - zoom)) / 2, (side * (1 - zoom)) / 2, side * zoom, side * zoom);
  const look = new Uint32Array(256);
  const shade = (t) => {
    const data = work.getImageData(0, 0, side, side);
    const pixels = new Uint32Array(data.data.buffer);
    for (let i = 0; i < 256; i++) {
      const level = Math.max(0, Math.min(255, Math.round((i - 50 * t) * 1.5)));
      look[i] = 0xff000000 | (level * 0x010101);
    }
    for (let i = 0; i < pixels.length; i++) {
      pixels[i] = look[pixels[i] & 255];
    }
    context.putImageData(data, 0, 0);
  };
  draw(1);
  context.drawImage(bitmap, 0, 0, side, side);
  if (way === 'svg filter') {
    const svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
    const node = (tag, attributes, parent) => {
      const made = parent.appendChild(document.createElementNS('http://www.w3.org/2000/svg', tag));
      Object.entries(attributes).forEach(([name, value]) => made.setAttribute(name, value));
      return made;
    };
    const transfer = node('feComponentTransfer', {}, node('filter', { id: 'window', 'color-interpolation-filters': 'sRGB' }, svg));
    const functions = ['R', 'G', 'B'].map((name) => node(`feFunc${name}`, { type: 'linear', slope: '1.5', intercept: '0' }, transfer));
    document.body.append(svg);
    canvas.style.filter = 'url(#window)';
    window.steer = (t) => functions.forEach((one) => one.setAttribute('intercept', String(-0.3 * t)));
  } else if (way === 'css filter') {
    window.steer = (t) => {
      canvas.style.filter = `brightness(${1 - 0.3 * t}) contrast(1.5)`;
    };
  } else if (way === 'draw, read, lut') {
    window.steer = (t) => {
      draw(1 + t);
      shade(t);
    };
  } else {
    window.steer = shade;
  }
}

/** In the page: the intervals between its frames while something moves. */
function watchFrames(seconds) {
  return new Promise((resolve) => {
    const intervals = [];
    const begin = performance.now();
    let last = null;
    const step = (now) => {
      if (last !== null) {
        intervals.push(now - last);
      }
      last = now;
      if (now - begin > seconds * 1000) {
        resolve(intervals);
        return;
      }
      requestAnimationFrame(step);
      window.steer?.(Math.abs(Math.sin((now - begin) / 300)));
    };
    requestAnimationFrame(step);
  });
}

/** What the page's own thread has computed so far, ms of the processor's time. */
async function computed(debug) {
  const { metrics } = await debug.send('Performance.getMetrics');
  return metrics.find(({ name }) => name === 'TaskDuration').value * 1000;
}

const at = (sorted, part) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))];

async function measure(name, page, debug) {
  const before = await computed(debug);
  const intervals = await page.evaluate(watchFrames, SECONDS);
  const cpu = (await computed(debug) - before) / intervals.length;
  const frames = [...intervals].sort((a, b) => a - b);
  const late = frames.filter((ms) => ms > 17.5).length;
  const cells = [at(frames, 0.5), at(frames, 0.95), frames[frames.length - 1], cpu].map((ms) => ms.toFixed(1).padStart(7));
  console.log(`  ${name.padEnd(40)}${cells.join('')}${`${((100 * late) / frames.length).toFixed(0)} %`.padStart(8)}`);
}

/** Moves the mouse in an eight with this button down, until told to stop. */
async function drag(page, width, button) {
  let moving = true;
  await page.mouse.move(width / 2, width / 2);
  await page.mouse.down({ button });
  const done = (async () => {
    const begin = Date.now();
    while (moving) {
      const t = (Date.now() - begin) / 400;
      await page.mouse.move(width / 2 + Math.sin(t) * 60, width / 2 + Math.sin(2 * t) * 40);
      await new Promise((resolve) => setTimeout(resolve, 1000 / INPUT_HZ));
    }
    await page.mouse.up({ button });
  })();
  return async () => {
    moving = false;
    await done;
  };
}

const scenarios = [
  { name: 'window, whole image', button: 'left' },
  { name: 'window, at zoom 3', zoom: 3, button: 'left' },
  { name: 'window, with an overlay', marked: true, button: 'left' },
  { name: 'window, side by side', mode: 'side', button: 'left' },
  { name: 'pan, at zoom 3', zoom: 3, button: 'middle' },
  { name: 'pan, at zoom 3 with an overlay', zoom: 3, marked: true, button: 'middle' },
  { name: 'zoom', button: 'right' },
  { name: 'zoom, side by side', mode: 'side', button: 'right' },
];
const peers = ['lut of the image', 'draw, read, lut', 'svg filter', 'css filter'];

const daemon = await startDaemon();
const browser = await launchBrowser();
for (const rate of options.throttle.split(',').map(Number)) {
  for (const { name, width, page: device } of places) {
    console.log(`\n${name}, ${rate === 1 ? 'not throttled' : `throttled ${rate} times`}`);
    console.log(`  ${'ms a frame'.padEnd(40)}${['median', '95 %', 'worst', 'cpu'].map((word) => word.padStart(7)).join('')}${'late'.padStart(8)}`);
    const context = await browser.newContext({ ...device, bypassCSP: true });
    const page = await context.newPage();
    await page.goto(daemon.url);
    const debug = await context.newCDPSession(page);
    await debug.send('Performance.enable', { timeDomain: 'threadTicks' });
    await debug.send('Emulation.setCPUThrottlingRate', { rate });
    for (const { button, ...scenario } of scenarios) {
      await page.evaluate(openViewer, { width, ...scenario });
      const stop = await drag(page, width, button);
      await measure(`viewer: ${scenario.name}`, page, debug);
      await stop();
      await page.evaluate(() => window.benched.close());
    }
    for (const way of peers) {
      await page.evaluate(openPeer, { width, way });
      await measure(`other: ${way}`, page, debug);
      await page.evaluate(() => delete window.steer);
    }
    await context.close();
  }
}
await browser.close();
await daemon.stop();
