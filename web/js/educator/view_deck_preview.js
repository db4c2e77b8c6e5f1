/**
 * What a learner gets with the deck as it stands in the form: the words before the first image, and the images of one
 * session with their truth. It follows every change; the images stay the same until others are asked for.
 */

import { previewDeck } from '../api/api_deck_shelf.js';
import { el } from '../dom.js';
import { atlasTexts } from '../texts/atlas_texts.js';
import { introTexts } from '../texts/drill_texts.js';
import { teachTexts } from '../texts/teach_texts.js';
import { entryOf, followsAnswers, imageKey, toDefinition } from './definition.js';
import { nameOfImage, thumbOf } from './thumb.js';

const t = teachTexts.preview;
const AFTER_MS = 500; // without a change
const FIRST = 12;

/**
 * @param {import('./editor.js').Editor} editor
 * @param {(error: ?Error) => void} onAnswer what the server says against the deck; null: nothing
 */
export function previewView(editor, onAnswer) {
  const { deck } = editor;
  let timer = 0;
  let asked = 0; // so that an older reply does not overwrite a newer one
  let answered = ''; // the definition that the items are of
  let items = [];
  let all = false;
  let drawn = '';
  let leaving = [];

  const words = el('ul', { class: 'preview-words' });
  const status = el('p', { class: 'preview-status', role: 'status' }, t.drawing);
  const grid = el('ol', { class: 'thumbs', id: 'preview-images' });
  const more = el('button', { type: 'button', class: 'button', hidden: true, on: { click: () => { all = true; show(); } } }, '');
  const another = el('button', {
    type: 'button', class: 'button', id: 'another',
    on: {
      click: () => {
        if (deck.shows === 'drawn' && deck.draw.mode === 'fixed') {
          editor.change(() => { deck.draw = { mode: 'fixed', seed: editor.newSeed() }; });
        } else {
          editor.newSeed();
          ask();
        }
      },
    },
  }, '');
  const note = el('p', { class: 'quiet' });

  /** An example of what is drawn anew for everybody, which stays while the form changes. */
  function asExample() {
    const definition = toDefinition(deck);
    return { ...definition, id: definition.id || 'preview', title: definition.title || t.untitled, ...(definition.list ? {} : { draw: { mode: 'fixed', seed: editor.seed } }) };
  }

  async function ask() {
    const number = asked += 1;
    const definition = asExample();
    if (definition.list?.length === 0) {
      answered = '';
      items = [];
      show();
      status.textContent = t.emptyList;
      onAnswer(null);
      return;
    }
    const text = JSON.stringify(definition);
    if (text === answered) {
      show();
      onAnswer(null);
      return;
    }
    status.textContent = t.drawing;
    try {
      const got = await previewDeck(definition);
      if (number === asked) {
        answered = text;
        items = got;
        items.filter(({ collection }) => collection).forEach((item) => editor.images.set(imageKey(item), item.image));
        show();
        onAnswer(null);
      }
    } catch (error) {
      if (number === asked) {
        answered = '';
        status.textContent = [400, 422].includes(error.status) ? t.notYet : t.notNow;
        onAnswer(error);
      }
    }
  }

  function show() {
    status.textContent = t.counts(count((item) => deck.choices.find(({ id }) => id === item.choice)?.label ?? item.choice), count((item) => atlasTexts.className(item.class)));
    const shown = all ? items : items.slice(0, FIRST);
    const wanted = JSON.stringify([shown, deck.shows]);
    if (wanted !== drawn) {
      drawn = wanted;
      leaving.forEach((leave) => leave());
      leaving = [];
      grid.replaceChildren(...shown.map(cell));
    }
    more.hidden = shown.length === items.length;
    more.textContent = t.showAll(items.length);
  }

  function count(nameOf) {
    const counts = new Map();
    items.forEach((item) => counts.set(nameOf(item), (counts.get(nameOf(item)) ?? 0) + 1));
    return [...counts].sort(([a], [b]) => a.localeCompare(b));
  }

  function cell(item) {
    const thumb = thumbOf(item, editor.models);
    leaving.push(thumb.leave);
    const label = deck.choices.find(({ id }) => id === item.choice)?.label ?? item.choice;
    return el('li', { class: 'thumb-cell' }, thumb.root,
      el('span', { class: 'thumb-words' }, el('strong', {}, atlasTexts.className(item.class)), ' ', nameOfImage(item),
        item.source === 'gan' && item.strength !== 1 ? ` · ${t.strength(item.strength)}` : ''),
      deck.shows === 'list' ? null : el('button', {
        type: 'button', class: 'button small', 'aria-label': t.leaveOutThis(item.n, label),
        on: {
          click: () => {
            editor.exclude(entryOf(item), item.image);
            ask().then(() => grid.children[Math.min(item.n, grid.children.length) - 1]?.querySelector('button')?.focus());
          },
        },
      }, t.leaveOut));
  }

  editor.onUpdate(() => {
    clearTimeout(timer);
    timer = setTimeout(ask, AFTER_MS);
    words.replaceChildren(...wordsFor(deck).map((line) => el('li', {}, line)));
    another.textContent = deck.draw.mode === 'fixed' ? t.anotherForAll : t.another;
    another.hidden = deck.shows === 'list';
    note.textContent = followsAnswers(deck) ? t.example : deck.shows === 'list' || deck.draw.mode === 'fixed' ? t.theVery : t.fresh;
  });
  return el('section', { class: 'preview form', 'aria-labelledby': 'preview' },
    el('h2', { id: 'preview', tabindex: '-1' }, t.title),
    words, status, note, another, grid, more);
}

/** The sentences that learners read before the first image. */
function wordsFor(deck) {
  const asked = { ...deck, items: deck.shows === 'list' ? deck.list.length : deck.items };
  const intro = introTexts;
  return [
    deck.description,
    deck.time_limit_s ? intro.lookLimited(deck.time_limit_s) : intro.lookWords,
    intro.commitWords(deck),
    deck.rating === 'confidence' ? intro.sureWords : null,
    intro.toldWords[deck.feedback],
    deck.mastery && deck.order.rule !== 'staircase' ? intro.factsMastery(asked) : intro.facts(asked),
    followsAnswers(deck) ? intro.orderWords[deck.order.rule] : null,
  ].filter(Boolean);
}
