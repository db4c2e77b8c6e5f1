/**
 * The learner's own drills: under a code, on any device.
 */

import { dateAndTime, daysOf } from '../dates.js';
import { el } from '../dom.js';
import { codeBox, codeForm } from '../view_code.js';
import { product } from '../texts/site_texts.js';
import { mineTexts } from '../texts/start_texts.js';

const t = mineTexts;

/**
 * @param {object} props
 * @param {?string} props.code kept in this browser
 * @param {import('../api/api_sessions.js').SessionState[]} props.sessions newest first
 * @param {() => void} props.onGetCode
 * @param {(code: string) => Promise<?string>} props.onUseCode resolves with what is wrong with it
 * @param {() => void} props.onForget
 * @param {(sessionId: string) => void} props.onOpen go on with it, or see its result
 * @param {(deck: import('../api/api_decks.js').Deck) => void} props.onOverall what all drills on it say together
 * @param {() => void} props.onStartPage
 * @returns {HTMLElement}
 */
export function mineView(props) {
  const { code, onStartPage } = props;
  return el('main', { class: 'mine', 'data-screen': 'mine' },
    el('p', { class: 'wordmark' }, product),
    el('h1', { tabindex: '-1' }, t.title),
    ...(code ? known(props) : unknown(props)),
    el('button', { type: 'button', class: 'button', id: 'to-start', on: { click: onStartPage } }, t.back));
}

function unknown({ onGetCode, onUseCode }) {
  return [
    el('p', { class: 'mine-lead' }, t.lead),
    el('button', { type: 'button', class: 'button button-main', id: 'get-code', on: { click: onGetCode } }, t.get),
    codeForm(onUseCode),
  ];
}

function known({ code, sessions, onForget, onOpen, onOverall }) {
  const decks = [...new Map(sessions.filter(({ study }) => !study).map(({ deck }) => [deck.id, deck])).values()];
  return [
    codeBox(code, t.codeWords),
    sessions.length === 0
      ? el('p', { class: 'mine-lead' }, t.none)
      : el('section', { class: 'mine-drills' },
        el('h2', {}, t.drills),
        el('p', { class: 'mine-days' }, t.days(daysOf(sessions.map((session) => session.created_at)))),
        decks.length === 0 ? null : el('div', { class: 'mine-overall' },
          ...decks.map((deck) => el('button', { type: 'button', class: 'link-button', 'data-deck': deck.id, on: { click: () => onOverall(deck) } }, t.overall(deck.title)))),
        el('ol', {}, ...sessions.map((session) => drillRow(session, onOpen)))),
    el('section', { class: 'mine-forget' },
      el('p', {}, t.forgetWords),
      el('button', { type: 'button', class: 'button button-quiet', id: 'forget-code', on: { click: onForget } }, t.forget)),
  ];
}

/** What belongs to a study is gone on with on the study's own page, which knows whether it may be. */
function drillRow({ id, study, deck, created_at: created, answered, finished }, onOpen) {
  const words = study ? t.toStudy : (finished ? t.result : t.goOn);
  const name = `${words}: ${deck.title}, ${dateAndTime(created)}`;
  return el('li', { class: 'mine-drill' },
    el('div', {}, el('strong', {}, deck.title), el('span', {}, t.when(dateAndTime(created), finished, answered.length, deck.items))),
    study
      ? el('a', { class: 'button', href: `/study.html?study=${encodeURIComponent(study)}`, 'aria-label': name }, words)
      : el('button', { type: 'button', class: 'button', 'data-session': id, 'aria-label': name, on: { click: () => onOpen(id) } }, words));
}
