/**
 * The name that something has in addresses and data. It follows its label until somebody chooses another.
 */

import { textField, untell } from '../staff/form_fields.js';
import { nameFor } from '../staff/name_for.js';

/**
 * @param {object} props
 * @param {{id: string}} props.item changed in place
 * @param {string} props.path of the item, '' for the study itself
 * @param {string} props.label
 * @param {string} props.hint
 * @param {boolean} [props.readonly]
 * @param {() => void} props.onChange
 * @returns {{root: HTMLElement, follow: (before: string, after: string, taken?: string[]) => void}} follow: the label changes
 */
export function nameField({ item, path, label, hint, readonly = false, onChange }) {
  const { root, control } = textField({
    label, hint, readonly, path: path ? `${path}.id` : 'id', value: item.id, maxlength: '48', spellcheck: 'false', autocapitalize: 'off',
    onInput: (value) => { item.id = value; onChange(); },
  });
  root.classList.add('is-name');
  return {
    root,
    follow(before, after, taken = []) {
      if (item.id === '' || item.id === nameFor(before) || item.id === nameFor(before, taken)) {
        item.id = nameFor(after, taken);
        control.value = item.id;
        untell(root);
      }
    },
  };
}
