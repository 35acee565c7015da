"""Fit how drummers place and strike their notes: statistics of the Groove MIDI Dataset, as a small JSON file.

    python scripts/fit_performance.py FOLDER [OUTPUT]

FOLDER holds the dataset (CC BY 4.0, Google LLC): `info.csv`, `train/*.mid`. Needed only to make the file anew; the
file itself is part of the package. For each family of grooves and each drum, by place in the bar: the mean deviation
from the grid in milliseconds and the mean velocity; and for each family the spread, how much of it the drums that sound
together share, and how much of it lasts from one onset to the next.
"""

import csv
import json
import sys
from collections import defaultdict
from collections.abc import Iterable
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from bandmate_generate.performance.drum_statistics import DATA_FILE, PLACES_PER_BEAT, drum_of, place_of
from bandmate_music.limits import Limits
from bandmate_music.midi.read import read_midi

FAMILY_WORDS = (
    ("shuffle", ("shuffle", "purdieshuffle", "rockabilly")),
    ("march", ("march", "secondline")),
    ("bossa", ("bossa", "samba", "sambareggae")),
    ("disco", ("dance", "disco")),
    ("reggae", ("reggae",)),
    ("punk", ("punk",)),
    ("country", ("country", "folk")),
    ("pop", ("pop",)),
    ("soul", ("soul", "motown", "gospel")),
    ("hiphop", ("hiphop",)),
    ("funk", ("funk", "fusion", "neworleans", "afrobeat", "highlife")),
    ("jazz", ("jazz",)),
    ("latin", ("latin", "afrocuban")),
)
"""The first family that one of these words of a recording's style names; `rock` where none does."""
MAX_DEVIATION_MS = 45.0
"""Beyond it a note is a grace note, a flam or a roll rather than a note of the grid."""
PRIOR_NOTES = 40.0
"""How many notes of the next broader class weigh as much as the class's own."""


class Hit(NamedTuple):
    """A note of a recording. Deviation in ms from the nearest place of the grid, less the recording's mean."""

    drum: str
    place: int
    step: int
    deviation: float
    velocity: int


def family_of(style: str) -> str:
    words = style.replace("/", "-").split("-")
    for family, names in FAMILY_WORDS:
        if any(word in names for word in words):
            return family
    return "rock"


def hits_of(path: Path, tempo: float) -> list[Hit]:
    """The notes of one recording in 4/4 on the finer of two grids that fits it better: sixteenths or triplets."""
    score = read_midi(path.read_bytes(), Limits())
    notes = [part.notes for part in score.parts if part.is_drum]
    if not notes:
        return []
    beat_ms = 60_000.0 / tempo
    beats = np.concatenate([column.onset for column in notes]) / score.ticks_per_quarter
    pitches = np.concatenate([column.pitch for column in notes])
    velocities = np.concatenate([column.velocity for column in notes])
    grids = [np.round(beats * division) / division for division in (4, 3)]
    nearest = min(grids, key=lambda grid: float(np.median(np.abs(beats - grid))))
    deviation = (beats - nearest) * beat_ms
    kept = np.abs(deviation) <= MAX_DEVIATION_MS
    if kept.sum() < 16:
        return []
    deviation = deviation - deviation[kept].mean()
    steps = np.round(nearest * 12).astype(int)
    order = np.argsort(steps, kind="stable")
    return [
        Hit(
            drum_of(int(pitches[i])),
            place_of(int(steps[i]) % 48, 12),
            int(steps[i]),
            float(deviation[i]),
            int(velocities[i]),
        )
        for i in order
        if kept[i]
    ]


def fitted(files: list[list[Hit]], broader: dict[str, Any] | None) -> dict[str, Any]:
    """The statistics of one family, drawn to the broader ones where it has few notes."""
    by_drum: dict[str, list[Hit]] = defaultdict(list)
    for hit in (hit for file in files for hit in file):
        by_drum[hit.drum].append(hit)
    drums = {}
    for drum in sorted(set(by_drum) | set(broader["drums"] if broader else ())):
        prior = broader["drums"][drum] if broader else None
        drums[drum] = _fitted_drum(by_drum[drum], prior)
    common, lasting = _shared(files)
    return {"notes": sum(map(len, files)), "shared": common, "lasting": lasting, "drums": drums}


def _fitted_drum(hits: list[Hit], prior: dict[str, Any] | None) -> dict[str, Any]:
    all_ms, all_velocity = _drawn(hits, (0.0, 80.0) if prior is None else (prior["ms"], prior["velocity"]))
    places_ms, places_velocity = [], []
    for place in range(4 * PLACES_PER_BEAT):
        here = [hit for hit in hits if hit.place == place]
        base = (all_ms, all_velocity)
        if prior is not None:  # The family's own level, and the shape of the broader family over the bar.
            base = (
                all_ms + prior["places_ms"][place] - prior["ms"],
                all_velocity + prior["places_velocity"][place] - prior["velocity"],
            )
        ms, velocity = _drawn(here, base)
        places_ms.append(round(ms, 1))
        places_velocity.append(round(velocity))
    rest = [(hit.deviation - places_ms[hit.place], hit.velocity - places_velocity[hit.place]) for hit in hits]
    own_ms, own_velocity = np.std(np.array(rest), axis=0) if len(rest) > 1 else (0.0, 0.0)
    weight = len(hits) / (len(hits) + PRIOR_NOTES)
    spread_ms, spread_velocity = (prior["spread_ms"], prior["spread_velocity"]) if prior else (own_ms, own_velocity)
    return {
        "ms": round(all_ms, 1),
        "velocity": round(all_velocity, 1),
        "spread_ms": round(float(weight * own_ms + (1 - weight) * spread_ms), 1),
        "spread_velocity": round(float(weight * own_velocity + (1 - weight) * spread_velocity), 1),
        "places_ms": places_ms,
        "places_velocity": places_velocity,
    }


def _drawn(hits: list[Hit], base: tuple[float, float]) -> tuple[float, float]:
    count = len(hits) + PRIOR_NOTES
    ms = (sum(hit.deviation for hit in hits) + PRIOR_NOTES * base[0]) / count
    velocity = (sum(hit.velocity for hit in hits) + PRIOR_NOTES * base[1]) / count
    return ms, velocity


def _shared(files: Iterable[list[Hit]]) -> tuple[float, float]:
    """The share of the variance that drums struck together have in common, and its correlation to the next onset."""
    products, squares, following, means = [], [], [], []
    for file in files:
        by_step: dict[int, list[float]] = defaultdict(list)
        for hit in file:
            by_step[hit.step].append(hit.deviation)
        squares += [hit.deviation**2 for hit in file]
        for values in by_step.values():
            products += [a * b for i, a in enumerate(values) for b in values[i + 1 :]]
        line = [sum(by_step[step]) / len(by_step[step]) for step in sorted(by_step)]
        following += [a * b for a, b in pairwise(line)]
        means += [value**2 for value in line]
    variance = float(np.mean(squares))
    common = min(0.95, max(0.1, float(np.mean(products)) / variance)) if products else 0.5
    lasting = min(0.9, max(0.0, float(np.mean(following)) / float(np.mean(means))))
    return round(common, 2), round(lasting, 2)


def main() -> None:
    folder = Path(sys.argv[1])
    output = Path(sys.argv[2]) if len(sys.argv) > 2 else DATA_FILE
    families: dict[str, list[list[Hit]]] = defaultdict(list)
    with (folder / "info.csv").open() as table:
        for row in csv.DictReader(table):
            name = row["midi_filename"].replace("/", "_")
            path = folder / "train" / name
            if row["beat_type"] == "beat" and row["time_signature"] == "4-4" and path.is_file():
                hits = hits_of(path, float(row["bpm"]))
                if hits:
                    families[family_of(row["style"])].append(hits)
    everything = fitted([file for name in sorted(families) for file in families[name]], None)
    result = {
        "source": "Groove MIDI Dataset (Google LLC), CC BY 4.0; statistics made by scripts/fit_performance.py",
        "families": {name: fitted(files, everything) for name, files in sorted(families.items())},
    }
    output.write_text(
        json.dumps(result, separators=(",", ":")).replace('"families"', '\n"families"').replace('},"', '},\n"') + "\n"
    )


if __name__ == "__main__":
    main()
