/**
 * What an administrator can do with one account.
 */

import { changeRole, lockAccount, logOutEverywhere, resetPassword, unlockAccount } from '../api/api_accounts.js';
import { el } from '../dom.js';
import { accountTexts, staffTexts } from '../texts/staff_texts.js';
import { attempt, troublePlace } from './attempt.js';
import { oneTimeLink } from './one_time_link.js';
import { roleOptions } from './role_options.js';

/**
 * @param {import('../api/api_accounts.js').AccountEntry} account
 * @param {(told: string) => Promise<void>} onChanged told: what was done, in words
 * @returns {HTMLDialogElement} for showModal()
 */
export function accountDialog(account, onChanged) {
  const t = staffTexts.accounts;
  const trouble = troublePlace();
  const done = el('div', { role: 'status' });
  const roles = roleOptions(t.role, account.role);
  const dialog = el('dialog', { class: 'dialog', 'aria-labelledby': 'managed' });

  /** A button whose work ends in words, or in something to show; `last`: there is no more to do here. */
  const action = (id, label, work, last = false) => {
    const button = el('button', {
      type: 'button', class: 'button', id,
      on: {
        click: () => attempt(button, trouble, async () => {
          const [told, shown = told] = await work();
          done.replaceChildren(shown);
          await onChanged(told);
          if (last) {
            dialog.close();
          }
        }),
      },
    }, label);
    return button;
  };

  const lock = account.disabled
    ? action('unlock', t.unlock, async () => { await unlockAccount(account.id); return [t.unlocked(account.name)]; }, true)
    : action('lock', t.lock, async () => { await lockAccount(account.id); return [t.lockedNow(account.name)]; }, true);
  dialog.append(el('div', { class: 'dialog-body' },
    el('h2', { id: 'managed' }, account.name),
    roles.root,
    el('div', { class: 'buttons' }, action('save-role', t.saveRole, async () => {
      await changeRole(account.id, roles.chosen());
      return [t.roleSaved(account.name, accountTexts.roles[roles.chosen()])];
    }, true)),
    el('div', { class: 'buttons' },
      account.disabled ? null : action('reset', t.reset, async () => {
        const invitation = await resetPassword(account.id);
        return [t.resetMade(account.name), oneTimeLink(invitation, t.resetLead(account.name))];
      }),
      action('end-sessions', t.endSessions, async () => { await logOutEverywhere(account.id); return [t.sessionsEnded(account.name)]; }),
      lock),
    el('p', { class: 'quiet' }, account.disabled ? t.unlockNote : t.lockNote),
    done,
    trouble,
    el('div', { class: 'buttons' }, el('button', { type: 'button', class: 'button', on: { click: () => dialog.close() } }, t.close))));
  return dialog;
}
