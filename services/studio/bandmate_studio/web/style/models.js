/** Third step: models are listened to, used for every new song, and taken back. */
import { html, useEffect, useState } from "../app/html.js";
import { t, shortDate } from "../app/text.js";
import { call } from "../app/api.js";
import { useStore } from "../app/store.js";
import { useJob, FINAL } from "../app/feed.js";
import { address } from "../app/router.js";
import { JobLines, ProblemNote } from "../app/parts.js";
import { chosen } from "./chosen.js";

const PRODUCTION = "production";

export function ModelsStep() {
  const { model } = useStore(chosen);
  const [models, setModels] = useState(/** @type {any[]} */ ([]));
  const [problem, setProblem] = useState(/** @type {any} */ (null));
  const [refused, setRefused] = useState("");
  const [heard, setHeard] = useState(/** @type {string | null} */ (null));
  const song = useJob("songs", heard);
  const load = () => call("GET", "/v1/models").then((list) => setModels(list.items), setProblem);
  useEffect(() => void load(), [model]);

  const act = async (/** @type {() => Promise<any>} */ work) => {
    setProblem(null);
    setRefused("");
    try {
      await work();
      await load();
    } catch (error) {
      setProblem(error);
      return false;
    }
    return true;
  };
  const promote = async (/** @type {any} */ one, /** @type {boolean} */ force) => {
    if (!(await act(() => call("POST", `/v1/models/${one.id}/promote`, { force }))) && !force) setRefused(one.id);
  };
  const listen = (/** @type {any} */ one) =>
    act(async () => setHeard((await call("POST", "/v1/songs", { model: one.id, bars: 8 })).id));
  return html`<section class="card">
    <h2>${t("models.title")}</h2>
    <${ProblemNote} problem=${problem} />
    ${refused && html`<p><button type="button" onClick=${() => promote(models.find((one) => one.id === refused), true)}>${t("models.force", { model: refused })}</button></p>`}
    <ul class="plain-list models">
      ${models.map((one) => html`<li key=${one.id} data-testid="model">
        <div><strong>${one.id}</strong> ${one.aliases.includes(PRODUCTION) && html`<span class="tag">${t("models.production")}</span>`}
          <div class="quiet">${one.architecture}${one.metrics.valid_loss ? ` · ${t("models.loss")} ${one.metrics.valid_loss.toFixed(3)}` : ""} · ${shortDate(one.created)}</div></div>
        <div class="actions">
          <button type="button" onClick=${() => listen(one)}>${t("models.listen")}</button>
          ${!one.aliases.includes(PRODUCTION) && html`<button type="button" onClick=${() => promote(one, false)}>${t("models.promote")}</button>`}
        </div>
      </li>`)}
    </ul>
    ${song.job && !FINAL.includes(song.job.state) && html`<${JobLines} lines=${song.lines} />`}
    ${song.job?.state === "succeeded" && html`<p><a class="button" href=${address("songs", song.job.id)}>${t("models.open")}</a></p>`}
    <button type="button" class="plain" onClick=${() => act(() => call("POST", "/v1/models/rollback", {}))}>${t("models.rollback")}</button>
  </section>`;
}
