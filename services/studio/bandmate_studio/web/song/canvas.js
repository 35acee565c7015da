/** Canvases of the song page. */
import { useEffect, useRef } from "../app/html.js";
import { player, seek } from "../sound/player.js";

const MAX_RATIO = 2;
const MAX_PIXELS = 8000;

/**
 * Draws on a canvas at the resolution of the screen: at first, when its size changes, and in the other theme.
 * @param {(pen: CanvasRenderingContext2D, width: number, height: number) => void} draw
 * @param {unknown[]} inputs  what `draw` depends on
 */
export function useCanvas(draw, inputs) {
  const canvas = useRef(/** @type {HTMLCanvasElement | null} */ (null));
  useEffect(() => {
    const element = canvas.current;
    if (!element) return undefined;
    const paint = () => {
      const ratio = Math.min(MAX_RATIO, devicePixelRatio || 1);
      const { width, height } = element.getBoundingClientRect();
      if (!width || !height) return;
      element.width = Math.round(Math.min(width * ratio, MAX_PIXELS));
      element.height = Math.round(height * ratio);
      const pen = /** @type {CanvasRenderingContext2D} */ (element.getContext("2d"));
      pen.scale(element.width / width, element.height / height);
      draw(pen, width, height);
    };
    paint();
    const size = new ResizeObserver(paint);
    size.observe(element);
    const scheme = new MutationObserver(paint);
    scheme.observe(document.documentElement, { attributeFilter: ["data-theme"] });
    const dark = matchMedia("(prefers-color-scheme: dark)");
    dark.addEventListener("change", paint);
    return () => {
      size.disconnect();
      scheme.disconnect();
      dark.removeEventListener("change", paint);
    };
  }, inputs);
  return canvas;
}

/**
 * Moves to where a pointer points on a canvas of the song's length.
 * @param {PointerEvent} event
 */
export function seekAt(event) {
  const box = /** @type {HTMLElement} */ (event.currentTarget).getBoundingClientRect();
  seek((Math.max(0, event.clientX - box.left) / box.width) * player.get().duration);
}
