/**
 * A stratum in words: its name is that of the choices, joined by slashes. Pure.
 */

/** @param {string} stratum @param {import('../api/api_studies.js').Study} study @returns {string} "Fourth, Student" */
export function stratumText(stratum, study) {
  return stratum.split('/').map((id, i) => study.strata?.[i]?.choices.find((choice) => choice.id === id)?.label ?? id).join(', ');
}
