/** The events of all jobs, by one stream for the whole page, and jobs that follow them. */
import { call, follow, locked, Problem } from "./api.js";
import { useEffect, useState } from "./html.js";

/** @typedef {import("./api.js").JobEvent & {kind: string, parent_id: string | null, root_id: string}} FeedEvent */
/**
 * How far one part of a job is.
 * @typedef {{id: string, kind: string, state: string, stage: string | null, message: string, fraction: number | null,
 *   data: Record<string, any>}} Line
 */

export const FINAL = ["succeeded", "failed", "cancelled"];

/** @type {Set<(event: FeedEvent) => void>} */
const listeners = new Set();
let running = false;

async function run() {
  if (running) return;
  running = true;
  try {
    await follow("/v1/events", (event) => listeners.forEach((listener) => listener(/** @type {FeedEvent} */ (event))), new AbortController().signal);
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
  } finally {
    running = false;
  }
}

/**
 * Calls the listener with every event from now on; returns how to end that.
 * @param {(event: FeedEvent) => void} listener
 */
export function listen(listener) {
  listeners.add(listener);
  if (!locked.get()) void run();
  return () => {
    listeners.delete(listener);
  };
}

/**
 * A job that is drawn anew as it goes on. `id` null: none.
 * @param {string} noun
 * @param {string | null} id
 * @returns {{job: any, lines: Line[], problem: Problem | null, reload: () => void}}
 */
export function useJob(noun, id) {
  const [state, set] = useState(/** @type {{job: any, lines: Line[], problem: Problem | null}} */ ({ job: null, lines: [], problem: null }));
  const [asked, ask] = useState(0);
  useEffect(() => {
    if (id === null) return undefined;
    const aborting = new AbortController();
    const load = async () => {
      try {
        const job = await call("GET", `/v1/${noun}/${id}`, undefined, aborting.signal);
        set((now) => ({ job, lines: linesOf(job, now.job?.id === id ? now.lines : []), problem: null }));
      } catch (problem) {
        if (problem instanceof Problem) set({ job: null, lines: [], problem });
        else if (!aborting.signal.aborted) throw problem;
      }
    };
    const stop = listen((event) => {
      if (event.root_id !== id) return;
      if (event.type.startsWith("job.")) void load();
      set((now) => ({ ...now, lines: now.lines.map((line) => (line.id === event.job_id ? advanced(line, event) : line)) }));
    });
    void load();
    return () => {
      aborting.abort();
      stop();
    };
  }, [noun, id, asked]);
  const current = state.job && state.job.id !== id ? { job: null, lines: [], problem: null } : state;
  return { ...current, reload: () => ask((count) => count + 1) };
}

/**
 * One line for the job, or one for each of its takes.
 * @param {any} job
 * @param {Line[]} before
 * @returns {Line[]}
 */
function linesOf(job, before) {
  const takes = (job.descendants ?? []).filter((/** @type {any} */ part) => part.kind === "take");
  return (takes.length ? takes : [job]).map((/** @type {any} */ part) => {
    const known = before.find((line) => line.id === part.id);
    return {
      id: part.id,
      kind: part.kind,
      state: part.state,
      stage: part.stage ?? null,
      message: known && known.stage === part.stage ? known.message : "",
      fraction: part.fraction ?? known?.fraction ?? null,
      data: known?.data ?? {},
    };
  });
}

/**
 * @param {Line} line
 * @param {FeedEvent} event
 * @returns {Line}
 */
function advanced(line, event) {
  const { data } = event;
  if (event.type === "stage") return { ...line, state: "running", stage: data.stage, message: data.message ?? "", fraction: null, data };
  if (event.type === "progress") return { ...line, stage: data.stage, message: data.message ?? "", fraction: data.fraction ?? null, data };
  const state = event.type.replace("job.", "");
  return FINAL.includes(state) || state === "running" ? { ...line, state } : line;
}
