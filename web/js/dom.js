/**
 * Building elements without HTML strings (the Content-Security-Policy requires Trusted Types).
 */

const SVG = 'http://www.w3.org/2000/svg';

/**
 * @param {string} tag
 * @param {object} [props] `class`, `on` ({event: listener}), or attributes; true sets an empty attribute,
 *   null and false leave it out
 * @param {...(Node|string|null)} children strings become text
 * @returns {HTMLElement}
 */
export function el(tag, props = {}, ...children) {
  return fill(document.createElement(tag), props, children);
}

/** The same for SVG. */
export function svg(tag, props = {}, ...children) {
  return fill(document.createElementNS(SVG, tag), props, children);
}

/** Shows or hides without giving up the element's place, so that nothing around it moves. */
export function setInPlace(element, shown) {
  element.classList.toggle('is-absent', !shown);
}

function fill(element, props, children) {
  for (const [name, value] of Object.entries(props)) {
    if (name === 'on') {
      for (const [event, listener] of Object.entries(value)) {
        element.addEventListener(event, listener);
      }
    } else if (value !== null && value !== false) {
      element.setAttribute(name, value === true ? '' : value);
    }
  }
  element.append(...children.flat().filter((child) => child !== null));
  return element;
}
