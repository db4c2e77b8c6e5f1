/**
 * The way from one class to another with the same seed. Pure.
 */

/**
 * Over the mean of all classes, which is the same image for either class without any strength.
 * @param {string} className
 * @param {string} other
 * @param {number} strength 0..1, at both ends
 * @param {number} steps from each end to the middle
 * @returns {{className: string, strength: number}[]} what to draw, 2 x steps + 1 images
 */
export function morphFrames(className, other, strength, steps) {
  const parts = Array.from({ length: steps }, (_, i) => 1 - i / steps);
  const at = (name, part) => ({ className: name, strength: Math.round(strength * part * 10000) / 10000 });
  return [...parts.map((part) => at(className, part)), at(className, 0), ...parts.toReversed().map((part) => at(other, part))];
}
