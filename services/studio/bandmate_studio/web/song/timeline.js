/** Sections, bars with their chords, and the stems, all on one scale of time with one cursor. */
import { html, useRef } from "../app/html.js";
import { t } from "../app/text.js";
import { useStore } from "../app/store.js";
import { player, seek } from "../sound/player.js";
import { movesLittle, useFrame } from "./frame.js";
import { beatAt, chordsByBar, sectionsOf } from "./load.js";
import { StemRow } from "./stems.js";

const MIN_BAR_PIXELS = 26;

/**
 * @typedef {[number, number] | null} Selection
 * @param {{song: import("./load.js").Song, selection: Selection, onSelect: (selection: Selection) => void}} props
 */
export function Timeline({ song, selection, onSelect }) {
  const { duration, channels, mixOnly } = useStore(player);
  const total = duration || song.piece.seconds;
  const percent = (/** @type {number} */ seconds) => `${(100 * Math.min(seconds, total)) / total}%`;
  return html`<div class="timeline card">
    <${Scale} song=${song} selection=${selection}>
      <div class="row sections">
        <span class="row-label quiet">${t("timeline.sections")}</span>
        <div class="row-body">
          ${sectionsOf(song).map(
            (section, index) => html`<button type="button" key=${index} class="section" style=${{ left: percent(section.start), width: `calc(${percent(section.end - section.start)} - 2px)` }}
              aria-pressed=${selection !== null && selection[0] === section.first && selection[1] === section.last}
              title=${t("timeline.section", { name: section.name, first: section.first, last: section.last })}
              onClick=${() => onSelect([section.first, section.last])}>${section.name}</button>`,
          )}
        </div>
      </div>
      <${BarRow} song=${song} selection=${selection} onSelect=${onSelect} percent=${percent} />
      ${channels.map((channel) => html`<${StemRow} key=${channel.name} song=${song} channel=${channel} />`)}
      ${mixOnly && html`<p class="quiet">${t("timeline.mix-only")}</p>`}
    <//>
  </div>`;
}

/**
 * A scrolling scale of time with the cursor and the chosen bars drawn over it.
 * @param {{song: import("./load.js").Song, selection: Selection, children: any}} props
 */
export function Scale({ song, selection, children }) {
  const { duration } = useStore(player);
  const cursor = useRef(/** @type {HTMLElement | null} */ (null));
  const scroller = useRef(/** @type {HTMLElement | null} */ (null));
  const total = duration || song.piece.seconds;
  const { bars } = song.piece;
  useFrame(
    (seconds) => {
      if (!cursor.current || !scroller.current) return;
      cursor.current.style.left = `${(100 * (movesLittle() ? beatAt(song, seconds) : seconds)) / total}%`;
      if (player.get().playing) keepInView(scroller.current, cursor.current);
    },
    [song, total],
  );
  const chosen = selection && bars[selection[0] - 1] && bars[selection[1] - 1] ? [bars[selection[0] - 1].start, bars[selection[1] - 1].end] : null;
  return html`<div class="scroller" ref=${scroller} tabindex="0" role="region" aria-label=${t("timeline.label")}>
    <div class="scale" style=${{ minWidth: `${bars.length * MIN_BAR_PIXELS}px` }}>
      ${children}
      <div class="overlay" aria-hidden="true">
        ${chosen && html`<div class="selection" style=${{ left: `${(100 * chosen[0]) / total}%`, width: `${(100 * (chosen[1] - chosen[0])) / total}%` }}></div>`}
        <div class="cursor" data-testid="cursor" ref=${cursor}></div>
      </div>
    </div>
  </div>`;
}

/**
 * Scrolls sideways where the cursor has left what is seen, or is about to.
 * @param {HTMLElement} scroller
 * @param {HTMLElement} cursor
 */
export function keepInView(scroller, cursor) {
  if (scroller.scrollWidth <= scroller.clientWidth + 1) return;
  const frame = scroller.getBoundingClientRect();
  const at = cursor.getBoundingClientRect().left;
  if (at < frame.left + 40 || at > frame.right - 40) scroller.scrollLeft += at - frame.left - frame.width * 0.3;
}

/** @param {{song: import("./load.js").Song, selection: Selection, onSelect: (selection: Selection) => void, percent: (seconds: number) => string}} props */
function BarRow({ song, selection, onSelect, percent }) {
  const anchor = useRef(1);
  const body = useRef(/** @type {HTMLElement | null} */ (null));
  const { bars } = song.piece;
  const chords = chordsByBar(song);
  const extend = (/** @type {number} */ bar) => onSelect([Math.min(anchor.current, bar), Math.max(anchor.current, bar)]);
  const begin = (/** @type {PointerEvent} */ event, /** @type {number} */ bar) => {
    if (event.button !== 0) return;
    if (event.shiftKey && selection) {
      extend(bar);
      return;
    }
    anchor.current = bar;
    onSelect([bar, bar]);
  };
  const drag = (/** @type {PointerEvent} */ event) => {
    if (!(event.buttons & 1)) return;
    const under = document.elementFromPoint(event.clientX, event.clientY)?.closest("[data-bar]");
    if (under) extend(Number(/** @type {HTMLElement} */ (under).dataset.bar));
  };
  const onKeyDown = (/** @type {KeyboardEvent} */ event, /** @type {number} */ bar) => {
    const step = { ArrowLeft: -1, ArrowRight: 1, Home: -bars.length, End: bars.length }[event.key];
    if (event.key === "Escape") onSelect(null);
    if (event.key === "p") seek(bars[bar - 1].start);
    if (step === undefined) return;
    event.preventDefault();
    const next = Math.max(1, Math.min(bars.length, bar + step));
    if (event.shiftKey) extend(next);
    else {
      anchor.current = next;
      onSelect([next, next]);
    }
    /** @type {HTMLElement | null | undefined} */ (body.current?.querySelector(`[data-bar="${next}"]`))?.focus();
  };
  const inside = (/** @type {number} */ bar) => selection !== null && bar >= selection[0] && bar <= selection[1];
  const reachable = selection ? selection[0] : 1;
  return html`<div class="row bars">
    <span class="row-label quiet">${t("timeline.bars")}</span>
    <div class="row-body" ref=${body} role="group" aria-label=${t("timeline.bars.label")} onPointerMove=${drag}>
      ${bars.map((bar, index) => {
        const number = index + 1;
        return html`<button type="button" key=${number} class="bar" data-bar=${number} tabindex=${number === reachable ? 0 : -1}
          style=${{ left: percent(bar.start), width: percent(bar.end - bar.start) }} aria-pressed=${inside(number)}
          aria-label=${t("timeline.bar", { bar: number, chords: chords[index].join(" ") })}
          onPointerDown=${(/** @type {PointerEvent} */ event) => begin(event, number)}
          onDblClick=${() => seek(bar.start)}
          onKeyDown=${(/** @type {KeyboardEvent} */ event) => onKeyDown(event, number)}>
          <span class="bar-number">${number}</span><span class="chord">${chords[index].join(" ")}</span>
        </button>`;
      })}
    </div>
  </div>`;
}
