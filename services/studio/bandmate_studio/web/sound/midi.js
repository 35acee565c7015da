/** Reads a song's MIDI file: notes, bars, sections, chords and words, all in seconds. */

/**
 * @typedef {{start: number, end: number, pitch: number, velocity: number}} Note
 * @typedef {{name: string, drums: boolean, notes: Note[]}} Track
 * @typedef {{start: number, text: string}} Mark
 * @typedef {{start: number, end: number, beats: number}} Bar
 * @typedef {{tracks: Track[], bars: Bar[], sections: Mark[], chords: Mark[], words: Mark[], seconds: number}} Piece
 * @typedef {{tick: number, kind: string, value: any}} Happening
 */

const DEFAULT_TEMPO = 500_000;
const DRUM_CHANNEL = 9;

/**
 * @param {ArrayBuffer} buffer
 * @returns {Piece}
 */
export function readMidi(buffer) {
  const view = new DataView(buffer);
  const ticksPerQuarter = view.getUint16(12);
  const trackCount = view.getUint16(10);
  let at = 8 + view.getUint32(4);
  /** @type {{name: string, drums: boolean, happenings: Happening[], last: number}[]} */
  const raw = [];
  for (let index = 0; index < trackCount && at + 8 <= view.byteLength; index++) {
    const length = view.getUint32(at + 4);
    raw.push(readTrack(new Uint8Array(buffer, at + 8, length)));
    at += 8 + length;
  }
  const all = raw.flatMap((track) => track.happenings);
  const last = Math.max(0, ...raw.map((track) => track.last));
  const seconds = tempoMap(all, ticksPerQuarter);
  const marks = (/** @type {string} */ kind) =>
    all
      .filter((one) => one.kind === kind)
      .sort((a, b) => a.tick - b.tick)
      .map((one) => ({ start: seconds(one.tick), text: one.value }));
  const tracks = raw
    .map((track) => ({ name: track.name, drums: track.drums, notes: notesOf(track.happenings, seconds) }))
    .filter((track) => track.notes.length > 0);
  return {
    tracks,
    bars: barsOf(all, last, ticksPerQuarter, seconds),
    sections: marks("marker"),
    chords: marks("text"),
    words: marks("lyric"),
    seconds: seconds(last),
  };
}

/** @param {Uint8Array} bytes */
function readTrack(bytes) {
  const text = new TextDecoder();
  /** @type {Happening[]} */
  const happenings = [];
  let name = "";
  let drums = false;
  let at = 0;
  let tick = 0;
  let status = 0;
  const number = () => {
    let value = 0;
    for (;;) {
      const byte = bytes[at++];
      value = (value << 7) | (byte & 0x7f);
      if (!(byte & 0x80)) return value;
    }
  };
  while (at < bytes.length) {
    tick += number();
    if (bytes[at] & 0x80) status = bytes[at++];
    if (status === 0xff) {
      const type = bytes[at++];
      const length = number();
      const body = bytes.subarray(at, at + length);
      at += length;
      if (type === 0x03 && !name) name = text.decode(body);
      if (type === 0x01) happenings.push({ tick, kind: "text", value: text.decode(body) });
      if (type === 0x05) happenings.push({ tick, kind: "lyric", value: text.decode(body) });
      if (type === 0x06) happenings.push({ tick, kind: "marker", value: text.decode(body) });
      if (type === 0x51) happenings.push({ tick, kind: "tempo", value: (body[0] << 16) | (body[1] << 8) | body[2] });
      if (type === 0x58) happenings.push({ tick, kind: "metre", value: [body[0], 2 ** body[1]] });
    } else if (status === 0xf0 || status === 0xf7) {
      at += number();
    } else {
      const kind = status & 0xf0;
      const first = bytes[at++];
      const second = kind === 0xc0 || kind === 0xd0 ? 0 : bytes[at++];
      if ((status & 0x0f) === DRUM_CHANNEL && kind === 0x90) drums = true;
      if (kind === 0x90 || kind === 0x80) {
        happenings.push({ tick, kind: kind === 0x90 && second ? "on" : "off", value: [first, second] });
      }
    }
  }
  return { name, drums, happenings, last: tick };
}

/**
 * A function from ticks to seconds.
 * @param {Happening[]} all
 * @param {number} ticksPerQuarter
 */
function tempoMap(all, ticksPerQuarter) {
  const changes = all.filter((one) => one.kind === "tempo").sort((a, b) => a.tick - b.tick);
  const segments = [{ tick: 0, second: 0, perTick: DEFAULT_TEMPO / 1e6 / ticksPerQuarter }];
  for (const change of changes) {
    const before = segments[segments.length - 1];
    const second = before.second + (change.tick - before.tick) * before.perTick;
    segments.push({ tick: change.tick, second, perTick: change.value / 1e6 / ticksPerQuarter });
  }
  return (/** @type {number} */ tick) => {
    let low = 0;
    let high = segments.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (segments[middle].tick <= tick) low = middle;
      else high = middle - 1;
    }
    return segments[low].second + (tick - segments[low].tick) * segments[low].perTick;
  };
}

/**
 * @param {Happening[]} happenings
 * @param {(tick: number) => number} seconds
 * @returns {Note[]}
 */
function notesOf(happenings, seconds) {
  /** @type {Map<number, {tick: number, velocity: number}[]>} */
  const open = new Map();
  /** @type {Note[]} */
  const notes = [];
  for (const { tick, kind, value } of happenings) {
    if (kind === "on") {
      open.set(value[0], [...(open.get(value[0]) ?? []), { tick, velocity: value[1] }]);
    } else if (kind === "off") {
      const begun = open.get(value[0])?.shift();
      if (begun) {
        notes.push({ start: seconds(begun.tick), end: seconds(tick), pitch: value[0], velocity: begun.velocity });
      }
    }
  }
  return notes;
}

/**
 * @param {Happening[]} all
 * @param {number} last
 * @param {number} ticksPerQuarter
 * @param {(tick: number) => number} seconds
 * @returns {Bar[]}
 */
function barsOf(all, last, ticksPerQuarter, seconds) {
  const metres = all.filter((one) => one.kind === "metre").sort((a, b) => a.tick - b.tick);
  const bars = [];
  let tick = 0;
  let metre = [4, 4];
  let next = 0;
  while (tick < last && bars.length < 2000) {
    while (next < metres.length && metres[next].tick <= tick) metre = metres[next++].value;
    const whole = tick + (ticksPerQuarter * 4 * metre[0]) / metre[1];
    const end = next < metres.length && metres[next].tick < whole ? metres[next].tick : whole;
    bars.push({ start: seconds(tick), end: seconds(end), beats: metre[0] });
    tick = end;
  }
  return bars;
}
