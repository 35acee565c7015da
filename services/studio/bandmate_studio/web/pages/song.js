/** One song: heard, seen, changed, compared, kept. */
import { html, useEffect, useMemo, useState } from "../app/html.js";
import { t, clock } from "../app/text.js";
import { call, Problem } from "../app/api.js";
import { address, go } from "../app/router.js";
import { useJob, FINAL } from "../app/feed.js";
import { useStore } from "../app/store.js";
import { Icon, JobLines, ProblemNote } from "../app/parts.js";
import { load, loadOther, player, unload } from "../sound/player.js";
import { keyOf, loadSong } from "../song/load.js";
import { Transport } from "../song/transport.js";
import { Timeline } from "../song/timeline.js";
import { Roll } from "../song/roll.js";
import { Score } from "../song/score.js";
import { Words } from "../song/words.js";
import { Report } from "../song/report.js";
import { Edit } from "../song/edit.js";
import { Versions, useVersions } from "../song/versions.js";
import { Downloads } from "../song/downloads.js";

const TABS = /** @type {const} */ (["roll", "score", "words", "report"]);

/** The song that an edit was made of: the new one goes on at its position, beside it. @type {{from: string, mix: string} | null} */
let editedFrom = null;
/** The family of the song that is loaded, by which a version keeps the position of the one before. */
let family = /** @type {string[]} */ ([]);

/** @param {{parts: string[]}} props */
export function SongPage({ parts }) {
  const [, id, wanted] = parts;
  const { job, lines, problem, reload } = useJob("songs", id);
  const [song, setSong] = useState(/** @type {import("../song/load.js").Song | null} */ (null));
  const [failure, setFailure] = useState(/** @type {unknown} */ (null));
  const [selection, setSelection] = useState(/** @type {[number, number] | null} */ (null));
  const versions = useVersions(id, job);
  const state = useStore(player);
  const source = useSource(job, wanted);

  useEffect(() => {
    if (!source) return undefined;
    const aborting = new AbortController();
    setFailure(null);
    loadSong(source, aborting.signal).then(
      (loaded) => {
        setSong(loaded);
        const related = family.includes(loaded.id) || family.includes(job.derived_from);
        family = [...new Set([...(related ? family : []), loaded.id, job.derived_from].filter(Boolean))];
        load(loaded.key, loaded.mix, loaded.stems, loaded.result.seconds ?? loaded.piece.seconds, related).catch(setFailure);
        if (editedFrom && editedFrom.from !== loaded.key) void loadOther(editedFrom.from, editedFrom.mix).catch(setFailure);
        editedFrom = null;
      },
      (error) => !aborting.signal.aborted && setFailure(error),
    );
    return () => aborting.abort();
  }, [source && keyOf(source.id, source.folder)]);
  useEffect(() => () => {
    if (!location.hash.startsWith("#/songs/")) unload();
  }, []);

  if (problem) return html`<${Missing} problem=${problem} />`;
  if (!job) return html`<p class="quiet" aria-busy="true">${t("loading")}</p>`;
  if (!song || song.key !== (source && keyOf(source.id, source.folder))) return html`<${Waiting} job=${job} lines=${lines} failure=${failure} />`;

  const otherName = versions?.find((version) => `${version.id}/${version.folder}` === state.other)?.name ?? t("compare.other");
  const onDone = (/** @type {string} */ next) => {
    editedFrom = { from: song.key, mix: song.mix };
    go("songs", next);
  };
  return html`<${SongHead} job=${job} song=${song} onChanged=${reload} />
    <${Transport} song=${song} selection=${selection} otherName=${otherName} />
    <${ProblemNote} problem=${failure} />
    <div class="two-columns song-columns">
      <div>
        <${Timeline} song=${song} selection=${selection} onSelect=${setSelection} />
        <${Views} song=${song} selection=${selection} onSelect=${setSelection} />
      </div>
      <aside>
        <${Edit} key=${song.key} song=${song} ended=${FINAL.includes(job.state)} selection=${selection} onSelect=${setSelection} onDone=${onDone} />
        ${versions && html`<${Versions} song=${song} versions=${versions} />`}
        <${Downloads} song=${song} title=${job.title ?? song.result.title} />
      </aside>
    </div>`;
}

/**
 * The job whose files are to be shown: the song's, or before it has ended that of a take which has.
 * @param {any} job
 * @param {string | undefined} wanted
 * @returns {import("../song/load.js").Source | null}
 */
function useSource(job, wanted) {
  const [take, setTake] = useState(/** @type {any} */ (null));
  const takes = (job?.descendants ?? []).filter((/** @type {any} */ part) => part.kind === "take");
  const part = wanted ? takes[Number(wanted.split("-")[1]) - 1] : undefined;
  const early = job && job.state !== "succeeded" && part?.state === "succeeded";
  useEffect(() => {
    if (early) call("GET", `/v1/songs/${part.id}`).then(setTake, () => {});
  }, [early, part?.id]);
  return useMemo(() => {
    const folder = wanted ?? job?.result?.takes?.[0]?.folder ?? "";
    if (job?.state === "succeeded") return { id: job.id, folder, job, prefix: folder };
    return early && take ? { id: job.id, folder, job: take, prefix: "" } : null;
  }, [job, wanted, early, take]);
}

/** @param {{job: any, lines: any[], failure: unknown}} props */
function Waiting({ job, lines, failure }) {
  const takes = (job.descendants ?? []).filter((/** @type {any} */ part) => part.kind === "take");
  return html`<section class="card narrow">
    <h1>${job.title ?? t("song.making")}</h1>
    ${job.state !== "succeeded" && html`<${JobLines} lines=${lines} />`}
    <div class="choices">${takes.map((/** @type {any} */ take, /** @type {number} */ index) => take.state === "succeeded" && html`<a class="button primary" data-testid=${`take-${index + 1}`} href=${address("songs", job.id, `take-${index + 1}`)}>${t("ask.listen", { number: index + 1 })}</a>`)}</div>
    ${job.error && html`<p class="problem" role="alert">${job.error.detail}</p>`}
    <${ProblemNote} problem=${failure} />
    ${!FINAL.includes(job.state) && html`<button type="button" class="plain" data-testid="cancel" onClick=${() => call("POST", `/v1/songs/${job.id}/cancel`)}>${t("cancel")}</button>`}
  </section>`;
}

/** @param {{problem: Problem}} props */
function Missing({ problem }) {
  return html`<section class="card narrow"><${ProblemNote} problem=${problem} /><a class="button" href=${address("songs")}>${t("nav.library")}</a></section>`;
}

/** @param {{job: any, song: import("../song/load.js").Song, onChanged: () => void}} props */
function SongHead({ job, song, onChanged }) {
  const { result } = song;
  const [title, setTitle] = useState(job.title ?? result.title ?? "");
  const [asking, setAsking] = useState(false);
  const [problem, setProblem] = useState(/** @type {unknown} */ (null));
  useEffect(() => setTitle(job.title ?? result.title ?? ""), [job.title, song.key]);
  const change = async (/** @type {Record<string, unknown>} */ details) => {
    setProblem(null);
    try {
      await call("PATCH", `/v1/songs/${song.id}`, details);
      onChanged();
    } catch (failure) {
      setProblem(failure);
    }
  };
  const rename = () => {
    if (title.trim() && title.trim() !== job.title) void change({ title: title.trim() });
  };
  const remove = async () => {
    try {
      await call("DELETE", `/v1/songs/${song.id}`);
      unload();
      go("songs");
    } catch (failure) {
      setProblem(failure);
    }
  };
  const facts = [result.style, result.key, result.metre, `${Math.round(result.tempo)} bpm`, t("bars", { count: result.bars }), clock(result.seconds)];
  return html`<div class="song-head">
      <button type="button" class="star large" data-testid="favourite" aria-pressed=${job.favourite} aria-label=${t("song.favourite")} onClick=${() => void change({ favourite: !job.favourite })}><${Icon} name="star" /></button>
      <div class="song-names">
        <h1 class="visually-hidden">${job.title ?? result.title}</h1>
        <input class="title-input" data-testid="song-title" aria-label=${t("song.title")} value=${title} maxlength="200" onInput=${(/** @type {any} */ event) => setTitle(event.target.value)}
          onBlur=${rename} onKeyDown=${(/** @type {any} */ event) => event.key === "Enter" && event.target.blur()} />
        <p class="quiet facts-line">${facts.join(" · ")}</p>
      </div>
      ${asking
        ? html`<span class="actions"><button type="button" class="danger" data-testid="delete-sure" onClick=${() => void remove()}>${t("song.delete.sure")}</button>
            <button type="button" class="plain" onClick=${() => setAsking(false)}>${t("song.delete.keep")}</button></span>`
        : html`<button type="button" class="plain" data-testid="delete" onClick=${() => setAsking(true)}>${t("song.delete")}</button>`}
    </div>
    <${ProblemNote} problem=${problem} />`;
}

/** @param {{song: import("../song/load.js").Song, selection: any, onSelect: (selection: any) => void}} props */
function Views({ song, selection, onSelect }) {
  const [tab, setTab] = useState(/** @type {string} */ ("roll"));
  const onKeyDown = (/** @type {KeyboardEvent} */ event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    const names = /** @type {readonly string[]} */ (TABS);
    const next = names[(names.indexOf(tab) + step + names.length) % names.length];
    setTab(next);
    document.getElementById(`tab-${next}`)?.focus();
  };
  return html`<div class="card views">
    <div class="tabs" role="tablist" aria-label=${t("views.label")} onKeyDown=${onKeyDown}>
      ${TABS.map((name) => html`<button type="button" role="tab" id=${`tab-${name}`} data-testid=${`tab-${name}`} aria-controls="view" aria-selected=${tab === name} tabindex=${tab === name ? 0 : -1} onClick=${() => setTab(name)}>${t(`view.${name}`)}</button>`)}
    </div>
    <div role="tabpanel" id="view" aria-labelledby=${`tab-${tab}`}>
      ${tab === "roll" && html`<${Roll} song=${song} selection=${selection} onSelect=${onSelect} />`}
      ${tab === "score" && html`<${Score} song=${song} />`}
      ${tab === "words" && html`<${Words} song=${song} />`}
      ${tab === "report" && html`<${Report} song=${song} />`}
    </div>
  </div>`;
}

