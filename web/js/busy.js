/**
 * A button while what it started goes on: another press does nothing, and it keeps the focus, which a disabled one loses.
 */

/**
 * @template T
 * @param {HTMLButtonElement} button
 * @param {() => Promise<T>} work
 * @returns {Promise<T|undefined>} undefined when it goes on already
 */
export async function whileBusy(button, work) {
  if (button.getAttribute('aria-disabled') === 'true') {
    return undefined;
  }
  button.setAttribute('aria-disabled', 'true');
  try {
    return await work();
  } finally {
    button.removeAttribute('aria-disabled');
  }
}
