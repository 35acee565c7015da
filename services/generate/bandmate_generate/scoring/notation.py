"""The score that a played piece is written from: its notes where a reader of music expects them.

A file that was played has its notes some milliseconds beside the grid, and its off-beats late where it swings. Notation
of that as it stands would be 64th notes and ties. Files whose notes lie on the grid stay as they are.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from bandmate_music.score import Lyric, Notes, Part, Score
from bandmate_shared.contracts.composition import GRID_TICKS_PER_QUARTER as QUARTER

from bandmate_generate.planning.off_beats import EARLY, is_played, off_beat_of, straightened

_STRAIGHT, _TRIPLETS = (0, 6, 12, 18), (0, 8, 16)
"""Places in a quarter, in grid ticks: sixteenths, and triplet eighths."""
_TRIPLET_COST = 0.45
"""Grid ticks by which triplets have to fit better, for each note within a quarter."""
_SHORTEST = 6

_Row = tuple[int, int, int, int]


def notated(score: Score) -> Score:
    """The score as it is to be read; notes beside the grid are moved onto it, swung off-beats to the half of the beat.

    The resolution stays. Every note of a part stays in order and is at least a sixteenth or a triplet long, but where
    its pitch is struck again.
    """
    if not is_played(score):
        return score
    off_beat = off_beat_of(score)
    return score.with_parts([_notated(part, score.ticks_per_quarter, off_beat) for part in score.parts])


def _notated(part: Part, ticks_per_quarter: int, off_beat: float) -> Part:
    notes = part.notes
    if not len(notes):
        return part
    begins = [_straightened(tick * QUARTER / ticks_per_quarter, off_beat) for tick in notes.onset.tolist()]
    ends = (notes.onset.astype(np.int64) + notes.duration).tolist()
    stops = [_straightened(tick * QUARTER / ticks_per_quarter, off_beat) for tick in ends]
    by_quarter: dict[int, list[float]] = defaultdict(list)
    for begin in begins:
        by_quarter[_quarter(begin)].append(begin)
    grids = {quarter: _grid(quarter, places) for quarter, places in by_quarter.items()}
    onsets = [_nearest(begin, grids[_quarter(begin)], _quarter(begin)) for begin in begins]
    rows: list[_Row] = []
    order = sorted(set(onsets))
    following = dict(zip(order, [*order[1:], None], strict=True))
    for onset, stop, pitch, velocity in zip(onsets, stops, notes.pitch.tolist(), notes.velocity.tolist(), strict=True):
        end = _nearest(stop, grids.get(_quarter(stop), _STRAIGHT), _quarter(stop))
        after = following[onset]
        shortest = onset + _SHORTEST if after is None else min(after, onset + _SHORTEST)
        if after is not None and abs(end - after) < _SHORTEST:
            end = after
        rows.append((onset, max(end, shortest) - onset, pitch, velocity))
    scaled = [tuple(round(v * ticks_per_quarter / QUARTER) for v in row[:2]) + row[2:] for row in _once(rows)]
    moved = dict(zip(notes.onset.tolist(), onsets, strict=True))
    lyrics = tuple(_moved(lyric, moved, ticks_per_quarter) for lyric in part.lyrics)
    return replace(part, notes=Notes.from_rows([(a, b, c, d) for a, b, c, d in scaled]), lyrics=lyrics)


def _straightened(place: float, off_beat: float) -> float:
    """Without swing; what comes just before a quarter stays as it is."""
    return place if place < _quarter(place) * QUARTER else straightened(place, off_beat)


def _quarter(place: float) -> int:
    return int((place + EARLY) // QUARTER)


def _grid(quarter: int, places: Sequence[float]) -> tuple[int, ...]:
    """Sixteenths or triplets, whichever the notes of a quarter lie nearer to."""
    straight, triplets = (
        sum(min(abs(place - quarter * QUARTER - point) for point in (*grid, QUARTER)) for place in places)
        for grid in (_STRAIGHT, _TRIPLETS)
    )
    within = sum(place - quarter * QUARTER >= EARLY for place in places)
    return _TRIPLETS if triplets + _TRIPLET_COST * within < straight else _STRAIGHT


def _nearest(place: float, grid: Sequence[int], quarter: int) -> int:
    within = place - quarter * QUARTER
    return max(0, quarter * QUARTER + min((*grid, QUARTER), key=lambda point: abs(point - within)))


def _once(rows: Sequence[_Row]) -> list[_Row]:
    """The rows, of those that came to one pitch and onset the longest, none longer than until its pitch comes again."""
    longest: dict[tuple[int, int], _Row] = {}
    for row in rows:
        key = row[0], row[2]
        if key not in longest or longest[key][1] < row[1]:
            longest[key] = row
    following: dict[int, int] = {}
    result = []
    for onset, duration, pitch, velocity in sorted(longest.values(), reverse=True):
        end = min(onset + duration, following.get(pitch, onset + duration))
        result.append((onset, end - onset, pitch, velocity))
        following[pitch] = onset
    return result[::-1]


def _moved(lyric: Lyric, moved: dict[int, int], ticks_per_quarter: int) -> Lyric:
    """The syllable on its note's new onset."""
    if lyric.onset not in moved:
        return lyric
    return replace(lyric, onset=round(moved[lyric.onset] * ticks_per_quarter / QUARTER))
