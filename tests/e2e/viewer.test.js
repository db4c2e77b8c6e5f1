/**
 * The image viewer: by mouse, by touch and by keyboard in a drill, what of it reaches the log, and the comparison of two
 * images.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { desktop, openPage, phone } from './browser.js';
import { browser, daemon, serve } from './served.js';
import { next, shown } from './steps.js';

const SHORT = { items: 2, rating: 'two_buttons' };

serve((config) => {
  config.decks = [{
    format: 2,
    id: 'short',
    title: 'Hips',
    question: 'Is there a fracture?',
    choices: [{ id: 'no', label: 'No fracture' }, { id: 'yes', label: 'Fracture' }],
    prevalence: 0.5,
    sources: [{ kind: 'gan', model: 'default', classes: { no: ['no_fracture'], yes: ['fracture'] } }],
    ...SHORT,
  }];
});

/** What was done is on screen, in full detail: a slow device draws less while things move. */
async function settled(page) {
  await page.evaluate(() => new Promise((resolve) => { requestAnimationFrame(() => requestAnimationFrame(resolve)); }));
  await page.waitForFunction(() => [...document.querySelectorAll('.viewer-pane canvas')].every((canvas) => (
    canvas.width > 0.9 * canvas.getBoundingClientRect().width * devicePixelRatio)));
}
/** What is said beside the image. */
async function readout(page) {
  await settled(page);
  return page.$$eval('.viewer-readout span', (spans) => spans.map((span) => span.textContent.replaceAll('\u00a0', ' ')).join(', '));
}

async function openDrill(device, name) {
  const student = await openPage(browser, device, daemon.url, name);
  await student.page.evaluate(redOf);
  await student.page.click('#start');
  await shown(student.page, 1, 'viewing');
  const box = await student.page.$eval('.viewer-stage', (stage) => stage.getBoundingClientRect().toJSON());
  return { ...student, box, middle: [box.x + box.width / 2, box.y + box.height / 2] };
}

/** In the page: one channel of RGBA pixels, in base64, as a million numbers in JSON take seconds. */
function redOf() {
  window.redOf = (data) => {
    let text = '';
    for (let i = 0; i < data.length; i += 4) {
      text += String.fromCharCode(data[i]);
    }
    return btoa(text);
  };
}

/** The canvas as it is on screen. */
async function pixels(page, selector = '.viewer-pane canvas') {
  const { grey, ...rest } = await page.$eval(selector, (canvas) => {
    const copy = new OffscreenCanvas(canvas.width, canvas.height).getContext('2d', { willReadFrequently: true });
    copy.drawImage(canvas, 0, 0);
    const { data } = copy.getImageData(0, 0, canvas.width, canvas.height);
    return { width: canvas.width, height: canvas.height, grey: window.redOf(data), coloured: data.some((level, i) => i % 4 === 0 && level !== data[i + 2]) };
  });
  return { ...rest, grey: Buffer.from(grey, 'base64') };
}
const mean = ({ grey }) => grey.reduce((sum, level) => sum + level, 0) / grey.length;

/** What the answer to the item on screen says of the viewer. */
async function answered(student) {
  const { page } = student;
  await page.click('[data-choice=yes]');
  await page.waitForSelector('[data-phase=feedback]');
  const [row] = daemon.rows('SELECT answer_context.* FROM answer_context JOIN answers ON answers.id = answer_id ORDER BY answer_id DESC LIMIT 1');
  return { ...row, actions: JSON.parse(row.viewer_actions) };
}
const counts = ({ actions }) => Object.fromEntries(actions.map(({ action, by, count }) => [`${action} ${by}`, count]));

async function leave(student) {
  assert.deepEqual(student.complaints, []);
  await student.context.close();
}

test('the canvas has the device\'s pixels, and shows those of the file', async () => {
  for (const [device, ratio] of [[desktop, 1], [phone, 2], [{ viewport: { width: 1100, height: 1240 }, deviceScaleFactor: 1 }, 1]]) {
    const student = await openDrill(device, 'unused');
    const canvas = await pixels(student.page);
    assert.deepEqual([canvas.width, canvas.height], [Math.round(student.box.width * ratio), Math.round(student.box.height * ratio)]);
    // The browser's own decoder and its own scaling as the oracle: not the same bytes, but the same image.
    const theirs = Buffer.from(await student.page.evaluate(async ([url, side]) => {
      const bitmap = await createImageBitmap(await (await fetch(url)).blob(), { colorSpaceConversion: 'none' });
      const context = new OffscreenCanvas(side, side).getContext('2d');
      context.imageSmoothingQuality = 'medium';
      context.drawImage(bitmap, 0, 0, side, side);
      return window.redOf(context.getImageData(0, 0, side, side).data);
    }, [student.traffic.find(({ url }) => url.includes('/images/')).url, canvas.width]), 'base64');
    const apart = theirs.reduce((sum, level, i) => sum + Math.abs(level - canvas.grey[i]), 0) / theirs.length;
    assert.ok(apart < 1.5, `${apart} levels apart on average`);
    await leave(student);
  }
});

test('by mouse: window, zoom, pan, invert, reset, and the log of it', async () => {
  const student = await openDrill(desktop, '1280');
  const { page, middle: [x, y] } = student;
  const drag = async (button, dx, dy) => {
    await page.mouse.move(x, y);
    await page.mouse.down({ button });
    await page.mouse.move(x + dx / 2, y + dy / 2, { steps: 4 });
    await page.mouse.move(x + dx, y + dy, { steps: 4 });
    await page.mouse.up({ button });
  };
  const start = await pixels(page);
  assert.equal(await readout(page), 'W 256, L 128, 1.0 ×');
  await drag('left', -100, 20);
  assert.equal(await readout(page), 'W 156, L 148, 1.0 ×', 'left is narrower, down is a higher level, one a pixel');
  const dark = await pixels(page);
  assert.ok(mean(dark) < mean(start), 'down is darker');
  assert.equal(await page.evaluate(() => document.activeElement.className), 'question', 'a press takes no focus');
  await drag('right', 0, 150);
  const [, zoom] = /([\d.]+) ×/.exec(await readout(page));
  assert.ok(Number(zoom) > 1.3 && Number(zoom) < 1.5, zoom);
  await page.mouse.move(x + 100, y - 50);
  await page.mouse.wheel(0, -300);
  await settled(page);
  const zoomed = await pixels(page);
  await drag('middle', 40, 40);
  await settled(page);
  assert.notDeepEqual((await pixels(page)).grey, zoomed.grey, 'it was panned');
  await student.shot('viewer-zoomed');
  await page.click('.viewer-tool[aria-label=Invert]');
  await settled(page);
  assert.equal(await page.getAttribute('.viewer-tool[aria-label=Invert]', 'aria-pressed'), 'true');
  await student.shot('viewer-inverted');
  const told = await answered(student);
  assert.deepEqual(counts(told), { 'window mouse': 1, 'zoom mouse': 1, 'zoom wheel': 1, 'pan mouse': 1, 'invert control': 1 });
  assert.deepEqual([told.wl_centre, told.wl_width], [148, 156]);
  assert.ok(told.zoom_max > 1.4 && told.ui_version !== '1');
  assert.ok(told.actions.every(({ first_ms: first, last_ms: last }) => first > 0 && last >= first));
  await page.mouse.dblclick(x, y);
  await settled(page);
  assert.deepEqual((await pixels(page)).grey, start.grey, 'a double click undoes everything');
  await next(page);
  await shown(page, 2, 'viewing');
  const second = await answered(student);
  assert.deepEqual([second.actions, second.wl_width, second.zoom_max], [[], 256, 1], 'another image begins anew');
  assert.ok(await student.shifted() < 0.005, 'nothing moved');
  await leave(student);
});

test('by touch: one finger windows, two pan and zoom, a double tap resets', async () => {
  const student = await openDrill(phone, '390');
  const { page, context, middle: [x, y] } = student;
  const start = await pixels(page);
  const debug = await context.newCDPSession(page);
  const touch = (type, points, timestamp = undefined) => debug.send('Input.dispatchTouchEvent', {
    type, timestamp, touchPoints: points.map(([px, py], id) => ({ x: px, y: py, id })),
  });
  const glide = async (steps, ...ends) => {
    await touch('touchStart', ends.map(([from]) => from));
    for (let i = 1; i <= steps; i++) {
      await touch('touchMove', ends.map(([from, to]) => from.map((at, axis) => at + ((to[axis] - at) * i) / steps)));
    }
    await touch('touchEnd', []);
  };
  await glide(5, [[x, y], [x + 60, y - 30]]);
  assert.equal(await readout(page), 'W 316, L 98, 1.0 ×');
  assert.equal(await page.evaluate(() => window.scrollY), 0, 'the page does not scroll');
  await glide(8, [[x - 30, y], [x - 90, y]], [[x + 30, y], [x + 90, y]]);
  assert.match(await readout(page), /3\.0 ×$/);
  await glide(8, [[x - 30, y - 20], [x + 10, y + 20]], [[x + 30, y - 20], [x + 70, y + 20]]);
  assert.match(await readout(page), /3\.0 ×$/, 'together they only pan');
  await student.shot('viewer-touch', false);
  const told = await answered(student);
  assert.deepEqual(counts(told), { 'window touch': 1, 'zoom touch': 1, 'pan touch': 1 });
  assert.equal(told.zoom_max, 3);
  const began = Date.now() / 1000;
  for (const after of [0, 0.2]) { // by their own times, however slowly they come
    await touch('touchStart', [[x, y]], began + after);
    await touch('touchEnd', [], began + after + 0.05);
  }
  assert.equal(await readout(page), 'W 256, L 128, 1.0 ×');
  assert.deepEqual((await pixels(page)).grey, start.grey);
  await leave(student);
});

test('by keyboard alone: everything, with the shortcuts on and off, and no key is the drill\'s', async () => {
  const student = await openDrill(desktop, '1280');
  const { page } = student;
  const press = async (...keys) => {
    for (const key of keys) {
      await page.keyboard.press(key);
    }
    return readout(page);
  };
  assert.match(await press('+', '+'), /1\.6 ×$/);
  assert.match(await press('-'), /1\.3 ×$/);
  assert.match(await press('='), /1\.0 ×$/);
  assert.match(await press('Shift+Digit2'), /^W 110, L 125/);
  await press('i');
  assert.equal(await page.getAttribute('.viewer-tool[aria-label=Invert]', 'aria-pressed'), 'true');
  assert.equal(await press('0'), 'W 256, L 128, 1.0 ×');
  await shown(page, 1, 'viewing'); // no answer was given
  await page.focus('.viewer-stage');
  assert.notEqual(await page.$eval('.viewer-stage', (stage) => getComputedStyle(stage).outlineStyle), 'none', 'the focus is seen');
  await student.axe('the focus on the image');
  assert.equal(await press('ArrowLeft', 'ArrowDown', 'ArrowDown'), 'W 248, L 144, 1.0 ×');
  const before = await press('+', '+', '+');
  const middle = await pixels(page);
  assert.equal(await press('Shift+ArrowRight'), before);
  assert.notDeepEqual((await pixels(page)).grey, middle.grey, 'Shift with an arrow pans');
  await shown(page, 1, 'viewing');

  await page.keyboard.press('?');
  await page.waitForSelector('dialog[open] .viewer-help');
  await student.axe('the help');
  await student.shot('help');
  await page.click('dialog[open] input[type=checkbox]');
  await page.keyboard.press('Escape');
  await page.focus('.question');
  const off = await press('0', 'i', '+', 'Shift+Digit3');
  assert.equal(off, await readout(page), 'switched off, single keys do nothing');
  await page.focus('.viewer-stage');
  assert.equal(await press('0'), 'W 256, L 128, 1.0 ×', 'but with the focus on the image they work');
  const told = await answered(student);
  assert.deepEqual(Object.keys(counts(told)).sort(), ['invert key', 'pan key', 'preset key', 'reset key', 'window key', 'zoom key']);
  assert.equal(counts(told)['reset key'], 2);
  await leave(student);
});

for (const [device, name] of [[phone, '390'], [desktop, '1280']]) {
  test(`sliders and buttons do what drags do, beside the image and not over it, at ${name}`, async () => {
    const student = await openDrill(device, name);
    const { page, box } = student;
    await page.click('.viewer-tool[aria-expanded]');
    await student.axe('the sheet of sliders');
    await student.shot('viewer-sheet');
    const sheet = await page.$eval('.viewer-sheet', (element) => element.getBoundingClientRect().toJSON());
    assert.ok(sheet.left >= box.right || sheet.top >= box.bottom, 'the image stays in sight');
    const more = (label) => page.click(`.stepper-button[aria-label="${label}"]`);
    await more('Narrower window, more contrast');
    await more('Higher level, darker');
    await more('Zoom in');
    await more('Move the view to the right');
    assert.equal(await readout(page), 'W 248, L 136, 1.3 ×');
    await page.fill('.viewer-sheet input[aria-label^=Window]', '100');
    assert.match(await readout(page), /^W 100/);
    await page.click('[data-preset=soft]');
    assert.match(await readout(page), /^W 110, L 65/);
    assert.equal(await page.getAttribute('[data-preset=soft]', 'aria-pressed'), 'true');
    await page.click('.viewer-switch input');
    await page.focus('.viewer-sheet input[type=range]');
    await page.keyboard.press('Escape');
    assert.ok(!await page.isVisible('.viewer-sheet'));
    assert.equal(await page.evaluate(() => document.activeElement.getAttribute('aria-expanded')), 'false', 'the focus is back on its button');
    await page.focus('.viewer-stage');
    await page.keyboard.press('ArrowDown');
    assert.match(await readout(page), /L 57/, 'down is brighter now');
    await page.reload();
    await shown(page, 1, 'viewing');
    assert.equal(await page.evaluate(() => localStorage.getItem('roentgym.brighter_down')), 'true', 'and stays so');
    await leave(student);
  });
}

/** A viewer with a pair, made in a page of ours from two samples of one seed. */
async function openPair(device, name, more = {}) {
  const student = await openPage(browser, { ...device, ...more }, daemon.url, name);
  await student.page.evaluate(redOf);
  await student.page.waitForSelector('#start'); // the start page is whole, and will not take our page's place
  await student.page.evaluate(async () => {
    const [{ createViewer }, { readGreyPng }] = await Promise.all([import('/js/viewer/viewer.js'), import('/js/viewer/grey_png.js')]);
    const read = async (label) => readGreyPng(await (await fetch(`/api/v1/samples/default/${label}/1.png?size=512`)).blob());
    const frames = [{ image: await read('no_fracture'), label: 'No fracture' }, { image: await read('fracture'), label: 'Fracture' }];
    const viewer = createViewer({ shortcuts: () => true });
    const main = document.createElement('main');
    const heading = document.createElement('h1');
    heading.textContent = 'A pair';
    main.append(heading, viewer.root, viewer.extras);
    main.style.width = 'min(100%, 500px)';
    document.getElementById('app').replaceChildren(main);
    viewer.setFrames(frames);
    const [from, to] = frames.map(({ image }) => image.grey);
    viewer.setOverlay({ ...frames[0].image, grey: from.map((level, i) => Math.abs(to[i] - level)) }, 'What the model changed');
    window.viewer = viewer;
  });
  await settled(student.page);
  return student;
}

test('a pair is compared by morph, by blinking and side by side in one view, under marks', async () => {
  for (const [device, name] of [[phone, '390'], [desktop, '1280']]) {
    const student = await openPair(device, name);
    const { page } = student;
    await student.axe('a pair');
    const colours = async () => (await pixels(page)).coloured;
    assert.ok(await colours(), 'the marks are seen');
    await student.shot('compare-marks');
    await page.click('.viewer-overlay input[type=checkbox]');
    await settled(page);
    assert.ok(!await colours(), 'and can be taken away');
    const ends = [await pixels(page)];
    await page.fill('.viewer-frames input[type=range]', '100');
    await settled(page);
    ends.push(await pixels(page));
    assert.equal(await page.textContent('.viewer-pane:first-child .viewer-caption'), 'Fracture');
    await page.fill('.viewer-frames input[type=range]', '50');
    await settled(page);
    const between = await pixels(page);
    assert.ok(between.grey.every((level, i) => Math.abs(level - (ends[0].grey[i] + ends[1].grey[i]) / 2) <= 2), 'half of each');

    await page.click('[data-mode=side]');
    await settled(page);
    await student.axe('side by side');
    await page.focus('.viewer-stage');
    await page.keyboard.press('+');
    await page.keyboard.press('+');
    await settled(page);
    await student.shot('compare-side');
    const [left, right] = [await pixels(page), await pixels(page, '.viewer-pane + .viewer-pane canvas')];
    assert.deepEqual([left.width, left.height], [right.width, right.height]);
    assert.notDeepEqual(left.grey, right.grey, 'two images');
    const alike = left.grey.filter((level, i) => Math.abs(level - right.grey[i]) < 40).length / left.grey.length;
    assert.ok(alike > 0.9, 'at the same place');

    const tookMs = await page.evaluate(() => new Promise((resolve) => {
      const begun = performance.now();
      const caption = document.querySelector('.viewer-caption');
      let [count, last] = [0, caption.textContent];
      new MutationObserver((_, watch) => {
        count += Number(caption.textContent !== last);
        last = caption.textContent;
        if (count === 6) {
          watch.disconnect();
          resolve(performance.now() - begun);
        }
      }).observe(caption, { childList: true });
      document.querySelector('[data-mode=blink]').click();
    }));
    assert.ok(tookMs >= 2000, `6 changes in ${tookMs} ms: at most three a second`);
    await page.getByRole('button', { name: 'Pause' }).click();
    const rests = await page.textContent('.viewer-caption');
    await page.waitForTimeout(1200);
    assert.equal(await page.textContent('.viewer-caption'), rests, 'paused');
    await page.getByRole('button', { name: 'Show the other' }).click();
    await settled(page);
    assert.notEqual(await page.textContent('.viewer-caption'), rests);
    await student.axe('blinking, paused');
    const report = await page.evaluate(() => window.viewer.report(0));
    assert.deepEqual(Object.keys(counts({ actions: report.viewer_actions })).sort(), ['blink control', 'morph control', 'overlay control', 'side control', 'zoom key']);
    await leave(student);
  }
});

test('who wishes less motion sees no blinking, and changes the images by hand', async () => {
  const student = await openPair(desktop, '1280', { reducedMotion: 'reduce' });
  const { page } = student;
  await page.click('[data-mode=blink]');
  const rests = await page.textContent('.viewer-caption');
  await page.waitForTimeout(1200);
  assert.equal(await page.textContent('.viewer-caption'), rests);
  assert.equal(await page.getByRole('button', { name: /Pause|Play/ }).count(), 0);
  await page.getByRole('button', { name: 'Show the other' }).click();
  await settled(page);
  assert.notEqual(await page.textContent('.viewer-caption'), rests);
  await leave(student);
});
