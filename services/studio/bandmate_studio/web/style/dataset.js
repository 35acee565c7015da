/** First step of an own style: files are sent and cleaned, and the report says what became of each. */
import { html, useEffect, useState } from "../app/html.js";
import { t } from "../app/text.js";
import { call, upload } from "../app/api.js";
import { useJob, FINAL } from "../app/feed.js";
import { AsCode, DropZone, Field, JobLines, ProblemNote } from "../app/parts.js";
import { chosen } from "./chosen.js";

const ACCEPT = ".mid,.midi,.kar,.mxl,.musicxml,.xml,.zip";

export function DatasetStep() {
  const [name, setName] = useState("mine");
  const [files, setFiles] = useState(/** @type {File[]} */ ([]));
  const [sent, setSent] = useState(0);
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState(/** @type {any} */ (null));
  const [id, setId] = useState(/** @type {string | null} */ (null));
  const [request, setRequest] = useState(/** @type {any} */ (null));
  const { job, lines } = useJob("datasets", id);

  const submit = async (/** @type {Event} */ event) => {
    event.preventDefault();
    setBusy(true);
    setProblem(null);
    setSent(0);
    try {
      const sources = [];
      for (const file of files) {
        sources.push(await upload(file));
        setSent(sources.length);
      }
      const body = { name, sources, style: name };
      setRequest(body);
      setId((await call("POST", "/v1/datasets", body)).id);
    } catch (error) {
      setProblem(error);
    }
    setBusy(false);
  };
  useEffect(() => {
    if (job?.state === "succeeded") chosen.set({ ...chosen.get(), dataset: job.request.name });
  }, [job?.state]);
  const error = problem?.errors?.find((/** @type {any} */ one) => one.field === "name")?.message;
  return html`<section class="card">
    <h2>${t("dataset.title")}</h2>
    <form onSubmit=${submit}>
      <${Field} label=${t("dataset.name")} hint=${t("dataset.name.hint")} error=${error}>
        ${(/** @type {any} */ ids) => html`<input ...${ids} data-testid="dataset-name" required value=${name} onInput=${(/** @type {any} */ event) => setName(event.target.value)} />`}
      <//>
      <${DropZone} label=${t("dataset.drop")} accept=${ACCEPT} multiple busy=${busy} onFiles=${setFiles} />
      ${files.length > 0 && html`<p class="quiet">${busy ? t("dataset.sending", { sent, total: files.length }) : t("dataset.files", { count: files.length })}</p>`}
      ${!error && html`<${ProblemNote} problem=${problem} />`}
      <button class="primary" data-testid="dataset-submit" disabled=${busy || !files.length}>${t("dataset.submit")}</button>
    </form>
    ${job && !FINAL.includes(job.state) && html`<${JobLines} lines=${lines} />`}
    ${job?.state === "failed" && html`<p class="problem" role="alert">${job.error.detail}</p>`}
    ${job?.state === "succeeded" && html`<${Report} job=${job} />`}
    ${request && html`<${AsCode} method="POST" path="/v1/datasets" body=${request} />`}
  </section>`;
}

/** @param {{job: any}} props */
function Report({ job }) {
  const [report, setReport] = useState(/** @type {any} */ (null));
  useEffect(() => {
    call("GET", `/v1/datasets/${job.id}/artifacts/report.json`).then(setReport);
  }, [job.id]);
  if (!report) return null;
  return html`<div class="report" data-testid="dataset-report">
    <p><strong>${t("dataset.accepted", { accepted: report.accepted, files: report.files })}</strong></p>
    <dl class="facts">
      ${Object.entries(report.splits).map(([split, count]) => html`<div><dt>${t(`split.${split}`)}</dt><dd>${count}</dd></div>`)}
    </dl>
    ${report.rejected.length > 0 && html`<details><summary>${t("dataset.rejected", { count: report.rejected.length })}</summary>
      <ul>${report.rejected.map((/** @type {any} */ one) => html`<li><strong>${one.name}</strong> ${one.detail}</li>`)}</ul></details>`}
  </div>`;
}
