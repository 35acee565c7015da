/** The score, engraved by the platform, page by page, as pictures of its own: a picture runs no script and loads nothing. */
import { html, useEffect, useState } from "../app/html.js";
import { t } from "../app/text.js";
import { send } from "../app/api.js";
import { ProblemNote } from "../app/parts.js";

/** @param {{song: import("./load.js").Song}} props */
export function Score({ song }) {
  const [page, setPage] = useState(1);
  const [pages, setPages] = useState(1);
  const [picture, setPicture] = useState("");
  const [problem, setProblem] = useState(/** @type {unknown} */ (null));
  useEffect(() => {
    const aborting = new AbortController();
    let address = "";
    const load = async () => {
      const take = song.folder ? `&take=${song.folder.split("-")[1]}` : "";
      const response = await send(`/v1/songs/${song.id}/score.svg?page=${page}${take}`, { signal: aborting.signal });
      setPages(Number(response.headers.get("Score-Pages") ?? 1));
      address = URL.createObjectURL(await response.blob());
      setPicture(address);
    };
    setProblem(null);
    load().catch((error) => !aborting.signal.aborted && setProblem(error));
    return () => {
      aborting.abort();
      if (address) URL.revokeObjectURL(address);
    };
  }, [song.key, page]);
  const turn = (/** @type {number} */ step) => setPage((now) => Math.max(1, Math.min(pages, now + step)));
  return html`<div class="score" data-testid="score">
    ${pages > 1 && html`<div class="choices">
      <button type="button" onClick=${() => turn(-1)} disabled=${page === 1}>${t("score.back")}</button>
      <span class="quiet">${t("score.page", { page, pages })}</span>
      <button type="button" onClick=${() => turn(1)} disabled=${page === pages}>${t("score.on")}</button>
    </div>`}
    <${ProblemNote} problem=${problem} />
    ${picture && html`<img src=${picture} alt=${t("score.label", { page, pages })} />`}
  </div>`;
}
