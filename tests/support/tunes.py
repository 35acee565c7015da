"""Small tunes for the tests that need a folder of MIDI, written here: a melody and a bass in two-bar phrases."""

import random
from pathlib import Path

from bandmate_music.midi.write import write_midi
from bandmate_music.score import KeyChange, MetreChange, Notes, Part, Score, TempoChange
from bandmate_music.theory.keys import Key
from bandmate_music.theory.metre import Metre

SCALE = (0, 2, 4, 5, 7, 9, 11)
QUARTER = 480


def tune(seed: int, bars: int = 16) -> Score:
    """A tune in a major key; tunes of different seeds share no phrase."""
    chance = random.Random(seed)
    tonic = 55 + seed % 12
    melody: list[tuple[int, int, int, int]] = []
    bass: list[tuple[int, int, int, int]] = []
    step = 4
    for bar in range(bars):
        start = bar * 4 * QUARTER
        root = chance.choice((0, 3, 4, 5)) if bar < bars - 1 else 0
        bass.append((start, 4 * QUARTER, tonic - 12 + SCALE[root], 80))
        onset = 0
        while onset < 4 * QUARTER:
            duration = min(chance.choice((QUARTER // 2, QUARTER, QUARTER, 2 * QUARTER)), 4 * QUARTER - onset)
            step = min(max(step + chance.choice((-2, -1, -1, 0, 1, 1, 2)), 0), 13)
            pitch = tonic + 12 * (step // 7) + SCALE[step % 7]
            melody.append((start + onset, duration, pitch, chance.randint(70, 100)))
            onset += duration
    return Score(
        parts=(Part("Fiddle", 40, Notes.from_rows(melody)), Part("Bass", 32, Notes.from_rows(bass))),
        tempi=(TempoChange(0, 90.0 + seed % 40),),
        metres=(MetreChange(0, Metre(4, 4)),),
        keys=(KeyChange(0, Key(tonic % 12, "major")),),
    )


def write_tunes(folder: Path, count: int) -> None:
    """`tune-000.mid` and so on."""
    folder.mkdir(parents=True, exist_ok=True)
    for seed in range(count):
        (folder / f"tune-{seed:03}.mid").write_bytes(write_midi(tune(seed)))
