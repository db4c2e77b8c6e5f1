/**
 * Libraries of others. The build copies them into lib/; where npm was missing it could not.
 */

/** @returns {Promise<?Function>} the constructor of uPlot, or null; its page links lib/uplot/uPlot.min.css */
export async function loadCharts() {
  return (await load('/lib/uplot/uPlot.esm.js'))?.default ?? null;
}

/** @returns {Promise<?(text: string) => {toCanvas: (canvas: HTMLCanvasElement) => void}>} lean-qr's generate, or null */
export async function loadQrCodes() {
  return (await load('/lib/lean-qr/index.mjs'))?.generate ?? null;
}

/** A page without a chart or a code is still of use, so a library that does not come is no error. */
async function load(path) {
  try {
    return await import(path);
  } catch {
    return null;
  }
}
