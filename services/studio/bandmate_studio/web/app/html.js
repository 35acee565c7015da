/** Templates and hooks: what every component imports. */
import { h } from "../vendor/preact.mjs";
import htm from "../vendor/htm.mjs";

export { render, createRef, Fragment } from "../vendor/preact.mjs";
export { useState, useEffect, useLayoutEffect, useMemo, useRef, useCallback, useId } from "../vendor/hooks.mjs";

export const html = htm.bind(h);
