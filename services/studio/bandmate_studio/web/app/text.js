/** The page's texts in the language of the reader. A language is one file in texts/; nothing else has to change. */
import { createSetting } from "./store.js";
import { en } from "../texts/en.js";
import { de } from "../texts/de.js";

/** @type {Record<string, Record<string, string>>} */
const LANGUAGES = { en, de };
export const languages = Object.keys(LANGUAGES);

const preferred = (navigator.languages || ["en"]).map((tag) => tag.slice(0, 2)).find((tag) => tag in LANGUAGES);
export const language = createSetting("language", preferred || "en");

/**
 * The text of a name, with `{parts}` filled in. `count` chooses between `name.one` and `name.other` where these exist.
 * @param {string} name
 * @param {Record<string, string | number>} [values]
 * @returns {string}
 */
export function t(name, values = {}) {
  const tag = language.get() in LANGUAGES ? language.get() : "en";
  const texts = LANGUAGES[tag];
  let found = texts[name];
  if ("count" in values) {
    const form = new Intl.PluralRules(tag).select(Number(values.count));
    found = texts[`${name}.${form}`] ?? texts[`${name}.other`] ?? found;
  }
  return (found ?? en[name] ?? name).replace(/\{(\w+)\}/g, (whole, part) => String(values[part] ?? whole));
}

/**
 * Whether the language has a text of that name.
 * @param {string} name
 */
export function has(name) {
  return name in en;
}

/** @param {string} time */
export function shortDate(time) {
  const date = new Date(time);
  const today = new Date().toDateString() === date.toDateString();
  const style = /** @type {Intl.DateTimeFormatOptions} */ (today ? { timeStyle: "short" } : { dateStyle: "medium" });
  return new Intl.DateTimeFormat(language.get(), style).format(date);
}

/** @param {number} seconds */
export function clock(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}`;
}
