/**
 * The parts of a study as a participant is told of them. Pure.
 */

/** @returns {?import('../api/api_participants.js').Phase} the one that can be worked on now */
export function openPhase({ phases }) {
  return phases.find(({ state }) => state === 'open') ?? null;
}

/**
 * What phases are called: their ids are the researchers' and may tell too much.
 * @param {{kind: string}[]} phases
 * @param {{test: string, training: string}} names
 * @returns {string[]} numbered where there are several of a kind
 */
export function phaseNames(phases, names) {
  return phases.map(({ kind }, i) => {
    const alike = phases.filter((phase) => phase.kind === kind).length;
    const number = phases.slice(0, i + 1).filter((phase) => phase.kind === kind).length;
    return alike > 1 ? `${names[kind]} ${number}` : names[kind];
  });
}
