/**
 * What survives a reload, in this tab only: the running session and an answer that is not yet known to
 * be saved. Preferences survive in the browser. A browser that refuses storage (private mode, policy)
 * gets the same behaviour without the survival.
 */

const SESSION = 'roentgym.session';
const PENDING = 'roentgym.pending';
const SHORTCUTS = 'roentgym.shortcuts';

/** @returns {?{id: string, secret: string}} */
export function loadSession() {
  return read(SESSION);
}

export function saveSession({ id, secret }) {
  write(SESSION, { id, secret });
}

/** The answer given but not yet confirmed by the server, with the key that makes sending it twice harmless. */
export function loadPending(sessionId) {
  const pending = read(PENDING);
  return pending?.session === sessionId ? pending.answer : null;
}

export function savePending(sessionId, answer) {
  write(PENDING, { session: sessionId, answer });
}

export function clearPending() {
  remove(PENDING);
}

export function clearSession() {
  remove(SESSION);
  remove(PENDING);
}

/** Single-key shortcuts can be switched off (WCAG 2.1.4); they are on at first. */
export function shortcutsOn() {
  try {
    return localStorage.getItem(SHORTCUTS) !== 'off';
  } catch {
    return true;
  }
}

export function setShortcuts(on) {
  try {
    localStorage.setItem(SHORTCUTS, on ? 'on' : 'off');
  } catch {
    /* Storage refused: the choice holds until the page is closed. */
  }
}

function read(name) {
  try {
    return JSON.parse(sessionStorage.getItem(name));
  } catch {
    return null;
  }
}

function write(name, value) {
  try {
    sessionStorage.setItem(name, JSON.stringify(value));
  } catch {
    /* Storage refused or full: the drill goes on, a reload starts over. */
  }
}

function remove(name) {
  try {
    sessionStorage.removeItem(name);
  } catch {
    /* Nothing was stored. */
  }
}
