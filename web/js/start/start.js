/**
 * Boot, and which page is shown: start, a class, the learner's drills, how it goes, drill, result, or a notice.
 */

import { listDecks } from '../api/api_decks.js';
import { createLearner, listOwnSessions, readClass, readOwnScore } from '../api/api_learners.js';
import { listModels } from '../api/api_models.js';
import * as api from '../api/api_sessions.js';
import { openDrillPage } from '../drill/drill_page.js';
import { firstImage } from '../drill/images.js';
import { sendKept } from '../drill/outbox.js';
import { introView } from '../drill/view_intro.js';
import { withRetry } from '../retry.js';
import { patiently, show } from '../screen.js';
import * as store from '../store.js';
import { openReviewPage } from '../summary/review_page.js';
import { summaryView } from '../summary/view_summary.js';
import { codeTexts, provenanceTexts, troubleTexts } from '../texts/site_texts.js';
import { noticeView } from '../view_notice.js';
import { modelOf } from './deck_models.js';
import { classView } from './view_class.js';
import { mineView } from './view_mine.js';
import { overallView } from './view_overall.js';
import { startView } from './view_start.js';

const catalogue = { decks: [], models: [] };
const asked = new URLSearchParams(location.search); // ?deck=ID or ?class=CODE: a link that somebody shared

async function boot() {
  [catalogue.decks, catalogue.models] = await Promise.all([patiently(listDecks), patiently(listModels)]);
  const saved = store.loadSession();
  if (saved) {
    await resume(saved);
  } else {
    await showHome();
  }
  await sendKept(null, (task) => withRetry(task, { signal: new AbortController().signal }));
}

async function showHome() {
  store.leaveSession();
  if (asked.has('class')) {
    await showClass(asked.get('class'));
  } else {
    showStart();
  }
}

function showStart() {
  if (catalogue.decks.length === 0) {
    show(noticeView({ ...troubleTexts.noDecks, action: { label: troubleTexts.reload, act: () => location.reload() } }));
    return;
  }
  if (asked.has('deck') && !catalogue.decks.some(({ id }) => id === asked.get('deck'))) {
    asked.delete('deck');
    show(noticeView({ ...troubleTexts.deckGone, action: { label: troubleTexts.startOver, act: showStart } }));
    return;
  }
  const saved = store.loadLastSession();
  show(startView({
    ...catalogue,
    deckId: asked.get('deck'),
    resumable: saved !== null,
    hasCode: store.loadCode() !== null,
    onStart: guarded((deck) => begin({ deck }, store.loadCode())),
    onResume: guarded(() => resume(saved)),
    onMine: guarded(showMine),
  }));
}

async function showClass(code) {
  const seen = await patiently(() => readClass(code));
  const saved = store.loadLastSession();
  show(classView({
    seen,
    deck: catalogue.decks.find(({ id }) => id === seen.deck) ?? null,
    resumable: saved !== null,
    onStart: guarded(() => beginInClass(code)),
    onResume: guarded(() => resume(saved)),
    onStartPage: showStart,
  }));
}

async function showMine() {
  const code = store.loadCode();
  const sessions = code ? await patiently(() => listOwnSessions(code)) : [];
  show(mineView({
    code,
    sessions,
    onGetCode: guarded(async () => {
      await newCode();
      await showMine();
    }),
    onUseCode: useCode,
    onForget: guarded(() => {
      store.forgetCode();
      return showMine();
    }),
    onOverall: guarded(async (deck) => {
      const score = await patiently(() => readOwnScore(code, deck.id));
      show(overallView({ deck, score, onBack: guarded(showMine) }));
    }),
    onOpen: guarded((id) => resume({ id, secret: code })),
    onStartPage: guarded(showHome),
  }));
}

async function newCode() {
  const code = await patiently(createLearner);
  store.saveCode(code);
  return code;
}

/** @returns {Promise<?string>} what is wrong with it */
async function useCode(code) {
  try {
    await listOwnSessions(code);
  } catch (error) {
    return error.status === 401 ? codeTexts.unknown : codeTexts.trouble;
  }
  store.saveCode(code);
  guarded(showMine)();
  return null;
}

/**
 * Starts a drill. Who has not been told yet is told how it goes; who joins a class sees the code that was made.
 * @param {{deck: string}|{class: string}} what
 * @param {?string} code of the learner
 * @param {boolean} [showCode]
 */
async function begin(what, code, showCode = false) {
  const session = await patiently(() => api.createSession(what, code));
  const first = firstImage(session, session.deck, []);
  store.saveSession(session);
  const go = () => {
    store.setIntroduced();
    showDrill(session, session.deck, [], first);
  };
  if (store.wasIntroduced() && !showCode) {
    go();
  } else {
    show(introView({ deck: session.deck, caption: captionOf(session.deck), code: showCode ? code : null, onGo: go }));
  }
}

/** A class has no nameless learners: who has no code gets one, and is shown it. */
async function beginInClass(classCode) {
  const known = store.loadCode();
  await begin({ class: classCode }, known ?? await newCode(), known === null);
}

/** @param {{id: string, secret: string}} session the secret, or the code of the learner whose it is */
async function resume({ id, secret }) {
  await sendKept(id, patiently);
  const session = await patiently(() => api.readSession(id, secret));
  store.saveSession({ id, secret });
  if (session.finished) {
    await showSummary({ id, secret }, session.deck);
  } else {
    showDrill({ id, secret }, session.deck, session.answered);
  }
}

function sessionGone(error) {
  return error.status === 401 || error.status === 404;
}

function modelGone(error) {
  return error.status === 410;
}

function captionOf(deck) {
  return provenanceTexts.short(deck.images, modelOf(deck, catalogue.models));
}

function showDrill(session, deck, answered, first) {
  openDrillPage({
    session,
    deck,
    answered,
    first,
    caption: captionOf(deck),
    onLeave: guarded(showHome),
    onFinished: guarded(() => showSummary(session, deck)),
    onFailed: fail,
  });
}

async function showSummary(session, deck) {
  const summary = await patiently(() => api.readSummary(session.id, session.secret));
  const leaving = new AbortController();
  const missed = deck.feedback === 'none' ? [] : summary.items.filter(({ correct, truth }) => correct === false && truth !== null);
  const review = () => openReviewPage({ session, deck, missed, of: summary.items.length, caption: captionOf(deck), onBack: guarded(() => showSummary(session, deck)) });
  store.sessionFinished(session.id);
  show(summaryView({
    deck,
    model: modelOf(deck, catalogue.models),
    summary,
    leaving: leaving.signal,
    review: missed.length > 0 ? { count: missed.length, open: review } : null,
    onAgain: guarded(() => (asked.has('class') ? beginInClass(asked.get('class')) : begin({ deck: deck.id }, store.loadCode()))),
    onStartPage: guarded(showHome),
  }), () => leaving.abort());
}

/** Errors that waiting cannot mend: say what happened and what to do. */
function fail(error) {
  const trouble = troubleTexts;
  const home = { label: trouble.startOver, act: guarded(async () => showStart()) };
  if (error.code === 'unknown_learner' || error.code === 'wrong_code') {
    store.forgetCode();
    show(noticeView({ ...trouble.codeGone, action: home }));
  } else if (error.code === 'unknown_class' || error.code === 'class_closed') {
    show(noticeView({ ...trouble.classGone, action: home }));
  } else if (sessionGone(error) || modelGone(error)) {
    store.forgetSession(store.loadSession()?.id ?? store.loadLastSession()?.id);
    show(noticeView({ ...(sessionGone(error) ? trouble.sessionGone : trouble.modelGone), action: home }));
  } else {
    show(noticeView({ title: trouble.other.title, text: trouble.other.text(error.message), action: { label: trouble.reload, act: () => location.reload() } }));
  }
}

function guarded(work) {
  return (...args) => Promise.resolve(work(...args)).catch(fail);
}

guarded(boot)();
