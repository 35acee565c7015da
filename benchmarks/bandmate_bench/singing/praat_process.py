"""Praat's pitch tracker in a process of its own: parselmouth is under the GPL, and is loaded nowhere else.

    python -m bandmate_bench.singing.praat_process RATE STEP LOWEST HIGHEST < samples > track

Reads mono float32 samples, writes float64 pairs of seconds and Hz (0: not voiced).
"""

import sys

import numpy as np
import parselmouth


def main() -> None:
    rate, step, lowest, highest = (float(argument) for argument in sys.argv[1:5])
    samples = np.frombuffer(sys.stdin.buffer.read(), dtype=np.float32).astype(np.float64)
    sound = parselmouth.Sound(samples, sampling_frequency=rate)
    pitch = sound.to_pitch_ac(time_step=step, pitch_floor=lowest, pitch_ceiling=highest)
    track = np.stack([pitch.xs(), pitch.selected_array["frequency"]], axis=1)
    sys.stdout.buffer.write(track.astype(np.float64).tobytes())


if __name__ == "__main__":
    main()
