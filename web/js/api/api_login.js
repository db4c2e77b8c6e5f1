/**
 * Logging in and out, and the own password.
 */

import { keepCsrfToken, staffRequest } from './transport.js';

/** @typedef {{id: number, name: string, role: 'educator'|'researcher'|'admin'}} Account */

/** @returns {Promise<?Account>} null when nobody is logged in */
export async function whoAmI() {
  try {
    return enter(await staffRequest('GET', '/api/v1/me'));
  } catch (error) {
    if (error.status === 401) {
      keepCsrfToken(null);
      return null;
    }
    throw error;
  }
}

/** @returns {Promise<Account>} */
export async function logIn(name, password) {
  return enter(await staffRequest('POST', '/api/v1/login', { name, password }));
}

export async function logOut() {
  await staffRequest('POST', '/api/v1/logout');
  keepCsrfToken(null);
}

/** Ends all other sessions of the account. */
export async function changePassword(current, next) {
  enter(await staffRequest('POST', '/api/v1/me/password', { current, new: next }));
}

/** What the server says to whoever has just come in. */
export function enter({ account, csrf_token: token }) {
  keepCsrfToken(token);
  return account;
}
