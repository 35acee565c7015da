/**
 * The score, engraved by the platform, page by page, as pictures: a picture runs no script and loads nothing.
 * Over a page lie its bars, as buttons that move there, and the cursor, which turns the pages as well.
 */
import { html, useEffect, useRef, useState } from "../app/html.js";
import { t } from "../app/text.js";
import { send } from "../app/api.js";
import { ProblemNote } from "../app/parts.js";
import { player, seek } from "../sound/player.js";
import { movesLittle, useFrame } from "./frame.js";
import { madePath } from "./load.js";
import { across, loadPlaces, placeAt } from "./score_places.js";
import { keepInView } from "./timeline.js";

/** @typedef {import("./score_places.js").Place} Place */

/** @param {{song: import("./load.js").Song}} props */
export function Score({ song }) {
  const [page, setPage] = useState(1);
  const { picture, pages, problem } = usePicture(song, page);
  const places = usePlaces(song);
  const [bar, setBar] = useState(0);
  const follows = useRef(0);
  const cursor = useRef(/** @type {HTMLElement | null} */ (null));
  const scroller = useRef(/** @type {HTMLElement | null} */ (null));
  useFrame(
    (seconds) => {
      const place = placeAt(places, seconds);
      if (!place) return;
      setBar(place.bar);
      if (follows.current !== place.page) {
        follows.current = place.page;
        setPage(place.page);
      }
      if (!cursor.current) return;
      cursor.current.hidden = picture?.page !== place.page;
      cursor.current.style.left = percent(across(place, seconds, movesLittle()));
      cursor.current.style.top = percent(place.top);
      cursor.current.style.height = percent(place.bottom - place.top);
      if (player.get().playing && scroller.current) keepInView(scroller.current, cursor.current);
    },
    [places, picture],
  );
  const turn = (/** @type {number} */ step) => setPage((now) => Math.max(1, Math.min(pages, now + step)));
  return html`<div class="score" data-testid="score">
    ${pages > 1 && html`<div class="choices">
      <button type="button" onClick=${() => turn(-1)} disabled=${page === 1}>${t("score.back")}</button>
      <span class="quiet">${t("score.page", { page, pages })}</span>
      <button type="button" onClick=${() => turn(1)} disabled=${page === pages}>${t("score.on")}</button>
    </div>`}
    <${ProblemNote} problem=${problem} />
    ${picture && html`<div class="score-scroller" ref=${scroller} tabindex="0" role="region" aria-label=${t("view.score")}><div class="score-page">
      <img src=${picture.address} alt=${t("score.label", { page: picture.page, pages })} />
      <${Bars} places=${places.filter((place) => place.page === picture.page)} bar=${bar} />
      <div class="score-cursor" data-testid="score-cursor" ref=${cursor} aria-hidden="true" hidden></div>
    </div></div>`}
  </div>`;
}

/**
 * The bars of a page. One of them is reached by the tab key, the others by the arrows.
 * @param {{places: Place[], bar: number}} props
 */
function Bars({ places, bar }) {
  const [focused, setFocused] = useState(0);
  const reachable = [focused, bar].find((one) => places.some((place) => place.bar === one)) ?? places[0]?.bar;
  const onKeyDown = (/** @type {any} */ event, /** @type {number} */ index) => {
    const step = { ArrowLeft: -1, ArrowRight: 1, Home: -places.length, End: places.length }[/** @type {string} */ (event.key)];
    if (step === undefined) return;
    event.preventDefault();
    const next = Math.max(0, Math.min(places.length - 1, index + step));
    setFocused(places[next].bar);
    event.currentTarget.parentElement.children[next].focus();
  };
  return html`<div role="group" aria-label=${t("score.bars")}>
    ${places.map((place, index) => html`<button type="button" key=${place.bar} class="score-bar" data-score-bar=${place.bar} tabindex=${place.bar === reachable ? 0 : -1}
      aria-label=${t("score.bar", { bar: place.bar })} aria-current=${place.bar === bar ? "true" : undefined}
      style=${{ left: percent(place.left), width: percent(place.right - place.left), top: percent(place.top), height: percent(place.bottom - place.top) }}
      onClick=${() => seek(place.start)} onFocus=${() => setFocused(place.bar)} onKeyDown=${(/** @type {any} */ event) => onKeyDown(event, index)}></button>`)}
  </div>`;
}

/**
 * The picture of a page; the one before stays until it has come.
 * @param {import("./load.js").Song} song
 * @param {number} page
 */
function usePicture(song, page) {
  const [picture, setPicture] = useState(/** @type {{address: string, page: number} | null} */ (null));
  const [pages, setPages] = useState(1);
  const [problem, setProblem] = useState(/** @type {unknown} */ (null));
  useEffect(() => {
    const aborting = new AbortController();
    const load = async () => {
      const response = await send(madePath(song, "score.svg", { page }), { signal: aborting.signal });
      const address = URL.createObjectURL(await response.blob());
      if (aborting.signal.aborted) {
        URL.revokeObjectURL(address);
        return;
      }
      setPages(Number(response.headers.get("Score-Pages") ?? 1));
      setPicture({ address, page });
    };
    setProblem(null);
    load().catch((error) => !aborting.signal.aborted && setProblem(error));
    return () => aborting.abort();
  }, [song.key, page]);
  useEffect(() => () => picture && URL.revokeObjectURL(picture.address), [picture]);
  return { picture, pages, problem };
}

/**
 * @param {import("./load.js").Song} song
 * @returns {Place[]}
 */
function usePlaces(song) {
  const [places, setPlaces] = useState(/** @type {Place[]} */ ([]));
  useEffect(() => {
    const aborting = new AbortController();
    // Without them the score is a picture alone: no reason for an error beside the one that the picture may have.
    loadPlaces(song, aborting.signal).then((found) => !aborting.signal.aborted && setPlaces(found), () => {});
    return () => aborting.abort();
  }, [song.key]);
  return places;
}

/** @param {number} share */
function percent(share) {
  return `${100 * share}%`;
}
