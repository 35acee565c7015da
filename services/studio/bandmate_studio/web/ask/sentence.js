/** One sentence that says what the song is to be; what was understood fills the fields and can be changed there. */
import { html, useState } from "../app/html.js";
import { t } from "../app/text.js";
import { call } from "../app/api.js";
import { Field, ProblemNote } from "../app/parts.js";

/** @param {{onRequest: (request: any) => void}} props */
export function Sentence({ onRequest }) {
  const [text, setText] = useState("");
  const [answer, setAnswer] = useState(/** @type {any} */ (null));
  const [problem, setProblem] = useState(/** @type {unknown} */ (null));
  const interpret = async () => {
    if (!text.trim()) return;
    setProblem(null);
    try {
      const found = await call("POST", "/v1/songs:interpret", { text });
      setAnswer(found);
      onRequest(found.request);
    } catch (failure) {
      setProblem(failure);
    }
  };
  const onKeyDown = (/** @type {KeyboardEvent} */ event) => {
    if (event.key !== "Enter") return;
    event.preventDefault();
    void interpret();
  };
  return html`<div class="sentence">
    <${Field} label=${t("ask.sentence")} hint=${t("ask.sentence.hint")} wide>
      ${(/** @type {any} */ ids) => html`<div class="with-button">
        <input ...${ids} data-testid="ask-sentence" value=${text} placeholder=${t("ask.sentence.example")} onInput=${(/** @type {any} */ event) => setText(event.target.value)} onKeyDown=${onKeyDown} />
        <button type="button" data-testid="ask-interpret" onClick=${interpret}>${t("ask.interpret")}</button>
      </div>`}
    <//>
    ${answer && html`<div class="understood" role="status" data-testid="understood">
      ${answer.understood.map((/** @type {any} */ one) => html`<span class="tag good"><strong>${one.field}</strong> ${shown(one.value)} <q class="quiet">${one.words}</q></span>`)}
      ${answer.ignored.map((/** @type {string} */ words) => html`<span class="tag ignored" title=${t("ask.ignored")}><s>${words}</s></span>`)}
      ${answer.notes.map((/** @type {string} */ note) => html`<p class="quiet">${note}</p>`)}
      ${answer.understood.length === 0 && html`<p class="quiet">${t("ask.nothing")}</p>`}
    </div>`}
    <${ProblemNote} problem=${problem} />
  </div>`;
}

/**
 * A value in a few words.
 * @param {any} value
 * @returns {string}
 */
export function shown(value) {
  if (Array.isArray(value)) return value.map((one) => one?.name ?? one).join(", ");
  return value && typeof value === "object" ? Object.values(value).filter(Boolean).join(", ") : String(value);
}
