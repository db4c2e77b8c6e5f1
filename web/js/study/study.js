/**
 * Boot of a participant's pages, /study.html?study=ID, and which of them is shown: the invitation, the code, where am
 * I, a phase, the questions, the end, or the way out. The server decides what comes next.
 */

import { listOwnSessions, createLearner } from '../api/api_learners.js';
import * as api from '../api/api_participants.js';
import { prepareDates } from '../dates.js';
import { openDrillPage } from '../drill/drill_page.js';
import { firstImage } from '../drill/images.js';
import { sendKept } from '../drill/outbox.js';
import { introView } from '../drill/view_intro.js';
import { patiently, show } from '../screen.js';
import * as store from '../store.js';
import { codeTexts, pageTitle, troubleTexts } from '../texts/site_texts.js';
import { studyTexts } from '../texts/study_texts.js';
import { noticeView } from '../view_notice.js';
import { consentAgainView, invitationView } from './view_invitation.js';
import { questionsView } from './view_questions.js';
import { codeView, endView, whereView } from './view_where.js';
import { leftView, withdrawView } from './view_withdraw.js';

const t = studyTexts;
const study = new URLSearchParams(location.search).get('study') ?? '';
let invitation = null;

async function boot() {
  invitation = await patiently(() => api.readInvitation(study));
  document.title = pageTitle(invitation.study.title);
  await sendKept(null, patiently);
  await goOn();
}

/** @returns {Promise<?import('../api/api_participants.js').Participant>} null for those who do not take part */
async function readOwn() {
  const code = store.loadCode();
  try {
    return code && await patiently(() => api.readParticipant(study, code));
  } catch (error) {
    if (error.status === 401 || error.status === 404) {
      return null;
    }
    throw error;
  }
}

async function goOn() {
  const participant = await readOwn();
  if (participant) {
    showStep(participant);
  } else {
    showInvitation(null);
  }
}

function showStep(participant) {
  const shared = { participant, consent: invitation.consent, code: store.loadCode(), onForget: guarded(forget), onWithdraw: () => showWithdraw() };
  const { state } = participant;
  if (state === 'consent') {
    show(consentAgainView({ participant, onAgree: () => agreeAgain(participant.consent), onWithdraw: () => showWithdraw() }));
  } else if (state === 'questions') {
    show(questionsView({ questions: participant.questions, onSend: answerQuestions }));
  } else if (state === 'stopped') {
    show(leftView({ form: 'stop', contact: participant.study.contact, onWithdraw: () => showWithdraw(true) }));
  } else if (state === 'finished' || state === 'over') {
    show(endView(shared));
  } else {
    showWhere(shared);
  }
}

/** A page that was left open may be come back to when the next part has opened. */
function showWhere(shared) {
  const look = () => {
    if (!document.hidden) {
      guarded(goOn)();
    }
  };
  document.addEventListener('visibilitychange', look);
  show(whereView({ ...shared, onStart: guarded(() => startPhase().catch(phaseFailed)) }), () => document.removeEventListener('visibilitychange', look));
}

async function forget() {
  store.forgetCode();
  await goOn();
}

function showInvitation(notice) {
  show(invitationView({ invitation, notice, onAgree: takePart, onUseCode: useCode }));
}

/** Runs what a form sends. @returns {Promise<?string>} what is wrong, to be said in the form */
async function tried(work) {
  try {
    await work();
    return null;
  } catch (error) {
    if (error.code === 'consent_changed') {
      invitation = await patiently(() => api.readInvitation(study));
      const participant = await readOwn();
      (participant ? showStep : showInvitation)(participant ?? t.changedMeanwhile);
      return null;
    }
    return error.status === 0 ? codeTexts.trouble : error.message;
  }
}

const takePart = (strata) => tried(async () => {
  const code = store.loadCode() ?? await createLearner();
  store.saveCode(code); // before: when the reply is lost, whoever tries again is the same participant
  const participant = await api.enrol(study, code, invitation.consent, strata);
  show(codeView({ title: invitation.study.title, code, onGo: () => showStep(participant) }));
  prepareDates();
});

const agreeAgain = (consent) => tried(async () => {
  showStep(await api.consentAgain(study, store.loadCode(), consent));
});

const answerQuestions = (answers) => tried(async () => {
  showStep(await api.answerQuestions(study, store.loadCode(), answers));
});

async function useCode(code) {
  try {
    await listOwnSessions(code);
    await api.readParticipant(study, code);
  } catch (error) {
    if (error.status === 401) {
      return codeTexts.unknown;
    }
    return error.status === 404 ? t.notInStudy : codeTexts.trouble;
  }
  store.saveCode(code);
  guarded(goOn)();
  return null;
}

async function startPhase() {
  const session = await patiently(() => api.openPhase(study, store.loadCode()));
  const { deck, answered } = session;
  const first = firstImage(session, deck, answered);
  const go = () => openDrillPage({
    session, deck, answered, first, caption: t.caption, onLeave: guarded(goOn), onFinished: guarded(goOn), onFailed: guarded(phaseFailed),
  });
  if (answered.length > 0) {
    go();
  } else {
    show(introView({ deck, caption: t.caption, code: null, onGo: go }));
  }
}

/** The window may have closed, the session may be unable to go on, or somebody has left the study on another device: the server knows. */
async function phaseFailed(error) {
  if ([401, 404, 409, 410].includes(error.status)) {
    await goOn();
  } else {
    fail(error);
  }
}

function showWithdraw(stopped = false) {
  show(withdrawView({
    stopped,
    contact: invitation.study.contact,
    onBack: guarded(goOn),
    onWithdraw: (form) => tried(async () => {
      await api.withdraw(study, store.loadCode(), form);
      show(leftView({ form, contact: invitation.study.contact, onWithdraw: () => showWithdraw(true) }));
    }),
  }));
}

/** Errors that waiting cannot mend: say what happened and what to do. */
function fail(error) {
  if (error.status === 404) {
    show(noticeView(t.unknown));
    return;
  }
  const { title, text } = troubleTexts.other;
  show(noticeView({ title, text: text(error.message), action: { label: troubleTexts.reload, act: () => location.reload() } }));
}

function guarded(work) {
  return (...args) => Promise.resolve(work(...args)).catch(fail);
}

guarded(boot)();
