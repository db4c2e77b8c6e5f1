/**
 * The deck editor: the form, the preview beside it, the draft that this browser keeps, and the way to the server.
 */

import { afterPaint } from '../after_paint.js';
import { createDeck, readDeckVersion, saveDeck } from '../api/api_deck_shelf.js';
import { timeElement, timeOnly } from '../dates.js';
import { el } from '../dom.js';
import { attempt, troublePlace, troubleWords } from '../staff/attempt.js';
import { fieldError } from '../staff/field_errors.js';
import { tellAt, untell } from '../staff/form_fields.js';
import { nameFor } from '../staff/name_for.js';
import { atlasTexts } from '../texts/atlas_texts.js';
import { teachTexts } from '../texts/teach_texts.js';
import { conflictView } from './conflict.js';
import { entryOf, fromDefinition, imageKey, sameDeck, toDefinition } from './definition.js';
import { saveAsFile } from './deck_file.js';
import { draftKeyOf, newDraftKey } from './kept_decks.js';
import { randomSeed } from './seeds.js';
import { amountView, titleView } from './view_amount.js';
import { askedFields } from './view_asked.js';
import { curationView } from './view_curation.js';
import { orderFields, sameOrFresh } from './view_order.js';
import { previewView } from './view_deck_preview.js';
import { sourcesView } from './view_sources.js';

const t = teachTexts.editor;

/**
 * @typedef {object} Editor what the parts of the form share
 * @property {import('./definition.js').Deck} deck is changed in place, by change() only
 * @property {(work: () => void) => void} change what follows from it is shown after the next frame
 * @property {() => void} settle shows it at once
 * @property {(listener: () => void) => void} onUpdate called after every change, and once at the start
 * @property {(entry: object, image: string) => void} exclude
 * @property {Map<string, string>} images addresses of a collection's images, by imageKey
 * @property {(className: string) => ?string} modelOf the first that draws a class, as the server has it
 * @property {import('../api/api_models.js').Model[]} models
 * @property {import('../api/api_library.js').Collection[]} collections
 * @property {boolean} fixedId the server has the deck
 * @property {boolean} ownId the deck's name was typed, and does not follow the title
 * @property {string} seed of the example, and of a deck that shows everybody the same
 * @property {() => string} newSeed
 */

/**
 * @param {object} props
 * @param {{main: HTMLElement, announce: (text: string) => void}} props.place
 * @param {ReturnType<typeof import('./kept_decks.js').deckDrafts>} props.drafts
 * @param {{deck: import('./definition.js').Deck, tag: ?string, key: ?string, saved: ?import('./definition.js').Deck, keptAt: ?string}} props.start
 *   tag: of the version that is edited, null: a new deck; key: of the draft it is from; saved: what the server has
 * @param {object[]} props.models @param {object[]} props.collections
 * @param {string[]} props.taken names that other decks have
 * @param {(id: string, title: string) => void} props.onSaved
 */
export function openEditor({ place, drafts, start, models, collections, taken, onSaved }) {
  const { deck } = start;
  let { tag, key, saved } = start;
  const listeners = [];
  let kept = true;
  let keptAt = start.keptAt;
  let settling = false; // a change is on screen, but not yet what follows from it

  const nameOfTitle = () => nameFor(deck.title, taken) || (deck.title.trim() && nameFor(t.nameless, taken));
  const ownId = tag !== null || (deck.id !== '' && deck.id !== nameOfTitle());
  if (!ownId) {
    deck.id = nameOfTitle();
  }

  /** @type {Editor} */
  const editor = {
    deck, models, collections, fixedId: tag !== null, ownId,
    images: new Map(),
    seed: deck.draw.seed ?? randomSeed(),
    newSeed: () => {
      editor.seed = randomSeed();
      return editor.seed;
    },
    modelOf: (name) => deck.sources.find(({ kind, classes }) => kind === 'gan' && (name in classes.no || name in classes.yes))?.model ?? null,
    change(work) {
      work();
      if (!editor.ownId) {
        deck.id = nameOfTitle();
      }
      keep();
      if (!settling) {
        settling = true;
        afterPaint().then(editor.settle);
      }
    },
    settle() {
      if (settling) {
        settling = false;
        listeners.forEach((listener) => listener());
      }
    },
    onUpdate: (listener) => listeners.push(listener),
    exclude(entry, image) {
      editor.images.set(imageKey(entry), image);
      editor.change(() => { deck.exclude = [...deck.exclude, entryOf(entry)]; });
      place.announce(t.leftOut(atlasTexts.className(entry.class)));
    },
  };

  function keep() {
    if (!key) {
      key = newDraftKey();
      history.replaceState(null, '', `/deck.html?draft=${key}`);
    }
    kept = drafts.keep(key, { deck, tag });
    keptAt = new Date().toISOString();
  }

  // ---- the form

  const trouble = troublePlace();
  const state = el('p', { class: 'save-state', role: 'status' });
  const saveButton = el('button', { type: 'submit', class: 'button button-main', id: 'save-deck' }, t.save);
  const outcome = el('div', { class: 'form', id: 'outcome' });
  const curation = curationView(editor);
  const choosing = folded('choosing', t.choosingTitle, () => (deck.shows === 'list' ? t.choosingList(deck.list.length) : t.choosingExclude(deck.exclude.length)), [curation.root]);
  choosing.addEventListener('toggle', () => afterPaint().then(curation.update));
  const form = el('form', { class: 'form deck-form', novalidate: true, on: { submit: (event) => { event.preventDefault(); save(); } } },
    titleView(editor),
    amountView(editor),
    folded('images', t.imagesTitle, () => t.imagesNow(deck), [sourcesView(editor)]),
    folded('asked', t.askedTitle, () => t.askedNow(deck), askedFields(editor)),
    folded('order', t.orderTitle, () => t.orderNow(deck), [sameOrFresh(editor), ...orderFields(editor)]),
    choosing,
    el('div', { class: 'save-bar' }, state, trouble, el('div', { class: 'buttons' }, saveButton,
      el('a', { class: 'button to-preview', href: '#preview' }, t.toPreview))),
    el('div', {}, el('button', { type: 'button', class: 'link-button', id: 'download-deck', on: { click: () => saveAsFile(toDefinition(deck)) } }, t.download)));
  const preview = previewView(editor, (error) => {
    untell(form);
    if (error && !error.transient) {
      told(error);
    }
    curation.update(); // it may know more images now
  });

  /** A part of the form that says in its head how it is set, so that it need not be opened to know. */
  function folded(id, title, now, parts) {
    const words = el('span', { class: 'quiet' });
    editor.onUpdate(() => { words.textContent = now(); });
    return el('details', { class: 'fold', id }, el('summary', {}, el('strong', {}, title), words), el('div', { class: 'form fold-body' }, ...parts));
  }

  /** Beside its field, else below. @returns {?HTMLElement} where */
  function told(error) {
    const { path, text } = error.code === 'deck_exists' ? { path: 'id', text: error.message } : fieldError(error.message, 'deck');
    const where = path ? tellAt(form, path, text) : null;
    if (!where) {
      trouble.replaceChildren(...(error.status === 422 ? [text] : troubleWords(error)));
    }
    return where;
  }

  function say() {
    const changed = !saved || !sameDeck(deck, saved);
    state.replaceChildren(...(!changed ? [t.state.clean] : !keptAt ? [t.state.fresh] : kept ? [t.state.kept, ' ', timeElement(keptAt, timeOnly), '.'] : [t.state.unkept]));
    window.onbeforeunload = changed && !kept ? (event) => event.preventDefault() : null;
  }
  editor.onUpdate(() => {
    trouble.replaceChildren();
    say();
  });

  // ---- the way to the server

  async function save(over = tag) {
    untell(form);
    if (deck.title.trim() === '') {
      tellAt(form, 'title', t.needsTitle).focus();
      return;
    }
    let refusal = null;
    const done = await attempt(saveButton, trouble, async () => {
      try {
        const definition = toDefinition(deck);
        const result = over ? await saveDeck(definition, over) : await createDeck(definition);
        stored(result, definition);
      } catch (error) {
        if (![409, 412, 422].includes(error.status)) {
          throw error; // told below, with what to do
        }
        refusal = error;
      }
    });
    if (done && refusal) {
      refuse(refusal);
    }
  }

  function stored({ id, version, tag: next }, definition) {
    drafts.drop(key);
    tag = next;
    key = draftKeyOf(id);
    saved = fromDefinition(structuredClone(definition));
    editor.fixedId = true;
    editor.ownId = true;
    keptAt = null;
    history.replaceState(null, '', `/deck.html?deck=${encodeURIComponent(id)}`);
    const idField = document.getElementById('deck-id');
    idField.readOnly = true;
    onSaved(id, deck.title);
    say();
    const share = el('a', { class: 'button button-main', id: 'to-share', href: `/deck.html?deck=${encodeURIComponent(id)}&view=share` }, t.toShare);
    outcome.replaceChildren(el('div', { class: 'saved-box', role: 'status' },
      el('p', {}, el('strong', {}, t.savedTo(version)), ' ', version === 1 ? t.savedFirst : t.savedAgain),
      el('div', { class: 'buttons' }, share, el('a', { class: 'button', href: `/?deck=${encodeURIComponent(id)}`, target: '_blank' }, t.tryIt))));
    share.focus();
    outcome.scrollIntoView({ block: 'nearest' }); // the focus alone may show the button without what is said above it
  }

  function refuse(error) {
    if (error.status === 412) {
      meet();
      return;
    }
    const where = told(error);
    where?.closest('details')?.setAttribute('open', '');
    where?.focus();
  }

  /** Somebody has saved another version meanwhile. */
  async function meet() {
    await attempt(saveButton, trouble, async () => {
      const theirs = await readDeckVersion(deck.id);
      const view = conflictView({
        mine: toDefinition(deck), before: saved && toDefinition(saved), theirs: theirs.definition,
        onMine: () => {
          outcome.replaceChildren();
          save(theirs.tag);
        },
        onCopy: () => {
          const copy = newDraftKey();
          deck.id = nameFor(`${deck.title} 2`, taken);
          drafts.keep(copy, { deck, tag: null });
          drafts.drop(key);
          location.assign(`/deck.html?draft=${copy}`);
        },
        onTheirs: () => {
          saveAsFile(toDefinition(deck));
          drafts.drop(key);
          location.reload();
        },
      });
      outcome.replaceChildren(view);
      view.querySelector('h2').focus();
    });
  }

  drafts.watch(() => key, () => { trouble.textContent = t.otherTab; });
  listeners.forEach((listener) => listener());
  place.main.append(outcome, el('div', { class: 'deck-desk' }, form, preview));
}
