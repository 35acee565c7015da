"""Key finding on pieces of known key: `python -m bandmate_bench.timing.keys FOLDER [FOLDER...]`.

A piece counts where its file states one key signature throughout. Where a folder's signatures state minor keys too,
the whole key is compared, otherwise only the signature: many programs write every key as major. C major without sharps
or flats is left out, since programs write it where nobody stated a key.
"""

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from bandmate_music.analysis.key_finder import KEYS, MAJOR, MINOR, closing_bass, key_scores, pitch_class_weights
from bandmate_music.errors import BandmateError
from bandmate_music.limits import Limits
from bandmate_music.read import read_score
from bandmate_music.score import Score
from bandmate_music.theory.keys import Key
from numpy.typing import NDArray

_MUSIC_SUFFIXES = frozenset((".mid", ".midi", ".mxl", ".musicxml"))
PROFILES = {
    "Krumhansl & Kessler 1982": (
        (6.35, 2.23, 3.48, 2.33, 4.38, 4.09, 2.52, 5.19, 2.39, 3.66, 2.29, 2.88),
        (6.33, 2.68, 3.52, 5.38, 2.60, 3.53, 2.54, 4.75, 3.98, 2.69, 3.34, 3.17),
    ),
    "Temperley 1999": (
        (5.0, 2.0, 3.5, 2.0, 4.5, 4.0, 2.0, 4.5, 2.0, 3.5, 1.5, 4.0),
        (5.0, 2.0, 3.5, 4.5, 2.0, 4.0, 2.0, 4.5, 3.5, 2.0, 1.5, 4.0),
    ),
    "Temperley 2001, Kostka & Payne": (
        (0.748, 0.060, 0.488, 0.082, 0.670, 0.460, 0.096, 0.715, 0.104, 0.366, 0.057, 0.400),
        (0.712, 0.084, 0.474, 0.618, 0.049, 0.460, 0.105, 0.747, 0.404, 0.067, 0.133, 0.330),
    ),
    "Bellman 2005, after Budge": (
        (16.80, 0.86, 12.95, 1.41, 13.49, 11.93, 1.25, 20.28, 1.80, 8.04, 0.62, 10.57),
        (18.16, 0.69, 12.99, 13.34, 1.07, 11.15, 1.38, 21.07, 7.49, 1.53, 0.92, 10.21),
    ),
    "Albrecht & Shanahan 2013": (
        (0.238, 0.006, 0.111, 0.006, 0.137, 0.094, 0.016, 0.214, 0.009, 0.080, 0.008, 0.081),
        (0.220, 0.006, 0.104, 0.123, 0.019, 0.103, 0.012, 0.214, 0.062, 0.022, 0.061, 0.052),
    ),
    "bandmate_music": (MAJOR, MINOR),
}
FINAL_BASS = (0.0, 0.06, 0.1, 0.15, 0.2, 0.3)
"""Correlation added to keys whose tonic is the last bass note."""


def pieces(folder: Path) -> Iterator[tuple[Score, Key]]:
    """Scores of a folder with the one key that each states."""
    for path in sorted(path for path in folder.rglob("*") if path.suffix.lower() in _MUSIC_SUFFIXES):
        try:
            score = read_score(path.read_bytes(), path.name, Limits())
        except BandmateError:
            continue
        stated = {change.key for change in score.keys}
        if len(stated) == 1 and score.note_count and stated != {Key(0, "major")}:
            yield score, stated.pop()


def shares(folder: Path) -> tuple[str, dict[tuple[str, float], float]]:
    """A label with the number of pieces, and for each (profile, bonus) the share of correct keys."""
    samples = list(pieces(folder))
    if not samples:
        return f"{folder.name}: no piece states its key", {}
    has_minor = any(key.mode == "minor" for _, key in samples)
    evidence = [(*_evidence(score), key) for score, key in samples]
    result = {}
    for name, (major, minor) in PROFILES.items():
        for bonus in FINAL_BASS:
            right = 0
            for weights, bass, key in evidence:
                best = KEYS[int(np.argmax(key_scores(weights, bass, major=major, minor=minor, final_bass=bonus)))]
                right += best == key if has_minor else best.fifths == key.fifths
            result[name, bonus] = right / len(samples)
    return f"{folder.name}: {'key' if has_minor else 'signature'}, {len(samples)} pieces", result


def _evidence(score: Score) -> tuple[NDArray[np.float64], int]:
    """Weights of the pitch classes, and the last bass note."""
    parts = [part.notes for part in score.parts if not part.is_drum]
    onset, duration, pitch = (
        np.concatenate([getattr(notes, column) for notes in parts]) for column in ("onset", "duration", "pitch")
    )
    ticks = score.ticks_per_quarter
    return pitch_class_weights(duration, pitch, ticks), closing_bass(onset, duration, pitch, ticks)


def main(arguments: Sequence[str] | None = None) -> None:
    """Print a table in Markdown for each folder."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folders", nargs="+", type=Path)
    for folder in parser.parse_args(arguments).folders:
        title, result = shares(folder)
        lines = [f"### {title}", "", "| profile | " + " | ".join(f"+{bonus:g}" for bonus in FINAL_BASS) + " |"]
        lines.append("|---|" + "---|" * len(FINAL_BASS))
        for name in PROFILES if result else ():
            cells = " | ".join(f"{100 * result[name, bonus]:.1f}" for bonus in FINAL_BASS)
            lines.append(f"| {name} | {cells} |")
        print("\n".join(lines), end="\n\n")


if __name__ == "__main__":
    main()
