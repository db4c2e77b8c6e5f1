/**
 * Boot of the log-in page of the staff.
 */

import { logIn, whoAmI } from '../api/api_login.js';
import { accountTexts } from '../texts/staff_texts.js';
import { afterLogin } from '../staff/navigation.js';
import { accountForm, accountPage } from './view_account.js';

const t = accountTexts;

function show(root) {
  document.getElementById('app').replaceChildren(root);
  root.querySelector('h1').focus({ preventScroll: true });
}

function enter() {
  location.replace(afterLogin(location.search));
}

function showLogin() {
  show(accountForm({
    title: t.loginTitle,
    lead: t.loginLead,
    name: null,
    choosing: false,
    action: t.loginAction,
    onSend: async (name, password) => {
      try {
        await logIn(name, password);
        enter();
        return null;
      } catch (error) {
        return t.trouble(error);
      }
    },
  }));
}

try {
  if (await whoAmI()) {
    enter();
  } else {
    showLogin();
  }
} catch (error) {
  show(accountPage(t.otherTitle, t.trouble(error)));
}
