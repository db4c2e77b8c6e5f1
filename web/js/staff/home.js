/**
 * The staff's first page: what there is to do for whoever is logged in.
 */

import { el } from '../dom.js';
import { accountTexts, staffTexts } from '../texts/staff_texts.js';
import { openStaffPage } from './frame.js';
import { pages, pagesFor } from './navigation.js';

const HERE = pages[0].href;

await openStaffPage(HERE, async ({ main, account }) => {
  const t = staffTexts;
  main.querySelector('h1').textContent = t.hello(account.name);
  main.append(
    el('p', { class: 'staff-lead' }, t.homeLead(accountTexts.roles[account.role])),
    el('ul', { class: 'doors' },
      ...pagesFor(account.role).filter(({ href }) => href !== HERE).map(({ href, name }) => el('li', {},
        el('a', { class: 'door', href }, el('strong', {}, t.pages[name].title), el('span', {}, t.pages[name].about))))));
});
