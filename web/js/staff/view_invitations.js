/**
 * Inviting somebody, and the links that are still open.
 */

import { listInvitations, invite, revokeInvitation } from '../api/api_invitations.js';
import { timeElement } from '../dates.js';
import { el } from '../dom.js';
import { accountTexts, staffTexts } from '../texts/staff_texts.js';
import { attempt, troublePlace } from './attempt.js';
import { oneTimeLink } from './one_time_link.js';
import { roleOptions } from './role_options.js';

/**
 * @param {() => Promise<void>} onMade a link more is open
 * @returns {HTMLElement}
 */
export function invitationForm(onMade) {
  const t = staffTexts.accounts;
  const roles = roleOptions(t.inviteAs, 'educator');
  const trouble = troublePlace();
  const made = el('div', {});
  const button = el('button', { type: 'submit', class: 'button' }, t.invite);
  const send = async (event) => {
    event.preventDefault();
    await attempt(button, trouble, async () => {
      const invitation = await invite(roles.chosen());
      made.replaceChildren(oneTimeLink(invitation, t.inviteLink(accountTexts.roles[invitation.role])));
      made.querySelector('input').focus();
      await onMade();
    });
  };
  return el('section', { 'aria-labelledby': 'invite' },
    el('h2', { id: 'invite' }, t.inviteTitle),
    el('form', { class: 'form', on: { submit: send } }, roles.root, trouble, button),
    made);
}

/** @returns {{root: HTMLElement, refresh: () => Promise<void>}} */
export function openInvitations() {
  const t = staffTexts.accounts;
  const list = el('ul', { class: 'rows', id: 'open-links' });
  const none = el('p', { class: 'quiet' }, t.noLinks);
  const trouble = troublePlace();
  const refresh = async () => {
    const invitations = await listInvitations();
    list.replaceChildren(...invitations.map((invitation) => row(invitation, trouble, refresh)));
    list.hidden = invitations.length === 0;
    none.hidden = invitations.length > 0;
  };
  const root = el('section', { 'aria-labelledby': 'links' }, el('h2', { id: 'links' }, t.linksTitle), none, list, trouble);
  return { root, refresh };
}

function row({ id, purpose, role, name, expires_at: expiresAt }, trouble, refresh) {
  const t = staffTexts.accounts;
  const what = t.linkFor(purpose, accountTexts.roles[role], name);
  const button = el('button', {
    type: 'button', class: 'button', 'aria-label': t.revokeThis(what),
    on: {
      click: () => attempt(button, trouble, async () => {
        await revokeInvitation(id);
        await refresh();
      }),
    },
  }, t.revoke);
  return el('li', { class: 'row' },
    el('div', { class: 'row-words' }, el('strong', {}, what), el('span', {}, t.until, ' ', timeElement(expiresAt))),
    button);
}
