/**
 * The image in its frame, and what is said over it while there is none to see.
 */

import { el, setInPlace } from '../dom.js';
import { shortcutsOn } from '../store.js';
import { drillTexts } from '../texts/drill_texts.js';
import { troubleTexts } from '../texts/site_texts.js';
import { createViewer } from '../viewer/viewer.js';

/**
 * @param {string} caption what the images are
 * @returns {{root: HTMLElement, update: (state: import('./state.js').DrillState) => void,
 *   viewer: ReturnType<typeof createViewer>}}
 */
export function filmFrame(caption) {
  const coming = el('p', { class: 'film-coming' }, drillTexts.imageComing);
  const over = el('p', { class: 'film-coming', id: 'time-up' }, drillTexts.timeUp);
  const viewer = createViewer({ shortcuts: shortcutsOn, help: false });
  const notice = el('p', { class: 'film-notice', id: 'trouble' });
  viewer.stage.append(coming, over, notice);
  const root = el('figure', { class: 'film' }, viewer.root, el('figcaption', {}, caption));

  const update = ({ phase, trouble, expired }) => {
    const covered = expired && phase !== 'feedback'; // what was answered may be looked at again
    setInPlace(coming, phase === 'waiting');
    setInPlace(over, covered);
    viewer.setCovered(covered);
    const waits = phase === 'waiting' && Boolean(trouble); // elsewhere the panel says it: nothing lies on what is looked at
    notice.textContent = waits ? troubleText(phase, trouble) : '';
    setInPlace(notice, waits);
  };
  return { root, update, viewer };
}

/**
 * What to tell somebody who waits.
 * @param {?{status: number}} error null while there is only silence
 */
export function troubleText(phase, error) {
  if (error?.status === 503 || error?.status === 429) {
    return troubleTexts.busy;
  }
  if (error?.status >= 500) {
    return troubleTexts.failing;
  }
  return phase === 'kept' ? troubleTexts.offlineAnswer : troubleTexts.offlineImage;
}
