/** Small parts that several pages use. */
import { html, useEffect, useId, useState } from "./html.js";
import { t } from "./text.js";
import { Problem } from "./api.js";

/** @param {{problem: unknown}} props */
export function ProblemNote({ problem }) {
  if (!problem) return null;
  return html`<p class="problem" role="alert" data-testid="problem">${messageOf(problem)}</p>`;
}

/** @param {unknown} problem */
export function messageOf(problem) {
  if (problem instanceof Problem && problem.type === "unreachable") return t("problem.unreachable");
  return problem instanceof Error ? problem.message : String(problem);
}

/**
 * A labelled input with its error below.
 * @param {{label: string, hint?: string, error?: string, children: (ids: {id: string, "aria-describedby": string | undefined,
 *   "aria-invalid": string | undefined}) => any, wide?: boolean}} props
 */
export function Field({ label, hint, error, children, wide }) {
  const id = useId();
  const described = error ? `${id}-error` : hint ? `${id}-hint` : undefined;
  return html`<div class=${`field ${wide ? "wide" : ""}`}>
    <label for=${id}>${label}</label>
    ${children({ id, "aria-describedby": described, "aria-invalid": error ? "true" : undefined })}
    ${error
      ? html`<p class="field-error" id=${`${id}-error`} role="alert">${error}</p>`
      : hint && html`<p class="hint" id=${`${id}-hint`}>${hint}</p>`}
  </div>`;
}

/**
 * The lines of a job that goes on: one a take.
 * @param {{lines: import("./feed.js").Line[]}} props
 */
export function JobLines({ lines }) {
  return html`<ul class="job-lines" aria-live="polite">
    ${lines.map((line, index) => {
      const name = lines.length > 1 ? `${t("take", { number: index + 1 })}: ` : "";
      const stage = line.state === "running" && line.stage ? t(`stage.${line.stage}`) : t(`state.${line.state}`);
      const value = line.fraction === null || line.state !== "running" ? undefined : line.fraction;
      return html`<li key=${line.id} data-testid="job-line" class=${`state-${line.state}`}>
        <span class="job-text"><strong>${name}${stage}</strong> <span class="quiet">${line.message}</span></span>
        ${["queued", "running"].includes(line.state) && html`<progress aria-label=${`${name}${stage}`} max="1" value=${value}></progress>`}
      </li>`;
    })}
  </ul>`;
}

/**
 * A request in the ways in which a program would send it.
 * @param {{method: string, path: string, body?: unknown}} props
 */
export function AsCode({ method, path, body }) {
  const [form, setForm] = useState("curl");
  const [copied, setCopied] = useState(false);
  const text = codeOf(form, method, location.origin + path, body);
  useEffect(() => setCopied(false), [text]);
  const copy = async () => {
    await navigator.clipboard.writeText(text);
    setCopied(true);
  };
  return html`<details class="as-code">
    <summary>${t("code.title")}</summary>
    <div class="choices" role="group" aria-label=${t("code.title")}>
      ${["curl", "Python", "JSON"].map(
        (name) => html`<button type="button" class="chip" aria-pressed=${form === name} onClick=${() => setForm(name)}>${name}</button>`,
      )}
      <button type="button" class="plain" onClick=${copy}>${copied ? t("code.copied") : t("code.copy")}</button>
    </div>
    <pre tabindex="0"><code>${text}</code></pre>
  </details>`;
}

/**
 * @param {string} form
 * @param {string} method
 * @param {string} url
 * @param {unknown} body
 */
function codeOf(form, method, url, body) {
  const json = JSON.stringify(body ?? {}, null, 2);
  if (form === "JSON") return json;
  if (form === "curl") {
    const data = body === undefined ? "" : ` \\\n  -H 'Content-Type: application/json' \\\n  -d '${json.replaceAll("'", "'\\''")}'`;
    return `curl -X ${method} ${url}${data}`;
  }
  const python = JSON.stringify(body ?? {}, null, 4).replace(/\btrue\b/g, "True").replace(/\bfalse\b/g, "False").replace(/\bnull\b/g, "None");
  return `import httpx2\n\njob = httpx2.${method.toLowerCase()}("${url}"${body === undefined ? "" : `, json=${python}`}).raise_for_status().json()\nprint(job["id"])`;
}

/**
 * A place to drop files on, which is also a button to choose them.
 * @param {{onFiles: (files: File[]) => void, accept: string, multiple?: boolean, label: string, busy?: boolean}} props
 */
export function DropZone({ onFiles, accept, multiple, label, busy }) {
  const [over, setOver] = useState(false);
  const id = useId();
  const drop = (/** @type {DragEvent} */ event) => {
    event.preventDefault();
    setOver(false);
    onFiles([...(event.dataTransfer?.files ?? [])]);
  };
  return html`<div
    class=${`drop ${over ? "over" : ""}`}
    onDragOver=${(/** @type {DragEvent} */ event) => (event.preventDefault(), setOver(true))}
    onDragLeave=${() => setOver(false)}
    onDrop=${drop}
  >
    <label for=${id}>${label}</label>
    <input
      id=${id}
      type="file"
      data-testid="upload"
      accept=${accept}
      multiple=${multiple}
      disabled=${busy}
      onChange=${(/** @type {any} */ event) => onFiles([...event.target.files])}
    />
  </div>`;
}

/** What a play, pause or star button shows. Drawn here: no font has to have them. @param {{name: string}} props */
export function Icon({ name }) {
  const paths = {
    play: "M7 4.5v15l12.5-7.5z",
    pause: "M6 4.5h4.2v15H6zM13.8 4.5H18v15h-4.2z",
    star: "m12 2.8 2.8 5.9 6.4.8-4.7 4.4 1.2 6.4-5.7-3.2-5.7 3.2 1.2-6.4-4.7-4.4 6.4-.8z",
    back: "M5 4.5h2.6v15H5zM20 4.5v15L8.6 12z",
    loop: "M17 3l4 4-4 4V8H8a3 3 0 0 0-3 3v1H3v-1a5 5 0 0 1 5-5h9zM7 21l-4-4 4-4v3h9a3 3 0 0 0 3-3v-1h2v1a5 5 0 0 1-5 5H7z",
    down: "M11 3h2v9.2l3.3-3.3 1.4 1.4L12 16l-5.7-5.7 1.4-1.4L11 12.2zM4 18h16v2H4z",
  };
  return html`<svg class="icon" viewBox="0 0 24 24" width="20" height="20" aria-hidden="true"><path d=${paths[/** @type {keyof typeof paths} */ (name)]} /></svg>`;
}
