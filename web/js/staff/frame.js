/**
 * What every page of the staff stands in: who is logged in, where they can go, log out; and below, what the images are.
 */

import { prepareDates } from '../dates.js';
import { el } from '../dom.js';
import { logOut, whoAmI } from '../api/api_login.js';
import { provenanceFoot } from '../provenance.js';
import { product } from '../texts/site_texts.js';
import { accountTexts, staffTexts } from '../texts/staff_texts.js';
import { attempt, troublePlace, troubleWords } from './attempt.js';
import { loginFor, pages, pagesFor } from './navigation.js';

/**
 * Boots a page: asks the server who is here, sends strangers to the log-in page, and lets `fill` put the rest into
 * the page, whose heading is there already.
 *
 * @param {string} href of the page, as navigation.js lists it
 * @param {(place: {main: HTMLElement, account: import('../api/api_login.js').Account, announce: (text: string) => void}) =>
 *   Promise<void>} fill announce speaks to screen readers; what it rejects with is told instead of the page
 */
export async function openStaffPage(href, fill) {
  const page = pages.find((candidate) => candidate.href === href);
  const t = staffTexts.pages[page.name];
  const main = el('main', { class: 'staff', id: 'main', tabindex: '-1', 'data-page': page.name }, el('h1', { tabindex: '-1' }, t.title));
  const announcer = el('p', { class: 'visually-hidden', role: 'status' });
  const app = document.getElementById('app');
  try {
    const account = await whoAmI();
    if (!account) {
      location.replace(loginFor(location));
      return;
    }
    app.replaceChildren(skipLink(), bar(account, page), main, announcer);
    main.querySelector('h1').focus({ preventScroll: true });
    window.addEventListener('pageshow', ({ persisted }) => persisted && comeBack(app, account));
    if (!page.roles.includes(account.role)) {
      app.append(provenanceFoot());
      main.append(el('p', {}, staffTexts.notForYou(page.roles.map((role) => accountTexts.roles[role]), accountTexts.roles[account.role])));
      return;
    }
    await fill({ main, account, announce: (text) => { announcer.textContent = text; } });
    app.append(provenanceFoot()); // last, so that it does not move
    main.dataset.filled = '';
    prepareDates();
  } catch (error) {
    app.contains(main) || app.append(main);
    app.append(provenanceFoot());
    main.replaceChildren(...failure(error));
    main.querySelector('h1').focus({ preventScroll: true });
  }
}

/** Browsers keep pages for their back button. Whoever has logged out meanwhile leaves nothing there for the next one to read. */
async function comeBack(app, account) {
  app.hidden = true;
  const now = await whoAmI().catch(() => null);
  if (now?.id === account.id && now.role === account.role) {
    app.hidden = false;
  } else {
    app.replaceChildren();
    location.reload();
  }
}

function failure(error) {
  const t = staffTexts.trouble;
  return [
    el('h1', { tabindex: '-1' }, t.title),
    el('p', { role: 'alert' }, ...troubleWords(error)),
    el('p', {}, el('button', { type: 'button', class: 'button', on: { click: () => location.reload() } }, t.reload)),
  ];
}

function skipLink() {
  return el('a', { class: 'skip', href: '#main' }, staffTexts.skip);
}

function bar(account, page) {
  const t = staffTexts;
  const list = el('ul', { id: 'menu' },
    ...pagesFor(account.role).map(({ href, name }) => el('li', {},
      el('a', { href, 'aria-current': href === page.href ? 'page' : href === page.within ? 'true' : null }, t.pages[name].menu))));
  const menu = el('button', {
    type: 'button', class: 'button menu-button', 'aria-expanded': 'false', 'aria-controls': 'menu',
    on: { click: () => menu.setAttribute('aria-expanded', menu.getAttribute('aria-expanded') === 'false') },
  }, t.menu);
  const trouble = troublePlace();
  const leave = el('button', {
    type: 'button', class: 'button', id: 'log-out',
    on: {
      click: () => attempt(leave, trouble, async () => {
        await logOut();
        location.assign('/login.html');
      }),
    },
  }, t.logOut);
  return el('header', { class: 'staff-bar' },
    el('a', { class: 'wordmark', href: '/' }, product),
    menu,
    el('nav', { 'aria-label': t.menu }, list),
    el('div', { class: 'staff-who' }, el('span', {}, t.who(account.name, accountTexts.roles[account.role])), leave),
    trouble);
}
