/** From the fields of the form to a request, and back. */

/**
 * What the form holds, as text: "" is left open. `more` has what a sentence asked for and no field shows.
 * @typedef {{words: string, style: string, voice: string, key: string, tempo: string, metre: string, bars: string, chords: string,
 *   instruments: string, form: string, takes: string, seed: string, density: string, prompt: string, promptName: string,
 *   promptUse: string, infill: string, model: string, more: Record<string, unknown>}} Form
 */

/** @type {Form} */
export const EMPTY_FORM = {
  words: "", style: "", voice: "", key: "", tempo: "", metre: "", bars: "", chords: "", instruments: "", form: "",
  takes: "2", seed: "", density: "", prompt: "", promptName: "", promptUse: "continue", infill: "", model: "", more: {},
};

/** What an edit keeps of the given piece, so that a request must not name it. */
const KEPT_BY_EDITS = ["words", "tempo", "metre", "bars", "instruments"];
const FIELDS = ["lyrics", "style", "voice", "key", "tempo", "metre", "bars", "chords", "instruments", "sections", "density", "takes", "seed", "text", "model"];

/**
 * @param {Form} form
 * @returns {Record<string, unknown>}
 */
export function requestOf(form) {
  const edits = form.prompt && form.promptUse !== "continue";
  const value = (/** @type {keyof Form} */ name) => (edits && KEPT_BY_EDITS.includes(name) ? "" : String(form[name]).trim());
  const number = (/** @type {keyof Form} */ name) => (value(name) === "" ? undefined : numberOf(value(name)));
  const list = (/** @type {keyof Form} */ name) => value(name).split(",").map((one) => one.trim()).filter(Boolean);
  const sections = form.prompt ? [] : list("form").map(sectionOf);
  /** @type {Record<string, unknown>} */
  const request = {
    lyrics: value("words") || undefined,
    style: value("style") || undefined,
    voice: value("voice") || undefined,
    key: value("key") || undefined,
    tempo: number("tempo"),
    metre: value("metre") || undefined,
    bars: number("bars"),
    chords: value("chords") || undefined,
    instruments: list("instruments").length ? list("instruments") : undefined,
    sections: sections.length ? sections : undefined,
    density: number("density"),
    takes: number("takes"),
    seed: number("seed"),
    model: value("model") || undefined,
    prompt: form.prompt || undefined,
    infill: edits && form.promptUse === "anew" ? { bars: form.infill.trim() || "all" } : undefined,
    variation: edits && form.promptUse === "vary" ? 0.3 : undefined,
  };
  return { ...(edits ? {} : form.more), ...Object.fromEntries(Object.entries(request).filter(([, one]) => one !== undefined)) };
}

/**
 * Fills the form with what a request names; the rest stays.
 * @param {Form} form
 * @param {Record<string, any>} request
 * @returns {Form}
 */
export function filledFrom(form, request) {
  const text = (/** @type {any} */ value) => (value === null || value === undefined ? null : String(value));
  const sections = request.sections?.map((/** @type {any} */ one) => (one.bars ? `${one.name} ${one.bars}` : one.name)).join(", ");
  const wish = request.lyrics && typeof request.lyrics === "object" ? { lyrics: request.lyrics } : {};
  const more = Object.entries(request).filter(([name, value]) => !FIELDS.includes(name) && value !== null && !(name === "performance" && value === "human"));
  const filled = {
    words: "lyrics" in wish ? null : text(request.lyrics), style: text(request.style), voice: text(request.voice), key: text(request.key),
    tempo: text(request.tempo), metre: text(request.metre), bars: text(request.bars), chords: text(request.chords),
    instruments: text(request.instruments?.join(", ")), form: text(sections), density: text(request.density),
    takes: request.takes > 1 ? text(request.takes) : null, seed: text(request.seed),
  };
  return { ...form, ...Object.fromEntries(Object.entries(filled).filter(([, one]) => one !== null)), more: { ...Object.fromEntries(more), ...wish } };
}

/** The field of the form that an error of the API is about. @param {string} field */
export function formField(field) {
  const first = field.split(/[.[]/)[0];
  return { lyrics: "words", sections: "form", infill: "infill", variation: "prompt" }[first] ?? first;
}

/** A number, or the text itself where it is none: the API then says what is wrong with it. @param {string} text */
function numberOf(text) {
  const number = Number(text.replace(",", "."));
  return Number.isNaN(number) ? text : number;
}

/** "verse 8" @param {string} text */
function sectionOf(text) {
  const match = /^(.*?)\s+(\d{1,4})$/.exec(text);
  return match ? { name: match[1], bars: Number(match[2]) } : { name: text };
}
