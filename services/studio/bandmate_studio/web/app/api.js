/** The HTTP API: JSON in and out, problem details as errors, files, event streams. */
import { createStore } from "./store.js";

/** @typedef {{field: string, message: string}} FieldError */

/** A problem detail (RFC 9457) that the API answered with, or a connection that failed. */
export class Problem extends Error {
  /**
   * @param {number} status
   * @param {Record<string, any>} body
   */
  constructor(status, body) {
    super(body.detail || body.title || `HTTP ${status}`);
    this.status = status;
    this.type = String(body.type || "unavailable").split(":").pop();
    /** @type {FieldError[]} */
    this.errors = body.errors || [];
  }
}

/** Whether the API asks for a key: in service mode, before one was exchanged for a session. */
export const locked = createStore(false);

/**
 * Exchanges a key for a session, which the browser keeps as a cookie that no script can read. Raises Problem.
 * @param {string} key
 */
export async function signIn(key) {
  await call("POST", "/v1/session", { key: key.trim() });
  locked.set(false);
}

/**
 * Sends a request. Raises Problem.
 * @param {string} path
 * @param {RequestInit} [init]
 * @returns {Promise<Response>}
 */
export async function send(path, init = {}) {
  let response;
  try {
    response = await fetch(path, init);
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    throw new Problem(0, { type: "unreachable", detail: "unreachable" });
  }
  if (response.ok) return response;
  const body = await response.json().catch(() => ({}));
  if (response.status === 401) locked.set(true);
  throw new Problem(response.status, body);
}

/**
 * JSON in, JSON out; null where the answer has no body.
 * @param {string} method
 * @param {string} path
 * @param {unknown} [body]
 * @param {AbortSignal} [signal]
 * @returns {Promise<any>}
 */
export async function call(method, path, body, signal) {
  const init = /** @type {RequestInit} */ ({ method, signal });
  if (body !== undefined) {
    init.body = JSON.stringify(body);
    init.headers = { "Content-Type": "application/json" };
  }
  const response = await send(path, init);
  return response.status === 204 ? null : response.json();
}

/**
 * Saves a file of the API under a name.
 * @param {string} path
 * @param {string} name
 */
export function download(path, name) {
  const link = document.createElement("a");
  link.download = name;
  link.href = path;
  link.click();
}

/**
 * Sends a file and returns how a request names it: `upload:ID`.
 * @param {File} file
 * @returns {Promise<string>}
 */
export async function upload(file) {
  const announced = await call("POST", "/v1/uploads", { filename: file.name, size: file.size });
  const form = announced.send;
  if (form.method === "POST") {
    const body = new FormData();
    for (const [name, value] of Object.entries(form.fields)) body.append(name, String(value));
    body.append("file", file);
    const response = await fetch(form.url, { method: "POST", body });
    if (!response.ok) throw new Problem(response.status, { detail: await response.text() });
  } else {
    await send(form.url, { method: "PUT", body: file });
  }
  return announced.source;
}

/** @typedef {{job_id: string, seq: number, type: string, time: string, data: Record<string, any>}} JobEvent */

/**
 * Events of a stream as they come, until it ends for good or the signal stops it; reconnects after the last one.
 * Not an EventSource, which tells nothing of why it failed.
 * @param {string} path
 * @param {(event: JobEvent) => void} show
 * @param {AbortSignal} signal
 */
export async function follow(path, show, signal) {
  let last = "";
  let pause = 250;
  while (!signal.aborted) {
    try {
      /** @type {Record<string, string>} */
      const headers = { Accept: "text/event-stream" };
      if (last) headers["Last-Event-ID"] = last;
      const response = await send(path, { headers, signal });
      if (response.status === 204 || !response.body) return;
      const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
      let text = "";
      for (;;) {
        const { done, value } = await reader.read();
        if (done) break;
        text += value;
        const blocks = text.split("\n\n");
        text = blocks.pop() ?? "";
        for (const block of blocks) {
          const id = /^id: ?(.*)$/m.exec(block);
          const data = /^data: ?(.*)$/m.exec(block);
          if (id) last = id[1];
          if (data) show(JSON.parse(data[1]));
          pause = 250;
        }
      }
    } catch (error) {
      if (signal.aborted) return;
      if (error instanceof Problem && error.status >= 400 && error.status < 500) throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, pause));
    pause = Math.min(pause * 2, 5000);
  }
}
