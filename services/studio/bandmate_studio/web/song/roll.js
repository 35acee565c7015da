/** The piano roll: every note of every part, with the bars; the drums have a lane of their own below. */
import { html, useRef } from "../app/html.js";
import { t } from "../app/text.js";
import { useStore } from "../app/store.js";
import { player, seek } from "../sound/player.js";
import { colourName, colourOf } from "../sound/palette.js";
import { useCanvas } from "./canvas.js";
import { Scale } from "./timeline.js";

const BLACK = [1, 3, 6, 8, 10];
const DRUM_LANE = 46;

/** @param {{song: import("./load.js").Song, selection: any, onSelect: (selection: any) => void}} props */
export function Roll({ song, selection, onSelect }) {
  const { duration } = useStore(player);
  const { tracks, bars } = song.piece;
  const tuned = tracks.filter((track) => !track.drums);
  const pitches = tuned.flatMap((track) => track.notes.map((note) => note.pitch));
  const low = Math.min(...pitches, 60) - 2;
  const high = Math.max(...pitches, 72) + 2;
  const hasDrums = tracks.length > tuned.length;
  const canvas = useCanvas((pen, width, height) => draw(pen, width, height, song, low, high, hasDrums), [song, duration]);
  const anchor = useRef(0);
  const barUnder = (/** @type {PointerEvent} */ event) => {
    const box = /** @type {HTMLElement} */ (event.currentTarget).getBoundingClientRect();
    const seconds = ((event.clientX - box.left) / box.width) * (player.get().duration || song.piece.seconds);
    return { seconds, bar: Math.max(1, bars.findIndex((bar) => seconds < bar.end) + 1 || bars.length) };
  };
  const onPointerDown = (/** @type {PointerEvent} */ event) => {
    const { seconds, bar } = barUnder(event);
    anchor.current = bar;
    seek(seconds);
  };
  const onPointerMove = (/** @type {PointerEvent} */ event) => {
    if (!(event.buttons & 1)) return;
    const { bar } = barUnder(event);
    if (bar !== anchor.current) onSelect([Math.min(bar, anchor.current), Math.max(bar, anchor.current)]);
  };
  return html`<${Scale} song=${song} selection=${selection}>
      <div class="row roll-row">
        <div class="row-label legend">${tracks.map((track, index) => html`<span key=${index}><span class="dot" style=${{ background: `var(${colourName(index)})` }}></span>${track.name}</span>`)}</div>
        <canvas ref=${canvas} class="row-body roll" role="img" aria-label=${t("roll.label", { count: pitches.length })} onPointerDown=${onPointerDown} onPointerMove=${onPointerMove}></canvas>
      </div>
    <//>`;
}

/**
 * @param {CanvasRenderingContext2D} pen
 * @param {number} width
 * @param {number} height
 * @param {import("./load.js").Song} song
 * @param {number} low
 * @param {number} high
 * @param {boolean} hasDrums
 */
function draw(pen, width, height, song, low, high, hasDrums) {
  const { tracks, bars } = song.piece;
  const style = getComputedStyle(document.documentElement);
  const colour = (/** @type {string} */ name) => style.getPropertyValue(name).trim();
  const total = player.get().duration || song.piece.seconds;
  const tall = height - (hasDrums ? DRUM_LANE : 0);
  const row = tall / (high - low + 1);
  const x = (/** @type {number} */ seconds) => (seconds / total) * width;
  const y = (/** @type {number} */ pitch) => (high - pitch) * row;
  pen.clearRect(0, 0, width, height);
  pen.fillStyle = colour("--roll-black");
  for (let pitch = low; pitch <= high; pitch++) if (BLACK.includes(pitch % 12)) pen.fillRect(0, y(pitch), width, row);
  pen.fillStyle = colour("--line");
  for (const bar of bars) pen.fillRect(x(bar.start), 0, 1, height);
  if (hasDrums) pen.fillRect(0, tall, width, 1);
  tracks.forEach((track, index) => {
    pen.fillStyle = colourOf(index);
    for (const note of track.notes) {
      pen.globalAlpha = 0.45 + (0.55 * note.velocity) / 127;
      if (track.drums) {
        const lane = tall + 4 + ((note.pitch * 7) % 11) * ((DRUM_LANE - 8) / 11);
        pen.fillRect(x(note.start), lane, 3, 3);
      } else {
        pen.beginPath();
        pen.roundRect(x(note.start), y(note.pitch) + 0.5, Math.max(2, x(note.end) - x(note.start) - 1), Math.max(2, row - 1), Math.min(3, row / 2));
        pen.fill();
      }
    }
  });
  pen.globalAlpha = 1;
  pen.fillStyle = colour("--quiet");
  pen.font = "11px system-ui, sans-serif";
  for (let pitch = low; pitch <= high; pitch++) {
    if (pitch % 12 === 0) pen.fillText(`C${Math.floor(pitch / 12) - 1}`, 4, y(pitch) + row - 1);
  }
}
