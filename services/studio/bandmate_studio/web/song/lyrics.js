/** The sung words of a song as lines of syllables. */
import { sectionsOf } from "./load.js";

/**
 * `section` is the place of the line's section among `sectionsOf`, -1 before the first.
 * @typedef {{text: string, index: number, start: number, joined: boolean}} Syllable
 * @typedef {{section: number, syllables: Syllable[]}} Line
 */

const PAUSE_SECONDS = 0.55;

const letters = (/** @type {string} */ text) => text.toLowerCase().replace(/[^\p{L}\p{N}]/gu, "");

/**
 * A new line begins where one of the given words does, after a pause, and where a section begins.
 * @param {import("./load.js").Song} song
 * @returns {Line[]}
 */
export function linesOf(song) {
  const sections = sectionsOf(song).filter((section) => section.name);
  const sung = song.piece.tracks.find((track) => song.piece.words.some((word) => track.notes.some((note) => Math.abs(note.start - word.start) < 0.03)));
  const endOf = (/** @type {number} */ start) => sung?.notes.find((note) => Math.abs(note.start - start) < 0.03)?.end ?? start;
  /** @type {Line[]} */
  const lines = [];
  const { request } = song.job;
  const given = [request.lyrics, ...(request.sections ?? []).map((/** @type {any} */ one) => one.lyrics)].filter(Boolean).join("\n").split("\n").map(letters).filter(Boolean);
  const sungFrom = (/** @type {number} */ index, /** @type {number} */ length) => {
    let text = "";
    for (let at = index; text.length < length && at < song.piece.words.length; at++) text += letters(song.piece.words[at].text);
    return text;
  };
  let end = -Infinity;
  song.piece.words.forEach((word, index) => {
    const text = word.text.trim();
    if (!text) return;
    const section = sections.findLastIndex((one) => one.start <= word.start + 0.05);
    const broken = given.some((line) => sungFrom(index, line.length) === line) || word.start - end > PAUSE_SECONDS || /[\r\n]/.test(song.piece.words[index - 1]?.text ?? "");
    if (broken || lines[lines.length - 1]?.section !== section) lines.push({ section, syllables: [] });
    const joined = text.endsWith("-");
    lines[lines.length - 1].syllables.push({ text: joined ? text.slice(0, -1) : text, index, start: word.start, joined });
    end = endOf(word.start);
  });
  return lines;
}

/**
 * A line as it is written.
 * @param {Line} line
 */
export function textOf(line) {
  return line.syllables.map(({ text, joined }) => (joined ? text : `${text} `)).join("").trim();
}
