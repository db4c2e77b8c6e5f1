/**
 * What can be seen of an image once it is answered: where the finding is, and the same hip of the other class, blinking,
 * beside it, or with all that lies between.
 */

import { sampleUrl } from '../api/api_models.js';
import { readImage } from '../api/transport.js';
import { whileBusy } from '../busy.js';
import { el } from '../dom.js';
import { morphFrames } from '../morph.js';
import { withRetry } from '../retry.js';
import { explanationTexts } from '../texts/drill_texts.js';
import { troubleTexts } from '../texts/site_texts.js';
import { viewerTexts } from '../texts/viewer_texts.js';
import { readGreyPng } from '../viewer/grey_png.js';
import { choiceLabel, otherChoice } from './state.js';

const t = explanationTexts;
const STEPS = 2; // of the morph, from each end to the middle: each image takes its time to draw
const MODES = ['blink', 'side', 'morph'];

/**
 * @param {object} props
 * @param {{id: string, secret: string}} props.session
 * @param {import('../api/api_decks.js').Deck} props.deck
 * @param {ReturnType<typeof import('../viewer/viewer.js').createViewer>} props.viewer shows the image
 * @returns {{root: HTMLElement, compare: HTMLButtonElement, show: (told: ?{feedback: import('./state.js').Feedback,
 *   image: import('../viewer/grey_png.js').GreyImage, alt: string}) => void}} compare stands beside the way on; show: null takes everything away
 */
export function createExplanation({ session, deck, viewer }) {
  const label = el('span', {});
  const compare = el('button', { type: 'button', class: 'button', id: 'compare' }, label);
  const status = el('p', { class: 'explanation-status', role: 'status' });
  const root = el('div', { class: 'explanation' }, status, viewer.extras);
  let told = null;
  let marks = null; // of the finding's place
  let frames = null; // of the comparison that is shown
  let leaving = new AbortController();

  const load = async (url, secret) => readGreyPng(await withRetry(() => readImage(url, leaving.signal, secret), {
    signal: leaving.signal,
    onWait: () => { status.textContent = troubleTexts.busy; },
  }));

  /** For as long as nothing else is shown. */
  const guarded = (work, failed) => work().catch((error) => {
    if (!(error === leaving.signal.reason || leaving.signal.aborted)) {
      status.textContent = failed;
    }
  });

  function name() {
    label.textContent = frames ? t.alone : t.compare(choiceLabel(deck, otherChoice(deck, told.feedback.truth)));
  }

  function showMarks() {
    viewer.setOverlay(marks, marks && t.basis[told.feedback.location.basis]);
  }

  async function locate({ image }) {
    const { signal } = leaving;
    const found = await load(image, session.secret);
    signal.throwIfAborted();
    marks = found;
    if (!frames) {
      showMarks();
    }
  }

  async function drawFrames({ model, class: className, other_class: other, seed, strength, truncation }) {
    const { signal } = leaving;
    const { feedback: { truth }, image } = told;
    const wanted = morphFrames(className, other, strength, STEPS);
    const [first, last] = [truth, otherChoice(deck, truth)].map((choice) => choiceLabel(deck, choice));
    let ready = 1;
    const tell = () => { status.textContent = t.drawing(ready, wanted.length); };
    tell();
    const drawn = await Promise.all(wanted.map(async (frame, i) => {
      if (i > 0) {
        const made = await load(sampleUrl(model, frame.className, seed, image.width, { strength: frame.strength, truncation }), null);
        ready++;
        tell();
        return { image: made, label: viewerTexts.morphAt(i / (wanted.length - 1), first, last) };
      }
      return { image, label: first }; // the very image that was answered
    }));
    signal.throwIfAborted();
    status.textContent = '';
    return drawn;
  }

  async function toggle() {
    if (frames) {
      frames = null;
      viewer.setImage(told.image, told.alt);
      showMarks();
    } else {
      await guarded(async () => {
        frames = await drawFrames(told.feedback.sample);
        viewer.setFrames(frames, MODES);
      }, t.failed);
    }
    if (told) {
      name();
    }
  }
  compare.addEventListener('click', () => whileBusy(compare, toggle));

  return {
    root,
    compare,
    show(next) {
      leaving.abort();
      leaving = new AbortController();
      [told, marks, frames] = [next, null, null];
      status.textContent = '';
      compare.hidden = !told?.feedback.sample;
      if (told?.feedback.sample) {
        name();
      }
      if (told?.feedback.location) {
        guarded(() => locate(told.feedback.location), t.noPlace);
      }
    },
  };
}
