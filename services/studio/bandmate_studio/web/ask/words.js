/** The words box, and beside it what is understood of the words: sections, lines, about how many syllables. */
import { html } from "../app/html.js";
import { t } from "../app/text.js";
import { Field } from "../app/parts.js";

const MARKER = /^\s*[[(]?\s*((?:pre-|post-)?(?:intro|verse|strophe|vers|chorus|refrain|bridge|brücke|solo|interlude|outro)[^\])]*?)\s*(?:[\])]|:)\s*$/i;
const SECTIONS = ["Verse", "Chorus", "Bridge"];

/** @param {{words: string, error?: string, onWords: (words: string) => void}} props */
export function WordsBox({ words, error, onWords }) {
  const sections = sectionsOf(words);
  const lines = sections.flatMap((section) => section.lines);
  const insert = (/** @type {string} */ name) => onWords(`${words.trimEnd()}${words.trim() ? "\n\n" : ""}[${name}]\n`);
  return html`<div class="words-box">
    <div>
      <${Field} label=${t("ask.words")} hint=${t("ask.words.hint")} error=${error} wide>
        ${(/** @type {any} */ ids) => html`<textarea ...${ids} data-testid="ask-words" rows="9" value=${words} placeholder=${t("ask.words.example")}
          onInput=${(/** @type {any} */ event) => onWords(event.target.value)}></textarea>`}
      <//>
      <div class="choices" role="group" aria-label=${t("ask.sections")}>
        ${SECTIONS.map((name) => html`<button type="button" class="chip" onClick=${() => insert(name)}>+ ${name}</button>`)}
      </div>
    </div>
    ${lines.length > 0 && html`<div class="words-preview" data-testid="words-preview" aria-live="polite">
      <p class="quiet">${t("ask.words.count", { lines: lines.length, syllables: lines.reduce((sum, line) => sum + syllables(line), 0) })}</p>
      ${sections.map((section) => html`<div>
        ${section.name && html`<h3>${section.name}</h3>`}
        <ol>${section.lines.map((line) => html`<li><span>${line}</span><span class="count">${syllables(line)}</span></li>`)}</ol>
      </div>`)}
    </div>`}
  </div>`;
}

/**
 * @param {string} words
 * @returns {{name: string, lines: string[]}[]}
 */
export function sectionsOf(words) {
  const sections = [{ name: "", lines: /** @type {string[]} */ ([]) }];
  for (const line of words.split("\n")) {
    const marker = MARKER.exec(line);
    const last = sections[sections.length - 1];
    if (marker) sections.push({ name: marker[1].trim(), lines: [] });
    else if (line.trim()) last.lines.push(line.trim());
    else if (last.lines.length) sections.push({ name: "", lines: [] });
  }
  return sections.filter((section) => section.name || section.lines.length);
}

/**
 * About how many syllables a line has: groups of vowels, without the silent e at the end of an English word.
 * @param {string} line
 */
export function syllables(line) {
  const words = line.toLowerCase().match(/[\p{L}'’]+/gu) ?? [];
  return words.reduce((sum, word) => {
    const groups = word.match(/[aeiouyäöüáéíóúàèìòùâêîôû]+/g)?.length ?? 1;
    const silent = /[^aeiouyl]e$/.test(word) && groups > 1 ? 1 : 0;
    return sum + Math.max(1, groups - silent);
  }, 0);
}
