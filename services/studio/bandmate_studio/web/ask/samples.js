/** Short samples of a style or a voice, made when they are asked for, and kept as long as the page. */
import { call, send } from "../app/api.js";
import { listen, FINAL } from "../app/feed.js";

const SAMPLE_BARS = 8;
/** A phrase of seven notes, in seconds. */
const PHRASE = ["La", "la", "la", "so", "sings", "this", "voice"];
const STEPS = [0, 4, 7, 5, 4, 2, 0];

/** @type {Map<string, Promise<string>>} */
const made = new Map();

/**
 * The address of a sound to play.
 * @param {"style" | "voice"} kind
 * @param {string} name
 * @param {number} [lowest]  MIDI pitch of the lowest note that suits a voice
 * @param {string} [model]  the model that knows a style of one's own
 */
export function sample(kind, name, lowest = 53, model) {
  const key = `${kind}/${name}`;
  let found = made.get(key);
  if (!found) {
    found = kind === "style" ? ofStyle(name, model) : ofVoice(name, lowest);
    found.catch(() => made.delete(key));
    made.set(key, found);
  }
  return found;
}

/**
 * @param {string} style
 * @param {string | undefined} model
 */
function ofStyle(style, model) {
  return soundOf("songs", { style, model, bars: SAMPLE_BARS, seed: 1, candidates: 1 }, "song.wav");
}

/**
 * @param {string} voice
 * @param {number} lowest
 */
function ofVoice(voice, lowest) {
  const notes = PHRASE.map((syllable, index) => ({
    onset: 0.2 + index * 0.45, duration: index === PHRASE.length - 1 ? 1.2 : 0.42, pitch: lowest + 6 + STEPS[index], syllable,
  }));
  return soundOf("vocals", { notes, voice, seconds: 5 }, "vocals.wav");
}

/**
 * Runs a job and keeps its sound in memory; a song is deleted again, because nobody asked for it to be kept.
 * @param {string} noun
 * @param {unknown} body
 * @param {string} name
 */
async function soundOf(noun, body, name) {
  const { id } = await call("POST", `/v1/${noun}`, body);
  const job = await ended(noun, id);
  if (job.state !== "succeeded") throw new Error(job.error?.detail ?? job.state);
  const blob = await (await send(`/v1/${noun}/${id}/artifacts/${name}`)).blob();
  if (noun === "songs") await call("DELETE", `/v1/songs/${id}`);
  return URL.createObjectURL(blob);
}

/**
 * @param {string} noun
 * @param {string} id
 * @returns {Promise<any>}
 */
function ended(noun, id) {
  return new Promise((resolve, reject) => {
    const look = async () => {
      const job = await call("GET", `/v1/${noun}/${id}`);
      if (!FINAL.includes(job.state)) return;
      stop();
      resolve(job);
    };
    const stop = listen((event) => {
      if (event.job_id === id && FINAL.includes(event.type.replace("job.", ""))) look().catch(reject);
    });
    look().catch(reject);
  });
}
