/** Everything that was made of a song, to be saved. */
import { html } from "../app/html.js";
import { t, has } from "../app/text.js";
import { download } from "../app/api.js";
import { Icon } from "../app/parts.js";
import { madePath, partName } from "./load.js";

const FIRST = ["archive.zip", "song.mp3", "song.wav", "song.flac", "song.mid", "song.musicxml"];
/** Made when they are asked for, so that their size is not known before. */
const MADE = { "archive.zip": "archive.zip", "song.mp3": "audio/song.mp3", "song.flac": "audio/song.flac" };

/** @param {{song: import("./load.js").Song, title: string}} props */
export function Downloads({ song, title }) {
  const place = (/** @type {string} */ name) => (FIRST.includes(name) ? FIRST.indexOf(name) : FIRST.length);
  const made = Object.entries(MADE).map(([name, path]) => ({ name, path: madePath(song, path), size: 0, type: "" }));
  const files = [...made, ...song.files].sort((a, b) => place(a.name) - place(b.name) || a.name.localeCompare(b.name));
  const described = (/** @type {string} */ name) =>
    name.startsWith("stems/") ? t("file.stem", { name: partName(song, name.slice(6).replace(/\.\w+$/, "")) }) : has(`file.${name}`) ? t(`file.${name}`) : name;
  const save = (/** @type {import("./load.js").SongFile} */ file) =>
    download(file.path, `${title} - ${file.name.replace("/", " ")}`);
  return html`<details class="card downloads" data-testid="download">
    <summary>${t("downloads.title")}</summary>
    <ul class="plain-list">
      ${files.map((file) => html`<li key=${file.name}><button type="button" class="plain" data-testid=${`download-${file.name}`} onClick=${() => save(file)}>
        <${Icon} name="down" /> ${described(file.name)}</button><span class="quiet">${file.size ? size(file.size) : ""}</span></li>`)}
    </ul>
  </details>`;
}

/** @param {number} bytes */
function size(bytes) {
  return bytes >= 1e5 ? `${(bytes / 1e6).toFixed(1)} MB` : `${(bytes / 1e3).toFixed(1)} kB`;
}
