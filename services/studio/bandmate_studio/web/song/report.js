/** What was asked and what came out, measured; how it was made. */
import { html } from "../app/html.js";
import { t, has } from "../app/text.js";
import { AsCode } from "../app/parts.js";

/** @param {{song: import("./load.js").Song}} props */
export function Report({ song }) {
  const { report } = song;
  const rows = Object.entries(report.properties);
  const name = (/** @type {string} */ key) => (has(`property.${key}`) ? t(`property.${key}`) : key);
  const seconds = Object.values(/** @type {Record<string, number>} */ (report.timings)).reduce((sum, one) => sum + one, 0);
  return html`<div class="report">
    <div class="table-scroll" tabindex="0" role="region" aria-label=${t("report.title")}><table>
      <thead><tr><th>${t("report.property")}</th><th>${t("report.requested")}</th><th>${t("report.measured")}</th><th>${t("report.met")}</th></tr></thead>
      <tbody>${rows.map(([key, one]) => html`<tr><th scope="row">${name(key)}</th><td>${shown(one.requested)}</td><td>${shown(one.measured)}</td>
        <td class=${one.met ? "good" : "bad"}>${one.met ? t("report.yes") : t("report.no")}</td></tr>`)}</tbody>
    </table></div>
    ${report.choices.length > 0 && html`<h3>${t("report.choices")}</h3><ul>${report.choices.map((/** @type {string} */ one) => html`<li>${one}</li>`)}</ul>`}
    <dl class="facts">
      <div><dt>${t("report.seed")}</dt><dd>${report.seed}</dd></div>
      <div><dt>${t("report.model")}</dt><dd>${report.model.id}</dd></div>
      <div><dt>${t("report.notes")}</dt><dd>${report.notes}</dd></div>
      <div><dt>${t("report.loudness")}</dt><dd>${report.loudness.integrated_lufs} LUFS</dd></div>
      <div><dt>${t("report.copied")}</dt><dd>${t("report.copied.notes", { count: report.originality.longest_match_notes })}</dd></div>
      <div><dt>${t("report.time")}</dt><dd>${seconds.toFixed(1)} s</dd></div>
    </dl>
    <${AsCode} method="POST" path="/v1/songs" body=${withoutNulls(song.job.request)} />
  </div>`;
}

/**
 * @param {any} value
 * @returns {string}
 */
function shown(value) {
  if (value === null || value === undefined) return "–";
  if (Array.isArray(value)) return value.join(" | ");
  if (typeof value === "object") return Object.entries(value).map(([key, one]) => `${key}: ${one && typeof one === "object" ? (/** @type {any} */ (one).name ?? JSON.stringify(one)) : one}`).join(", ");
  return String(value);
}

/** @param {Record<string, unknown>} request */
function withoutNulls(request) {
  return Object.fromEntries(Object.entries(request).filter(([, value]) => value !== null));
}
