/**
 * Runs one drill: fetches items ahead, measures, sends answers until the server has them.
 *
 * It owns the DrillState and tells the view after each change. Answers are kept in the tab from the moment
 * they are given until the server confirms them, under a key that makes sending them twice harmless.
 */

import * as api from '../api/api_sessions.js';
import * as store from './store.js';
import { answerContext, awayTime, watchFocus } from './context.js';
import { decodedImage } from './images.js';
import { countdown } from './countdown.js';
import { withRetry } from '../retry.js';
import {
  answerSaved, choiceLabel, choose, hasTwoButtons, imageShown, nextItem, openDrill, rate, timeUp, troubled,
} from './state.js';
import { nextFrame, responseTime } from './timing.js';
import { troubleText } from './view_film.js';
import { texts } from '../texts.js';

/** The second tap of a double tap on the confidence must not skip the feedback. */
const SETTLE_MS = 250;

/**
 * @param {object} props
 * @param {{id: string, secret: string}} props.session
 * @param {import('../api/api_decks.js').Deck} props.deck
 * @param {number[]} props.answered items the server already has
 * @param {ReturnType<typeof import('./view_drill.js').drillView>} props.view
 * @param {(text: string) => void} props.announce speaks to screen readers
 * @param {() => void} props.onFinished every item is answered
 * @param {(error: Error) => void} props.onFailed an error that waiting cannot mend
 */
export function createDrill({ session, deck, answered, view, announce, onFinished, onFailed }) {
  let state = openDrill(deck, answered);
  let onset = 0;
  let feedbackAt = 0;
  let context = {}; // of the choice
  let stopClock = () => {};
  const limitMs = deck.time_limit_s * 1000; // 0: none
  const away = awayTime();
  const unwatch = watchFocus(away);
  const ahead = new Map(); // item number -> promise of its decoded image
  const ending = new AbortController();

  const set = (next) => {
    const changed = next !== state;
    state = next;
    view.update(state);
    return changed;
  };

  const patiently = (task) => withRetry(task, {
    signal: ending.signal,
    onWait: (error) => {
      set(troubled(state, error));
      announce(troubleText(state.phase, error));
    },
  });

  /** Errors after the drill was left are nobody's business any more. */
  const guarded = (work) => work.catch((error) => {
    if (!ending.signal.aborted) {
      onFailed(error);
    }
  });

  async function fetchImage(n) {
    const item = await api.readItem(session.id, session.secret, n);
    return decodedImage(item.image, texts.drill.imageAlt(n, deck.items), ending.signal);
  }

  /** Starts loading an item's image, once; a failed attempt is forgotten so that the next call tries again. */
  function load(n) {
    if (!ahead.has(n)) {
      const image = fetchImage(n);
      image.catch(() => ahead.delete(n));
      ahead.set(n, image);
    }
    return ahead.get(n);
  }

  async function showItem() {
    const { n } = state;
    view.showImage(null);
    set(state);
    const image = await patiently(() => load(n));
    ahead.delete(n);
    view.showImage(image);
    onset = await nextFrame();
    away.start(onset, document.hasFocus());
    set(imageShown(state));
    startClock();
    view.focusQuestion();
    announce(texts.drill.announceItem(n, deck.items));
    if (n < deck.items) {
      load(n + 1).catch(() => {}); // not needed yet: showItem asks again and reports
    }
  }

  function startClock() {
    if (limitMs > 0) {
      stopClock = countdown(onset, limitMs, view.showSeconds, () => {
        if (set(timeUp(state))) {
          announce(texts.drill.timeUp);
        }
      });
    }
  }

  async function send(answer) {
    store.savePending(session.id, answer);
    const reply = await patiently(() => api.sendAnswer(session.id, session.secret, answer));
    store.clearPending();
    return reply;
  }

  async function submit() {
    let reply;
    stopClock();
    try {
      reply = await send({
        key: newKey(),
        item: state.n,
        choice: state.choice,
        ...(hasTwoButtons(deck) ? {} : { confidence: state.confidence }),
        response_ms: state.responseMs,
        ...(limitMs > 0 ? { timed_out: state.responseMs > limitMs } : {}),
        ...context,
      });
    } catch (error) {
      await catchUp(error);
      return;
    }
    set(answerSaved(state, reply.feedback));
    if (state.phase === 'feedback') {
      feedbackAt = performance.now();
      view.focusNext();
      announce(texts.drill.announceFeedback(reply.feedback.correct, reply.feedback.truth && choiceLabel(deck, reply.feedback.truth)));
    } else {
      await goOn();
    }
  }

  /** The item was answered elsewhere (a copy of this tab): go on from what the server has. */
  async function catchUp(error) {
    if (error.status !== 409) {
      throw error;
    }
    store.clearPending();
    const { answered: known } = await patiently(() => api.readSession(session.id, session.secret));
    set(openDrill(deck, known));
    await goOn();
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
        context = answerContext({ blurMs: Math.min(away.until(onset + responseMs), responseMs), event, width, height, ratio });
        if (state.phase === 'saving') {
          guarded(submit());
        }
      }
    },

    rate(confidence) {
      if (set(rate(state, confidence))) {
        guarded(submit());
      }
    },

    next() {
      const settled = performance.now() - feedbackAt > SETTLE_MS;
      if (settled && set(nextItem(state))) {
        guarded(goOn());
      }
    },

    /** Stops waiting and listening. An answer on its way stays kept in the tab. */
    close() {
      ending.abort();
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
