/**
 * What every page says: the images are synthetic, by which model, from which training data, and not for diagnosis.
 */

import { el } from './dom.js';
import { listModels } from './api/api_models.js';
import { provenanceTexts } from './texts/site_texts.js';

/** @returns {HTMLElement} the foot of a page; it appears as soon as the server's models are known, or cannot be */
export function provenanceFoot() {
  const foot = el('footer', { class: 'provenance is-absent' });
  listModels().catch(() => []).then((models) => {
    foot.append(el('p', {}, models.length > 0 ? provenanceTexts.models(models) : provenanceTexts.general));
    foot.classList.remove('is-absent');
  });
  return foot;
}
