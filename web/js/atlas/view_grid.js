/**
 * The atlas' grid: thousands of thumbnails, of which only those near the view exist.
 */

import { sampleUrl } from '../api/api_models.js';
import { el } from '../dom.js';
import { atlasTexts } from '../texts/atlas_texts.js';
import { cellAt, gridHeight, gridLayout, visibleCells } from './grid_window.js';
import { createThumbnailLoader, decodedThumbnail } from '../thumbnails.js';

/** Seeds that one can scroll through; further ones begin where they are asked for. */
const SEEDS = 10000n;
const STEPS = { ArrowLeft: () => -1, ArrowRight: () => 1, ArrowUp: (columns) => -columns, ArrowDown: (columns) => columns };

/**
 * @param {object} props
 * @param {(sample: {seed: string, className: string}) => string} props.hrefOf address of a sample's page
 * @param {(sample: {seed: string, className: string}) => void} props.onOpen
 * @param {(seed: string) => void} props.onScrolled the seed at the top, after every movement
 * @returns {{root: HTMLElement, show: (place: import('./atlas_place.js').Place, model: object) => void, goTo: (seed: string) => void,
 *   focusOn: (sample: {seed: string, className: string}) => void}}
 *   goTo: scrolls so that the seed is at the top
 */
export function createGrid({ hrefOf, onOpen, onScrolled }) {
  const root = el('ul', { class: 'atlas-grid', 'aria-label': atlasTexts.grid });
  const load = createThumbnailLoader();
  const cells = new Map(); // index -> {root, leave}
  let shown = null; // {place, model, first: BigInt, count}
  let layout = null;
  let scheduled = 0;

  const sampleAt = (index) => ({
    seed: String(shown.first + BigInt(Math.floor(index / shown.place.classes.length))),
    className: shown.place.classes[index % shown.place.classes.length],
  });
  const indexOf = (seed) => Number(BigInt(seed) - shown.first) * shown.place.classes.length;

  function clear() {
    cells.forEach(({ leave }) => leave());
    cells.clear();
    root.replaceChildren();
  }

  function relayout() {
    layout = gridLayout(root.clientWidth, shown.place.classes.length);
    root.style.height = `${gridHeight(layout, shown.count)}px`;
    cells.forEach((cell, index) => putInPlace(cell.root, index));
  }

  function putInPlace(item, index) {
    const { x, y } = cellAt(layout, index);
    item.style.transform = `translate(${x}px, ${y}px)`;
    item.style.width = `${layout.cell}px`;
  }

  function update() {
    scheduled = 0;
    if (!shown || root.clientWidth === 0) {
      return; // a sample is open in the grid's place
    }
    const above = -root.getBoundingClientRect().top;
    const { first, end, top } = visibleCells(layout, above, window.innerHeight, shown.count);
    for (const [index, { root: item, leave }] of cells) {
      if (index < first || index >= end) {
        leave();
        item.remove();
        cells.delete(index);
      }
    }
    for (let index = first; index < end; index++) {
      if (!cells.has(index)) {
        add(index);
      }
    }
    onScrolled(sampleAt(above > 0 ? top : 0).seed);
  }

  /** Cells stay in the order of their numbers, which is that of Tab and of screen readers. */
  function add(index) {
    const cell = thumbnail(index);
    putInPlace(cell.root, index);
    cells.set(index, cell);
    const after = [...root.children].find((item) => Number(item.dataset.index) > index) ?? null;
    root.insertBefore(cell.root, after);
  }

  function thumbnail(index) {
    const sample = sampleAt(index);
    const { place, model } = shown;
    const leaving = new AbortController();
    const frame = el('span', { class: 'thumb' });
    const link = el('a', {
      href: hrefOf(sample),
      on: {
        click: (event) => {
          if (!event.ctrlKey && !event.metaKey && !event.shiftKey) {
            event.preventDefault();
            onOpen(sample);
          }
        },
      },
    }, frame, el('span', { class: 'thumb-caption' }, el('strong', {}, atlasTexts.className(sample.className)), ' ', atlasTexts.hip(sample.seed)));
    const url = sampleUrl(place.model, sample.className, sample.seed, model.sizes[0], place);
    load(url, leaving.signal).then(async (file) => {
      frame.replaceChildren(await decodedThumbnail(file, model.sizes[0]));
    }).catch((error) => {
      if (!leaving.signal.aborted) {
        frame.replaceChildren(el('span', { class: 'thumb-trouble' }, atlasTexts.thumbTrouble(error)));
      }
    });
    const item = el('li', { 'data-index': String(index), 'aria-posinset': String(index + 1), 'aria-setsize': String(shown.count) }, link);
    return { root: item, leave: () => leaving.abort() };
  }

  /** Arrow keys go from thumbnail to thumbnail; all other keys are the page's. */
  function move(event) {
    const item = event.target.closest('li');
    const by = item && !event.altKey && !event.ctrlKey && !event.metaKey ? STEPS[event.key]?.(layout.columns) : undefined;
    if (by === undefined) {
      return;
    }
    event.preventDefault();
    const to = cells.get(Number(item.dataset.index) + by)?.root;
    to?.querySelector('a').focus();
    to?.scrollIntoView({ block: 'nearest' });
  }

  const later = () => {
    scheduled ||= requestAnimationFrame(update);
  };
  root.addEventListener('keydown', move);
  window.addEventListener('scroll', later, { passive: true });
  new ResizeObserver(() => {
    if (shown && root.clientWidth > 0) {
      relayout();
      update();
    }
  }).observe(root);

  return {
    root,
    show(place, model) {
      const before = shown?.first;
      const beyond = BigInt(place.from) >= SEEDS;
      const first = before !== undefined && BigInt(place.from) >= before && BigInt(place.from) < before + SEEDS ? before
        : beyond ? BigInt(place.from) : 0n;
      const last = first + SEEDS - 1n < 2n ** 64n ? first + SEEDS - 1n : 2n ** 64n - 1n;
      clear();
      shown = { place, model, first, count: Number(last - first + 1n) * place.classes.length };
      if (root.clientWidth > 0) {
        relayout();
        update();
      }
    },
    goTo(seed) {
      const { y } = cellAt(layout, indexOf(seed));
      window.scrollTo(0, y > 0 ? root.getBoundingClientRect().top + window.scrollY + y - 12 : 0);
      update();
    },
    focusOn({ seed, className }) {
      cells.get(indexOf(seed) + shown.place.classes.indexOf(className))?.root.querySelector('a').focus();
    },
  };
}
