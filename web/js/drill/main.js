/**
 * Boot, and which page is shown: start, drill, summary, or a notice.
 */

import * as api from '../api/api_sessions.js';
import { listDecks } from '../api/api_decks.js';
import { listModels } from '../api/api_models.js';
import * as store from './store.js';
import { noticeView } from '../view_notice.js';
import { patiently, show } from '../screen.js';
import { openDrillPage } from './drill_page.js';
import { startView } from './view_start.js';
import { summaryView } from './view_summary.js';
import { texts } from '../texts.js';

const catalogue = { decks: [], models: [] };

async function boot() {
  [catalogue.decks, catalogue.models] = await Promise.all([patiently(listDecks), patiently(listModels)]);
  const saved = store.loadSession();
  if (saved) {
    await resume(saved);
  } else {
    showStart();
  }
}

function showStart() {
  if (catalogue.decks.length === 0) {
    show(noticeView({ ...texts.trouble.noDecks, action: { label: texts.trouble.reload, act: () => location.reload() } }));
    return;
  }
  const saved = store.loadSession();
  show(startView({
    ...catalogue,
    resumable: saved !== null,
    onStart: guarded(startNew),
    onResume: guarded(() => resume(saved)),
  }));
}

async function startNew(deckId) {
  store.clearSession();
  const session = await patiently(() => api.createSession(deckId));
  store.saveSession(session);
  showDrill(session, session.deck, []);
}

async function resume({ id, secret }) {
  const pending = store.loadPending(id);
  if (pending) {
    await patiently(() => sendPending(id, secret, pending));
    store.clearPending();
  }
  const session = await patiently(() => api.readSession(id, secret));
  if (session.finished) {
    await showSummary({ id, secret }, session.deck);
  } else {
    showDrill({ id, secret }, session.deck, session.answered);
  }
}

/**
 * Delivers what an earlier page could not. An answer that the server has already, or refuses, is done with:
 * a refused item is asked again.
 */
async function sendPending(id, secret, pending) {
  try {
    await api.sendAnswer(id, secret, pending);
  } catch (error) {
    if (error.transient || sessionGone(error)) {
      throw error;
    }
  }
}

function sessionGone(error) {
  return error.status === 401 || error.status === 404;
}

function modelGone(error) {
  return error.status === 410;
}

function modelOf(deck) {
  return catalogue.models.find(({ id }) => id === deck.model) ?? null;
}

function showDrill(session, deck, answered) {
  openDrillPage({
    session,
    deck,
    answered,
    model: modelOf(deck),
    onLeave: showStart,
    onFinished: guarded(() => showSummary(session, deck)),
    onFailed: fail,
  });
}

async function showSummary(session, deck) {
  const summary = await patiently(() => api.readSummary(session.id, session.secret));
  const leaving = new AbortController();
  show(summaryView({
    deck,
    model: modelOf(deck),
    summary,
    leaving: leaving.signal,
    onAgain: guarded(() => startNew(deck.id)),
    onStartPage: () => {
      store.clearSession();
      showStart();
    },
  }), () => leaving.abort());
}

/** Errors that waiting cannot mend: say what happened and what to do. */
function fail(error) {
  if (sessionGone(error) || modelGone(error)) {
    const notice = sessionGone(error) ? texts.trouble.sessionGone : texts.trouble.modelGone;
    store.clearSession();
    show(noticeView({ ...notice, action: { label: texts.trouble.startOver, act: showStart } }));
    return;
  }
  const { title, text } = texts.trouble.other;
  show(noticeView({ title, text: text(error.message), action: { label: texts.trouble.reload, act: () => location.reload() } }));
}

function guarded(work) {
  return (...args) => work(...args).catch(fail);
}

guarded(boot)();
