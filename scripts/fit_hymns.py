#!/usr/bin/env python3
"""Count which bar of chords follows which in four-part hymns in major, as scripts/fit_harmony.py does in songs.

    python scripts/fit_hymns.py PACK

PACK is the folder of the unpacked data pack `openhymnal` (Open Hymnal Project, public domain). Each half of a bar (two
thirds and a third in triple time) is labelled with the triad that explains most of what sounds in it. Writes
services/generate/bandmate_generate/data/hymn_bars.tsv.
"""

import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from bandmate_generate.harmony.degrees import DegreeChord
from bandmate_music.analysis.bars import bars_of
from bandmate_music.limits import Limits
from bandmate_music.read import read_score
from bandmate_music.score import Score
from bandmate_music.theory.bars import Bar

OUTPUT = Path(__file__).parents[1] / "services" / "generate" / "bandmate_generate" / "data" / "hymn_bars.tsv"
MIN_HYMNS = 3
PHRASE = 4
STEPS = {"": (0, 4, 7), "m": (0, 3, 7), "dim": (0, 3, 6)}
OUTSIDE, ROOT_IN_BASS, SEVENTH = -0.6, 0.35, 0.5
HEAD = """\
# Which bar of chords follows which in four-part hymns: mode, section, place of the second bar in its phrase of four
# (0 to 3), in how many of {hymns} hymns, the first bar ("-" before the hymn) and the second one, as triads on degrees
# of the key. Counted in the hymns of the Open Hymnal Project (public domain) by scripts/fit_hymns.py; what fewer than
# three hymns have is left out.
"""


def main(pack: Path) -> None:
    counts: Counter[tuple[str, int, str, str]] = Counter()
    files = sorted((pack / "train").glob("*.mid"))
    hymns = 0
    for file in files:
        score = read_score(file.read_bytes(), file.name, Limits())
        if len(score.keys) != 1 or not score.parts:
            continue
        bars = list(bar_texts(score))
        if bars[-1].split()[-1] != "I":
            continue  # In minor or a church mode, of which there are too few to count; the files state major keys.
        hymns += 1
        steps = {
            ("major", index % PHRASE, before, bar)
            for index, (before, bar) in enumerate(zip(["-", *bars], bars, strict=False))
        }
        counts.update(steps)
    rows = [(*key, count) for key, count in counts.items() if count >= MIN_HYMNS]
    rows.sort(key=lambda row: (row[0], row[1], row[2], -row[4], row[3]))
    lines = [f"{mode}\tverse\t{place}\t{count}\t{before}\t{bar}" for mode, place, before, bar, count in rows]
    OUTPUT.write_text(HEAD.format(hymns=hymns) + "\n".join(lines) + "\n", encoding="utf-8")
    sys.stdout.write(f"{len(lines)} rows from {hymns} hymns\n")


def bar_texts(score: Score) -> Iterator[str]:
    """The chords of each whole bar; an upbeat's bar, empty at its start, is passed over."""
    parts = [part.notes for part in score.parts if len(part.notes)]
    onset, duration, pitch = (
        np.concatenate([getattr(notes, name) for notes in parts]) for name in ("onset", "duration", "pitch")
    )
    tonic = score.keys[0].key.tonic
    for bar in bars_of(score):
        if bar.number == 1 and int(onset.min()) > bar.onset:
            continue
        chords = [label(onset, duration, pitch, start, end, tonic) for start, end in halves(bar)]
        found = [chord.text for chord in chords if chord is not None]
        if found:
            yield found[0] if len(set(found)) == 1 else " ".join(found)


def halves(bar: Bar) -> list[tuple[int, int]]:
    share = 2 * bar.length // 3 if bar.metre.numerator == 3 else bar.length // 2
    return [(bar.onset, bar.onset + share), (bar.onset + share, bar.end)]


def label(
    onset: "np.ndarray", duration: "np.ndarray", pitch: "np.ndarray", start: int, end: int, tonic: int
) -> DegreeChord | None:
    """The triad that explains most of what sounds from `start` to `end`."""
    sounding = np.minimum(onset + duration, end) - np.maximum(onset, start)
    inside = sounding > 0
    if not inside.any():
        return None
    weights = np.bincount(pitch[inside] % 12, weights=sounding[inside], minlength=12) / (end - start)
    bass = int(pitch[inside & (onset <= start)].min(initial=127)) % 12
    best: tuple[float, int, str] = (-9.0, 0, "")
    for root in range(12):
        for quality, steps in STEPS.items():
            chord = [(root + step) % 12 for step in steps]
            value = float(weights[chord].sum() + OUTSIDE * (weights.sum() - weights[chord].sum()))
            if quality == "":
                value += (SEVENTH - OUTSIDE) * float(weights[(root + 10) % 12]) * (root == (tonic + 7) % 12)
            value += ROOT_IN_BASS * (bass == root)
            best = max(best, (value, root, quality))
    return DegreeChord((best[1] - tonic) % 12, best[2])


if __name__ == "__main__":
    main(Path(sys.argv[1]))
