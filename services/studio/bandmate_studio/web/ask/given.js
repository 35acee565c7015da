/** A piece to work on or to go on from: a dropped file, and which of its bars. */
import { html, useState } from "../app/html.js";
import { t } from "../app/text.js";
import { upload } from "../app/api.js";
import { DropZone, Field, ProblemNote } from "../app/parts.js";

/** @param {{form: import("./request.js").Form, errors: Record<string, string>, onChange: (change: Partial<import("./request.js").Form>) => void}} props */
export function GivenPiece({ form, errors, onChange }) {
  const [problem, setProblem] = useState(/** @type {unknown} */ (null));
  const [busy, setBusy] = useState(false);
  const send = async (/** @type {File[]} */ [file]) => {
    if (!file) return;
    setBusy(true);
    setProblem(null);
    try {
      onChange({ prompt: await upload(file), promptName: file.name });
    } catch (failure) {
      setProblem(failure);
    }
    setBusy(false);
  };
  return html`<fieldset class="given">
    <legend>${t("given.title")}</legend>
    ${form.prompt
      ? html`<p><strong data-testid="given-name">${form.promptName}</strong>
          <button type="button" class="plain" onClick=${() => onChange({ prompt: "", promptName: "" })}>${t("given.remove")}</button></p>
        <div class="fields">
          <${Field} label=${t("given.use")} error=${errors.prompt}>
            ${(/** @type {any} */ ids) => html`<select ...${ids} value=${form.promptUse} onChange=${(/** @type {any} */ event) => onChange({ promptUse: event.target.value })}>
              ${["continue", "anew", "vary"].map((use) => html`<option value=${use}>${t(`given.${use}`)}</option>`)}
            </select>`}
          <//>
          ${form.promptUse === "anew" && html`<${Field} label=${t("given.bars")} hint=${t("given.bars.hint")} error=${errors.infill}>
            ${(/** @type {any} */ ids) => html`<input ...${ids} value=${form.infill} onInput=${(/** @type {any} */ event) => onChange({ infill: event.target.value })} />`}
          <//>`}
        </div>`
      : html`<${DropZone} label=${t("given.drop")} accept=".mid,.midi,.kar,.mxl,.musicxml,.xml" busy=${busy} onFiles=${send} />`}
    <${ProblemNote} problem=${problem} />
  </fieldset>`;
}
