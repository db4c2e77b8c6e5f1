/**
 * Learners without accounts: their codes, their drills, and the classes they join.
 */

import { request } from './transport.js';

/** @returns {Promise<string>} a new code; the server keeps only its hash */
export async function createLearner() {
  return (await request('POST', '/api/v1/learners')).learner.code;
}

/** @returns {Promise<import('./api_sessions.js').SessionState[]>} newest first; the code opens each of them as its secret does */
export async function listOwnSessions(code) {
  return (await request('GET', '/api/v1/learner', { secret: code })).sessions;
}

/** @returns {Promise<import('./api_sessions.js').Score>} of all that was answered to a deck outside studies */
export async function readOwnScore(code, deckId) {
  return (await request('GET', `/api/v1/learner/statistics?deck=${encodeURIComponent(deckId)}`, { secret: code })).statistics.score;
}

/** @returns {Promise<{code: string, title: string, deck: string, closed: boolean}>} */
export async function readClass(code) {
  return (await request('GET', `/api/v1/classes/${encodeURIComponent(code)}`)).class;
}
