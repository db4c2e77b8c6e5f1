/**
 * What survives a reload. In this tab: the drill that it shows. In this browser: the last drill that was begun, answers
 * that are not yet known to be saved, the learner's code, and preferences. A browser that refuses storage (private
 * mode, policy) gets the same behaviour without the survival.
 */

const SESSION = 'roentgym.session';
const ANSWER = 'roentgym.answer.';
const CODE = 'roentgym.code';
const SHORTCUTS = 'roentgym.shortcuts';
const BRIGHTER_DOWN = 'roentgym.brighter_down';
const INTRODUCED = 'roentgym.introduced';

/** The drill of this tab: a reload goes on with it. @returns {?{id: string, secret: string}} */
export function loadSession() {
  return read(sessionStorageOrNone(), SESSION);
}

/** The drill that was begun last in this browser and is not known to be finished. @returns {?{id: string, secret: string}} */
export function loadLastSession() {
  return read(localStorageOrNone(), SESSION);
}

export function saveSession({ id, secret }) {
  write(sessionStorageOrNone(), SESSION, { id, secret });
  write(localStorageOrNone(), SESSION, { id, secret });
}

/** Its result is shown: this tab goes back to it, nobody goes on with it. */
export function sessionFinished(id) {
  if (loadLastSession()?.id === id) {
    remove(localStorageOrNone(), SESSION);
  }
}

/** Nothing is to be gone on with in this tab. */
export function leaveSession() {
  remove(sessionStorageOrNone(), SESSION);
}

/** The server does not know it any more. */
export function forgetSession(id) {
  leaveSession();
  sessionFinished(id);
  keptAnswers(id).forEach(({ answer }) => dropAnswer(id, answer));
}

/**
 * Keeps an answer until the server has it, each under a name of its own, so that tabs do not overwrite each other's.
 * @param {{id: string, secret: string}} session
 * @param {{key: string, item: number}} answer the key makes sending it twice harmless
 */
export function keepAnswer(session, answer) {
  write(localStorageOrNone(), nameOf(session.id, answer), { id: session.id, secret: session.secret, answer });
}

export function dropAnswer(sessionId, answer) {
  remove(localStorageOrNone(), nameOf(sessionId, answer));
}

/**
 * Answers that some page of this browser could not deliver, each session's in the order of its items.
 * @param {?string} [sessionId] only those of this session
 * @returns {{id: string, secret: string, answer: {key: string, item: number}}[]}
 */
export function keptAnswers(sessionId = null) {
  const storage = localStorageOrNone();
  return Object.keys(storage ?? {})
    .filter((name) => name.startsWith(ANSWER))
    .map((name) => read(storage, name))
    .filter((kept) => kept?.answer && (sessionId === null || kept.id === sessionId))
    .sort((a, b) => a.id.localeCompare(b.id) || a.answer.item - b.answer.item);
}

/** The learner's code, kept because the learner wished it. @returns {?string} */
export function loadCode() {
  return read(localStorageOrNone(), CODE);
}

export function saveCode(code) {
  write(localStorageOrNone(), CODE, code);
}

/** With the drill that was begun last, whose record may have the code in it. */
export function forgetCode() {
  remove(localStorageOrNone(), CODE);
  remove(localStorageOrNone(), SESSION);
  remove(sessionStorageOrNone(), SESSION);
}

/** Single-key shortcuts can be switched off (WCAG 2.1.4); they are on at first. */
export function shortcutsOn() {
  return read(localStorageOrNone(), SHORTCUTS) !== false;
}

export function setShortcuts(on) {
  write(localStorageOrNone(), SHORTCUTS, on);
}

/** Whether dragging down over an image makes it brighter; at first it gets darker, as in OHIF. */
export function brighterDown() {
  return read(localStorageOrNone(), BRIGHTER_DOWN) === true;
}

export function setBrighterDown(on) {
  write(localStorageOrNone(), BRIGHTER_DOWN, on);
}

/** How a drill goes was told in this browser. */
export function wasIntroduced() {
  return read(localStorageOrNone(), INTRODUCED) === true;
}

export function setIntroduced() {
  write(localStorageOrNone(), INTRODUCED, true);
}

const nameOf = (sessionId, { item }) => `${ANSWER}${sessionId}.${item}`;

function sessionStorageOrNone() {
  try {
    return sessionStorage;
  } catch {
    return null;
  }
}

function localStorageOrNone() {
  try {
    return localStorage;
  } catch {
    return null;
  }
}

function read(storage, name) {
  try {
    return JSON.parse(storage.getItem(name));
  } catch {
    return null;
  }
}

function write(storage, name, value) {
  try {
    storage.setItem(name, JSON.stringify(value));
  } catch {
    /* Storage refused or full: the drill goes on, a reload starts over. */
  }
}

function remove(storage, name) {
  try {
    storage.removeItem(name);
  } catch {
    /* Nothing was stored. */
  }
}
