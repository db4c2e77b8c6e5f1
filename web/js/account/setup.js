/**
 * Boot of the page behind a one-time link: the invited person chooses name and password. The link's secret follows
 * the #, so no server's log has it.
 */

import { lookAtInvitation, useInvitation } from '../api/api_invitations.js';
import { accountTexts } from '../texts/staff_texts.js';
import { accountForm, accountPage } from './view_account.js';

const t = accountTexts;
const token = location.hash.slice(1);

function show(root) {
  document.getElementById('app').replaceChildren(root);
  root.querySelector('h1').focus({ preventScroll: true });
}

/** A used link is no use to anybody who finds it in this browser's history. */
function forgetLink() {
  history.replaceState(null, '', '/staff.html');
  location.replace('/staff.html');
}

function ask(invitation) {
  const reset = invitation.purpose === 'reset';
  show(accountForm({
    title: reset ? t.resetTitle : t.setupTitle,
    lead: reset ? t.resetLead : t.setupLead(t.roles[invitation.role]),
    name: reset ? invitation.name : null,
    choosing: true,
    action: reset ? t.resetAction : t.setupAction,
    onSend: async (name, password) => {
      try {
        await useInvitation(token, reset ? null : name, password);
        forgetLink();
        return null;
      } catch (error) {
        return t.trouble(error);
      }
    },
  }));
}

try {
  ask(await lookAtInvitation(token));
} catch (error) {
  show(accountPage(t.linkTitle, error.status === 404 ? t.linkGone : t.trouble(error)));
}
