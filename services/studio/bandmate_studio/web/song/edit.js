/** Changing a song: which bars of which parts, and what is to become of them. Every change is a new version. */
import { html, useEffect, useState } from "../app/html.js";
import { t } from "../app/text.js";
import { call, Problem } from "../app/api.js";
import { useJob, FINAL } from "../app/feed.js";
import { AsCode, Field, JobLines, ProblemNote } from "../app/parts.js";
import { StyleOptions } from "../ask/pickers.js";
import { restyled } from "./restyle.js";

const MORE_BARS = 8;
/** What can be done, and which of them need bars. */
const ACTIONS = ["anew", "words", "vary", "add", "continue", "style"];

/**
 * `ended`: all takes of the song are there; before, it cannot be named in a request.
 * @param {{song: import("./load.js").Song, ended: boolean, selection: [number, number] | null, onSelect: (selection: [number, number] | null) => void,
 *   onDone: (id: string) => void}} props
 */
export function Edit({ song, ended, selection, onSelect, onDone }) {
  const bars = song.piece.bars.length;
  const [tracks, setTracks] = useState(/** @type {string[]} */ ([]));
  const [action, setAction] = useState("");
  const [words, setWords] = useState("");
  const [strength, setStrength] = useState(0.4);
  const [instrument, setInstrument] = useState("strings");
  const [more, setMore] = useState(MORE_BARS);
  const [style, setStyle] = useState("");
  const [instruments, setInstruments] = useState(/** @type {any[]} */ ([]));
  const [styles, setStyles] = useState(/** @type {any[]} */ ([]));
  const [problem, setProblem] = useState(/** @type {unknown} */ (null));
  const [id, setId] = useState(/** @type {string | null} */ (null));
  const { job, lines } = useJob("songs", id);
  const names = song.piece.tracks.map((track) => track.name);
  useEffect(() => {
    call("GET", "/v1/instruments").then((list) => setInstruments(list.items), () => {});
    call("GET", "/v1/styles").then((list) => setStyles(list.items), () => {});
  }, []);
  useEffect(() => {
    if (job?.state === "succeeded") onDone(job.id);
  }, [job?.state]);

  const range = selection ? (selection[0] === selection[1] ? `${selection[0]}` : `${selection[0]}-${selection[1]}`) : "all";
  const infill = { bars: range, ...(tracks.length && tracks.length < names.length ? { tracks } : {}) };
  const requestFor = (/** @type {string} */ name) => {
    if (name === "anew") return { prompt: song.ref, infill };
    if (name === "words") return { prompt: song.ref, infill: { bars: range }, lyrics: words };
    if (name === "vary") return { prompt: song.ref, infill, variation: strength };
    if (name === "add") return { prompt: song.ref, add: [instrument] };
    if (name === "continue") return { prompt: song.ref, bars: bars + more };
    return restyled(song, style, styles.find((one) => one.name === style)?.model);
  };
  const send = async (/** @type {string} */ name) => {
    setProblem(null);
    setId(null);
    try {
      setId((await call("POST", "/v1/songs", requestFor(name))).id);
    } catch (failure) {
      setProblem(failure);
    }
  };
  const choose = (/** @type {string} */ name) => {
    setAction(name);
    setProblem(null);
    if (name === "anew") void send(name);
  };
  const running = (job && !FINAL.includes(job.state)) || !ended;
  const wordsError = problem instanceof Problem ? problem.errors.find((one) => one.field === "lyrics")?.message : undefined;
  return html`<section class="card edit" aria-labelledby="edit-title">
    <h2 id="edit-title">${t("edit.title")}</h2>
    <div class="bar-range">
      <${BarNumber} label=${t("edit.from")} testid="from-bar" value=${selection?.[0]} max=${bars} onChange=${(/** @type {number} */ from) => onSelect([from, Math.max(from, selection?.[1] ?? from)])} />
      <${BarNumber} label=${t("edit.to")} testid="to-bar" value=${selection?.[1]} max=${bars} onChange=${(/** @type {number} */ to) => onSelect([Math.min(to, selection?.[0] ?? to), to])} />
      <button type="button" class="plain" onClick=${() => onSelect(null)} disabled=${!selection}>${t("edit.all")}</button>
    </div>
    <fieldset class="tracks"><legend>${t("edit.tracks")}</legend>
      ${names.map((name) => html`<label class="check"><input type="checkbox" checked=${!tracks.length || tracks.includes(name)}
        onChange=${(/** @type {any} */ event) => {
          const now = tracks.length ? tracks : names;
          setTracks(event.target.checked ? [...now, name] : now.filter((one) => one !== name));
        }} /> ${name}</label>`)}
    </fieldset>
    <div class="choices" role="group" aria-label=${t("edit.actions")}>
      ${ACTIONS.map((name) => html`<button type="button" data-testid=${`edit-${name}`} class=${name === "anew" ? "primary" : ""} aria-expanded=${name === "anew" ? undefined : action === name}
        disabled=${running} onClick=${() => choose(name)}>${t(`edit.${name}`)}</button>`)}
    </div>
    ${action && action !== "anew" && html`<form class="edit-details" onSubmit=${(/** @type {Event} */ event) => (event.preventDefault(), void send(action))}>
      ${action === "words" && html`<${Field} label=${t("edit.words.label")} hint=${t("edit.words.hint")} error=${wordsError} wide>
        ${(/** @type {any} */ ids) => html`<textarea ...${ids} data-testid="edit-lyrics" rows="4" required value=${words} onInput=${(/** @type {any} */ event) => setWords(event.target.value)}></textarea>`}<//>`}
      ${action === "vary" && html`<${Field} label=${t("edit.vary.label", { percent: Math.round(strength * 100) })}>
        ${(/** @type {any} */ ids) => html`<input ...${ids} data-testid="edit-strength" type="range" min="0.05" max="1" step="0.05" value=${strength} onInput=${(/** @type {any} */ event) => setStrength(Number(event.target.value))} />`}<//>`}
      ${action === "add" && html`<${Field} label=${t("edit.add.label")}>
        ${(/** @type {any} */ ids) => html`<input ...${ids} list="added-names" data-testid="edit-instrument" required value=${instrument} onInput=${(/** @type {any} */ event) => setInstrument(event.target.value)} />
          <datalist id="added-names">${instruments.map((one) => html`<option value=${one.name}></option>`)}</datalist>`}<//>`}
      ${action === "continue" && html`<${Field} label=${t("edit.continue.label")}>
        ${(/** @type {any} */ ids) => html`<input ...${ids} data-testid="edit-more" type="number" min="1" max="100" value=${more} onInput=${(/** @type {any} */ event) => setMore(Number(event.target.value))} />`}<//>`}
      ${action === "style" && html`<${Field} label=${t("edit.style.label")} hint=${t("edit.style.hint")}>
        ${(/** @type {any} */ ids) => html`<select ...${ids} data-testid="edit-new-style" required value=${style} onChange=${(/** @type {any} */ event) => setStyle(event.target.value)}>
          <option value=""></option>
          <${StyleOptions} names=${styles.filter((one) => !one.own).map((one) => one.name)} own=${styles.filter((one) => one.own).map((one) => one.name)} /></select>`}<//>`}
      <button class="primary" data-testid="edit-submit" disabled=${running}>${t(`edit.${action}.submit`)}</button>
    </form>`}
    ${job && running && html`<${JobLines} lines=${lines} />
      <button type="button" class="plain" onClick=${() => call("POST", `/v1/songs/${id}/cancel`)}>${t("cancel")}</button>`}
    ${job?.error && html`<p class="problem" role="alert">${job.error.detail}</p>`}
    ${!wordsError && html`<${ProblemNote} problem=${problem} />`}
    <${AsCode} method="POST" path="/v1/songs" body=${requestFor(action || "anew")} />
  </section>`;
}

/** @param {{label: string, testid: string, value: number | undefined, max: number, onChange: (value: number) => void}} props */
function BarNumber({ label, testid, value, max, onChange }) {
  return html`<${Field} label=${label}>
    ${(/** @type {any} */ ids) => html`<input ...${ids} data-testid=${testid} type="number" min="1" max=${max} value=${value ?? ""}
      onInput=${(/** @type {any} */ event) => {
        const number = Math.round(Number(event.target.value));
        if (number >= 1 && number <= max) onChange(number);
      }} />`}
  <//>`;
}
