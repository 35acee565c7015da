/** A value that components follow. */
import { useEffect, useState } from "./html.js";

/**
 * @template T
 * @typedef {{get: () => T, set: (value: T) => void, subscribe: (listener: () => void) => () => void}} Store
 */

/**
 * @template T
 * @param {T} initial
 * @returns {Store<T>}
 */
export function createStore(initial) {
  let value = initial;
  /** @type {Set<() => void>} */
  const listeners = new Set();
  return {
    get: () => value,
    set(next) {
      if (Object.is(next, value)) return;
      value = next;
      for (const listener of [...listeners]) listener();
    },
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}

/**
 * The store's value; the component is drawn anew when it changes.
 * @template T
 * @param {Store<T>} store
 * @returns {T}
 */
export function useStore(store) {
  const [, redraw] = useState(0);
  useEffect(() => store.subscribe(() => redraw((count) => count + 1)), [store]);
  return store.get();
}

/**
 * A value kept in the browser under a name; `fallback` where there is none or storage is off.
 * @param {string} name
 * @param {string} fallback
 * @returns {Store<string>}
 */
export function createSetting(name, fallback) {
  let saved = null;
  try {
    saved = localStorage.getItem(`bandmate.${name}`);
  } catch {
    // Storage is off: the setting lasts as long as the page.
  }
  const store = createStore(saved ?? fallback);
  store.subscribe(() => {
    try {
      localStorage.setItem(`bandmate.${name}`, store.get());
    } catch {
      // As above.
    }
  });
  return store;
}
