/**
 * Taking part in a study: what a participant sees of it. The learner's code opens all but the invitation.
 */

import { request } from './transport.js';

/**
 * @typedef {object} Invitation
 * @property {About} study
 * @property {Consent} consent
 * @property {{id: string, label: string, choices: {id: string, label: string}[]}[]} strata asked at enrolment
 * @property {?string} practice_deck for those who do not take part
 *
 * @typedef {{id: string, title: string, contact: string, state: 'open'|'closed'|'frozen'}} About contact: whom to ask
 * @typedef {{version: number, sha256: string, text: string}} Consent
 *
 * @typedef {object} Participant where somebody is in a study
 * @property {string} code under which the answers are stored
 * @property {About} study
 * @property {'consent'|'waits'|'open'|'questions'|'finished'|'stopped'|'over'} state consent: the text has changed since
 *   it was agreed to; over: the study ended first
 * @property {?Consent} consent to be agreed to now
 * @property {?string} phase the one that is open or waited for
 * @property {Phase[]} phases in their order
 * @property {Question[]} questions to be answered now
 *
 * @typedef {object} Phase
 * @property {string} id
 * @property {'test'|'training'} kind
 * @property {'later'|'waits'|'open'|'done'|'missed'} state
 * @property {?string} opens_at null while it is not known
 * @property {?string} closes_at null when it does not close, or is not known
 * @property {number} answered
 * @property {?number} of null while it is not started
 *
 * @typedef {object} Question asked at the end; every one may be skipped
 * @property {string} id
 * @property {string} text
 * @property {'choice'|'scale'|'text'} kind
 * @property {{id: string, label: string}[]} choices those of a scale in its order; none of a text
 */

const path = (study, rest) => `/api/v1/studies/${encodeURIComponent(study)}/${rest}`;

/** @returns {Promise<Invitation>} */
export async function readInvitation(study) {
  return (await request('GET', path(study, 'invitation'))).invitation;
}

/** @returns {Promise<Participant>} */
export async function readParticipant(study, code) {
  return (await request('GET', path(study, 'participant'), { secret: code })).participant;
}

/**
 * Whoever takes part already stays who they are.
 * @param {Consent} consent the text that was read and agreed to
 * @param {Object<string, string>} strata the choice of each
 * @returns {Promise<Participant>}
 */
export async function enrol(study, code, consent, strata) {
  const body = { consent: agreedTo(consent), strata };
  return (await request('POST', path(study, 'participants'), { secret: code, body })).participant;
}

/** @returns {Promise<Participant>} */
export async function consentAgain(study, code, consent) {
  return (await request('POST', path(study, 'participant/consent'), { secret: code, body: agreedTo(consent) })).participant;
}

/**
 * Begins the open phase's session or goes on with it, also on another device.
 * @returns {Promise<{id: string, secret: string, deck: import('./api_decks.js').Deck, answered: number[]}>}
 */
export async function openPhase(study, code) {
  return (await request('POST', path(study, 'participant/session'), { secret: code })).session;
}

/**
 * @param {Object<string, string>} answers by question; what is skipped is left out
 * @returns {Promise<Participant>}
 */
export async function answerQuestions(study, code, answers) {
  return (await request('POST', path(study, 'participant/questions'), { secret: code, body: { answers } })).participant;
}

/** @param {'stop'|'delete'|'anonymise'} form */
export async function withdraw(study, code, form) {
  await request('POST', path(study, 'participant/withdraw'), { secret: code, body: { form } });
}

const agreedTo = ({ version, sha256 }) => ({ version, sha256, agreed: true });
