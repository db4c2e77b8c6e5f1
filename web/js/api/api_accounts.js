/**
 * Accounts of the staff, for administrators.
 */

import { staffRequest } from './transport.js';

/** @typedef {{id: number, name: string, role: 'educator'|'researcher'|'admin', created_at: string, disabled: boolean}} AccountEntry */

/** @returns {Promise<AccountEntry[]>} */
export async function listAccounts() {
  return (await staffRequest('GET', '/api/v1/accounts')).accounts;
}

/** Logs it out at once. */
export async function lockAccount(id) {
  await staffRequest('POST', `/api/v1/accounts/${id}/disable`);
}

export async function unlockAccount(id) {
  await staffRequest('POST', `/api/v1/accounts/${id}/enable`);
}

export async function changeRole(id, role) {
  await staffRequest('POST', `/api/v1/accounts/${id}/role`, { role });
}

/** @returns {Promise<import('./api_invitations.js').Invitation & {link: string}>} the way to a new password */
export async function resetPassword(id) {
  return (await staffRequest('POST', `/api/v1/accounts/${id}/reset`)).invitation;
}

export async function logOutEverywhere(id) {
  await staffRequest('POST', `/api/v1/accounts/${id}/end-sessions`);
}
