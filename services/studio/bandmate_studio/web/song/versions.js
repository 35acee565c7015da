/** The versions of a song and its takes: to go to one, and to compare one with what is heard. */
import { html, useEffect, useState } from "../app/html.js";
import { t, shortDate } from "../app/text.js";
import { call } from "../app/api.js";
import { address } from "../app/router.js";
import { useStore } from "../app/store.js";
import { loadOther, player } from "../sound/player.js";
import { ProblemNote } from "../app/parts.js";
import { filesOf, foldersOf } from "./load.js";

/** @typedef {{id: string, folder: string, name: string, job: any}} Version */

/**
 * Every take of every version, oldest first.
 * @param {string} id
 * @param {any} job
 * @returns {Version[] | null}
 */
export function useVersions(id, job) {
  const [jobs, setJobs] = useState(/** @type {any[] | null} */ (null));
  useEffect(() => {
    if (job?.state !== "succeeded") return;
    call("GET", `/v1/songs/${id}/versions`).then((list) => setJobs(list.items), () => setJobs([job]));
  }, [id, job?.state]);
  if (!jobs?.some((one) => one.id === id)) return null;
  return jobs
    .filter((one) => one.state === "succeeded")
    .flatMap((one, index) =>
      foldersOf(one).map((folder) => ({
        id: one.id,
        folder,
        name: folder ? `${index + 1} · ${t("take", { number: Number(folder.split("-")[1]) })}` : String(index + 1),
        job: one,
      })),
    );
}

/** @param {{song: import("./load.js").Song, versions: Version[]}} props */
export function Versions({ song, versions }) {
  const { other } = useStore(player);
  const [problem, setProblem] = useState(/** @type {unknown} */ (null));
  if (versions.length < 2) return null;
  const current = versions.findIndex((version) => version.id === song.id && version.folder === song.folder);
  const compare = async (/** @type {Version} */ version) => {
    const key = `${version.id}/${version.folder}`;
    setProblem(null);
    try {
      const job = await call("GET", `/v1/songs/${version.id}`);
      const files = filesOf(job, version.folder);
      const mix = files.find((file) => file.name === "song.wav") ?? files.find((file) => file.name === "instrumental.wav");
      await loadOther(other === key ? null : key, mix?.path);
    } catch (failure) {
      setProblem(failure);
    }
  };
  const partner = versions.find((version) => version.id === song.job.derived_from) ?? versions[current === 0 ? 1 : current - 1];
  return html`<section class="card" aria-labelledby="versions-title">
    <div class="card-head"><h2 id="versions-title">${t("versions.title")}</h2>
      <button type="button" data-testid="compare" aria-pressed=${other !== null} aria-label=${other ? t("compare.end") : t("compare.start", { name: partner.name })} onClick=${() => void compare(other ? versions.find((one) => `${one.id}/${one.folder}` === other) ?? partner : partner)}>
        ${other ? t("compare.end") : t("compare.label")}</button></div>
    <ol class="plain-list versions">
      ${versions.map((version, index) => html`<li key=${`${version.id}/${version.folder}`}>
        <a data-testid=${version.folder ? version.folder : `version-${index + 1}`} href=${address("songs", version.id, version.folder)} aria-current=${index === current ? "true" : undefined}>
          <strong>${version.name}</strong> <span class="quiet">${described(version.job)}</span></a>
        <span class="quiet">${shortDate(version.job.created_at)}</span>
        ${index !== current && html`<button type="button" class="small" aria-label=${t("compare.start", { name: version.name })} aria-pressed=${other === `${version.id}/${version.folder}`} onClick=${() => void compare(version)}>A/B</button>`}
      </li>`)}
    </ol>
    <${ProblemNote} problem=${problem} />
  </section>`;
}

/** What a version was asked for with. @param {any} job */
function described({ request }) {
  const bars = request.infill?.bars && request.infill.bars !== "all" ? ` ${request.infill.bars}` : "";
  if (request.variation !== null && request.variation !== undefined) return `${t("edit.vary")}${bars}`;
  if (request.infill) return `${request.lyrics ? t("edit.words") : t("edit.anew")}${bars}`;
  if (request.add) return `${t("edit.add")}: ${request.add.map((/** @type {any} */ one) => one.instrument ?? one).join(", ")}`;
  if (request.prompt) return t("edit.continue");
  if (request.derived_from) return `${t("edit.style")}: ${request.style}`;
  return t("versions.first");
}
