/** One stem: its name, mute, solo and volume, and the outline of its sound. */
import { html, useMemo } from "../app/html.js";
import { t } from "../app/text.js";
import { setChannel } from "../sound/player.js";
import { peaksOf } from "../sound/peaks.js";
import { colourName, colourOf } from "../sound/palette.js";
import { seekAt, useCanvas } from "./canvas.js";
import { partIndex, partName } from "./load.js";

const COLUMNS = 1600;

/** @param {{song: import("./load.js").Song, channel: import("../sound/player.js").Channel}} props */
export function StemRow({ song, channel }) {
  const { name, muted, solo, volume, buffer } = channel;
  const index = partIndex(song, name);
  const title = name === "vocals" ? t("stem.vocals") : partName(song, name);
  const peaks = useMemo(() => (buffer ? peaksOf(buffer, COLUMNS) : null), [buffer]);
  const canvas = useCanvas((pen, width, height) => drawPeaks(pen, width, height, peaks, colourOf(index)), [peaks, index]);
  return html`<div class=${`row stem ${muted ? "muted" : ""}`} data-testid=${`stem-${name}`} data-loaded=${buffer ? "true" : undefined}>
    <div class="row-label stem-label">
      <span class="dot" style=${{ background: `var(${colourName(index)})` }}></span>
      <span class="stem-name">${title}</span>
      <button type="button" class="small" data-testid=${`mute-${name}`} aria-pressed=${muted} aria-label=${t("stem.mute", { name: title })} onClick=${() => setChannel(name, { muted: !muted })}>M</button>
      <button type="button" class="small" data-testid=${`solo-${name}`} aria-pressed=${solo} aria-label=${t("stem.solo", { name: title })} onClick=${() => setChannel(name, { solo: !solo })}>S</button>
      <input class="volume" type="range" min="0" max="1.4" step="0.01" value=${volume} aria-label=${t("stem.volume", { name: title })}
        onInput=${(/** @type {any} */ event) => setChannel(name, { volume: Number(event.target.value) })} />
    </div>
    <canvas ref=${canvas} class="row-body wave" onPointerDown=${seekAt} aria-hidden="true"></canvas>
  </div>`;
}

/**
 * @param {CanvasRenderingContext2D} pen
 * @param {number} width
 * @param {number} height
 * @param {Float32Array | null} peaks
 * @param {string} colour
 */
function drawPeaks(pen, width, height, peaks, colour) {
  pen.clearRect(0, 0, width, height);
  const middle = height / 2;
  pen.fillStyle = colour;
  if (!peaks) {
    pen.globalAlpha = 0.3;
    pen.fillRect(0, middle - 0.5, width, 1);
    return;
  }
  const columns = peaks.length / 2;
  const greatest = peaks.reduce((most, value) => Math.max(most, Math.abs(value)), 0.05);
  const step = width / columns;
  for (let column = 0; column < columns; column++) {
    const top = middle - (peaks[column * 2 + 1] / greatest) * (middle - 1);
    const bottom = middle - (peaks[column * 2] / greatest) * (middle - 1);
    pen.fillRect(column * step, top, Math.max(step, 0.6), Math.max(bottom - top, 1));
  }
}
