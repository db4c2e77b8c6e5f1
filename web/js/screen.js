/**
 * One page at a time in the document of an HTML file: which one is shown, what is spoken, and what waits.
 */

import { withRetry } from './retry.js';
import { troubleTexts } from './texts/site_texts.js';
import { noticeView } from './view_notice.js';

const app = document.getElementById('app');
const announcer = document.getElementById('announcer');
let leavePage = () => {}; // undoes what the current page bound

/** Replaces the page and moves the focus to its heading. */
export function show(root, leave = () => {}) {
  leavePage();
  leavePage = leave;
  app.replaceChildren(root);
  window.scrollTo(0, 0);
  root.querySelector('h1')?.focus({ preventScroll: true });
}

/** Speaks to screen readers. */
export function announce(text) {
  announcer.textContent = text;
}

/** Waits out passing failures, saying so on an otherwise empty page. */
export function patiently(task) {
  let told = false;
  return withRetry(task, {
    signal: new AbortController().signal,
    onWait: (error) => {
      if (!told) {
        told = true;
        const text = error.code === 'model_unavailable' ? troubleTexts.noModel : troubleTexts.loading;
        show(noticeView({ title: troubleTexts.waiting, text }));
      }
    },
  });
}
