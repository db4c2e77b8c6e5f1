/**
 * What a button of the staff's pages does: once at a time, and what goes wrong is said beside it, with what to do.
 */

import { whileBusy } from '../busy.js';
import { el } from '../dom.js';
import { staffTexts } from '../texts/staff_texts.js';

/** @returns {HTMLElement} where attempt() says what went wrong */
export const troublePlace = () => el('p', { class: 'trouble', role: 'alert' });

/**
 * @param {HTMLButtonElement} button
 * @param {HTMLElement} trouble of troublePlace()
 * @param {() => Promise<void>} work
 * @returns {Promise<boolean>} whether it went well
 */
export async function attempt(button, trouble, work) {
  return Boolean(await whileBusy(button, async () => {
    trouble.replaceChildren();
    try {
      await work();
      return true;
    } catch (error) {
      trouble.replaceChildren(...troubleWords(error));
      return false;
    }
  }));
}

/**
 * @param {Error} error an ApiError, or a fault of the page's own
 * @returns {(Node|string)[]} one or two sentences
 */
export function troubleWords(error) {
  const t = staffTexts.trouble;
  if (error.status === 401 && error.code !== 'wrong_login') {
    // In a new tab, so that nothing of what was typed here is lost.
    return [t.loggedOut, ' ', el('a', { href: '/login.html', target: '_blank' }, t.logInAgain), ' ', t.thenAgain];
  }
  return [t.of(error)];
}
