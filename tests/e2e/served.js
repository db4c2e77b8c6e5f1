/**
 * The daemon and the browser of one file of tests: there before its first test, gone after its last.
 */

import { after, before } from 'node:test';
import { launchBrowser } from './browser.js';
import { startDaemon } from './daemon.js';

/** Of startDaemon, once the tests run. */
export let daemon;
/** Of launchBrowser, once the tests run. */
export let browser;

/**
 * Called once in a file, outside of its tests.
 * @param {(config: object) => void} [change] of the daemon's configuration
 * @param {() => Promise<void>} [more] what is to be there besides
 */
export function serve(change = () => {}, more = async () => {}) {
  before(async () => {
    daemon = await startDaemon(change);
    browser = await launchBrowser();
    await more();
  });
  after(async () => {
    await browser?.close();
    await daemon?.stop();
  });
}
