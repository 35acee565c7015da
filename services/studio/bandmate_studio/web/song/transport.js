/** Play, position, loop, and the switch between this version and the one to compare it with. */
import { html, useEffect, useRef } from "../app/html.js";
import { t, clock } from "../app/text.js";
import { useStore } from "../app/store.js";
import { Icon } from "../app/parts.js";
import { currentLevel, hearOther, player, seek, setLoop, toggle } from "../sound/player.js";
import { useFrame } from "./frame.js";
import { barAt } from "./load.js";

const LEVEL_FLOOR_DB = -48;

/** @param {{song: import("./load.js").Song, selection: [number, number] | null, otherName: string}} props */
export function Transport({ song, selection, otherName }) {
  const state = useStore(player);
  const slider = useRef(/** @type {HTMLInputElement | null} */ (null));
  const position = useRef(/** @type {HTMLElement | null} */ (null));
  const meter = useRef(/** @type {HTMLMeterElement | null} */ (null));
  const { bars } = song.piece;
  const range = selection && bars.length ? /** @type {[number, number]} */ ([bars[selection[0] - 1].start, bars[selection[1] - 1].end]) : null;

  useFrame(
    (seconds) => {
      const text = `${t("transport.bar", { bar: barAt(song, seconds) })} · ${clock(seconds)} / ${clock(player.get().duration)}`;
      if (position.current && position.current.textContent !== text) position.current.textContent = text;
      if (slider.current) {
        slider.current.value = String(seconds);
        slider.current.setAttribute("aria-valuetext", text);
      }
      if (meter.current) {
        const level = currentLevel();
        meter.current.value = level > 0 ? Math.max(0, 1 - (20 * Math.log10(level)) / LEVEL_FLOOR_DB) : 0;
      }
    },
    [song],
  );
  useEffect(() => {
    if (player.get().loop) setLoop(range);
  }, [selection?.[0], selection?.[1]]);
  useEffect(() => {
    const onKey = (/** @type {KeyboardEvent} */ event) => {
      const at = /** @type {HTMLElement} */ (event.target);
      if (event.code !== "Space" || event.ctrlKey || event.altKey || event.metaKey) return;
      if (at.closest("input:not([type=range]), textarea, select, button, summary, a, pre")) return;
      event.preventDefault();
      void toggle();
    };
    document.addEventListener("keydown", onKey);
    return () => document.removeEventListener("keydown", onKey);
  }, []);

  return html`<div class="transport" role="group" aria-label=${t("transport.label")}>
    <button type="button" class="icon-button" aria-label=${t("transport.start")} onClick=${() => seek(0)}><${Icon} name="back" /></button>
    <button type="button" class="icon-button play" data-testid="play" aria-label=${state.playing ? t("transport.pause") : t("transport.play")}
      disabled=${!state.ready} onClick=${() => void toggle()}><${Icon} name=${state.playing ? "pause" : "play"} /></button>
    <button type="button" class="icon-button" data-testid="loop" aria-label=${t("transport.loop")} aria-pressed=${state.loop !== null}
      disabled=${!range && !state.loop} onClick=${() => setLoop(state.loop ? null : range)}><${Icon} name="loop" /></button>
    <input ref=${slider} class="seek" type="range" min="0" max=${state.duration || 1} step="0.01" aria-label=${t("transport.position")}
      onInput=${(/** @type {any} */ event) => seek(Number(event.target.value))} />
    <span class="position" data-testid="position" ref=${position}></span>
    <meter class="level" data-testid="level" ref=${meter} min="0" max="1" aria-label=${t("transport.level")}></meter>
    ${state.other &&
    html`<div class="choices compare" role="group" aria-label=${t("compare.label")}>
      <button type="button" class="chip" data-testid="hear-this" aria-pressed=${!state.hearsOther} onClick=${() => hearOther(false)}>A · ${t("compare.this")}</button>
      <button type="button" class="chip" data-testid="hear-other" aria-pressed=${state.hearsOther} onClick=${() => hearOther(true)}>B · ${otherName}</button>
    </div>`}
  </div>`;
}
