/** Which page is shown: the part of the address behind `#`. */
import { createStore } from "./store.js";

/** @returns {string[]} */
function current() {
  const parts = location.hash.replace(/^#\/?/, "").split("/").filter(Boolean);
  return parts.map(decodeURIComponent);
}

/** The address's parts: `#/songs/song_01/take-1` is ["songs", "song_01", "take-1"]. */
export const route = createStore(current());
window.addEventListener("hashchange", () => route.set(current()));

/** @param {string[]} parts */
export function address(...parts) {
  return `#/${parts.filter(Boolean).map(encodeURIComponent).join("/")}`;
}

/** @param {string[]} parts */
export function go(...parts) {
  location.hash = address(...parts);
}
