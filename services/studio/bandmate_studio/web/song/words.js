/** The words as they are sung, with the syllable that sounds; a click moves there. */
import { html, useMemo, useRef } from "../app/html.js";
import { t } from "../app/text.js";
import { seek } from "../sound/player.js";
import { useFrame } from "./frame.js";
import { sectionsOf } from "./load.js";

const letters = (/** @type {string} */ text) => text.toLowerCase().replace(/[^\p{L}\p{N}]/gu, "");

const PAUSE_SECONDS = 0.55;

/** @param {{song: import("./load.js").Song}} props */
export function Words({ song }) {
  const lines = useMemo(() => linesOf(song), [song]);
  const root = useRef(/** @type {HTMLElement | null} */ (null));
  const shown = useRef(-1);
  const starts = song.piece.words.map((word) => word.start);
  useFrame(
    (seconds) => {
      let now = -1;
      while (now + 1 < starts.length && starts[now + 1] <= seconds + 0.02) now += 1;
      if (now === shown.current || !root.current) return;
      shown.current = now;
      root.current.querySelector(".sung")?.classList.remove("sung");
      root.current.querySelector(`[data-word="${now}"]`)?.classList.add("sung");
    },
    [song],
  );
  if (!starts.length) return html`<p class="quiet">${t("words.none")}</p>`;
  return html`<div class="words" ref=${root}>
    ${lines.map((line) => html`${line.section && html`<h3>${line.section}</h3>`}<p>
      ${line.syllables.map(({ text, index, start, joined }) => html`<button type="button" key=${index} class=${`syllable ${joined ? "joined" : ""}`} data-word=${index} onClick=${() => seek(start)}>${text}</button>`)}
    </p>`)}
  </div>`;
}

/**
 * Syllables as lines: a new one where a line of the given words begins, after a pause, and where a section begins.
 * @param {import("./load.js").Song} song
 */
function linesOf(song) {
  const sections = sectionsOf(song).filter((section) => section.name);
  const sung = song.piece.tracks.find((track) => song.piece.words.some((word) => track.notes.some((note) => Math.abs(note.start - word.start) < 0.03)));
  const endOf = (/** @type {number} */ start) => sung?.notes.find((note) => Math.abs(note.start - start) < 0.03)?.end ?? start;
  /** @type {{section: string, syllables: {text: string, index: number, start: number, joined: boolean}[]}[]} */
  const lines = [];
  const { request } = song.job;
  const given = [request.lyrics, ...(request.sections ?? []).map((/** @type {any} */ one) => one.lyrics)].filter(Boolean).join("\n").split("\n").map(letters).filter(Boolean);
  const sungFrom = (/** @type {number} */ index, /** @type {number} */ length) => {
    let text = "";
    for (let at = index; text.length < length && at < song.piece.words.length; at++) text += letters(song.piece.words[at].text);
    return text;
  };
  let end = -Infinity;
  let section = -1;
  song.piece.words.forEach((word, index) => {
    const text = word.text.trim();
    if (!text) return;
    const place = sections.findLastIndex((one) => one.start <= word.start + 0.05);
    const broken = given.some((line) => sungFrom(index, line.length) === line) || word.start - end > PAUSE_SECONDS || /[\r\n]/.test(song.piece.words[index - 1]?.text ?? "");
    if (!lines.length || place !== section || broken) lines.push({ section: place === section ? "" : (sections[place]?.name ?? ""), syllables: [] });
    section = place;
    const joined = text.endsWith("-");
    lines[lines.length - 1].syllables.push({ text: joined ? text.slice(0, -1) : text, index, start: word.start, joined });
    end = endOf(word.start);
  });
  return lines;
}
