/**
 * What staff are editing, kept in this browser until the server has it: a closed tab, a crash or a lost connection takes
 * nothing. The drafts of one account are not shown to another.
 */

/**
 * @template T
 * @param {string} kind of thing that is edited, as the names of its drafts begin
 * @param {number} account id
 * @param {(draft: any) => boolean} isWhole whether what the browser has is a draft of this kind
 */
export function keptDrafts(kind, account, isWhole) {
  const prefix = `roentgym.${kind}_draft.${account}.`;
  const load = (key) => {
    try {
      const draft = JSON.parse(localStorage.getItem(prefix + key));
      return draft && isWhole(draft) ? draft : null;
    } catch {
      return null;
    }
  };
  return {
    /** @param {string} key @returns {?(T & {kept_at: string})} */
    load,

    /** @param {string} key @param {T} draft @returns {boolean} whether it is kept now: a browser may refuse */
    keep(key, draft) {
      try {
        localStorage.setItem(prefix + key, JSON.stringify({ ...draft, kept_at: new Date().toISOString() }));
        return true;
      } catch {
        return false;
      }
    },

    drop(key) {
      try {
        localStorage.removeItem(prefix + key);
      } catch {
        /* Nothing was kept. */
      }
    },

    /** @param {string} start of their keys @returns {(T & {key: string, kept_at: string})[]} the newest first */
    list(start) {
      try {
        return Object.keys(localStorage)
          .filter((name) => name.startsWith(prefix + start))
          .map((name) => name.slice(prefix.length))
          .map((key) => ({ key, ...load(key) }))
          .filter(({ kept_at }) => kept_at)
          .sort((a, b) => b.kept_at.localeCompare(a.kept_at));
      } catch {
        return [];
      }
    },

    /** @param {() => ?string} keyNow @param {() => void} onChange another tab has kept another draft under that key */
    watch(keyNow, onChange) {
      window.addEventListener('storage', ({ key, newValue }) => {
        if (key === prefix + keyNow() && newValue !== null) {
          onChange();
        }
      });
    },
  };
}
