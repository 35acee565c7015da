/** Second step: a model learns from the dataset, with its losses drawn as they come. */
import { html, useEffect, useRef, useState } from "../app/html.js";
import { t } from "../app/text.js";
import { call, follow } from "../app/api.js";
import { useJob, FINAL } from "../app/feed.js";
import { useStore } from "../app/store.js";
import { AsCode, Field, JobLines, ProblemNote } from "../app/parts.js";
import { chosen } from "./chosen.js";

/** @typedef {{step: number, loss: number | null, validation: number | null}} Point */

export function TrainingStep() {
  const { dataset } = useStore(chosen);
  const [minutes, setMinutes] = useState(10);
  const [fromStarter, setFromStarter] = useState(true);
  const [problem, setProblem] = useState(/** @type {unknown} */ (null));
  const [id, setId] = useState(/** @type {string | null} */ (null));
  const [known, setKnown] = useState(/** @type {string[]} */ ([]));
  const { job, lines } = useJob("trainings", id);
  useEffect(() => {
    call("GET", "/v1/datasets?state=succeeded").then((page) => {
      const names = [...new Set(page.items.map((/** @type {any} */ one) => one.request.name))];
      setKnown(/** @type {string[]} */ (names));
      if (!chosen.get().dataset && names.length) chosen.set({ ...chosen.get(), dataset: String(names[0]) });
    }, () => {});
    call("GET", "/v1/trainings?limit=1").then((page) => page.items[0] && setId((now) => now ?? page.items[0].id), () => {});
  }, []);
  useEffect(() => {
    if (job?.state === "succeeded") chosen.set({ ...chosen.get(), model: job.result.model });
  }, [job?.state]);

  const body = { dataset, hyperparameters: { max_minutes: minutes }, ...(fromStarter ? { initial: "production" } : {}) };
  const submit = async (/** @type {Event} */ event) => {
    event.preventDefault();
    setProblem(null);
    try {
      setId((await call("POST", "/v1/trainings", body)).id);
    } catch (error) {
      setProblem(error);
    }
  };
  const names = [...new Set([dataset, ...known])].filter(Boolean);
  const running = job && !FINAL.includes(job.state);
  return html`<section class="card">
    <h2>${t("training.title")}</h2>
    <form onSubmit=${submit}>
      <${Field} label=${t("training.dataset")}>
        ${(/** @type {any} */ ids) => html`<select ...${ids} data-testid="training-dataset" value=${dataset}
          onChange=${(/** @type {any} */ event) => chosen.set({ ...chosen.get(), dataset: event.target.value })}>
          ${names.length === 0 && html`<option value="">${t("training.none")}</option>`}
          ${names.map((name) => html`<option value=${name}>${name}</option>`)}
        </select>`}
      <//>
      <${Field} label=${t("training.minutes")} hint=${t("training.minutes.hint")}>
        ${(/** @type {any} */ ids) => html`<input ...${ids} type="number" min="0.2" max="1440" step="any" value=${minutes} onInput=${(/** @type {any} */ event) => setMinutes(Number(event.target.value))} />`}
      <//>
      <label class="check"><input type="checkbox" checked=${fromStarter} onChange=${(/** @type {any} */ event) => setFromStarter(event.target.checked)} /> ${t("training.initial")}</label>
      <${ProblemNote} problem=${problem} />
      <button class="primary" data-testid="training-submit" disabled=${!dataset || running}>${t("training.submit")}</button>
      ${running && html`<button type="button" class="plain" onClick=${() => call("POST", `/v1/trainings/${id}/cancel`)}>${t("cancel")}</button>`}
    </form>
    ${running && html`<${JobLines} lines=${lines} />`}
    ${id && html`<${Curve} key=${id} id=${id} />`}
    ${job?.state === "failed" && html`<p class="problem" role="alert">${job.error.detail}</p>`}
    ${job?.state === "succeeded" && html`<p class="good" role="status">${t("training.done", { model: job.result.model })}</p>`}
    <${AsCode} method="POST" path="/v1/trainings" body=${body} />
  </section>`;
}

/** The losses so far, as a picture and as the last numbers. @param {{id: string}} props */
function Curve({ id }) {
  const [points, setPoints] = useState(/** @type {Point[]} */ ([]));
  const canvas = useRef(/** @type {HTMLCanvasElement | null} */ (null));
  useEffect(() => {
    const stopping = new AbortController();
    void follow(`/v1/trainings/${id}/events`, (event) => {
      const message = event.type === "progress" ? String(event.data.message ?? "") : "";
      const number = (/** @type {RegExp} */ pattern) => Number(pattern.exec(message)?.[1] ?? NaN);
      const step = number(/step (\d+)/);
      const loss = number(/(?:^|[ ,])loss ([\d.]+)/);
      const validation = number(/validation ([\d.]+)/);
      if (step >= 0) setPoints((now) => [...now, { step, loss: loss >= 0 ? loss : null, validation: validation >= 0 ? validation : null }]);
    }, stopping.signal).catch(() => {});
    return () => stopping.abort();
  }, [id]);
  useEffect(() => {
    if (canvas.current && points.length) draw(canvas.current, points);
  }, [points]);
  const last = points[points.length - 1];
  if (!last) return null;
  return html`<figure class="curve" data-testid="training-curve">
    <canvas ref=${canvas} width="640" height="200" role="img" aria-label=${t("training.curve")}></canvas>
    <figcaption class="quiet">${t("training.last", { step: last.step, loss: last.loss ?? "–", validation: last.validation ?? "–" })}</figcaption>
  </figure>`;
}

/**
 * @param {HTMLCanvasElement} canvas
 * @param {Point[]} points
 */
function draw(canvas, points) {
  const pen = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  const style = getComputedStyle(document.documentElement);
  const values = points.flatMap((point) => [point.loss, point.validation]).filter((value) => value !== null);
  const least = Math.min(...values);
  const span = Math.max(0.001, Math.max(...values) - least);
  const lastStep = Math.max(1, points[points.length - 1].step);
  const x = (/** @type {number} */ step) => 8 + (step / lastStep) * (canvas.width - 16);
  const y = (/** @type {number} */ value) => canvas.height - 12 - ((value - least) / span) * (canvas.height - 24);
  pen.clearRect(0, 0, canvas.width, canvas.height);
  pen.lineWidth = 2;
  for (const [name, colour] of [["loss", "--quiet"], ["validation", "--accent"]]) {
    pen.strokeStyle = style.getPropertyValue(colour);
    pen.beginPath();
    for (const point of points) {
      const value = point[/** @type {"loss" | "validation"} */ (name)];
      if (value !== null) pen.lineTo(x(point.step), y(value));
    }
    pen.stroke();
  }
}
