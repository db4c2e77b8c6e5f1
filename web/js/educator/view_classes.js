/**
 * Classes: made with a title, joined by a link or its QR code, and what came of them so far.
 */

import { closeClass, createClass, listClasses, readClassResults } from '../api/api_classes.js';
import { listCatalogue } from '../api/api_decks.js';
import { dateOnly } from '../dates.js';
import { el } from '../dom.js';
import { attempt, troublePlace } from '../staff/attempt.js';
import { selectField, tellAt, textField, untell } from '../staff/form_fields.js';
import { staffTexts } from '../texts/staff_texts.js';
import { teachTexts } from '../texts/teach_texts.js';
import { linkField } from '../view_link.js';
import { qrCode } from './qr_code.js';

const t = teachTexts.classes;
let linksMade = 0; // so that a link that is shown twice has two ids
const linkOf = ({ code }) => new URL(`/?class=${code}`, location.origin).href;

/**
 * @param {{deck: ?{id: string, title: string, archived: boolean, unavailable: ?string}, announce: (text: string) => void}} props
 *   deck: only its classes; null: all
 * @returns {Promise<HTMLElement>}
 */
export async function classesView({ deck, announce }) {
  const decks = deck ? [deck] : await listCatalogue();
  const list = el('ul', { class: 'rows class-list', id: 'classes' });
  const none = el('p', { class: 'quiet' }, t.none);
  const made = el('div', {});
  const trouble = troublePlace();

  async function refresh() {
    const classes = (await listClasses()).filter((entry) => !deck || entry.deck === deck.id);
    none.hidden = classes.length > 0;
    list.hidden = classes.length === 0;
    const parts = await Promise.all(classes.map((entry) => row(entry)));
    list.replaceChildren(...parts);
  }

  function form() {
    const startable = decks.filter(({ archived, unavailable }) => !archived && !unavailable);
    if (startable.length === 0) {
      return el('p', { class: 'quiet' }, deck ? t.notStartable : t.noDeck, ' ', deck ? null : el('a', { href: '/decks.html' }, teachTexts.list.all));
    }
    const title = textField({ label: t.name, hint: t.nameHint, path: 'title', required: true, maxlength: '120', id: 'class-title' });
    const choice = deck ? null : selectField({ label: t.deck, id: 'class-deck', value: startable[0].id, options: startable.map(({ id, title: text }) => ({ value: id, text })) });
    const button = el('button', { type: 'submit', class: 'button button-main', id: 'make-class' }, t.make);
    const whole = el('form', {
      class: 'form', novalidate: true,
      on: {
        submit: async (event) => {
          event.preventDefault();
          untell(whole);
          if (title.control.value.trim() === '') {
            tellAt(whole, 'title', t.needsName).focus();
            return;
          }
          await attempt(button, trouble, async () => {
            const entry = await createClass(title.control.value.trim(), deck?.id ?? choice.control.value);
            title.control.value = '';
            made.replaceChildren(await shareBox(entry));
            made.querySelector('h3').focus();
            made.scrollIntoView({ block: 'nearest' }); // the code, too
            announce(t.madeNow(entry.title));
            await refresh();
          });
        },
      },
    }, title.root, choice?.root ?? null, trouble, button);
    return whole;
  }

  async function row(entry) {
    const results = el('p', { class: 'class-results' });
    try {
      results.textContent = t.results(await readClassResults(entry.code));
    } catch (error) {
      results.textContent = staffTexts.trouble.of(error);
    }
    const share = el('details', { class: 'row-more' }, el('summary', { 'aria-label': t.linkOf(entry.title) }, t.link));
    share.addEventListener('toggle', async () => {
      if (share.open && share.children.length === 1) {
        share.append(await shareBox(entry));
      }
    });
    const place = troublePlace();
    const close = el('button', {
      type: 'button', class: 'button', 'aria-label': t.closeThis(entry.title),
      on: {
        click: () => {
          if (close.dataset.sure === undefined) {
            close.dataset.sure = '';
            close.textContent = t.closeSure;
            close.setAttribute('aria-label', t.closeSureThis(entry.title));
            announce(t.closeAsk);
            return;
          }
          attempt(close, place, async () => {
            await closeClass(entry.code);
            await refresh();
            announce(t.closedNow(entry.title));
          });
        },
      },
    }, t.close);
    const title = decks.find(({ id }) => id === entry.deck)?.title ?? entry.deck;
    return el('li', { class: 'row', 'data-class': entry.code },
      el('div', { class: 'row-words' },
        el('strong', {}, entry.title),
        el('span', {}, deck ? t.since(dateOnly(entry.created_at)) : t.ofDeck(title, dateOnly(entry.created_at))), results),
      entry.closed ? el('span', { class: 'badge' }, t.closed) : el('div', { class: 'buttons' }, share, close), place);
  }

  await refresh();
  return el('div', { class: 'form' },
    deck ? el('p', { class: 'staff-lead' }, t.shareLead) : el('p', { class: 'staff-lead' }, t.lead),
    el('section', { 'aria-labelledby': 'make' }, el('h2', { id: 'make' }, t.makeTitle), form(), made),
    el('section', { 'aria-labelledby': 'all-classes' }, el('h2', { id: 'all-classes' }, deck ? t.ofThisDeck : t.all), none, list,
      el('p', { class: 'quiet' }, t.fewest),
      el('button', { type: 'button', class: 'button', id: 'refresh', on: { click: (event) => attempt(event.currentTarget, trouble, async () => { await refresh(); announce(t.refreshed); }) } }, t.refresh)),
    deck && !deck.archived ? el('section', { 'aria-labelledby': 'open-link' },
      el('h2', { id: 'open-link' }, t.openTitle), el('p', { class: 'quiet' }, t.openWords),
      linkField('deck-link', t.openLabel, new URL(`/?deck=${encodeURIComponent(deck.id)}`, location.origin).href).root) : null);
}

async function shareBox(entry) {
  const link = linkOf(entry);
  const code = await qrCode(link, t.qrAlt(entry.title), `${entry.title}.png`);
  return el('div', { class: 'saved-box share-box' },
    el('h3', { tabindex: '-1' }, t.shareTitle(entry.title)),
    el('p', {}, t.shareWords),
    linkField(`link-${entry.code}-${linksMade += 1}`, t.linkLabel, link).root,
    code ?? el('p', { class: 'quiet' }, t.noQr));
}
