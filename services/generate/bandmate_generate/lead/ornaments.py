"""Melismas: syllables that are sung on more than one note."""

import random
from collections.abc import Callable, Sequence

from bandmate_music.theory.keys import Key
from bandmate_music.theory.metrical_grid import QUARTER

from bandmate_generate.lead.pitches import scale_pitches
from bandmate_generate.lead.words import Sung, TuneNote

SLOW_TEMPO = 92.0
_MIN_SECONDS = 0.22
"""No note of a melisma is shorter."""


def add_melismas(
    tune: Sequence[Sung],
    stresses: Sequence[int],
    wanted: int,
    chord_at: Callable[[int], frozenset[int]],
    key: Key,
    bounds: tuple[int, int],
    finest: int,
    seconds_per_tick: float,
    rng: random.Random,
) -> list[Sung]:
    """The tune with up to `wanted` syllables on two or three notes: long ones, stressed or at the end of a line."""
    groups = list(tune)
    candidates: list[tuple[float, int]] = []
    for index, group in enumerate(groups):
        is_last = index + 1 == len(groups)
        if len(group) > 1 or group[0].duration < 2 * finest or (is_last and group[0].duration < 2 * QUARTER):
            continue
        seconds = group[0].duration * seconds_per_tick
        if seconds < 2 * _MIN_SECONDS:
            continue
        weight = seconds + 0.5 * (stresses[index] == 2) + 0.7 * is_last + 0.9 * rng.random()
        candidates.append((-weight, index))
    for _, index in sorted(candidates)[: max(0, wanted)]:
        following = groups[index + 1][0].pitch if index + 1 < len(groups) else None
        groups[index] = _melisma(groups[index][0], following, chord_at, key, bounds, finest, seconds_per_tick)
    return groups


def _melisma(
    note: TuneNote,
    following: int | None,
    chord_at: Callable[[int], frozenset[int]],
    key: Key,
    bounds: tuple[int, int],
    finest: int,
    seconds_per_tick: float,
) -> Sung:
    """Towards the next note by step where there is a way to go, else to a neighbour; back at the end of a line."""
    step = max(finest, -(-round(_MIN_SECONDS / seconds_per_tick) // finest) * finest)
    step = 12 if step <= 12 and 12 % finest == 0 and note.duration >= 24 else step
    scale = scale_pitches(key, bounds[0], bounds[1])
    above = next((pitch for pitch in scale if pitch > note.pitch), None)
    below = next((pitch for pitch in reversed(scale) if pitch < note.pitch), None)
    if following is not None and abs(following - note.pitch) >= 3:
        toward = above if following > note.pitch else below
    elif following is None:
        toward = above if above is not None else below
    else:
        toward = below if following > note.pitch else above
    toward = toward if toward is not None else above if above is not None else below
    if toward is None:
        return (note,)
    if following is None and note.duration >= 2 * step + QUARTER:
        last = note.duration - 2 * step
        return (
            TuneNote(note.onset, step, note.pitch),
            TuneNote(note.onset + step, step, toward),
            TuneNote(note.onset + 2 * step, last, note.pitch),
        )
    if following is None and toward % 12 not in chord_at(note.onset + note.duration - step):
        return (note,)
    tail = max(step, note.duration // 2 // finest * finest) if note.duration <= 4 * step else step
    tail = min(tail, note.duration - finest)
    if following is None:
        tail = max(tail, min(QUARTER, note.duration - finest))
    return (
        TuneNote(note.onset, note.duration - tail, note.pitch),
        TuneNote(note.onset + note.duration - tail, tail, toward),
    )
