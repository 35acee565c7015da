"""Voicings: which pitches of a chord an instrument plays, with little movement from the chord before."""

from collections.abc import Sequence
from functools import lru_cache

from bandmate_generate.band.chord_line import Chord

Voicing = tuple[int, ...]
"""Pitches, ascending."""


_MIN_NOTES = 3
_LOWEST_CLOSE = 48
"""C3: close chords with notes below it are mud."""
_OVER_CEILING_COST, _MUD_COST = 6.0, 2.0


@lru_cache(16384)
def voice_chord(
    chord: Chord, notes: int, low: int, high: int, centre: int, before: Voicing, ceiling: int | None = None
) -> Voicing:
    """At most `notes` pitches within `low`..`high`, at least one: near `before` where that is not empty, else `centre`.

    Close position; a triad in four notes doubles its lowest one. What does not fit in the range is left out. Under a
    `ceiling`, a fourth note gives way before the chord rises over it; where the range leaves no room, it may.
    """
    pitches = _close(chord, notes, low, high, centre, before, ceiling)
    if ceiling is not None and notes > _MIN_NOTES and (not pitches or pitches[-1] > ceiling):
        pitches = _close(chord, _MIN_NOTES, low, high, centre, before, ceiling)
    if pitches:
        return pitches
    fitting = {place_near(pitch_class, centre, low, high) for pitch_class in _classes(chord, notes)}
    return tuple(sorted(pitch for pitch in fitting if pitch is not None))[:notes] or (min(max(centre, low), high),)


def _close(chord: Chord, notes: int, low: int, high: int, centre: int, before: Voicing, ceiling: int | None) -> Voicing:
    """The chord in close position of the least cost; empty where none fits in the range."""
    classes = _classes(chord, notes)
    best: tuple[float, Voicing] | None = None
    for bottom in range(low, high + 1):
        if bottom % 12 not in classes:
            continue
        pitches = _stack(bottom, classes, notes)
        if pitches[-1] > high:
            continue
        cost = 0.45 * abs(sum(pitches) / len(pitches) - centre)
        if before:
            cost += sum(min(abs(pitch - other) for other in before) for pitch in pitches)
        if ceiling is not None:
            cost += _OVER_CEILING_COST * max(0, pitches[-1] - ceiling) + _MUD_COST * max(0, _LOWEST_CLOSE - bottom)
        if best is None or cost < best[0]:
            best = (cost, pitches)
    return () if best is None else best[1]


def place_near(pitch_class: int, centre: int, low: int, high: int) -> int | None:
    """The pitch of that class nearest to `centre` within the range; None where there is none."""
    below = centre - (centre - pitch_class) % 12
    fitting = [pitch for pitch in (below - 12, below, below + 12, below + 24) if low <= pitch <= high]
    if not fitting:
        fitting = [pitch for pitch in range(low, high + 1) if pitch % 12 == pitch_class]
    return min(fitting, key=lambda pitch: (abs(pitch - centre), pitch), default=None)


def lowest(pitch_class: int, low: int, high: int) -> int | None:
    """The lowest pitch of that class within the range."""
    pitch = low + (pitch_class - low) % 12
    return pitch if pitch <= high else None


def nearest(pitches: Sequence[int], target: int) -> int:
    """The nearest of the pitches; the lower of two."""
    return min(pitches, key=lambda pitch: (abs(pitch - target), pitch))


def _classes(chord: Chord, notes: int) -> tuple[int, ...]:
    """The most telling pitch classes: third and seventh, then the root, the fifth and what is left."""
    if len(chord.classes) <= notes:
        return chord.classes
    seventh = chord.degree(10, 11, 9)
    ranked = [chord.third, *(() if seventh is None else (seventh,)), chord.root, chord.fifth, *chord.classes]
    kept = [pitch_class for pitch_class in dict.fromkeys(ranked) if pitch_class in chord.classes][:notes]
    return tuple(sorted(kept, key=lambda pitch_class: (pitch_class - chord.root) % 12))


def _stack(bottom: int, classes: tuple[int, ...], notes: int) -> Voicing:
    """Close position upwards from `bottom`, whose class is one of them; doubled from below where notes are left."""
    steps = sorted((pitch_class - bottom) % 12 for pitch_class in classes)
    pitches = [bottom + step for step in steps]
    if len(pitches) < notes and len(classes) >= 3:
        pitches.append(bottom + 12)
    return tuple(pitches)
