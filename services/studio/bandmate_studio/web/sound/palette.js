/** The colour of each part: the same in its waveform, in the roll and beside its name. */

const COLOURS = 8;

/**
 * @param {number} index
 * @returns {string} the name of a CSS variable
 */
export function colourName(index) {
  return `--part-${(index % COLOURS) + 1}`;
}

/**
 * The colour itself, as the current theme has it.
 * @param {number} index
 */
export function colourOf(index) {
  return getComputedStyle(document.documentElement).getPropertyValue(colourName(index)).trim();
}

/**
 * Track and stem of one part have the same colour. "Double bass" is the stem double-bass.
 * @param {string} name
 */
export function slug(name) {
  return name.toLowerCase().replace(/[^a-z0-9]+/g, "-").replace(/^-|-$/g, "");
}
