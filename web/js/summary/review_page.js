/**
 * The images that were missed, one after the other, with all that may be told of them.
 */

import { readItem } from '../api/api_sessions.js';
import { el } from '../dom.js';
import { createExplanation } from '../drill/explanation.js';
import { decodedImage } from '../drill/images.js';
import { choiceLabel, hasTwoButtons } from '../drill/state.js';
import { mark } from '../drill/view_told.js';
import { withRetry } from '../retry.js';
import { announce, show } from '../screen.js';
import { shortcutsOn } from '../store.js';
import { drillTexts } from '../texts/drill_texts.js';
import { reviewTexts, summaryTexts } from '../texts/summary_texts.js';
import { createViewer } from '../viewer/viewer.js';
import { confidenceOfRating } from './figures.js';

const t = reviewTexts;

/**
 * @param {object} props
 * @param {{id: string, secret: string}} props.session
 * @param {import('../api/api_decks.js').Deck} props.deck
 * @param {import('../api/api_sessions.js').SummaryItem[]} props.missed at least one
 * @param {number} props.of how many images the drill had
 * @param {string} props.caption what the images are
 * @param {() => void} props.onBack
 */
export function openReviewPage({ session, deck, missed, of, caption, onBack }) {
  const viewer = createViewer({ shortcuts: shortcutsOn });
  const explanation = createExplanation({ session, deck, viewer });
  const leaving = new AbortController();
  let at = 0;

  const place = el('p', { class: 'bar-count' });
  const status = el('p', { class: 'film-coming' });
  viewer.stage.append(status);
  const truth = el('p', { class: 'told-truth' });
  const mine = el('p', { class: 'told-mine' });
  const before = el('button', { type: 'button', class: 'button', id: 'before', on: { click: () => go(at - 1) } }, t.before);
  const next = el('button', { type: 'button', class: 'button button-main button-next', id: 'next', on: { click: () => (at + 1 < missed.length ? go(at + 1) : onBack()) } });
  const root = el('main', { class: 'drill', 'data-screen': 'review' },
    el('header', { class: 'bar' },
      el('button', { type: 'button', class: 'bar-button', id: 'back', on: { click: onBack } }, t.back),
      el('div', { class: 'bar-progress' }, place)),
    el('div', { class: 'reading' },
      el('figure', { class: 'film' }, viewer.root, el('figcaption', {}, caption)),
      el('section', { class: 'panel', 'aria-label': deck.title },
        el('div', { class: 'stage stage-told' },
          el('div', { class: 'told' },
            el('h1', { class: 'verdict is-wrong', tabindex: '-1' }, mark(false), drillTexts.incorrect), truth, mine),
          explanation.root,
          el('div', { class: 'told-actions' }, explanation.compare, before, next)))));

  function describe({ truth: made, choice, rating }) {
    const [opening, name, closing] = drillTexts.truth(choiceLabel(deck, made));
    truth.replaceChildren(opening, el('strong', {}, name), closing);
    const confidence = hasTwoButtons(deck) ? null : drillTexts.confidenceLevels[confidenceOfRating(rating) - 1];
    mine.textContent = drillTexts.yourAnswer(choiceLabel(deck, choice), confidence);
    place.textContent = t.place(at + 1, missed.length);
    if (at === 0 && document.activeElement === before) {
      next.focus(); // what is hidden loses it
    }
    before.hidden = at === 0;
    next.textContent = at + 1 < missed.length ? t.after : t.end;
  }

  async function go(to) {
    at = to;
    const item = missed[at];
    const { signal } = leaving;
    explanation.show(null);
    viewer.setImage(null, '');
    describe(item);
    root.dataset.item = '';
    status.textContent = t.coming;
    announce(t.place(at + 1, missed.length));
    try {
      const { feedback, image: url } = await withRetry(() => readItem(session.id, session.secret, item.n), { signal });
      const image = await withRetry(() => decodedImage(url, signal), { signal });
      if (missed[at] === item) {
        const alt = summaryTexts.itemAlt(item.n, of);
        status.textContent = '';
        viewer.setImage(image, alt);
        explanation.show({ feedback, image, alt });
        root.dataset.item = String(item.n);
      }
    } catch {
      if (missed[at] === item) {
        status.textContent = t.gone;
      }
    }
  }

  show(root, () => {
    leaving.abort();
    explanation.show(null);
    viewer.close();
  });
  go(0);
}
