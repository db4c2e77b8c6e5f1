/**
 * The staff's pages and who sees them. The server decides who may do what; this only spares people doors that are
 * closed to them.
 */

const ADMINS = ['admin'];
const EDUCATORS = ['educator', 'admin'];
const RESEARCHERS = ['researcher', 'admin'];
const EVERYBODY = ['educator', 'researcher', 'admin'];

/**
 * @type {{href: string, name: string, roles: string[], within?: string}[]} in the order of the menu; `name` finds its texts
 *   in texts.staff.pages; `within`: not in the menu, but reached from that page of it
 */
export const pages = [
  { href: '/staff.html', name: 'home', roles: EVERYBODY },
  { href: '/decks.html', name: 'decks', roles: EDUCATORS },
  { href: '/deck.html', name: 'deck', roles: EDUCATORS, within: '/decks.html' },
  { href: '/classes.html', name: 'classes', roles: EDUCATORS },
  { href: '/atlas.html', name: 'atlas', roles: EVERYBODY },
  { href: '/studies.html', name: 'studies', roles: RESEARCHERS },
  { href: '/study-editor.html', name: 'studyEditor', roles: RESEARCHERS, within: '/studies.html' },
  { href: '/study-desk.html', name: 'studyDesk', roles: RESEARCHERS, within: '/studies.html' },
  { href: '/accounts.html', name: 'accounts', roles: ADMINS },
  { href: '/audit.html', name: 'audit', roles: ADMINS },
  { href: '/account.html', name: 'account', roles: EVERYBODY },
];

/** @returns {typeof pages} those of a role's menu */
export const pagesFor = (role) => pages.filter(({ roles, within }) => roles.includes(role) && !within);

/**
 * Where somebody goes after logging in: back to the page that sent them, if it is one of ours.
 * @param {string} search of the log-in page's address
 * @returns {string}
 */
export function afterLogin(search) {
  const wish = new URLSearchParams(search).get('to') ?? '';
  const path = wish.split(/[?#]/)[0];
  return pages.some(({ href }) => href === path) ? wish : pages[0].href;
}

/** @returns {string} the log-in page's address for somebody who wants to come back here */
export const loginFor = ({ pathname, search, hash }) => `/login.html?to=${encodeURIComponent(pathname + search + hash)}`;
