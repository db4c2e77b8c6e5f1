/**
 * Runs one drill: fetches items ahead, measures, and lets nobody go on whose answer is neither with the server nor
 * kept. It owns the DrillState and tells the view after each change.
 */

import * as api from '../api/api_sessions.js';
import { answerContext, awayTime, watchFocus } from './context.js';
import { itemImage } from './images.js';
import { countdown } from './countdown.js';
import { createOutbox } from './outbox.js';
import { withRetry } from '../retry.js';
import {
  answerKept, answerSaved, choiceLabel, choose, hasTwoButtons, imageShown, isStepwise, nextItem, openDrill, rate, timeUp, troubled,
} from './state.js';
import { nextFrame, responseTime } from './timing.js';
import { troubleText } from './view_film.js';
import { drillTexts } from '../texts/drill_texts.js';

/** The second tap of a double tap on the confidence must not skip the feedback. */
const SETTLE_MS = 250;
/** A connection that hangs does not hold anybody up for longer. */
const PATIENCE_MS = 3000;
/** Why an answer is refused that came after another one's. */
const OVERTAKEN = ['already_answered', 'key_reused', 'item_locked', 'session_finished'];

/**
 * @param {object} props
 * @param {{id: string, secret: string}} props.session
 * @param {import('../api/api_decks.js').Deck} props.deck
 * @param {number[]} props.answered items the server already has
 * @param {ReturnType<typeof import('./images.js').firstImage>} props.first its `ending` is aborted when the drill is left
 * @param {ReturnType<typeof import('./view_drill.js').drillView>} props.view
 * @param {(text: string) => void} props.announce speaks to screen readers
 * @param {() => void} props.onFinished every item is answered
 * @param {(error: Error) => void} props.onFailed an error that waiting cannot mend
 */
export function createDrill({ session, deck, answered, first, view, announce, onFinished, onFailed }) {
  let state = openDrill(deck, answered);
  let onset = 0;
  let feedbackAt = 0;
  let context = {}; // of the choice
  let stopClock = () => {};
  let patience = null; // timer
  let shown = null; // the image, and what it is called
  const limitMs = deck.time_limit_s * 1000; // 0: none
  const stepwise = isStepwise(deck);
  const away = awayTime();
  const unwatch = watchFocus(away);
  const ahead = new Map(); // item number -> promise of its decoded image
  const { ending } = first;

  const set = (next) => {
    const changed = next !== state;
    state = next;
    view.update(state);
    return changed;
  };

  /** @param {?Error} error null while there is only silence */
  const wait = (error) => {
    set(troubled(state, error));
    keep();
    announce(troubleText(state.phase, error));
  };

  const patiently = (task) => withRetry(task, { signal: ending.signal, onWait: wait });

  /** Errors after the drill was left are nobody's business any more. */
  const guarded = (work) => work.catch((error) => {
    if (ending.signal.aborted) {
      return;
    }
    if (error.code === 'session_finished') { // on another device
      onFinished();
    } else {
      onFailed(error);
    }
  });

  /** The server opens an item when it has the answer to the one two before it; if items depend on answers, one before. */
  async function fetchImage(n) {
    await outbox.sentUpTo(stepwise ? n - 1 : n - 2);
    return itemImage(session, n, ending.signal);
  }

  /** Starts loading an item's image, once; a failed attempt is forgotten so that the next call tries again. */
  function load(n) {
    if (!ahead.has(n)) {
      expect(n, fetchImage(n));
    }
    return ahead.get(n);
  }

  function expect(n, image) {
    image.catch(() => ahead.delete(n));
    ahead.set(n, image);
  }
  expect(state.n, first.image);

  async function showItem() {
    const { n } = state;
    view.explain(null);
    view.showImage(null, '');
    set(state);
    view.focusQuestion(); // what had the focus is disabled or hidden now
    const image = await patiently(() => load(n));
    ahead.delete(n);
    shown = { image, alt: drillTexts.imageAlt(n, state.of) };
    view.showImage(image, shown.alt); // drawn when this returns
    onset = await nextFrame();
    away.start(onset, document.hasFocus());
    set(imageShown(state));
    startClock();
    announce(drillTexts.announceItem(n, state.of));
    loadNext();
  }

  /** Not needed yet: showItem asks again and reports. */
  function loadNext() {
    if (state.n < state.of && (!stepwise || state.answered.includes(state.n))) {
      load(state.n + 1).catch(() => {});
    }
  }

  function startClock() {
    if (limitMs > 0) {
      stopClock = countdown(onset, limitMs, view.showSeconds, () => {
        if (set(timeUp(state))) {
          announce(drillTexts.timeUp);
        }
      });
    }
  }

  const outbox = createOutbox({
    session,
    signal: ending.signal,
    onWait: wait,
    onSaved: (item, reply) => guarded(saved(item, reply)),
    onRefused: (error) => guarded(refused(error)),
  });

  function submit() {
    stopClock();
    patience = setTimeout(() => wait(null), PATIENCE_MS);
    outbox.add({
      key: newKey(),
      item: state.n,
      choice: state.choice,
      ...(hasTwoButtons(deck) ? {} : { confidence: state.confidence }),
      response_ms: state.responseMs,
      ...(limitMs > 0 ? { timed_out: state.responseMs > limitMs } : {}),
      ...context,
    });
  }

  /** The answer on its way is safe in the browser: one need not wait for the connection. */
  function keep() {
    clearTimeout(patience);
    const { n } = state;
    const first = set(answerKept(state));
    if (state.n !== n) {
      guarded(goOn());
    } else if (first && state.phase === 'kept') {
      stopped();
    }
  }

  async function saved(item, { feedback, progress }) {
    const { n, phase } = state;
    set(answerSaved(state, item, feedback, progress));
    if (state.phase === 'feedback' && item === n) {
      clearTimeout(patience);
      stopped();
      view.explain({ feedback, ...shown });
      announce(drillTexts.announceFeedback(feedback.correct, feedback.truth && choiceLabel(deck, feedback.truth)));
      loadNext();
    } else if (state.n !== n || state.phase !== phase) {
      clearTimeout(patience);
      await goOn();
    }
  }

  /** Something is told, and one goes on when one has read it. */
  function stopped() {
    feedbackAt = performance.now();
    view.focusNext();
  }

  /** The item was answered elsewhere (a copy of this tab, another device): go on from what the server has. */
  async function refused(error) {
    clearTimeout(patience);
    if (!OVERTAKEN.includes(error.code)) {
      throw error;
    }
    const now = await patiently(() => api.readSession(session.id, session.secret));
    if (now.finished) {
      onFinished();
    } else {
      set(openDrill(deck, now.answered, outbox.items()));
      await goOn();
    }
  }

  async function goOn() {
    if (state.phase === 'finished') {
      onFinished();
    } else {
      await showItem();
    }
  }

  return {
    start: () => guarded(goOn()),

    /** @param {Event} event the key press or click */
    choose(choiceId, event) {
      const responseMs = responseTime(onset, event.timeStamp, performance.now());
      if (set(choose(state, choiceId, responseMs))) {
        const { innerWidth: width, innerHeight: height, devicePixelRatio: ratio } = window;
        const blurMs = Math.min(away.until(onset + responseMs), responseMs);
        context = answerContext({ blurMs, event, width, height, ratio, looked: view.looked(onset) });
        if (state.phase === 'saving') {
          submit();
        }
      }
    },

    rate(confidence) {
      if (set(rate(state, confidence))) {
        submit();
      }
    },

    next() {
      const settled = performance.now() - feedbackAt > SETTLE_MS;
      if (settled && set(nextItem(state))) {
        guarded(goOn());
      }
    },

    /** Stops waiting and listening. Answers on their way stay kept in the browser. */
    close() {
      ending.abort();
      clearTimeout(patience);
      stopClock();
      unwatch();
    },
  };
}

/** 128 random bits as a UUID. Pages served without TLS to other machines have no crypto.randomUUID. */
function newKey() {
  if (crypto.randomUUID) {
    return crypto.randomUUID();
  }
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('');
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}
