/** Choosing a style or a voice, each with a sample to hear. */
import { html, useRef, useState } from "../app/html.js";
import { t } from "../app/text.js";
import { Field, Icon, ProblemNote } from "../app/parts.js";
import { sample } from "./samples.js";

/** @param {{styles: any[], value: string, error?: string, onChange: (style: string, model: string) => void}} props */
export function StylePicker({ styles, value, error, onChange }) {
  const find = (/** @type {string} */ name) => styles.find((style) => style.name === name);
  const chosen = find(value);
  const hint = !chosen ? t("ask.style.hint") : chosen.own ? t("ask.style.own.hint") : chosen.description;
  return html`<${Picker} kind="style" label=${t("ask.style")} value=${value} error=${error} hint=${hint} model=${chosen?.model}
    onChange=${(/** @type {string} */ name) => onChange(name, find(name)?.model ?? "")} names=${styles.filter((style) => !style.own).map((style) => style.name)}
    own=${styles.filter((style) => style.own).map((style) => style.name)} />`;
}

/** The options of a list of styles, with the user's own in a group. @param {{names: string[], own: string[]}} props */
export function StyleOptions({ names, own }) {
  const options = (/** @type {string[]} */ list) => list.map((name) => html`<option value=${name}>${name}</option>`);
  return html`${options(names)}${own.length > 0 && html`<optgroup label=${t("ask.style.own")}>${options(own)}</optgroup>`}`;
}

/** @param {{voices: any[], value: string, error?: string, onChange: (value: string) => void}} props */
export function VoicePicker({ voices, value, error, onChange }) {
  const chosen = voices.find((voice) => voice.name === value);
  return html`<${Picker} kind="voice" label=${t("ask.voice")} value=${value} error=${error} onChange=${onChange}
    hint=${chosen?.sounds ?? t("ask.voice.hint")} lowest=${chosen?.lowest} names=${voices.filter((voice) => voice.installed).map((voice) => voice.name)} />`;
}

/**
 * @param {{kind: "style" | "voice", label: string, hint: string, names: string[], own?: string[], value: string, error?: string,
 *   lowest?: number, model?: string | null, onChange: (value: string) => void}} props
 */
function Picker({ kind, label, hint, names, own, value, error, lowest, model, onChange }) {
  const [state, setState] = useState("");
  const [problem, setProblem] = useState(/** @type {unknown} */ (null));
  const audio = useRef(/** @type {HTMLAudioElement | null} */ (null));
  const hear = async () => {
    if (state === "playing") {
      audio.current?.pause();
      setState("");
      return;
    }
    setState("making");
    setProblem(null);
    try {
      const sound = new Audio(await sample(kind, value, lowest, model ?? undefined));
      audio.current = sound;
      sound.onended = () => setState("");
      await sound.play();
      setState("playing");
    } catch (failure) {
      setProblem(failure);
      setState("");
    }
  };
  return html`<div>
    <${Field} label=${label} hint=${hint} error=${error}>
      ${(/** @type {any} */ ids) => html`<div class="with-button">
        <select ...${ids} data-testid=${`ask-${kind}`} value=${value} onChange=${(/** @type {any} */ event) => onChange(event.target.value)}>
          <option value="">${t("open")}</option>
          ${value && ![...names, ...(own ?? [])].includes(value) && html`<option value=${value}>${value}</option>`}
          <${StyleOptions} names=${names} own=${own ?? []} />
        </select>
        <button type="button" class="icon-button" aria-label=${t("ask.hear", { name: value })} disabled=${!value || state === "making"}
          aria-busy=${state === "making"} onClick=${hear}><${Icon} name=${state === "playing" ? "pause" : "play"} /></button>
      </div>`}
    <//>
    <${ProblemNote} problem=${problem} />
  </div>`;
}
