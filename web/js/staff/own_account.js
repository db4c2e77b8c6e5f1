/**
 * The own account: who one is, and a new password.
 */

import { changePassword } from '../api/api_login.js';
import { el } from '../dom.js';
import { accountTexts, staffTexts } from '../texts/staff_texts.js';
import { attempt, troublePlace } from './attempt.js';
import { openStaffPage } from './frame.js';

await openStaffPage('/account.html', async ({ main, account, announce }) => {
  const t = staffTexts.own;
  main.append(
    el('p', { class: 'staff-lead' }, t.lead(account.name, accountTexts.roles[account.role])),
    el('section', { 'aria-labelledby': 'new-password' },
      el('h2', { id: 'new-password' }, t.passwordTitle),
      el('p', { class: 'quiet' }, t.passwordLead),
      passwordForm(account, announce)));
});

function passwordForm(account, announce) {
  const t = staffTexts.own;
  const current = passwordInput('current-password', { autocomplete: 'current-password' });
  const next = passwordInput('next-password', { autocomplete: 'new-password', minlength: '8', 'aria-describedby': 'password-hint' });
  const shown = el('input', {
    type: 'checkbox',
    on: { change: () => [current, next].forEach((input) => { input.type = shown.checked ? 'text' : 'password'; }) },
  });
  const trouble = troublePlace();
  const done = el('p', {});
  const button = el('button', { type: 'submit', class: 'button' }, t.change);
  const form = el('form', {
    class: 'form',
    on: {
      submit: async (event) => {
        event.preventDefault();
        done.textContent = '';
        if (await attempt(button, trouble, () => changePassword(current.value, next.value))) {
          form.reset();
          done.textContent = t.changed;
          announce(t.changed);
        }
      },
    },
  },
  // Password managers find by it whose password this is.
  el('input', { type: 'text', autocomplete: 'username', value: account.name, readonly: true, hidden: true, 'aria-label': accountTexts.name }),
  field('current-password', t.current, current),
  field('next-password', t.next, next, el('p', { class: 'field-hint', id: 'password-hint' }, accountTexts.passwordHint)),
  el('label', { class: 'switch' }, shown, t.show),
  trouble, button, done);
  return form;
}

function passwordInput(id, props) {
  return el('input', { id, type: 'password', required: true, maxlength: '1024', ...props });
}

function field(id, label, input, hint = null) {
  return el('div', { class: 'field' }, el('label', { for: id }, label), input, hint);
}
