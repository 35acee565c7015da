/**
 * The mixer: decoded stems on one clock, each with mute, solo and volume; and a second song to compare with.
 *
 * The mix of a song sounds, as soon as it is decoded. Where a channel is muted, alone or of another volume, the stems
 * take over at the same sample, once all are there: they add up to the mix but for what the band gives way under the
 * words. Songs whose stems would need more than MAX_BYTES of memory keep to the mix.
 */
import { createStore } from "../app/store.js";
import { send } from "../app/api.js";

/**
 * @typedef {{name: string, url: string, gain: number}} Source
 * @typedef {{name: string, muted: boolean, solo: boolean, volume: number, gain: number, buffer: AudioBuffer | null}} Channel
 * @typedef {{key: string, playing: boolean, ready: boolean, duration: number, mixOnly: boolean, failed: boolean,
 *   channels: Channel[], loop: [number, number] | null, other: string | null, hearsOther: boolean}} PlayerState
 * @typedef {{gain: GainNode, buffer: AudioBuffer, source: AudioBufferSourceNode | null}} Voice
 */

const MAX_BYTES = 300e6;
const BYTES_PER_FRAME = 8;
const SAMPLE_RATE = 44_100;
const FADE_SECONDS = 0.012;
const START_SECONDS = 0.03;

/** @type {PlayerState} */
const EMPTY = {
  key: "", playing: false, ready: false, duration: 0, mixOnly: false, failed: false,
  channels: [], loop: null, other: null, hearsOther: false,
};

export const player = createStore(EMPTY);

/** @type {AudioContext | null} */
let context = null;
/** @type {GainNode} */
let output;
/** @type {AnalyserNode} */
let analyser;
/** The mix, the stems by name, and the mix of the other song. @type {Map<string, Voice>} */
const voices = new Map();
let offset = 0;
let startedAt = 0;
/** @type {AbortController} */
let loading = new AbortController();

/** @param {Partial<PlayerState>} change */
function update(change) {
  player.set({ ...player.get(), ...change });
}

/**
 * Loads a song. The one before stops, but its position stays where `keepPosition` says so.
 * @param {string} key  names the song: loading it again does nothing
 * @param {string} mix
 * @param {Source[]} stems
 * @param {number} duration  in seconds
 * @param {boolean} [keepPosition]
 */
export async function load(key, mix, stems, duration, keepPosition = false) {
  if (player.get().key === key) return;
  const position = keepPosition ? currentPosition() : 0;
  unload();
  offset = Math.min(position, duration);
  const { signal } = loading;
  const mixOnly = duration * SAMPLE_RATE * BYTES_PER_FRAME * (stems.length + 1) > MAX_BYTES;
  const channels = mixOnly ? [] : stems.map(({ name, gain }) => ({ name, gain, muted: false, solo: false, volume: 1, buffer: null }));
  update({ ...EMPTY, key, duration, mixOnly, channels });
  try {
    const buffer = await decode(mix, signal);
    addVoice("mix", buffer);
    update({ ready: true, duration: buffer.duration });
    if (mixOnly) return;
    await Promise.all(
      stems.map(async ({ name, url }) => {
        const stem = await decode(url, signal);
        update({ channels: player.get().channels.map((one) => (one.name === name ? { ...one, buffer: stem } : one)) });
      }),
    );
    for (const channel of player.get().channels) if (channel.buffer) addVoice(channel.name, channel.buffer);
    applyGains(true);
  } catch (error) {
    if (signal.aborted) return;
    update({ failed: true });
    throw error;
  }
}

/** Stops, and forgets the song. */
export function unload() {
  pause();
  loading.abort();
  loading = new AbortController();
  voices.clear();
  offset = 0;
  update(EMPTY);
}

/**
 * Loads the mix of another song, to be switched to at the same position; null takes it away.
 * @param {string | null} key
 * @param {string} [mix]
 */
export async function loadOther(key, mix = "") {
  silence("other");
  voices.delete("other");
  update({ other: null, hearsOther: false });
  applyGains();
  if (key === null) return;
  const song = player.get().key;
  const buffer = await decode(mix, loading.signal);
  if (player.get().key !== song) return;
  addVoice("other", buffer);
  update({ other: key });
  applyGains();
}

/** @param {boolean} value  whether the other song is heard, rather than this one */
export function hearOther(value) {
  update({ hearsOther: value && player.get().other !== null });
  applyGains();
}

export async function play() {
  if (!player.get().ready || player.get().playing) return;
  const ready = open();
  if (ready.state !== "running") await ready.resume();
  const { loop, duration } = player.get();
  if (loop && (offset < loop[0] || offset >= loop[1])) offset = loop[0];
  if (offset >= duration - 0.05) offset = loop ? loop[0] : 0;
  startedAt = ready.currentTime + START_SECONDS;
  for (const name of voices.keys()) start(name, startedAt, offset);
  update({ playing: true });
  applyGains(true);
  watchEnd();
}

export function pause() {
  if (!player.get().playing) return;
  offset = currentPosition();
  for (const name of voices.keys()) silence(name);
  update({ playing: false });
}

export function toggle() {
  return player.get().playing ? pause() : play();
}

/** @param {number} seconds */
export function seek(seconds) {
  const { playing, duration } = player.get();
  if (playing) pause();
  offset = Math.max(0, Math.min(seconds, duration));
  update({});
  if (playing) void play();
}

/** @param {[number, number] | null} loop  in seconds */
export function setLoop(loop) {
  const { playing } = player.get();
  if (playing) pause();
  update({ loop });
  if (playing) void play();
}

/**
 * @param {string} name
 * @param {Partial<Channel>} change
 */
export function setChannel(name, change) {
  update({ channels: player.get().channels.map((one) => (one.name === name ? { ...one, ...change } : one)) });
  applyGains();
}

/** In seconds, where the ear is. */
export function currentPosition() {
  const { playing, loop, duration } = player.get();
  if (!playing || !context) return offset;
  let position = offset + Math.max(0, context.currentTime - startedAt);
  if (loop && position >= loop[1]) position = loop[0] + ((position - loop[0]) % Math.max(0.01, loop[1] - loop[0]));
  return Math.min(position, duration);
}

/** The loudness of what sounds now, as the root mean square of its samples; 0 is silence. */
export function currentLevel() {
  if (!player.get().playing || !analyser) return 0;
  const samples = new Float32Array(analyser.fftSize);
  analyser.getFloatTimeDomainData(samples);
  return Math.sqrt(samples.reduce((sum, sample) => sum + sample * sample, 0) / samples.length);
}

/**
 * @param {string} url
 * @param {AbortSignal} signal
 */
async function decode(url, signal) {
  const bytes = await (await send(url, { signal })).arrayBuffer();
  // An offline context decodes before the first gesture, when a real one may not begin.
  return new OfflineAudioContext(2, 1, SAMPLE_RATE).decodeAudioData(bytes);
}

function open() {
  if (context) return context;
  context = new AudioContext({ sampleRate: SAMPLE_RATE, latencyHint: "interactive" });
  output = context.createGain();
  analyser = context.createAnalyser();
  analyser.fftSize = 2048;
  output.connect(analyser);
  analyser.connect(context.destination);
  for (const voice of voices.values()) connect(voice);
  return context;
}

/** @param {Voice} voice */
function connect(voice) {
  voice.gain = /** @type {AudioContext} */ (context).createGain();
  voice.gain.connect(output);
}

/**
 * @param {string} name
 * @param {AudioBuffer} buffer
 */
function addVoice(name, buffer) {
  const voice = { buffer, source: null, gain: /** @type {any} */ (null) };
  voices.set(name, voice);
  if (!context) return;
  connect(voice);
  voice.gain.gain.value = 0;
  if (player.get().playing) {
    // In the middle of a song: from where the others are, a moment from now.
    const at = context.currentTime + START_SECONDS;
    start(name, at, currentPosition() + START_SECONDS);
  }
}

/**
 * @param {string} name
 * @param {number} at  time of the context
 * @param {number} from  second of the song
 */
function start(name, at, from) {
  const voice = voices.get(name);
  if (!voice || !context) return;
  const source = context.createBufferSource();
  source.buffer = voice.buffer;
  source.connect(voice.gain);
  const { loop } = player.get();
  if (loop) Object.assign(source, { loop: true, loopStart: loop[0], loopEnd: loop[1] });
  source.start(at, Math.min(from, voice.buffer.duration));
  voice.source = source;
}

/** @param {string} name */
function silence(name) {
  const voice = voices.get(name);
  if (!voice?.source) return;
  voice.source.stop();
  voice.source.disconnect();
  voice.source = null;
}

/** @param {boolean} [atOnce]  without a fade, before anything sounds */
function applyGains(atOnce = false) {
  if (!context) return;
  const { channels, hearsOther } = player.get();
  const untouched = channels.every((channel) => !channel.muted && !channel.solo && channel.volume === 1);
  const stemsPlay = !untouched && channels.every((channel) => voices.has(channel.name));
  const soloed = channels.some((channel) => channel.solo);
  const set = (/** @type {string} */ name, /** @type {number} */ value) => {
    const gain = voices.get(name)?.gain?.gain;
    if (!gain || !context) return;
    if (atOnce && player.get().playing === false) gain.value = value;
    else gain.setTargetAtTime(value, context.currentTime, FADE_SECONDS);
  };
  set("other", hearsOther ? 1 : 0);
  set("mix", hearsOther || stemsPlay ? 0 : 1);
  for (const channel of channels) {
    const silent = hearsOther || !stemsPlay || channel.muted || (soloed && !channel.solo);
    set(channel.name, silent ? 0 : channel.volume * channel.gain);
  }
}

function watchEnd() {
  const { playing, loop, duration } = player.get();
  if (!playing) return;
  if (!loop && currentPosition() >= duration) {
    pause();
    offset = 0;
    update({});
    return;
  }
  setTimeout(watchEnd, 100);
}
