/**
 * Studies, for researchers. What participants see of them is in api_participants.js.
 */

import { staffExchange, staffFile, staffRequest } from './transport.js';

/**
 * @typedef {object} StudyEntry
 * @property {string} id
 * @property {string} title
 * @property {'draft'|'open'|'closed'|'frozen'} state
 * @property {number} version of the definition, the newest
 * @property {?string} opened_at
 * @property {?string} closed_at
 * @property {?string} frozen_at
 * @property {?string} seed of the randomisation, once it is frozen
 * @property {?string} export_sha256 of package.zip, once it is frozen
 * @property {number} participants who are in it now
 *
 * @typedef {object} Study its definition, server/studies/study.schema.json
 *
 * @typedef {{study: {id: string, version: number, state: string}, warnings: string[], version: string}} Saved
 *   version: for the next change
 */

const path = (id, rest = '') => `/api/v1/studies/${encodeURIComponent(id)}${rest}`;
const query = (values) => {
  const kept = Object.entries(values).filter(([, value]) => value !== null && value !== '' && value !== false);
  return kept.length > 0 ? `?${new URLSearchParams(kept)}` : '';
};
const saved = ({ reply, version }) => ({ ...reply, version });

/** @returns {Promise<StudyEntry[]>} */
export async function listStudies() {
  return (await staffRequest('GET', '/api/v1/studies')).studies;
}

/** @returns {Promise<{study: Study, version: string}>} the newest, and what a change of it names */
export async function readStudy(id) {
  const { reply, version } = await staffExchange('GET', path(id));
  return { study: reply, version };
}

/** @returns {Promise<{version: number, saved_at: string, saved_by: ?string}[]>} the newest first */
export async function listStudyVersions(id) {
  return (await staffRequest('GET', path(id, '/versions'))).versions;
}

/** Where a version's definition is to be read. */
export const studyVersionUrl = (id, version) => path(id, query({ version }));

/** @returns {Promise<string[]>} what saving the draft would say now; it rejects with what keeps it from being opened */
export async function readWarnings(id) {
  return (await staffRequest('GET', path(id, '/warnings'))).warnings;
}

/** @param {Study} study @returns {Promise<Saved>} */
export async function createStudy(study) {
  return saved(await staffExchange('POST', '/api/v1/studies', { body: study }));
}

/** @param {Study} study @param {string} version that was edited @returns {Promise<Saved>} */
export async function saveStudy(study, version) {
  return saved(await staffExchange('POST', path(study.id), { body: study, version }));
}

/** @returns {Promise<Saved>} */
export async function openStudy(id, version) {
  return saved(await staffExchange('POST', path(id, '/open'), { version }));
}

/** @returns {Promise<Saved>} */
export async function changeConsent(id, text, version) {
  return saved(await staffExchange('POST', path(id, '/consent'), { body: { text }, version }));
}

export async function closeStudy(id) {
  await staffRequest('POST', path(id, '/close'));
}

export async function freezeStudy(id) {
  await staffRequest('POST', path(id, '/freeze'));
}

/**
 * @typedef {object} Flow
 * @property {number} consented
 * @property {number} randomised
 * @property {{arm: string, label: string, randomised: number, strata: {stratum: string, count: number}[]}[]} arms
 * @property {{phase: string, kind: 'test'|'training', arm: string, finished: number, under_way: number, waiting: number,
 *   never_started: number, not_finished: number, withdrew: number, deleted: number}[]} phases
 * @property {{stop: number, delete: number, anonymise: number}} withdrawn
 */

/** @param {boolean} simulated of simulated participants instead of people @returns {Promise<Flow>} */
export async function readFlow(id, simulated) {
  return (await staffRequest('GET', path(id, `/flow${query({ simulated })}`))).flow;
}

/**
 * @param {{simulated?: boolean, reference?: string, measure?: string, margin?: string}} [how]
 * @returns {Promise<{cells: object[], differences: object[]}>} as openapi.json has them
 */
export async function readStudyStatistics(id, how = {}) {
  return (await staffRequest('GET', path(id, `/statistics${query(how)}`))).statistics;
}

/** @returns {Promise<{participant_id: string, arm: ?string, stratum: string, enrolled_on: string, ended_how: ?string, phases: object[]}[]>} */
export async function listParticipants(id, simulated) {
  return (await staffRequest('GET', path(id, `/participants${query({ simulated })}`))).participants;
}

/** @param {string} code the participant's in this study @param {'stop'|'delete'|'anonymise'} form */
export async function withdrawParticipant(id, code, form) {
  await staffRequest('POST', path(id, `/participants/${encodeURIComponent(code)}/withdraw`), { form });
}

/**
 * @param {'responses.csv'|'responses.jsonl'|'package.zip'|'imrmc.zip'|'xapi.jsonl'} file
 * @param {{phase?: string, strata?: boolean, free_texts?: boolean, simulated?: boolean}} [how]
 * @returns {Promise<{blob: Blob, tag: ?string}>} tag: the file's SHA-256
 */
export async function exportStudy(id, file, how = {}) {
  const { blob, version } = await staffFile(path(id, `/export/${file}${query(how)}`));
  return { blob, tag: version?.replaceAll('"', '') ?? null };
}

/** @returns {Promise<{name: string, type: string, unit: ?string, description: string, levels: {value: string, meaning: string}[], files: string[], on_request: boolean}[]>} */
export async function readCodebook() {
  return (await staffRequest('GET', '/api/v1/codebook')).columns;
}
