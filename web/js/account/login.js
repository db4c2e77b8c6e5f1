/**
 * Boot of the log-in page of the staff.
 */

import { logIn, logOut, whoAmI } from '../api/api_login.js';
import { texts } from '../texts.js';
import { accountForm, accountHome, accountPage } from './view_account.js';

const t = texts.account;

function show(root) {
  document.getElementById('app').replaceChildren(root);
  root.querySelector('h1').focus({ preventScroll: true });
}

function showHome(account) {
  show(accountHome(account, async () => {
    try {
      await logOut();
      showLogin();
    } catch (error) {
      show(accountPage(t.otherTitle, t.trouble(error)));
    }
  }));
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
        showHome(await logIn(name, password));
        return null;
      } catch (error) {
        return t.trouble(error);
      }
    },
  }));
}

try {
  const account = await whoAmI();
  if (account) {
    showHome(account);
  } else {
    showLogin();
  }
} catch (error) {
  show(accountPage(t.otherTitle, t.trouble(error)));
}
