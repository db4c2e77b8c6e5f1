/**
 * Logging in and out, and the links by which people get there.
 */

import { keepCsrfToken, request, staffRequest } from './transport.js';

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

/** @returns {Promise<{purpose: 'first_admin'|'invite'|'reset', role: string, name: ?string}>} what a link is for */
export async function lookAtInvitation(token) {
  return (await request('POST', '/api/v1/invitation/look', { body: { token } })).invitation;
}

/**
 * @param {string} token the link's secret
 * @param {?string} name null keeps the one that there is
 * @returns {Promise<Account>}
 */
export async function useInvitation(token, name, password) {
  return enter(await staffRequest('POST', '/api/v1/invitation/use', { token, password, ...(name === null ? {} : { name }) }));
}

function enter({ account, csrf_token: token }) {
  keepCsrfToken(token);
  return account;
}
