/**
 * The administrators' page: invitations, accounts, open links.
 */

import { listAccounts } from '../api/api_accounts.js';
import { dateOnly } from '../dates.js';
import { el } from '../dom.js';
import { staffTexts } from '../texts/staff_texts.js';
import { openStaffPage } from './frame.js';
import { accountDialog } from './view_manage.js';
import { invitationForm, openInvitations } from './view_invitations.js';

await openStaffPage('/accounts.html', async ({ main, account: me, announce }) => {
  const t = staffTexts.accounts;
  const links = openInvitations();
  const list = el('ul', { class: 'rows', id: 'accounts' });

  const refresh = async () => {
    const [accounts] = await Promise.all([listAccounts(), links.refresh()]);
    list.replaceChildren(...accounts.map((account) => row(account, account.id === me.id, manage)));
  };
  const manage = (account) => {
    const dialog = accountDialog(account, async (told) => {
      await refresh();
      announce(told);
    });
    dialog.addEventListener('close', () => {
      dialog.remove();
      document.getElementById(`manage-${account.id}`)?.focus();
    });
    main.append(dialog);
    dialog.showModal();
    dialog.querySelector('input:checked').focus();
  };

  await refresh();
  main.append(
    el('section', { 'aria-labelledby': 'all' },
      el('h2', { id: 'all' }, t.allTitle),
      list,
      list.children.length < 2 ? el('p', { class: 'quiet' }, t.onlyYou) : null),
    invitationForm(links.refresh),
    links.root);
});

function row(account, isMe, manage) {
  const t = staffTexts.accounts;
  return el('li', { class: 'row' },
    el('div', { class: 'row-words' },
      el('strong', {}, isMe ? t.you(account.name) : account.name),
      el('span', {}, t.since(staffTexts.roleNames[account.role], dateOnly(account.created_at)))),
    account.disabled ? el('span', { class: 'badge' }, t.locked) : null,
    el('button', {
      type: 'button', class: 'button', id: `manage-${account.id}`, 'aria-label': t.manageThis(account.name), on: { click: () => manage(account) },
    }, t.manage));
}
