"""Count the statistics of sung tunes that the lead sheet is composed with: `fit_lead.py PACKS`.

Reads the train splits of openhymnal, carols_songs, mutopia and polish_songs below PACKS, and writes
services/generate/bandmate_generate/data/lead_statistics.json. All numbers are costs in hundredths of a nat, so that
composing adds integers and gives the same song on every machine.
"""

import json
import sys
from collections import Counter, defaultdict
from itertools import pairwise
from math import log
from pathlib import Path

from bandmate_music.theory.metrical_grid import beat_ticks, is_compound, strength
from sung_pieces import SungNote, SungPiece, sung_pieces

TARGET = Path(__file__).parent.parent / "services/generate/bandmate_generate/data/lead_statistics.json"
GRID, SLOT = 24, 6
STRENGTHS = (1.0, 0.75, 0.5, 0.25, 0.0)
COMPOUND_PATTERNS = 24
DENSE_COMPOUND = (0, 1, 4, 5, 16, 17, 20, 21, 31, 47, 55, 59, 61, 62, 63)
"""Patterns of a compound beat that are there even if nobody sang them: every number of notes can be set."""
MAX_INTERVAL = 12
SOURCES = (
    "Open Hymnal (public domain); carols and songs typeset by B. Bloomfield (public domain); Mutopia project (public "
    "domain, CC BY); Polish Music Heritage in Open Access, (c) 2019-2022 The Fryderyk Chopin Institute (CC BY 4.0)"
)


def cost(count: float, total: float) -> int:
    """-100 ln(count / total)."""
    return round(-100 * log(count / total))


def smoothed(counts: Counter, keys: list, weight: float, back_off: dict) -> list[int]:
    """Costs of the keys, the counts mixed with `weight` observations of the back-off distribution."""
    total = sum(counts.values()) + weight
    return [cost(counts[key] + weight * back_off[key], total) for key in keys]


def shares(counts: Counter, keys: list, floor: float = 0.5) -> dict:
    total = sum(counts[key] + floor for key in keys)
    return {key: (counts[key] + floor) / total for key in keys}


def lines_of(piece: SungPiece) -> list[list[SungNote]]:
    lines: list[list[SungNote]] = [[]]
    for note in piece.notes:
        if note.text is not None:
            lines[-1].append(note)
            if note.line_end:
                lines.append([])
    return [line for line in lines if 3 <= len(line) <= 24]


def position(piece: SungPiece, tick: int) -> tuple[int, object]:
    """The start of the bar that holds a tick, and its metre."""
    from_bars = [bar for bar in piece.bars if bar[0] <= tick]
    return from_bars[-1]


def strength_class(tick: int, piece: SungPiece) -> int:
    onset, metre = position(piece, tick)
    return STRENGTHS.index(strength(tick - onset, metre))


def cells_of(piece: SungPiece, line: list[SungNote]) -> tuple[bool, list[tuple[int, int]]] | None:
    """Whether the metre is compound, and each beat's class and pattern of onsets; None for a line off the grid."""
    onset, metre = position(piece, line[0].onset)
    compound = is_compound(metre)
    if any(position(piece, note.onset)[1] != metre for note in line):
        return None
    length = beat_ticks(metre) if compound else GRID
    if (compound and length != 36) or (not compound and metre.denominator > 4):
        return None
    start = onset + (line[0].onset - onset) // length * length
    patterns = [0] * ((line[-1].onset - start) // length + 1)
    for note in line:
        if (note.onset - start) % SLOT:
            return None
        patterns[(note.onset - start) // length] |= 1 << ((note.onset - start) % length // SLOT)
    classes = [min(2, strength_class(start + index * length, piece)) for index in range(len(patterns))]
    return compound, list(zip(classes, patterns, strict=True))


def rhythm_tables(pieces: list[SungPiece]) -> dict:
    counts: dict[bool, dict[tuple[int, int], Counter]] = {True: defaultdict(Counter), False: defaultdict(Counter)}
    for piece in pieces:
        for line in lines_of(piece):
            found = cells_of(piece, line)
            if found is None:
                continue
            compound, cells = found
            before = 0
            for beat, pattern in cells:
                counts[compound][beat, before][pattern] += 1
                before = pattern
    result = {}
    for compound in (False, True):
        whole: Counter = Counter()
        for row in counts[compound].values():
            whole += row
        if compound:
            patterns = sorted([pattern for pattern, _ in whole.most_common(COMPOUND_PATTERNS) if pattern])
            patterns = sorted({*DENSE_COMPOUND, *patterns})
        else:
            patterns = list(range(16))
        table = []
        for beat in range(3):
            by_beat: Counter = Counter()
            for (at, _), row in counts[compound].items():
                if at == beat:
                    by_beat += row
            back_off = shares(by_beat, patterns)
            table.append([smoothed(counts[compound][beat, before], patterns, 20, back_off) for before in patterns])
        result["compound" if compound else "simple"] = {"patterns": patterns, "costs": table}
    return result


def stress_table(pieces: list[SungPiece]) -> dict:
    """Cost of a syllable's stress on each strength, beside that of any syllable; and of a line's last one."""
    by_stress: dict[int, Counter] = defaultdict(Counter)
    last: Counter = Counter()
    for piece in pieces:
        for line in lines_of(piece):
            for note in line:
                at = strength_class(note.onset, piece)
                if note.stress is not None:
                    by_stress[0 if note.stress < 0.3 else 1 if note.stress < 0.7 else 2][at] += 1
                if note.line_end:
                    last[at] += 1
    every: Counter = Counter()
    for row in by_stress.values():
        every += row
    base = shares(every, list(range(5)), 20)
    odds = lambda row: [round(-100 * log(shares(row, list(range(5)), 20)[at] / base[at])) for at in range(5)]  # noqa: E731
    return {"stress": [odds(by_stress[stress]) for stress in range(3)], "last": odds(last)}


def pitch_tables(pieces: list[SungPiece]) -> dict:
    intervals = list(range(-MAX_INTERVAL, MAX_INTERVAL + 1))
    after: dict[int, Counter] = defaultdict(Counter)
    degree: dict[str, dict[int, Counter]] = {"major": defaultdict(Counter), "minor": defaultdict(Counter)}
    whole: Counter = Counter()
    stressed: dict[int, Counter] = defaultdict(Counter)
    for piece in pieces:
        for line in lines_of(piece):
            for first, second in pairwise(line):
                step = max(-MAX_INTERVAL, min(MAX_INTERVAL, second.pitch - first.pitch))
                whole[step] += 1
                degree[piece.key.mode][(first.pitch - piece.key.tonic) % 12][step] += 1
                if first.stress is not None and second.stress is not None:
                    rises = (second.stress > 0.5) - (first.stress > 0.5)
                    stressed[rises][(step > 0) - (step < 0)] += 1
            for first, second, third in zip(line, line[1:], line[2:], strict=False):
                before = max(-8, min(8, second.pitch - first.pitch))
                after[before][max(-MAX_INTERVAL, min(MAX_INTERVAL, third.pitch - second.pitch))] += 1
    back_off = shares(whole, intervals, 2)
    return {
        "after_interval": [smoothed(after[before], intervals, 30, back_off) for before in range(-8, 9)],
        "from_degree": {
            mode: [smoothed(rows[pc], intervals, 30, back_off) for pc in range(12)] for mode, rows in degree.items()
        },
        "interval": [cost(back_off[step], 1) for step in intervals],
        "stress_step": [
            [
                round(
                    -100 * log(shares(stressed[rise], [-1, 0, 1], 20)[sign] / shares(stressed[0], [-1, 0, 1], 20)[sign])
                )
                for sign in (-1, 0, 1)
            ]
            for rise in (-1, 0, 1)
        ],
    }


def chord_table(pieces: list[SungPiece]) -> dict:
    """Cost of a note inside and outside the chord on each strength, beside a note of the scale taken at random."""
    inside: Counter = Counter()
    every: Counter = Counter()
    leaves: Counter = Counter()
    for piece in pieces:
        notes = [note for note in piece.notes if piece.chord_at(note.onset)]
        for note, following in pairwise(notes):
            at = strength_class(note.onset, piece)
            every[at] += 1
            is_inside = note.pitch % 12 in piece.chord_at(note.onset)
            inside[at] += is_inside
            size = abs(following.pitch - note.pitch)
            leaves[is_inside, "step" if 0 < size <= 2 else "same" if size == 0 else "leap"] += 1
    rows = []
    for at in range(5):
        share = inside[at] / max(1, every[at])
        rows.append([round(-100 * log(share / 0.45)), round(-100 * log((1 - share) / 0.55))])
    total = {
        is_inside: sum(leaves[is_inside, kind] for kind in ("step", "same", "leap")) for is_inside in (False, True)
    }
    resolution = [
        round(-100 * log(leaves[False, kind] / total[False] / (leaves[True, kind] / total[True])))
        for kind in ("same", "step", "leap")
    ]
    return {
        "chord": rows,
        "resolution": resolution,
        "shares": [round(inside[at] / max(1, every[at]), 3) for at in range(5)],
    }


def main(arguments: list[str]) -> int:
    pieces = list(sung_pieces(Path(arguments[0]), "train"))
    tables = {}
    for table in ("hymn", "folk", "art"):
        own = [piece for piece in pieces if piece.table == table]
        tables[table] = {**rhythm_tables(own), **pitch_tables(own)}
    shared = {**stress_table(pieces), **chord_table(pieces)}
    body = {
        "source": SOURCES,
        "made_by": "scripts/fit_lead.py",
        "unit": "hundredths of a nat",
        "shared": shared,
        "tables": tables,
    }
    TARGET.write_text(json.dumps(body, separators=(",", ":")) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
