/** The same song in another style: its words, sections, chords and key stay, the rest is the style's. */

/**
 * @param {import("./load.js").Song} song
 * @param {string} style
 * @returns {Record<string, unknown>}
 */
export function restyled(song, style) {
  const { request } = song.job;
  const sections = song.report.form.map((/** @type {any} */ section) => ({ name: section.name, bars: section.bars, chords: section.chords }));
  const words = request.sections?.some((/** @type {any} */ section) => section.lyrics !== null) ? request.sections.map((/** @type {any} */ section) => section.lyrics ?? null) : null;
  if (words?.length === sections.length) sections.forEach((/** @type {any} */ section, /** @type {number} */ index) => Object.assign(section, words[index] === null ? {} : { lyrics: words[index] }));
  const kept = { key: song.result.key, metre: song.result.metre, voice: request.voice, lyrics: words ? null : request.lyrics };
  return { style, sections, ...Object.fromEntries(Object.entries(kept).filter(([, value]) => value)) };
}
