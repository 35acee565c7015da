/** The same song in another style: its words, sections, chords and key stay, the rest is the style's. */
import { chordsByBar, sectionsOf } from "./load.js";
import { linesOf, textOf } from "./lyrics.js";

/** What a song without sections is written as. */
const ONE_SECTION = "verse";

/**
 * @param {import("./load.js").Song} song
 * @param {string} style
 * @param {string | null} [model]  the model that knows a style of one's own
 * @returns {Record<string, unknown>}
 */
export function restyled(song, style, model) {
  const { request } = song.job;
  const { form } = song.report;
  const wished = request.sections?.map((/** @type {any} */ section) => section.lyrics ?? null) ?? [];
  const bySection = wished.length === form.length && wished.some((/** @type {string | null} */ words) => words !== null);
  const kept = {
    style, model, derived_from: song.id, key: song.result.key, metre: song.result.metre,
    voice: request.voice ?? song.report.vocal?.voice, language: request.language, ensemble: request.ensemble,
  };
  if (form.length && (bySection || request.lyrics || !song.piece.words.length)) {
    const sections = form.map((/** @type {any} */ section, /** @type {number} */ index) =>
      filled({ name: section.name, bars: section.bars, chords: section.chords, lyrics: bySection ? wished[index] : null }));
    return filled({ ...kept, sections, lyrics: bySection ? null : request.lyrics });
  }
  // What came out of an edit has no form of its own, and some of its words are those of the song before.
  return filled({ ...kept, sections: sectionsAsPlayed(song) });
}

/** @param {import("./load.js").Song} song */
function sectionsAsPlayed(song) {
  const named = sectionsOf(song).filter((section) => section.name);
  const sections = named.length ? named : [{ name: ONE_SECTION, first: 1, last: song.piece.bars.length }];
  const chords = chordsByBar(song);
  const lines = linesOf(song);
  const sings = lines.length > 0;
  return sections.map(({ name, first, last }, index) => {
    const words = lines.filter((line) => Math.max(0, line.section) === index).map(textOf).join("\n");
    const bars = chords.slice(first - 1, last).map((bar) => bar.join(" ") || "%");
    const known = bars.some((bar) => bar !== "%") && bars[0] !== "%";
    // Without an empty text a section would take over the words of an earlier one of its name.
    return filled({ name: name.toLowerCase(), bars: last - first + 1, chords: known ? bars.join(" | ") : null, lyrics: sings ? words : null });
  });
}

/** @param {Record<string, unknown>} fields  without those that are null or undefined */
function filled(fields) {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== null && value !== undefined));
}
