/**
 * One sample of the atlas, large: by itself, as a pair with the same hip of another class, or as the way between them.
 */

import { sampleUrl } from '../api/api_models.js';
import { readImage } from '../api/transport.js';
import { el } from '../dom.js';
import { shortcutsOn } from '../store.js';
import { withRetry } from '../retry.js';
import { atlasTexts } from '../texts/atlas_texts.js';
import { linkField } from '../view_link.js';
import { readGreyPng } from '../viewer/grey_png.js';
import { createViewer } from '../viewer/viewer.js';
import { VIEWS, framesOf } from './atlas_place.js';

const MODES = { pair: ['side', 'blink'], morph: ['morph'] };

/**
 * @param {object} props
 * @param {(change: Partial<import('./atlas_place.js').OpenSample>) => void} props.onChange to another view or hip
 * @param {() => void} props.onClose
 * @returns {{root: HTMLElement, show: (place: import('./atlas_place.js').Place, model: object) => void, leave: () => void}}
 */
export function createSampleView({ onChange, onClose }) {
  const t = atlasTexts;
  const viewer = createViewer({ shortcuts: shortcutsOn });
  const title = el('h2', { tabindex: '-1', id: 'sample-title' });
  const status = el('p', { class: 'sample-status', role: 'status' });
  const facts = el('dl', { class: 'facts' });
  const words = el('p', { class: 'quiet' });
  const link = linkField('sample-link', t.link, '');
  const file = el('a', { class: 'button' }, t.download);
  const step = (by, label, name, id) => el('button', { type: 'button', class: 'button', id, 'aria-label': name, on: { click: () => onChange({ seed: neighbour(by) }) } }, label);
  const [before, after] = [step(-1n, t.before, t.beforeThis, 'sample-before'), step(1n, t.after, t.afterThis, 'sample-after')];
  const views = VIEWS.map((view) => el('button', {
    type: 'button', class: 'button', 'data-view': view, on: { click: () => onChange({ view }) },
  }, t.views[view]));
  const other = el('select', { id: 'sample-other', on: { change: () => onChange({ other: other.value }) } });
  const otherField = el('div', { class: 'field' }, el('label', { for: 'sample-other' }, t.other), other);
  let shown = null;
  let leaving = new AbortController();

  const neighbour = (by) => String(BigInt.asUintN(64, BigInt(shown.place.sample.seed) + by));

  const root = el('section', { class: 'sample', 'aria-labelledby': 'sample-title' },
    el('div', { class: 'buttons sample-ways' },
      el('button', { type: 'button', class: 'button', id: 'sample-close', on: { click: onClose } }, t.back), before, after),
    el('div', { class: 'sample-film' }, viewer.root, status),
    el('div', { class: 'sample-side' },
      title, words,
      el('div', { class: 'sample-views' }, el('div', { class: 'buttons', role: 'group', 'aria-label': t.view }, ...views), otherField, viewer.extras),
      facts, link.root, el('div', { class: 'buttons' }, file)));

  function describe({ place, model }) {
    const { seed, className, view, other: compared } = place.sample;
    const others = model.classes.filter((name) => name !== className);
    title.textContent = t.title(className, seed, view === 'one' ? null : compared);
    words.textContent = t.viewWords[view](className, compared);
    views.forEach((button) => button.setAttribute('aria-pressed', String(button.dataset.view === view)));
    views.slice(1).forEach((button) => { button.hidden = others.length === 0; });
    other.replaceChildren(...others.map((name) => el('option', { value: name, selected: name === compared }, t.className(name))));
    otherField.hidden = view === 'one' || others.length < 2;
    facts.replaceChildren(...t.facts(place, model).map(([name, value]) => el('div', {}, el('dt', {}, name), el('dd', {}, value))));
    link.set(location.href);
    file.setAttribute('href', sampleUrl(place.model, className, seed, model.resolution, place));
    file.setAttribute('download', `${className}-${seed}.png`);
  }

  async function draw({ place, model }, signal) {
    const { view, seed } = place.sample;
    const frames = framesOf(place);
    const size = sizeFor(model, view);
    let ready = 0;
    status.textContent = t.drawing;
    const images = await Promise.all(frames.map(async ({ className, strength }) => {
      const url = sampleUrl(place.model, className, seed, size, { strength, truncation: place.truncation });
      const image = await readGreyPng(await withRetry(() => readImage(url, signal), { signal, onWait: () => { status.textContent = t.waiting; } }));
      ready++;
      status.textContent = frames.length > 1 ? t.drawn(ready, frames.length) : t.drawing;
      return { image, label: t.frame(className, strength) };
    }));
    signal.throwIfAborted();
    status.textContent = '';
    if (view === 'one') {
      viewer.setImage(images[0].image, t.label(place.sample.className, seed));
    } else {
      viewer.setFrames(images, MODES[view]);
    }
  }

  /** A morph has many images: each as large as it is shown. What is alone may be zoomed into. */
  function sizeFor(model, view) {
    const wanted = view === 'morph' ? Math.min(model.resolution, viewer.stage.clientWidth * window.devicePixelRatio) : model.resolution;
    return model.sizes.find((size) => size >= wanted) ?? model.resolution;
  }

  /** The thumbnail, which the browser has already, until the large image is there. */
  async function drawThumbnail({ place, model }, signal) {
    const { className, seed } = place.sample;
    const image = await readGreyPng(await readImage(sampleUrl(place.model, className, seed, model.sizes[0], place), signal));
    if (status.textContent && !signal.aborted) {
      viewer.setImage(image, t.label(className, seed));
    }
  }

  return {
    root,
    show(place, model) {
      leaving.abort();
      leaving = new AbortController();
      const { signal } = leaving;
      shown = { place, model };
      describe(shown);
      draw(shown, signal).catch((error) => {
        if (!signal.aborted) {
          status.textContent = t.trouble(error);
        }
      });
      if (place.sample.view === 'one') {
        drawThumbnail(shown, signal).catch(() => {}); // the large one says what is wrong
      }
    },
    leave() {
      leaving.abort();
      viewer.setImage(null, '');
    },
  };
}
