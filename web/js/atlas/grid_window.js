/**
 * Which cells of a long grid are worth having, and where they lie. Pure.
 */

const CELL_LEAST = 160; // px
const GAP = 12; // px
const CAPTION = 46; // px, two lines; as in atlas.css
const ROWS_AHEAD = 2;

/**
 * @param {number} width of the grid in px
 * @param {number} group cells that belong together and shall not be torn apart where there is room for them: classes
 * @returns {{columns: number, cell: number, rowHeight: number}} cell: its side in px
 */
export function gridLayout(width, group) {
  const most = Math.max(2, Math.floor((width + GAP) / (CELL_LEAST + GAP)));
  const columns = most >= group ? most - (most % group) : most;
  const cell = (width - GAP * (columns - 1)) / columns;
  return { columns, cell, rowHeight: cell + CAPTION + GAP };
}

/** Where a cell lies in the grid. */
export function cellAt({ columns, cell, rowHeight }, index) {
  return { x: (index % columns) * (cell + GAP), y: Math.floor(index / columns) * rowHeight };
}

/** The grid's height for a number of cells. */
export function gridHeight({ columns, rowHeight }, count) {
  return Math.ceil(count / columns) * rowHeight - GAP;
}

/**
 * @param {object} layout of gridLayout()
 * @param {number} above px of the grid that lie above the view's top; negative while the grid begins below it
 * @param {number} height of the view
 * @param {number} count cells in all
 * @returns {{first: number, end: number, top: number}} cells from first to before end; top: the first that is seen
 */
export function visibleCells({ columns, rowHeight }, above, height, count) {
  const row = (y) => Math.min(Math.max(0, Math.floor(y / rowHeight)), Math.ceil(count / columns));
  return {
    first: Math.max(0, row(above) - ROWS_AHEAD) * columns,
    end: Math.min(count, (row(above + height) + 1 + ROWS_AHEAD) * columns),
    top: Math.min(count - 1, row(above + rowHeight / 2) * columns),
  };
}
