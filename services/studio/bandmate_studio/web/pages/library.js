/** The library: every song, found by words, favourites, and the versions of a song below what they were made of. */
import { html, useEffect, useState } from "../app/html.js";
import { t, clock, shortDate } from "../app/text.js";
import { address } from "../app/router.js";
import { call, Problem } from "../app/api.js";
import { listen } from "../app/feed.js";
import { Icon, ProblemNote } from "../app/parts.js";
import { resultOf, foldersOf } from "../song/load.js";

const PAUSE_MS = 200;

export function Library() {
  const [words, setWords] = useState("");
  const [favourites, setFavourites] = useState(false);
  const [jobs, setJobs] = useState(/** @type {any[] | null} */ (null));
  const [next, setNext] = useState(/** @type {string | null} */ (null));
  const [problem, setProblem] = useState(/** @type {unknown} */ (null));
  const [asked, ask] = useState(0);

  const query = (/** @type {string} */ cursor) => {
    const parameters = new URLSearchParams({ limit: "50" });
    if (words.trim()) parameters.set("q", words.trim());
    if (favourites) parameters.set("favourite", "true");
    if (cursor) parameters.set("cursor", cursor);
    return `/v1/songs?${parameters}`;
  };
  useEffect(() => {
    const aborting = new AbortController();
    const timer = setTimeout(
      async () => {
        try {
          const page = await call("GET", query(""), undefined, aborting.signal);
          setJobs(page.items);
          setNext(page.next);
          setProblem(null);
        } catch (error) {
          if (error instanceof Problem) setProblem(error);
        }
      },
      jobs === null ? 0 : PAUSE_MS,
    );
    return () => (clearTimeout(timer), aborting.abort());
  }, [words, favourites, asked]);
  useEffect(() => listen((event) => {
    if (event.type.startsWith("job.") && event.root_id.startsWith("song_")) ask((count) => count + 1);
  }), []);

  const more = async () => {
    const page = await call("GET", query(next ?? ""));
    setJobs((now) => [...(now ?? []), ...page.items]);
    setNext(page.next);
  };
  const star = async (/** @type {any} */ job) => {
    try {
      const changed = await call("PATCH", `/v1/songs/${job.id}`, { favourite: !job.favourite });
      setJobs((now) => (now ?? []).map((one) => (one.id === job.id ? { ...one, favourite: changed.favourite } : one)));
    } catch (error) {
      setProblem(error);
    }
  };

  return html`<div class="page-title">
      <h1>${t("library.title")}</h1>
      <a class="button primary" href=${address("ask")}>${t("library.new")}</a>
    </div>
    <div class="toolbar" role="search">
      <input type="search" data-testid="search" aria-label=${t("library.search")} placeholder=${t("library.search")} value=${words}
        onInput=${(/** @type {any} */ event) => setWords(event.target.value)} />
      <button type="button" class="chip" aria-pressed=${favourites} onClick=${() => setFavourites(!favourites)}>
        <${Icon} name="star" /> ${t("library.favourites")}
      </button>
    </div>
    <${ProblemNote} problem=${problem} />
    ${jobs && jobs.length === 0 && (words || favourites ? html`<p class="quiet">${t("library.none")}</p>` : html`<${Welcome} />`)}
    <ul class="songs" data-testid="songs">${treesOf(jobs ?? []).map((tree) => html`<${Row} key=${tree.job.id} ...${tree} star=${star} />`)}</ul>
    ${next && html`<button type="button" onClick=${more}>${t("library.more")}</button>`}`;
}

function Welcome() {
  return html`<section class="welcome card">
    <h2>${t("library.welcome")}</h2>
    <p>${t("library.welcome.text")}</p>
    <a class="button primary" href=${address("ask")}>${t("library.new")}</a>
  </section>`;
}

/**
 * Jobs below what they were made of, where that is in the list as well.
 * @typedef {{job: any, below: Tree[]}} Tree
 * @param {any[]} jobs
 * @returns {Tree[]}
 */
function treesOf(jobs) {
  const trees = new Map(jobs.map((job) => [job.id, /** @type {Tree} */ ({ job, below: [] })]));
  const roots = [];
  for (const tree of trees.values()) {
    const parent = trees.get(tree.job.derived_from);
    if (parent) parent.below.unshift(tree);
    else roots.push(tree);
  }
  return roots;
}

/** @param {Tree & {star: (job: any) => void}} props */
function Row({ job, below, star }) {
  const result = resultOf(job, foldersOf(job)[0]);
  const title = job.title ?? result.title ?? t("song.untitled");
  const facts = [result.style ?? job.request.style, result.key, result.metre, result.tempo && `${Math.round(result.tempo)} bpm`];
  const takes = job.result?.takes?.length;
  return html`<li class="song-row">
    <div class="song-line">
      <button type="button" class="star" aria-pressed=${Boolean(job.favourite)} aria-label=${t("song.favourite")} onClick=${() => star(job)}><${Icon} name="star" /></button>
      <a href=${address("songs", job.id)}>
        <span class="song-name">${title}</span>
        <span class="quiet">${facts.filter(Boolean).join(" · ")}</span>
      </a>
      <span class="song-end quiet">
        ${job.state === "succeeded"
          ? html`${takes > 1 && html`<span class="tag">${t("takes", { count: takes })}</span>`} ${result.seconds ? clock(result.seconds) : ""}`
          : html`<span class=${`tag state-${job.state}`}>${t(`state.${job.state}`)}</span>`}
        <time datetime=${job.created_at}>${shortDate(job.created_at)}</time>
      </span>
    </div>
    ${below.length > 0 && html`<ul class="songs below">${below.map((tree) => html`<${Row} key=${tree.job.id} ...${tree} star=${star} />`)}</ul>`}
  </li>`;
}
