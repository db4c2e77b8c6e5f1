/**
 * The educators' first page: all decks, each with what can be done with it; what is not saved yet; and the way to a first
 * deck of one's own.
 */

import { archiveDeck, readDeckVersion, restoreDeck } from '../api/api_deck_shelf.js';
import { listCatalogue } from '../api/api_decks.js';
import { dateOnly, timeElement } from '../dates.js';
import { el } from '../dom.js';
import { attempt, troublePlace } from '../staff/attempt.js';
import { openStaffPage } from '../staff/frame.js';
import { nameFor } from '../staff/name_for.js';
import { teachTexts } from '../texts/teach_texts.js';
import { readDeckFile, saveAsFile } from './deck_file.js';
import { fromDefinition } from './definition.js';
import { deckDrafts, draftKeyOf, newDraftKey } from './kept_decks.js';

const t = teachTexts.list;

await openStaffPage('/decks.html', async ({ main, account, announce }) => {
  const drafts = deckDrafts(account.id);
  const trouble = troublePlace();
  const lists = el('div', { class: 'form' });
  let decks = [];

  async function refresh() {
    decks = await listCatalogue();
    const own = decks.filter((deck) => !deck.built_in && !deck.archived);
    const builtIn = decks.filter((deck) => deck.built_in && !deck.archived);
    const archived = decks.filter((deck) => deck.archived);
    lists.replaceChildren(...[
      unsaved(),
      own.length > 0 ? section('own', t.own, own) : teach(),
      builtIn.length > 0 ? section('built-in', t.builtIn, builtIn, t.builtInLead) : null,
      archived.length > 0 ? el('details', { class: 'more' }, el('summary', {}, t.archived(archived.length)), el('ul', { class: 'rows' }, ...archived.map(row))) : null,
    ].filter(Boolean));
  }

  /** New decks that only this browser knows. */
  function unsaved() {
    const kept = drafts.listNew();
    return kept.length === 0 ? null : el('section', { 'aria-labelledby': 'unsaved' },
      el('h2', { id: 'unsaved' }, t.unsaved), el('p', { class: 'quiet' }, t.unsavedLead),
      el('ul', { class: 'rows' }, ...kept.map(({ key, deck, kept_at: keptAt }) => el('li', { class: 'row' },
        el('div', { class: 'row-words' }, el('strong', {}, deck.title || t.untitled), el('span', {}, t.keptAt, ' ', timeElement(keptAt))),
        el('a', { class: 'button', href: `/deck.html?draft=${key}` }, t.goOn),
        twice(t.discard, t.discardSure, async () => {
          drafts.drop(key);
          await refresh();
        })))));
  }

  /** A button that asks once more before it does what cannot be undone. */
  function twice(words, sure, work) {
    const button = el('button', {
      type: 'button', class: 'button',
      on: {
        click: () => {
          if (button.dataset.sure === undefined) {
            button.dataset.sure = '';
            button.textContent = sure;
          } else {
            attempt(button, trouble, work);
          }
        },
        blur: () => {
          delete button.dataset.sure;
          button.textContent = words;
        },
      },
    }, words);
    return button;
  }

  function section(id, title, entries, lead = null) {
    return el('section', { 'aria-labelledby': id }, el('h2', { id }, title), lead ? el('p', { class: 'quiet' }, lead) : null,
      el('ul', { class: 'rows', id: `decks-${id}` }, ...entries.map(row)));
  }

  function row(deck) {
    const address = `/deck.html?deck=${encodeURIComponent(deck.id)}`;
    const change = (words, work, told) => {
      const button = el('button', {
        type: 'button', class: 'button', 'aria-label': `${words}: ${deck.title}`,
        on: {
          click: () => attempt(button, trouble, async () => {
            await work(deck.id);
            await refresh();
            announce(told(deck.title));
            main.querySelector('#new-deck').focus();
          }),
        },
      }, words);
      return button;
    };
    const link = (href, words, props = {}) => el('a', { class: 'button', href, 'aria-label': `${words}: ${deck.title}`, ...props }, words);
    return el('li', { class: 'row', 'data-deck': deck.id },
      el('div', { class: 'row-words' },
        el('a', { class: 'row-link', href: deck.archived || deck.built_in ? `${address}&view=results` : address }, el('strong', {}, deck.title)),
        el('span', {}, t.words(deck, dateOnly(deck.saved_at)))),
      deck.unavailable ? el('span', { class: 'badge' }, t.unavailable(deck.unavailable)) : null,
      drafts.load(draftKeyOf(deck.id)) ? el('span', { class: 'badge' }, t.unsavedBadge) : null,
      el('div', { class: 'buttons' },
        deck.archived ? change(t.restore, restoreDeck, t.restored) : null,
        deck.archived || deck.built_in ? null : link(address, t.edit),
        deck.archived ? null : link(`${address}&view=share`, t.share),
        link(`/deck.html?copy=${encodeURIComponent(deck.id)}`, t.copy),
        deck.built_in ? link(`${address}&view=results`, t.results) : null,
        deck.archived || deck.built_in ? null : el('details', { class: 'row-more' }, el('summary', {}, t.more),
          el('div', { class: 'buttons' },
            link(`${address}&view=results`, t.results), link(`${address}&view=history`, t.history),
            download(deck), change(t.archive, archiveDeck, t.archivedNow)))));
  }

  function download({ id, title }) {
    const button = el('button', {
      type: 'button', class: 'button', 'aria-label': `${t.download}: ${title}`,
      on: { click: () => attempt(button, trouble, async () => saveAsFile((await readDeckVersion(id)).definition)) },
    }, t.download);
    return button;
  }

  function importer() {
    const file = el('input', {
      type: 'file', id: 'deck-file', accept: '.json,application/json', class: 'visually-hidden', tabindex: '-1', 'aria-label': t.takeIn,
      on: {
        change: () => attempt(button, trouble, async () => {
          const definition = await readDeckFile(file.files[0]);
          const deck = fromDefinition(definition);
          deck.id = decks.some(({ id }) => id === deck.id) ? nameFor(deck.id, decks.map(({ id }) => id)) : deck.id;
          const key = newDraftKey();
          if (!drafts.keep(key, { deck, tag: null })) {
            throw new Error(teachTexts.file.noRoom);
          }
          location.assign(`/deck.html?draft=${key}`);
        }).finally(() => { file.value = ''; }),
      },
    });
    const button = el('button', { type: 'button', class: 'button', id: 'take-in', on: { click: () => file.click() } }, t.takeIn);
    return [file, button];
  }

  await refresh();
  main.append(
    el('p', { class: 'staff-lead' }, t.lead),
    el('div', { class: 'buttons' }, el('a', { class: 'button button-main', id: 'new-deck', href: '/deck.html' }, t.make), ...importer()),
    trouble, lists);
});

/** What to do, for who has no deck yet. */
function teach() {
  return el('section', { class: 'first-deck', 'aria-labelledby': 'first-deck' },
    el('h2', { id: 'first-deck' }, t.firstTitle),
    el('ol', { class: 'steps' }, ...t.first.map(([what, words]) => el('li', {}, el('strong', {}, what), ' ', words))));
}
