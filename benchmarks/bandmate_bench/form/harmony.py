"""Chords, bass and keys that are heard in the notes.

A chord is a major or minor triad, or a seventh on one (dominant, major or minor); a key is one of 24.
"""

from collections.abc import Sequence
from functools import cache

import numpy as np
from numpy.typing import NDArray

from bandmate_bench.form.piece import GridNote, Piece, PlannedChord, beats_of, sounding

Floats = NDArray[np.float64]

_TRIADS = ((0, 4, 7), (0, 3, 7))
_SEVENTHS = ((0, 4, 7, 10), (0, 4, 7, 11), (0, 3, 7, 10))
_MAJOR = (0.748, 0.060, 0.488, 0.082, 0.670, 0.460, 0.096, 0.715, 0.104, 0.366, 0.057, 0.400)
_MINOR = (0.712, 0.084, 0.474, 0.618, 0.049, 0.460, 0.105, 0.747, 0.404, 0.067, 0.133, 0.330)
"""Temperley's profiles of the Kostka-Payne corpus (Music and Probability, 2007). Of four sets of profiles they come
nearest to how many four-bar windows of hymns and game rock stay in the home key as judged from outside."""
_WINDOW_BARS = 4
_MIN_CLASSES = 3
_SEVENTH_COST = 0.1


def clean_chord_beats(piece: Piece) -> float | None:
    """Share of beats whose pitch classes are exactly those of a triad or seventh chord.

    Of the pitched notes of all parts those pitch classes count that sound for at least half of the beat, so that a
    passing note does not; of the beats those in which at least three do.
    """
    spans = [(start, end) for start, end, _ in beats_of(piece)]
    chords = {frozenset(chord) for _, chord in _chords()}
    clean: list[bool] = []
    for (start, end), notes in zip(spans, sounding(piece.pitched, spans), strict=True):
        sums = _weights(notes, start, end)
        held = frozenset(np.flatnonzero(sums >= (end - start) / 2).tolist())
        if len(held) >= _MIN_CLASSES:
            clean.append(held in chords)
    return _share(clean)


def bass_is_root(piece: Piece) -> float | None:
    """Share of bars whose lowest note at the bar line is the root of the triad that fits the whole bar best.

    Bars at whose line no pitched note sounds are left out.
    """
    spans = [(bar.onset, bar.end) for bar in piece.bars]
    hits = []
    for (start, end), notes in zip(spans, sounding(piece.pitched, spans), strict=True):
        low = _lowest_at(notes, start)
        if low is not None:
            hits.append(low % 12 == fitting_chord(_weights(notes, start, end), sevenths=False)[0])
    return _share(hits)


def bass_is_planned_root(piece: Piece) -> float | None:
    """Share of bars whose lowest note at the bar line is the root of the chord planned there; None without a plan."""
    bars = {bar.onset for bar in piece.bars}
    hits = []
    for chord in piece.chords:
        low = _lowest_at(piece.pitched, chord.onset) if chord.onset in bars else None
        if low is not None:
            hits.append(low % 12 == chord.root)
    return _share(hits)


def bass_in_chord(piece: Piece) -> float | None:
    """Share of the notes of the lowest part that belong to the chord which fits the beat that they begin in best."""
    bass = _lowest_part(piece)
    spans = [(start, end) for start, end, _ in beats_of(piece)]
    hits = []
    for (start, end), notes in zip(spans, sounding(piece.pitched, spans), strict=True):
        if notes:
            chord = fitting_chord(_weights(notes, start, end), sevenths=True)[1]
            hits += [note.pitch % 12 in chord for note in notes if note.part == bass and note.onset >= start]
    return _share(hits)


def windows_in_home_key(piece: Piece) -> float | None:
    """Share of four-bar windows, one after the other, whose key is that of the whole piece."""
    home = heard_key(piece)
    if home is None:
        return None
    hits = []
    for first in range(0, len(piece.bars) - _WINDOW_BARS + 1, _WINDOW_BARS):
        start, end = piece.bars[first].onset, piece.bars[first + _WINDOW_BARS - 1].end
        key = _key(_weights(piece.pitched, start, end))
        if key is not None:
            hits.append(key == home)
    return _share(hits)


def key_as_planned(piece: Piece) -> float | None:
    """1 where the key that is heard in the whole piece is the planned one, else 0; None without a plan."""
    heard = heard_key(piece)
    if piece.planned_key is None or heard is None:
        return None
    return float(heard == piece.planned_key)


def heard_key(piece: Piece) -> tuple[int, str] | None:
    """The key of the whole piece as (tonic, mode), by the correlation of its summed durations with each profile."""
    end = piece.bars[-1].end
    return _key(_weights(piece.pitched, 0, end))


def strong_beats_in_heard_chord(piece: Piece) -> float | None:
    """Share of melody notes on strong beats that belong to the chord which the other parts play in that bar."""
    band = [note for note in piece.pitched if note.part != piece.melody]
    spans = [(bar.onset, bar.end) for bar in piece.bars]
    bars = sounding(band, spans)
    hits = []
    for note, bar in _strong_notes(piece):
        sums = _weights(bars[bar], *spans[bar])
        if sums.any():
            hits.append(note.pitch % 12 in fitting_chord(sums, sevenths=True)[1])
    return _share(hits)


def strong_beats_in_planned_chord(piece: Piece) -> float | None:
    """Share of melody notes on strong beats that belong to the planned chord; None without a plan."""
    hits = []
    for note, _ in _strong_notes(piece):
        chord = _planned_at(piece.chords, note.onset)
        if chord is not None:
            hits.append(note.pitch % 12 in chord.pitch_classes)
    return _share(hits)


def fitting_chord(weights: Floats, *, sevenths: bool) -> tuple[int, frozenset[int]]:
    """The root and pitch classes of the chord that fits best: most sounding time inside it, least outside it.

    A seventh has to gain a tenth of the sounding time over its triad.
    """
    total = float(weights.sum())

    def fit(chord: tuple[int, frozenset[int]]) -> float:
        root, classes = chord
        inside = float(weights[list(classes)].sum())
        return inside - _SEVENTH_COST * total * (len(classes) - 3) + 0.01 * float(weights[root])

    return max((chord for chord in _chords() if sevenths or len(chord[1]) == 3), key=fit)


@cache
def _chords() -> tuple[tuple[int, frozenset[int]], ...]:
    shapes = (*_TRIADS, *_SEVENTHS)
    return tuple((root, frozenset((root + step) % 12 for step in shape)) for shape in shapes for root in range(12))


@cache
def _profiles() -> Floats:
    """24 normalised profiles: major keys from C up, then minor."""
    rows = np.array([np.roll(profile, tonic) for profile in (_MAJOR, _MINOR) for tonic in range(12)])
    rows = rows - rows.mean(axis=1, keepdims=True)
    normalised: Floats = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    return normalised


def _key(weights: Floats) -> tuple[int, str] | None:
    centred = weights - weights.mean()
    if not centred.any():
        return None
    best = int(np.argmax(_profiles() @ centred))
    return best % 12, "major" if best < 12 else "minor"


def _weights(notes: Sequence[GridNote], start: int, end: int) -> Floats:
    """Ticks that each pitch class sounds between two ticks."""
    sums = np.zeros(12)
    for note in notes:
        overlap = min(note.end, end) - max(note.onset, start)
        if overlap > 0:
            sums[note.pitch % 12] += overlap
    return sums


def _lowest_at(notes: Sequence[GridNote], tick: int) -> int | None:
    return min((note.pitch for note in notes if note.onset <= tick < note.end), default=None)


def _lowest_part(piece: Piece) -> int | None:
    """The pitched part of the lowest mean pitch."""
    pitches: dict[int, list[int]] = {}
    for note in piece.pitched:
        pitches.setdefault(note.part, []).append(note.pitch)
    return min(pitches, key=lambda part: sum(pitches[part]) / len(pitches[part]), default=None)


def _planned_at(chords: Sequence[PlannedChord], tick: int) -> PlannedChord | None:
    return next((chord for chord in chords if chord.onset <= tick < chord.end), None)


def _strong_notes(piece: Piece) -> list[tuple[GridNote, int]]:
    """The melody notes that begin on the first beat of a bar, or on the third of four; with their bars."""
    strong = []
    for note in piece.tune:
        number = piece.bar_at(note.onset)
        bar = piece.bars[number]
        place = note.onset - bar.onset
        if place == 0 or (bar.length == 4 * bar.beat and place == 2 * bar.beat):
            strong.append((note, number))
    return strong


def _share(hits: Sequence[bool]) -> float | None:
    return sum(hits) / len(hits) if hits else None
