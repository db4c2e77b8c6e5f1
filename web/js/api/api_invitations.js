/**
 * One-time links: to a new account, or to a new password.
 */

import { enter } from './api_login.js';
import { request, staffRequest } from './transport.js';

/**
 * @typedef {{id: number, purpose: 'first_admin'|'invite'|'reset', role: string, name: ?string, expires_at: string}} Invitation
 *   name: of the account whose password is reset
 */

/** @returns {Promise<Invitation[]>} those that can be used */
export async function listInvitations() {
  return (await staffRequest('GET', '/api/v1/invitations')).invitations;
}

/** @returns {Promise<Invitation & {link: string}>} the link is told only now */
export async function invite(role) {
  return (await staffRequest('POST', '/api/v1/invitations', { role })).invitation;
}

export async function revokeInvitation(id) {
  await staffRequest('POST', `/api/v1/invitations/${id}/revoke`);
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
