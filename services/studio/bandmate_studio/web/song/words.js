/** The words as they are sung, with the syllable that sounds; a click moves there. */
import { html, useMemo, useRef } from "../app/html.js";
import { t } from "../app/text.js";
import { seek } from "../sound/player.js";
import { useFrame } from "./frame.js";
import { sectionsOf } from "./load.js";
import { linesOf } from "./lyrics.js";

/** @param {{song: import("./load.js").Song}} props */
export function Words({ song }) {
  const lines = useMemo(() => linesOf(song), [song]);
  const sections = useMemo(() => sectionsOf(song).filter((section) => section.name), [song]);
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
    ${lines.map((line, index) => html`${line.section >= 0 && line.section !== lines[index - 1]?.section && html`<h3>${sections[line.section].name}</h3>`}<p>
      ${line.syllables.map(({ text, index, start, joined }) => html`<button type="button" key=${index} class=${`syllable ${joined ? "joined" : ""}`} data-word=${index} onClick=${() => seek(start)}>${text}</button>`)}
    </p>`)}
  </div>`;
}
