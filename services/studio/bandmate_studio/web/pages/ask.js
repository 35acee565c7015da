/** Asking for a song: words, fields, a given piece; errors stand at their field. */
import { html, useEffect, useState } from "../app/html.js";
import { t } from "../app/text.js";
import { call, Problem } from "../app/api.js";
import { AsCode, Field, ProblemNote } from "../app/parts.js";
import { EMPTY_FORM, filledFrom, formField, requestOf } from "../ask/request.js";
import { Sentence, shown } from "../ask/sentence.js";
import { WordsBox } from "../ask/words.js";
import { StylePicker, VoicePicker } from "../ask/pickers.js";
import { GivenPiece } from "../ask/given.js";
import { AskedFor, askedFor } from "../ask/jobs.js";

/** Kept while the page is open: a look at the library loses nothing. */
let kept = EMPTY_FORM;

export function Ask() {
  const [form, setForm] = useState(kept);
  const [problem, setProblem] = useState(/** @type {unknown} */ (null));
  const [sending, setSending] = useState(false);
  const [styles, setStyles] = useState(/** @type {any[]} */ ([]));
  const [voices, setVoices] = useState(/** @type {any[]} */ ([]));
  const [instruments, setInstruments] = useState(/** @type {any[]} */ ([]));
  useEffect(() => {
    kept = form;
  }, [form]);
  useEffect(() => {
    call("GET", "/v1/styles").then((list) => setStyles(list.items), setProblem);
    call("GET", "/v1/voices").then((list) => setVoices(list.items), setProblem);
    call("GET", "/v1/instruments").then((list) => setInstruments(list.items), setProblem);
  }, []);

  const drop = (/** @type {string} */ name) => setForm((now) => ({ ...now, more: Object.fromEntries(Object.entries(now.more).filter(([one]) => one !== name)) }));
  const change = (/** @type {Partial<typeof EMPTY_FORM>} */ part) => setForm((now) => ({ ...now, ...part }));
  /** @type {Record<string, string>} */
  const errors = {};
  for (const error of problem instanceof Problem ? problem.errors : []) errors[formField(error.field)] ??= error.message;
  const elsewhere = Object.keys(errors).some((name) => !(name in EMPTY_FORM)) || Object.keys(errors).length === 0;
  const request = requestOf(form);

  const submit = async (/** @type {Event} */ event) => {
    event.preventDefault();
    setSending(true);
    setProblem(null);
    try {
      const { id } = await call("POST", "/v1/songs", request);
      askedFor.set([id, ...askedFor.get()]);
    } catch (failure) {
      setProblem(failure);
    }
    setSending(false);
  };
  const text = (/** @type {keyof typeof EMPTY_FORM} */ name, /** @type {Record<string, unknown>} */ more = {}) => html`
    <${Field} label=${t(`ask.${name}`)} hint=${t(`ask.${name}.hint`)} error=${errors[name]}>
      ${(/** @type {any} */ ids) => html`<input ...${ids} data-testid=${`ask-${name}`} value=${form[name]} ...${more}
        onInput=${(/** @type {any} */ event) => change({ [name]: event.target.value })} />`}
    <//>`;

  return html`<h1>${t("ask.title")}</h1>
    <div class="two-columns">
      <form class="card ask-form" onSubmit=${submit} noValidate>
        <${Sentence} onRequest=${(/** @type {any} */ understood) => setForm((now) => filledFrom(now, understood))} />
        <${WordsBox} words=${form.words} error=${errors.words} onWords=${(/** @type {string} */ words) => change({ words })} />
        <div class="fields">
          <${StylePicker} styles=${styles} value=${form.style} error=${errors.style} onChange=${(/** @type {string} */ style, /** @type {string} */ model) => change({ style, model })} />
          <${VoicePicker} voices=${voices} value=${form.voice} error=${errors.voice} onChange=${(/** @type {string} */ voice) => change({ voice })} />
          ${text("key")} ${text("bars", { inputMode: "numeric" })} ${text("tempo", { inputMode: "decimal" })} ${text("metre")}
        </div>
        ${Object.keys(form.more).length > 0 && html`<div class="understood">${Object.entries(form.more).map(([name, value]) => html`<span class="tag"><strong>${name}</strong> ${shown(value)}
          <button type="button" class="plain small" aria-label=${t("ask.drop", { name })} onClick=${() => drop(name)}>×</button></span>`)}</div>`}
        <details>
          <summary>${t("ask.more")}</summary>
          <div class="fields">
            ${text("chords")} ${text("form")}
            ${text("instruments", { list: "instrument-names" })} ${text("density", { inputMode: "numeric" })}
            ${text("takes", { inputMode: "numeric" })} ${text("seed", { inputMode: "numeric" })}
          </div>
          <datalist id="instrument-names">${instruments.map((one) => html`<option value=${one.name}></option>`)}</datalist>
          <${GivenPiece} form=${form} errors=${errors} onChange=${change} />
        </details>
        ${problem !== null && elsewhere && html`<${ProblemNote} problem=${problem} />`}
        <div class="actions">
          <button class="primary large" data-testid="ask-submit" disabled=${sending}>${t("ask.submit")}</button>
          <button type="button" class="plain" onClick=${() => setForm(EMPTY_FORM)}>${t("ask.clear")}</button>
        </div>
        <${AsCode} method="POST" path="/v1/songs" body=${request} />
      </form>
      <aside aria-label=${t("ask.asked")}><${AskedFor} /></aside>
    </div>`;
}
