/**
 * A drill on screen: the view, the keys and the drill itself put together. The start page and the pages of a study
 * open it alike.
 */

import { announce, show } from '../screen.js';
import { createDrill } from './drill.js';
import { firstImage } from './images.js';
import { bindKeys } from './keys.js';
import { hasTwoButtons } from './state.js';
import * as store from '../store.js';
import { drillView } from './view_drill.js';
import { keysDialog } from './view_keys.js';

/**
 * @param {object} props
 * @param {{id: string, secret: string}} props.session
 * @param {import('../api/api_decks.js').Deck} props.deck
 * @param {number[]} props.answered items the server already has
 * @param {ReturnType<typeof firstImage>} [props.first] if it has been asked for already
 * @param {string} props.caption what the images are
 * @param {() => void} props.onLeave the learner wants to go on later
 * @param {() => void} props.onFinished every item is answered
 * @param {(error: Error) => void} props.onFailed an error that waiting cannot mend
 */
export function openDrillPage({ session, deck, answered, first = firstImage(session, deck, answered), caption, onLeave, onFinished, onFailed }) {
  const dialog = keysDialog({
    choices: deck.choices,
    graded: !hasTwoButtons(deck),
    on: store.shortcutsOn(),
    onChange: (on) => {
      store.setShortcuts(on);
      view.setShortcuts(on);
    },
  });
  const view = drillView({
    session,
    deck,
    caption,
    shortcuts: store.shortcutsOn(),
    onChoose: (choiceId, event) => drill.choose(choiceId, event),
    onRate: (confidence) => drill.rate(confidence),
    onNext: () => drill.next(),
    onLeave,
    onKeys: () => dialog.showModal(),
  });
  const drill = createDrill({ session, deck, answered, first, view, announce, onFinished, onFailed });
  const unbind = bindKeys(deck.choices, store.shortcutsOn, (meaning, event) => {
    obey(meaning, event, { deck, drill, dialog });
  });
  view.root.append(dialog);
  show(view.root, () => {
    unbind();
    drill.close();
    view.close();
  });
  drill.start();
}

function obey(meaning, event, { deck, drill, dialog }) {
  if (meaning.act === 'next') {
    drill.next();
  } else if (meaning.act === 'choose') {
    drill.choose(deck.choices[meaning.index].id, event);
  } else if (meaning.act === 'rate') {
    drill.rate(meaning.confidence);
  } else {
    dialog.showModal();
  }
}
