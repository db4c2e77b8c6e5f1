/**
 * One canvas at the device's resolution, and what is drawn on it.
 */

import { el } from '../dom.js';
import { covered, halved, mixed, resample, shade, tint } from './pixels.js';
import { limited, scaleOf } from './view_transform.js';

const BLACK = 0xff000000;
const TINT = [255, 150, 40];
const SIDE_MAX = 2048; // device pixels: beyond that nothing is seen that enlarging would not show
const BUDGET_MS = 7; // of a frame's 16.7, for sampling; the rest goes to drawing and to the page
const COARSE = 0.5;
const REST_MS = 150;

/**
 * @typedef {import('./grey_png.js').GreyImage} GreyImage
 * @typedef {object} Scene what a pane shows
 * @property {?GreyImage} image null: black
 * @property {?GreyImage} next mixed into the image, if any
 * @property {number} part 0 to 1, of the next one
 * @property {string} label read to those who cannot see the canvas
 * @property {string} caption shown in the corner, may be empty
 * @property {import('./view_transform.js').View} view
 * @property {Uint8Array} table of lookUpTable()
 * @property {?GreyImage} marks laid over the image
 * @property {number} opacity
 */

/**
 * @param {() => void} redraw the canvas has another size and is black, or what moved has come to rest: draw again now
 * @returns {{root: HTMLElement, draw: (scene: Scene) => void, frame: () => {width: number, height: number},
 *   centre: () => {x: number, y: number}, close: () => void}} frame in CSS pixels, centre in those of the window
 */
export function createPane(redraw) {
  const canvas = el('canvas', { width: '1', height: '1' });
  const caption = el('p', { class: 'viewer-caption' });
  const root = el('div', { class: 'viewer-pane' }, canvas, caption);
  const context = canvas.getContext('2d', { alpha: false });
  const reduce = reducer();
  const effort = createEffort();
  let frame = { width: 1, height: 1 }; // CSS pixels
  let full = { width: 1, height: 1 }; // device pixels
  let detail = 0; // of them, along each side, that the canvas has
  let output = null;
  let screen = null; // its pixels
  let planes = null; // the image and the marks, sampled for the screen
  let sampled = { what: '', where: '' };
  let settling = null; // timer

  const observer = new ResizeObserver((entries) => {
    const entry = entries[entries.length - 1];
    const { width, height } = entry.contentRect;
    if (width > 0 && height > 0) {
      frame = { width, height };
      full = deviceSize(entry);
      detail = 0;
      redraw();
    }
  });
  try {
    observer.observe(canvas, { box: 'device-pixel-content-box' });
  } catch {
    observer.observe(canvas); // Safari: the size in CSS pixels, times the ratio
  }

  function setDetail(wanted) {
    if (wanted !== detail) {
      detail = wanted;
      canvas.width = Math.max(1, Math.round(full.width * detail));
      canvas.height = Math.max(1, Math.round(full.height * detail));
      output = context.createImageData(canvas.width, canvas.height);
      screen = new Uint32Array(output.data.buffer);
      planes = { image: new Uint8Array(screen.length), marks: null };
      sampled = { what: '', where: '' };
    }
  }

  function place(image, view) {
    const kept = limited(view, frame, image);
    const scale = scaleOf(kept, frame, image) * (canvas.width / frame.width);
    return { scale, left: canvas.width / 2 - kept.x * image.width * scale, top: canvas.height / 2 - kept.y * image.height * scale };
  }

  /**
   * Whether the planes are to be sampled again, at what detail: a slow device shows less while things move, and all of it
   * when they rest.
   */
  function isStale({ image, next, part, marks, view }) {
    const what = [image, next, marks].map((one) => one && reduce.name(one)).join();
    const where = [part, view.zoom, view.x, view.y, full.width, full.height].join();
    if (sampled.what === what && sampled.where === where) {
      return false;
    }
    clearTimeout(settling);
    if (sampled.what === what && effort.tooMuch(full.width * full.height)) {
      setDetail(COARSE);
      settling = setTimeout(() => {
        setDetail(1);
        redraw();
      }, REST_MS);
    } else {
      setDetail(1);
    }
    sampled = { what, where };
    return true;
  }

  function sample({ image, next, part, marks }, at, area) {
    const begin = performance.now();
    screen.fill(BLACK);
    sampleInto(planes.image, reduce.of(image, next, part, at.scale), image, at, area);
    if (marks) {
      planes.marks ??= new Uint8Array(screen.length);
      sampleInto(planes.marks, reduce.of(marks, null, 0, at.scale * (image.width / marks.width)), image, at, area);
    }
    effort.took(performance.now() - begin, screen.length);
  }

  /** For those who cannot see it; an empty canvas is nothing to tell of. */
  function name({ image, label }) {
    const said = image ? { role: 'img', 'aria-label': label } : { 'aria-hidden': 'true' };
    for (const attribute of ['role', 'aria-label', 'aria-hidden']) {
      if (!(attribute in said)) {
        canvas.removeAttribute(attribute);
      } else if (canvas.getAttribute(attribute) !== said[attribute]) {
        canvas.setAttribute(attribute, said[attribute]);
      }
    }
  }

  function paint(scene) {
    const stale = isStale(scene); // first: it decides about the canvas
    const at = place(scene.image, scene.view);
    const area = covered(at, scene.image, canvas);
    if (stale) {
      sample(scene, at, area);
    }
    shade(planes.image, area, scene.table, screen, canvas.width);
    if (scene.marks) {
      tint(planes.marks, area, scene.opacity, TINT, screen, canvas.width);
    }
  }

  setDetail(1);
  return {
    root,
    frame: () => frame,
    centre: () => {
      const box = canvas.getBoundingClientRect();
      return { x: box.left + box.width / 2, y: box.top + box.height / 2 };
    },

    draw(scene) {
      name(scene);
      caption.textContent = scene.caption;
      if (scene.image) {
        paint(scene);
      } else {
        clearTimeout(settling);
        screen.fill(BLACK);
        sampled = { what: '', where: '' };
      }
      context.putImageData(output, 0, 0);
    },

    close() {
      observer.disconnect();
      clearTimeout(settling);
    },
  };
}

/** How long sampling a screen takes here, from what it took lately. */
function createEffort() {
  let perPixel = 0;
  return {
    took(ms, pixels) {
      perPixel = perPixel === 0 ? ms / pixels : perPixel + 0.3 * (ms / pixels - perPixel);
    },
    tooMuch: (pixels) => perPixel * pixels > BUDGET_MS,
  };
}

/** Marks and halves may have other sizes than the image: they lie on its place. */
function sampleInto(plane, source, image, at, area) {
  resample(source, { ...at, scale: at.scale * (image.width / source.width) }, area, plane);
}

/** Halved and mixed images, made when they are first needed. */
function reducer() {
  const halves = new WeakMap(); // image -> half of it
  const names = new WeakMap();
  let count = 0;
  let mix = { key: '', image: null };

  const name = (image) => {
    if (!names.has(image)) {
      count += 1;
      names.set(image, count);
    }
    return names.get(image);
  };
  const halfOf = (image) => {
    if (!halves.has(image)) {
      halves.set(image, halved(image));
    }
    return halves.get(image);
  };
  const levelOf = (image, scale) => {
    let level = image;
    for (let rest = scale; rest < 0.5 && level.width > 1 && level.height > 1; rest *= 2) {
      level = halfOf(level);
    }
    return level;
  };

  return {
    name,
    /** The image, mixed with the next one, at most twice as large as it is shown. */
    of(image, next, part, scale) {
      if (!next || part === 0) {
        return levelOf(image, scale);
      }
      const [first, second] = [levelOf(image, scale), levelOf(next, scale)];
      const key = [name(first), name(second), part].join();
      if (mix.key !== key) {
        mix = { key, image: mixed(first, second, part) };
      }
      return mix.image;
    },
  };
}

/** Device pixels of an observed element. */
function deviceSize({ contentRect, devicePixelContentBoxSize: [exact] = [] }) {
  const [width, height] = [contentRect.width, contentRect.height].map((side) => Math.round(side * window.devicePixelRatio));
  // An emulated ratio (developer tools) is not in the exact size.
  const size = exact && Math.abs(exact.inlineSize - width) <= 1 ? { width: exact.inlineSize, height: exact.blockSize } : { width, height };
  const shrink = Math.min(1, SIDE_MAX / Math.max(size.width, size.height));
  return { width: Math.round(size.width * shrink), height: Math.round(size.height * shrink) };
}
