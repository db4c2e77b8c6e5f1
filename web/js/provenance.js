/**
 * What every page says: the images are synthetic, by which model, from which training data, and not for diagnosis.
 */

import { el } from './dom.js';
import { listModels } from './api/api_models.js';
import { texts } from './texts.js';

/** @returns {HTMLElement} the foot of a page; it names the server's models as soon as they are known */
export function provenanceFoot() {
  const words = el('p', {}, texts.provenance.general);
  listModels().then((models) => {
    if (models.length > 0) {
      words.textContent = texts.provenance.models(models);
    }
  }, () => {}); // the general sentence is as true
  return el('footer', { class: 'provenance' }, words);
}
