/** The page: its head, and the page that the address names. */
import { html, render, useEffect } from "./html.js";
import { useStore, createSetting } from "./store.js";
import { route, address } from "./router.js";
import { language, languages, t } from "./text.js";
import { locked } from "./api.js";
import { Library } from "../pages/library.js";
import { Ask } from "../pages/ask.js";
import { SongPage } from "../pages/song.js";
import { OwnStyle } from "../pages/own_style.js";
import { SignIn } from "../pages/sign_in.js";

const theme = createSetting("theme", "system");

function Head() {
  const [first] = useStore(route);
  const current = first ?? "songs";
  const link = (/** @type {string} */ name, /** @type {string} */ text) =>
    html`<a href=${address(name)} aria-current=${current === name ? "page" : undefined}>${text}</a>`;
  return html`<header class="head">
    <a class="brand" href=${address("songs")}><${Mark} /> Bandmate</a>
    <nav aria-label=${t("nav.label")}>${link("songs", t("nav.library"))} ${link("ask", t("nav.ask"))} ${link("style", t("nav.style"))}</nav>
    <div class="preferences">
      <select aria-label=${t("nav.language")} value=${language.get()} onChange=${(/** @type {any} */ event) => language.set(event.target.value)}>
        ${languages.map((tag) => html`<option value=${tag}>${tag.toUpperCase()}</option>`)}
      </select>
      <select aria-label=${t("nav.theme")} value=${theme.get()} onChange=${(/** @type {any} */ event) => theme.set(event.target.value)}>
        ${["system", "light", "dark"].map((name) => html`<option value=${name}>${t(`theme.${name}`)}</option>`)}
      </select>
    </div>
  </header>`;
}

function Mark() {
  return html`<svg viewBox="0 0 24 24" width="22" height="22" aria-hidden="true" class="mark">
    <rect x="2" y="9" width="3" height="6" rx="1.5" /><rect x="7.5" y="4" width="3" height="16" rx="1.5" />
    <rect x="13" y="7" width="3" height="10" rx="1.5" /><rect x="18.5" y="2.5" width="3" height="19" rx="1.5" />
  </svg>`;
}

const PAGES = /** @type {Record<string, (props: {parts: string[]}) => any>} */ ({ songs: Library, ask: Ask, style: OwnStyle });

function App() {
  const parts = useStore(route);
  const tag = useStore(language);
  const scheme = useStore(theme);
  const isLocked = useStore(locked);
  useEffect(() => {
    document.documentElement.lang = tag;
    document.title = t("title");
  }, [tag]);
  useEffect(() => {
    document.documentElement.dataset.theme = scheme;
  }, [scheme]);
  useEffect(() => {
    document.body.dataset.ready = "true";
  }, []);
  const Page = isLocked ? SignIn : parts[0] === "songs" && parts[1] ? SongPage : (PAGES[parts[0] ?? "songs"] ?? Library);
  return html`<a class="skip" href="#main" onClick=${skip}>${t("nav.skip")}</a><${Head} />
    <main id="main" tabindex="-1"><${Page} key=${`${tag} ${parts[1] ?? ""}`} parts=${parts} /></main>`;
}

/** @param {Event} event */
function skip(event) {
  event.preventDefault();
  document.getElementById("main")?.focus();
}

render(html`<${App} />`, /** @type {HTMLElement} */ (document.getElementById("page")));
