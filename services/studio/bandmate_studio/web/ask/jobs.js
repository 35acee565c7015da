/** What was asked for from this page: each request with its lines, and its takes as soon as they can be heard. */
import { html } from "../app/html.js";
import { t } from "../app/text.js";
import { call } from "../app/api.js";
import { address } from "../app/router.js";
import { createStore, useStore } from "../app/store.js";
import { useJob, FINAL } from "../app/feed.js";
import { JobLines, ProblemNote } from "../app/parts.js";

/** Ids of the songs asked for since the page was opened, newest first. */
export const askedFor = createStore(/** @type {string[]} */ ([]));

export function AskedFor() {
  const ids = useStore(askedFor);
  return html`${ids.map((id) => html`<${Asked} key=${id} id=${id} />`)}`;
}

/** @param {{id: string}} props */
function Asked({ id }) {
  const { job, lines, problem } = useJob("songs", id);
  if (problem) return html`<${ProblemNote} problem=${problem} />`;
  if (!job) return null;
  const ended = FINAL.includes(job.state);
  const takes = (job.descendants ?? []).filter((/** @type {any} */ part) => part.kind === "take");
  const names = takes.length ? takes.map((/** @type {any} */ _, /** @type {number} */ index) => `take-${index + 1}`) : ["take-1"];
  const playable = (/** @type {number} */ index) => (takes.length ? takes[index].state : job.state) === "succeeded";
  return html`<section class="card asked" aria-label=${t("ask.asked")}>
    <div class="asked-head">
      <strong>${job.title ?? job.result?.takes?.[0]?.title ?? t("ask.asked")}</strong>
      ${!ended && html`<button type="button" class="plain" data-testid="cancel" onClick=${() => call("POST", `/v1/songs/${id}/cancel`)}>${t("cancel")}</button>`}
    </div>
    <${JobLines} lines=${lines} />
    ${job.error && html`<p class="problem" role="alert">${job.error.detail}</p>`}
    <div class="choices">
      ${names.map((/** @type {string} */ name, /** @type {number} */ index) =>
        playable(index)
          ? html`<a class="button primary" data-testid=${name} href=${address("songs", id, takes.length ? name : "")}>${t("ask.listen", { number: index + 1 })}</a>`
          : null,
      )}
    </div>
  </section>`;
}
