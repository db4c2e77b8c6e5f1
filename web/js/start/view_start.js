/**
 * The start page: what this is, which deck, one big button.
 */

import { el } from '../dom.js';
import { sampleUrl } from '../api/api_models.js';
import { modelOf } from './deck_models.js';
import { smallestSize } from '../summary/figures.js';
import { product, provenanceTexts } from '../texts/site_texts.js';
import { startTexts } from '../texts/start_texts.js';

const SAMPLE_SEED = 1;
const SAMPLE_PIXELS = 512;

/**
 * @param {object} props
 * @param {import('../api/api_decks.js').Deck[]} props.decks at least one
 * @param {import('../api/api_models.js').Model[]} props.models
 * @param {?string} props.deckId the one to be chosen first, else the first of all
 * @param {boolean} props.resumable a started drill waits in this browser
 * @param {boolean} props.hasCode the learner's code is kept in this browser
 * @param {(deckId: string) => void} props.onStart
 * @param {() => void} props.onResume
 * @param {() => void} props.onMine
 * @returns {HTMLElement}
 */
export function startView({ decks, models, deckId, resumable, hasCode, onStart, onResume, onMine }) {
  const t = startTexts;
  const chosen = { deck: decks.find(({ id }) => id === deckId) ?? decks[0] };
  const modelLine = el('p', { class: 'start-model' });
  const provenance = el('p', { class: 'start-provenance' });
  const showModel = () => {
    const model = modelOf(chosen.deck, models);
    modelLine.textContent = model ? t.model(model) : '';
    provenance.textContent = provenanceTexts.deck(chosen.deck.images, model);
  };
  showModel();

  const pick = (deck) => {
    chosen.deck = deck;
    showModel();
  };
  const start = (quiet) => el('button', {
    type: 'button',
    class: quiet ? 'button button-quiet' : 'button button-main',
    id: 'start',
    on: { click: () => onStart(chosen.deck.id) },
  }, quiet ? t.startNew : t.start);
  const actions = resumable
    ? [el('button', { type: 'button', class: 'button button-main', id: 'resume', on: { click: onResume } }, t.resume), start(true)]
    : [start(false)];

  return el('main', { class: 'start', 'data-screen': 'start' },
    sampleFigure(modelOf(chosen.deck, models)),
    el('div', { class: 'start-words' },
      el('p', { class: 'wordmark' }, product),
      el('h1', { tabindex: '-1' }, t.title),
      el('p', { class: 'start-lead' }, t.lead),
      decks.length > 1 ? deckChoice(decks, chosen.deck, pick) : deckFacts(decks[0]),
      el('div', { class: 'start-actions' }, ...actions),
      el('button', { type: 'button', class: 'link-button', id: 'mine', on: { click: onMine } }, hasCode ? t.mine : t.code),
      el('nav', { class: 'start-ways', 'aria-label': t.ways },
        el('a', { href: '/atlas.html' }, t.toAtlas), el('a', { href: '/staff.html' }, t.toStaff)),
      el('div', { class: 'start-notes' }, provenance, modelLine, el('p', {}, t.answersStored))));
}

function deckFacts(deck) {
  return el('p', { class: 'start-deck' }, el('strong', {}, deck.title), ...deckWords(deck));
}

function deckChoice(decks, chosen, onPick) {
  return el('fieldset', { class: 'decks' },
    el('legend', {}, startTexts.chooseDeck),
    ...decks.map((deck) => el('label', { class: 'deck' },
      el('input', { type: 'radio', name: 'deck', value: deck.id, checked: deck === chosen, on: { change: () => onPick(deck) } }),
      el('span', { class: 'deck-words' },
        el('strong', {}, deck.title),
        ...deckWords(deck)))));
}

function deckWords(deck) {
  return [deck.description, startTexts.deckFacts(deck)].filter(Boolean).map((words) => el('span', {}, words));
}

/** One labelled sample, so that the page shows what it is about. Left dark when the server is busy. */
function sampleFigure(model) {
  const figure = el('figure', { class: 'start-sample' });
  const size = smallestSize(model?.sizes, SAMPLE_PIXELS);
  if (!model || !size) {
    return figure;
  }
  const image = el('img', { alt: startTexts.sampleAlt, width: String(size), height: String(size), class: 'is-absent' });
  const caption = el('figcaption', { class: 'is-absent' }, startTexts.sampleCaption(model.classes[0].replaceAll('_', ' ')));
  image.addEventListener('load', () => {
    image.classList.remove('is-absent');
    caption.classList.remove('is-absent');
  });
  image.addEventListener('error', () => figure.replaceChildren());
  image.src = sampleUrl(model.id, model.classes[0], SAMPLE_SEED, size);
  figure.append(image, caption);
  return figure;
}
