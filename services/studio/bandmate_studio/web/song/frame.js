/** Calls a function with the position, in every frame while the song plays and once when anything changes. */
import { useEffect } from "../app/html.js";
import { currentPosition, player } from "../sound/player.js";

const reduced = matchMedia("(prefers-reduced-motion: reduce)");

/** Whether cursors are to step from place to place instead of gliding. */
export function movesLittle() {
  return reduced.matches;
}

/**
 * @param {(seconds: number) => void} show
 * @param {unknown[]} inputs  what `show` depends on
 */
export function useFrame(show, inputs) {
  useEffect(() => {
    let frame = 0;
    const tick = () => {
      show(currentPosition());
      if (player.get().playing) frame = requestAnimationFrame(tick);
    };
    const restart = () => {
      cancelAnimationFrame(frame);
      frame = requestAnimationFrame(tick);
    };
    restart();
    const stop = player.subscribe(restart);
    return () => {
      stop();
      cancelAnimationFrame(frame);
    };
  }, inputs);
}
