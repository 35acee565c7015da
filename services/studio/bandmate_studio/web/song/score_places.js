/** Where a song's bars and notes stand on the pages of its score, and when each sounds. */
import { call } from "../app/api.js";
import { madePath } from "./load.js";

/**
 * `points` are [second, share of the page's width], in order, from the bar's first note to its end.
 * @typedef {{bar: number, page: number, left: number, right: number, top: number, bottom: number, start: number, end: number,
 *   points: [number, number][]}} Place
 */

/**
 * @param {import("./load.js").Song} song
 * @param {AbortSignal} signal
 * @returns {Promise<Place[]>}  none for a song of an earlier release, which has no timemap
 */
export async function loadPlaces(song, signal) {
  const path = song.files.find((file) => file.name === "timemap.json")?.path;
  if (!path) return [];
  const [positions, timemap] = await Promise.all([
    call("GET", madePath(song, "score.json"), undefined, signal),
    call("GET", path, undefined, signal),
  ]);
  const seconds = secondsIn(timemap);
  return positions.bars
    .filter((/** @type {any} */ one) => timemap.bars[one.bar - 1])
    .map((/** @type {any} */ one) => {
      const { tick, ticks } = timemap.bars[one.bar - 1];
      const [start, end] = [seconds(tick), seconds(tick + ticks)];
      const notes = one.onsets.map((/** @type {[number, number]} */ [share, x]) => [seconds(tick + share * ticks), x]);
      return { ...one, start, end, points: [...(notes.length ? notes : [[start, one.left]]), [end, one.right]] };
    });
}

/**
 * The bar that sounds at a second; the last one after the end.
 * @param {Place[]} places
 * @param {number} seconds
 * @returns {Place | undefined}
 */
export function placeAt(places, seconds) {
  return places.find((place) => seconds < place.end - 0.001) ?? places[places.length - 1];
}

/**
 * Where in its bar the position stands, as a share of the page's width: between two notes, or with `stepwise` at the last one that began.
 * @param {Place} place
 * @param {number} seconds
 * @param {boolean} stepwise
 */
export function across(place, seconds, stepwise) {
  const { points } = place;
  const next = points.findIndex(([at]) => at > seconds);
  if (next <= 0) return next < 0 ? points[points.length - (stepwise ? 2 : 1)][1] : points[0][1];
  const [[from, left], [to, right]] = [points[next - 1], points[next]];
  return stepwise ? left : left + ((right - left) * (seconds - from)) / (to - from);
}

/**
 * Seconds of a tick, by the tempi of a timemap.
 * @param {any} timemap
 * @returns {(tick: number) => number}
 */
function secondsIn({ tempi, ticks_per_quarter: perQuarter }) {
  return (tick) => {
    const change = tempi.findLast((/** @type {any} */ one) => one.tick <= tick) ?? tempi[0];
    return change.seconds + ((tick - change.tick) / perQuarter) * (60 / change.tempo);
  };
}
