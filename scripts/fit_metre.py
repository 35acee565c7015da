"""Fit the weights of `bandmate_music.analysis.metre_finder` on files that state their metre.

    python scripts/fit_metre.py FOLDER... [--write]

Each folder holds `train` and `valid`. Softmax regression with a penalty on the weights, on `train`; then, on `valid`,
how often the metre and its kind are found where the finder is not told them. `--write` stores the weights.
"""

import argparse
import json
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from bandmate_ingest.cleaning.columns import flatten
from bandmate_ingest.cleaning.grid import find_grid, to_grid
from bandmate_ingest.cleaning.rules import CleaningRules
from bandmate_ingest.cleaning.stuck import pair_anew
from bandmate_music.analysis.metre_estimate import main_metre
from bandmate_music.analysis.metre_features import Floats, metre_features
from bandmate_music.analysis.metre_finder import MAX_DEVIATIONS, likeliest, metre_kind, weigh
from bandmate_music.errors import BandmateError
from bandmate_music.limits import Limits
from bandmate_music.midi.read import read_midi
from bandmate_music.score import Score
from bandmate_music.theory.metre import Metre, parse_metre

METRES = ("4/4", "2/4", "2/2", "3/4", "3/2", "6/4", "6/8", "3/8", "9/8", "12/8", "5/4", "7/8")
TARGET = Path(__file__).parents[1] / "shared/bandmate_music/analysis/metre_weights.json"
_PENALTY, _RATE, _STEPS = 0.03, 0.02, 1200
_DIGITS = 4


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("--write", action="store_true")
    asked = parser.parse_args()
    examples = [example for folder in asked.folders for example in _examples(folder / "train")]
    features = np.array([features for features, metre in examples if metre.name in METRES])
    labels = [METRES.index(metre.name) for _, metre in examples if metre.name in METRES]
    mean, deviation = features.mean(axis=0), features.std(axis=0) + 1e-6
    table = _fitted(np.clip((features - mean) / deviation, -MAX_DEVIATIONS, MAX_DEVIATIONS), np.array(labels))
    mean, deviation, table = np.round(mean, _DIGITS), np.round(deviation, _DIGITS + 2), np.round(table, _DIGITS)
    metres = tuple(parse_metre(name) for name in METRES)
    for folder in asked.folders:
        held = list(_examples(folder / "valid"))
        found = [(stated, likeliest(weigh(each, mean, deviation, table), metres)) for each, stated in held]
        exact = sum(stated == metre for stated, metre in found) / len(found)
        kind = sum(metre_kind(stated) == metre_kind(metre) for stated, metre in found) / len(found)
        sys.stdout.write(f"{folder.name}: {len(found)} pieces, metre {exact:.1%}, kind of metre {kind:.1%}\n")
        wrong = Counter(f"{a.name} as {b.name}" for a, b in found if metre_kind(a) != metre_kind(b))
        sys.stdout.write("  " + ", ".join(f"{name} {count}" for name, count in wrong.most_common(8)) + "\n")
    if asked.write:
        content = {"metres": METRES, "mean": mean.tolist(), "deviation": deviation.tolist(), "table": table.tolist()}
        TARGET.write_text(json.dumps(content, separators=(",", ":")) + "\n", encoding="utf-8")


def _fitted(scaled: Floats, labels: np.ndarray) -> Floats:
    """Weights and, in the last row, the bias, by Adam on all examples at once."""
    inputs = np.hstack([scaled, np.ones((len(scaled), 1))])
    targets = np.eye(len(METRES))[labels]
    table = np.zeros((inputs.shape[1], len(METRES)))
    first, second = np.zeros_like(table), np.zeros_like(table)
    for step in range(1, _STEPS + 1):
        logits = inputs @ table
        exponentials = np.exp(logits - logits.max(axis=1, keepdims=True))
        errors = exponentials / exponentials.sum(axis=1, keepdims=True) - targets
        gradient = inputs.T @ errors / len(inputs)
        gradient[:-1] += _PENALTY * table[:-1]
        first = 0.9 * first + 0.1 * gradient
        second = 0.999 * second + 0.001 * gradient**2
        table -= _RATE * (first / (1 - 0.9**step)) / (np.sqrt(second / (1 - 0.999**step)) + 1e-8)
    return table


def _examples(folder: Path) -> Iterator[tuple[Floats, Metre]]:
    """Features and stated metre of each file that is on a grid and mostly in one metre."""
    limits, rules = Limits(), CleaningRules()
    for path in sorted(folder.rglob("*.mid")):
        try:
            score = read_midi(path.read_bytes(), limits)
        except BandmateError:
            continue
        metre = _stated(score)
        parts, notes = flatten(score)
        if metre is None or len(notes) < rules.min_notes:
            continue
        notes, _ = pair_anew(notes, score.ticks_per_quarter // 16)
        grid = find_grid(notes.onset / score.ticks_per_quarter, rules)
        if grid is None or grid.stretch != 1:
            continue
        notes, _ = to_grid(notes, score.ticks_per_quarter, grid, rules)
        is_drum = np.array([part.is_drum for part in parts])[notes.part]
        onset = notes.onset - min(int(notes.onset.min()), 0)
        yield metre_features(onset, notes.duration, notes.pitch, is_drum), metre


def _stated(score: Score) -> Metre | None:
    """The metre of most of a piece; None where it states none, or none holds for three fifths."""
    metre, share = main_metre([(change.onset, change.metre) for change in score.metres], score.end)
    return metre if share >= 0.6 else None


if __name__ == "__main__":
    main()
