/**
 * Choosing images by eye: a grid of candidates, each with a tick that puts it on the deck's list or leaves it out, by mouse
 * or by arrow keys and space; and what was ticked so far.
 */

import { listCollectionImages } from '../api/api_library.js';
import { readSeed } from '../atlas/atlas_place.js';
import { el } from '../dom.js';
import { attempt, troublePlace } from '../staff/attempt.js';
import { selectField } from '../staff/form_fields.js';
import { atlasTexts } from '../texts/atlas_texts.js';
import { staffTexts } from '../texts/staff_texts.js';
import { teachTexts } from '../texts/teach_texts.js';
import { countListed, entryOf, imageKey, LIST_MAX, toggleImage } from './definition.js';
import { randomSeed } from './seeds.js';
import { nameOfImage, thumbOf } from './thumb.js';

const t = teachTexts.curation;
const HIPS = 12; // of each class on a page of drawn images
const LAST_SEED = 2n ** 64n - 1n;

/** @param {import('./editor.js').Editor} editor */
export function curationView(editor) {
  const { deck } = editor;
  const lead = el('p', { class: 'quiet' });
  const counts = el('p', { role: 'status' });
  const chosen = el('ol', { class: 'thumbs', id: 'chosen' });
  const candidates = el('div', { class: 'form' });
  const root = el('div', { class: 'form' }, lead, el('div', { 'data-path': 'list' }), el('div', { 'data-path': 'exclude' }), counts, chosen, candidates);
  const thumbs = new Map(); // of what was ticked, so that they are not fetched anew
  let grid = null;
  let drawnFor = '';
  let drawnChosen = '';

  const field = () => (deck.shows === 'list' ? 'list' : 'exclude');
  const entries = () => deck[field()];

  function toggle(image, source) {
    const how = { strength: source.strength[1], truncation: source.truncation[1] };
    const { entries: next, there } = toggleImage(entries(), entryOf(image, field() === 'list' ? how : {}));
    editor.images.set(imageKey(image), image.image);
    editor.change(() => { deck[field()] = next; });
    return there;
  }

  /** Only when there is another list to draw: who is in it with the keyboard stays there. */
  function drawChosen() {
    const wanted = JSON.stringify([field(), deck.order.rule, entries().map((entry) => [entry, editor.images.get(imageKey(entry))])]);
    if (wanted === drawnChosen) {
      return;
    }
    drawnChosen = wanted;
    chosen.replaceChildren(...entries().map((entry, i) => {
      const image = editor.images.get(imageKey(entry));
      const key = JSON.stringify([entry, image]);
      thumbs.has(key) || thumbs.set(key, thumbOf({ ...entry, model: entry.model ?? editor.modelOf(entry.class), image }, editor.models).root);
      const name = `${atlasTexts.className(entry.class)} ${nameOfImage(entry)}`;
      const move = (by, words, label) => el('button', {
        type: 'button', class: 'button small', 'aria-label': label(name), disabled: i + by < 0 || i + by >= entries().length,
        on: {
          click: () => {
            editor.change(() => { deck.list.splice(i + by, 0, ...deck.list.splice(i, 1)); });
            editor.settle();
            const [earlier, later] = chosen.children[i + by].querySelectorAll('button');
            (by < 0 && !earlier.disabled || later.disabled ? earlier : later).focus();
          },
        },
      }, words);
      return el('li', { class: 'thumb-cell' }, thumbs.get(key), el('span', { class: 'thumb-words' }, el('strong', {}, atlasTexts.className(entry.class)), ' ', nameOfImage(entry)),
        el('span', { class: 'buttons' },
          ...(field() === 'list' && deck.order.rule === 'given' ? [move(-1, '←', t.earlier), move(1, '→', t.later)] : []),
          el('button', {
            type: 'button', class: 'button small', 'aria-label': t.takeAway[field()](name),
            on: {
              click: () => {
                editor.change(() => { deck[field()] = entries().filter((other) => other !== entry); });
                editor.settle();
                (chosen.children[Math.min(i, entries().length - 1)]?.querySelector('button:last-of-type') ?? chosen.closest('details').querySelector('summary')).focus();
              },
            },
          }, t.remove[field()])));
    }));
    chosen.hidden = entries().length === 0;
  }

  function drawCandidates() {
    const sources = deck.sources.filter((source) => deck.shows === 'list' || source.kind === 'library');
    const wanted = JSON.stringify([deck.shows, sources.map(({ kind, model, collection, classes, strength, truncation }) => [kind, model, collection, classes, strength[1], truncation[1]])]);
    if (wanted === drawnFor) {
      grid?.retick();
      return;
    }
    drawnFor = wanted;
    grid?.leave();
    grid = sources.length > 0 ? candidateGrid(editor, sources, { toggle, onKnown: drawChosen, isTicked: (image) => entries().some((entry) => imageKey(withModel(entry)) === imageKey(image)), verb: t.verbs[field()] }) : null;
    candidates.replaceChildren(...(grid ? [grid.root] : []));
  }

  const withModel = (entry) => (entry.collection ? entry : { ...entry, model: entry.model ?? editor.modelOf(entry.class) });

  function update() {
    if (!root.closest('details')?.open) {
      return; // its images are not asked for before somebody looks
    }
    const { no, yes } = countListed(deck);
    lead.textContent = deck.shows === 'list' ? t.listLead : deck.sources.some(({ kind }) => kind === 'library') ? t.excludeLead : t.excludeDrawnLead;
    counts.textContent = deck.shows === 'list' ? t.listed(deck.list.length, no, yes, deck.choices, LIST_MAX) : t.excluded(deck.exclude.length);
    drawChosen();
    drawCandidates();
  }

  editor.onUpdate(update);
  return { root, update };
}

/** A page of candidates of one source. */
function candidateGrid(editor, sources, { toggle, isTicked, onKnown, verb }) {
  const trouble = troublePlace();
  const list = el('ul', { class: 'thumbs picks', 'aria-label': t.candidates, on: { keydown: moveByArrows } });
  const where = el('p', { class: 'quiet', role: 'status' });
  let source = sources[0];
  let from = BigInt(randomSeed()); // not among the first, which anybody looks up in the atlas with their class
  let page = 1;
  let pages = 1;
  let leaving = [];
  let boxes = [];

  const classes = () => Object.keys({ ...source.classes.no, ...source.classes.yes });

  async function load() {
    let images;
    if (source.kind === 'library') {
      const split = editor.deck.shows === 'list' ? {} : { split: source.split ?? 'train' };
      const got = await listCollectionImages(source.collection, { ...split, page });
      pages = got.pages;
      images = got.images.filter((image) => classes().includes(image.class)).map((image) => ({ ...image, collection: source.collection }));
      images.forEach((image) => editor.images.set(imageKey(image), image.image));
      onKnown();
      where.textContent = t.page(page, Math.max(pages, 1));
    } else {
      const seeds = Array.from({ length: HIPS }, (_, i) => from + BigInt(i)).filter((seed) => seed <= LAST_SEED);
      images = seeds.flatMap((seed) => classes().map((name) => ({ class: name, seed: String(seed), model: source.model, strength: source.strength[1], truncation: source.truncation[1] })));
      where.textContent = t.hips(String(from), String(seeds.at(-1)));
    }
    before.hidden = source.kind === 'library' ? page <= 1 : from === 0n;
    after.hidden = source.kind === 'library' && page >= pages;
    const lost = document.activeElement?.hidden; // the button that was pressed has nothing more to turn to
    show(images);
    if (lost) {
      boxes[0]?.[0].focus();
    }
  }

  function show(images) {
    leaving.forEach((leave) => leave());
    leaving = [];
    boxes = [];
    list.replaceChildren(...images.map((image) => {
      const thumb = thumbOf(image, editor.models);
      leaving.push(thumb.leave);
      const box = el('input', {
        type: 'checkbox', checked: isTicked(image),
        on: {
          change: () => {
            box.checked = toggle(image, source);
          },
        },
      });
      boxes.push([box, image]);
      return el('li', {}, el('label', { class: 'pick' }, box, thumb.root,
        el('span', { class: 'thumb-words' }, el('span', { class: 'visually-hidden' }, verb, ' '), el('strong', {}, atlasTexts.className(image.class)), ' ', nameOfImage(image))));
    }));
  }

  const turn = (by) => {
    page = Math.min(Math.max(page + by, 1), Math.max(pages, 1));
    from = from + BigInt(by * HIPS) < 0n ? 0n : from + BigInt(by * HIPS) > LAST_SEED ? from : from + BigInt(by * HIPS);
    return load();
  };
  const button = (words, work, id) => {
    const made = el('button', { type: 'button', class: 'button', id, on: { click: () => attempt(made, trouble, work) } }, words);
    return made;
  };
  const before = button(t.before, () => turn(-1), 'page-before');
  const after = button(t.after, () => turn(1), 'page-after');
  const go = button(atlasTexts.go, async () => {
    const wish = readSeed(seed.value);
    if (wish === null) {
      throw new Error(atlasTexts.noSeed);
    }
    from = BigInt(wish);
    await load();
  });
  const seed = el('input', {
    type: 'text', id: 'from-hip', inputmode: 'numeric', autocomplete: 'off', maxlength: '20',
    on: {
      keydown: (event) => {
        if (event.key === 'Enter') { // it would save the deck
          event.preventDefault();
          go.click();
        }
      },
    },
  });
  const jump = el('div', { class: 'field' }, el('label', { for: 'from-hip' }, atlasTexts.goTo), el('div', { class: 'go' }, seed, go));
  const choose = sources.length > 1 ? selectField({
    label: t.source, value: '0', options: sources.map(({ collection, model }, i) => ({ value: String(i), text: collection ?? model })),
    onInput: (value) => {
      source = sources[Number(value)];
      page = 1;
      jump.hidden = source.kind === 'library';
      load().catch((error) => { trouble.textContent = staffTexts.trouble.of(error); });
    },
  }).root : null;
  jump.hidden = source.kind === 'library';
  load().catch((error) => { trouble.textContent = staffTexts.trouble.of(error); });

  return {
    root: el('div', { class: 'form' }, el('h3', {}, t.candidates), choose, jump, where, list, trouble,
      el('div', { class: 'buttons' }, before, after)),
    retick: () => boxes.forEach(([box, image]) => { box.checked = isTicked(image); }),
    leave: () => leaving.forEach((leave) => leave()),
  };
}

/** Arrow keys go from tick to tick; the number of columns is read from where the cells are. */
function moveByArrows(event) {
  const boxes = [...event.currentTarget.querySelectorAll('input')];
  const at = boxes.indexOf(event.target);
  const columns = boxes.filter((box) => box.closest('li').offsetTop === boxes[0].closest('li').offsetTop).length;
  const by = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -columns, ArrowDown: columns }[event.key];
  if (at < 0 || by === undefined || event.altKey || event.ctrlKey || event.metaKey) {
    return;
  }
  event.preventDefault();
  boxes[at + by]?.focus();
}
