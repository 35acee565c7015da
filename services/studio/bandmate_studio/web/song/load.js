/** A finished song, or one of its takes: its files, its report, its notes. */
import { call, send } from "../app/api.js";
import { readMidi } from "../sound/midi.js";
import { slug } from "../sound/palette.js";

/**
 * `ref` is how a request names it; `folder` is "" or "take-1".
 * @typedef {{name: string, path: string, size: number, type: string}} SongFile
 * @typedef {{name: string, url: string, gain: number}} Stem
 * @typedef {{id: string, folder: string, ref: string, key: string, job: any, result: any, report: any, files: SongFile[],
 *   stems: Stem[], mix: string, piece: import("../sound/midi.js").Piece}} Song
 * A take of the song `id`; its files are those of `job` below `prefix`.
 * @typedef {{id: string, folder: string, job: any, prefix: string}} Source
 */

/**
 * @param {string} id
 * @param {string} folder
 */
export function keyOf(id, folder) {
  return `${id}/${folder}`;
}

/**
 * The folders of a song's takes; [""] where it has one alone.
 * @param {any} job
 * @returns {string[]}
 */
export function foldersOf(job) {
  return job.result?.takes?.map((/** @type {any} */ take) => take.folder) ?? [""];
}

/**
 * What is known of a take without its files.
 * @param {any} job
 * @param {string} folder
 */
export function resultOf(job, folder) {
  return job.result?.takes?.find((/** @type {any} */ take) => take.folder === folder) ?? job.result ?? {};
}

/**
 * Where the files of a take are. A take has a job of its own, whose files are there before all takes have ended.
 * @param {any} job  the song, or one of its takes
 * @param {string} folder
 * @returns {SongFile[]}
 */
export function filesOf(job, folder) {
  const prefix = folder ? `${folder}/` : "";
  return job.artifacts
    .filter((/** @type {any} */ artifact) => artifact.name.startsWith(prefix))
    .map((/** @type {any} */ artifact) => ({
      name: artifact.name.slice(prefix.length),
      path: `/v1/songs/${job.id}/artifacts/${artifact.name}`,
      size: artifact.size,
      type: artifact.media_type,
    }));
}

/**
 * Where the platform makes something of a song's files: a page of the score, its sound in another format.
 * Before all takes have ended, the files are those of the take's own job.
 * @param {Song} song
 * @param {string} name
 * @param {Record<string, string | number>} [parameters]
 */
export function madePath(song, name, parameters = {}) {
  const take = song.folder && song.job.id === song.id ? { take: song.folder.split("-")[1] } : {};
  const query = new URLSearchParams(Object.entries({ ...parameters, ...take }).map(([key, value]) => [key, String(value)]));
  return `/v1/songs/${song.job.id}/${name}${query.size ? `?${query}` : ""}`;
}

/**
 * @param {Source} source
 * @param {AbortSignal} signal
 * @returns {Promise<Song>}
 */
export async function loadSong({ id, folder, job, prefix }, signal) {
  const files = filesOf(job, prefix);
  const path = (/** @type {string} */ name) => files.find((file) => file.name === name)?.path ?? "";
  const [report, midi] = await Promise.all([
    call("GET", path("report.json"), undefined, signal),
    send(path("song.mid"), { signal }).then((response) => response.arrayBuffer()),
  ]);
  const gains = report.mix?.gains ?? {};
  const stems = files
    .filter((file) => file.name.startsWith("stems/") && file.name.endsWith(".wav"))
    .map((file) => ({ name: file.name.slice("stems/".length, -".wav".length), url: file.path, gain: 1 }));
  if (path("vocals.wav")) stems.unshift({ name: "vocals", url: path("vocals.wav"), gain: 1 });
  for (const stem of stems) stem.gain = gains[stem.name] ?? 1;
  return {
    id,
    folder,
    ref: `song:${id}${folder ? `/${folder}` : ""}`,
    key: keyOf(id, folder),
    job,
    result: resultOf(job, prefix),
    report,
    files,
    stems,
    mix: path("song.wav") || path("instrumental.wav"),
    piece: readMidi(midi),
  };
}

/**
 * Which colour a stem or a track has: its place among the song's tracks.
 * @param {Song} song
 * @param {string} name
 */
export function partIndex(song, name) {
  const tracks = song.piece.tracks.map((track) => slug(track.name));
  const wanted = slug(name);
  const found = tracks.indexOf(wanted);
  if (found >= 0) return found;
  return wanted === "vocals" ? Math.max(0, tracks.findIndex((one) => /voice|sing|vocal/.test(one))) : tracks.length;
}

/**
 * What a person calls a stem.
 * @param {Song} song
 * @param {string} name
 */
export function partName(song, name) {
  return song.piece.tracks.find((track) => slug(track.name) === name)?.name ?? name.charAt(0).toUpperCase() + name.slice(1).replaceAll("-", " ");
}

/**
 * Sections with the bars they cover, counted from 1.
 * @param {Song} song
 * @returns {{name: string, first: number, last: number, start: number, end: number}[]}
 */
export function sectionsOf(song) {
  const { bars, sections } = song.piece;
  const firsts = sections.map((section) => Math.max(1, bars.findIndex((bar) => bar.end > section.start + 0.02) + 1));
  return sections.map((section, index) => {
    const first = firsts[index];
    const last = index + 1 < sections.length ? Math.max(first, firsts[index + 1] - 1) : bars.length;
    return { name: section.text, first, last, start: bars[first - 1]?.start ?? 0, end: bars[last - 1]?.end ?? 0 };
  });
}

/**
 * The bar, counted from 1, at a second.
 * @param {Song} song
 * @param {number} seconds
 */
export function barAt(song, seconds) {
  const { bars } = song.piece;
  const found = bars.findIndex((bar) => seconds < bar.end - 0.001);
  return found < 0 ? Math.max(1, bars.length) : found + 1;
}

/**
 * When the beat at a second began.
 * @param {Song} song
 * @param {number} seconds
 */
export function beatAt(song, seconds) {
  const bar = song.piece.bars[barAt(song, seconds) - 1];
  if (!bar || seconds < bar.start) return seconds;
  const beat = (bar.end - bar.start) / bar.beats;
  return Math.min(seconds, bar.start + Math.floor((seconds - bar.start) / beat + 0.001) * beat);
}

/**
 * The chords that begin in each bar.
 * @param {Song} song
 * @returns {string[][]}
 */
export function chordsByBar(song) {
  const { bars, chords } = song.piece;
  return bars.map((bar) => chords.filter((chord) => chord.start >= bar.start - 0.02 && chord.start < bar.end - 0.02).map((chord) => chord.text));
}
