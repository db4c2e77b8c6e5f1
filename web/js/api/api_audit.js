/**
 * The record of who changed or exported what.
 */

import { staffRequest } from './transport.js';

/**
 * @param {?number} before id of the oldest entry that is known; null begins with the newest
 * @param {number} limit
 * @returns {Promise<{id: number, at: string, account: ?{id: number, name: string}, action: string, object: string,
 *   detail: object}[]>} newest first; account is null for the operator of the machine
 */
export async function readAudit(before, limit) {
  const range = new URLSearchParams({ limit, ...(before === null ? {} : { before }) });
  return (await staffRequest('GET', `/api/v1/audit?${range}`)).entries;
}
