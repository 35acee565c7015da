"""Faults of a song as a whole: its tune's range and climax, its chords, its bass, and who plays when.

Each is 0 (none) to 1, and tells apart candidates of one song. The bounds are what real songs keep to: art songs, hymns
and folk songs of the same length.
"""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from bandmate_music.note_rows import NoteRow
from bandmate_music.theory.metrical_grid import STRONG_BEAT, beat_ticks, strength

from bandmate_generate.form.song_form import SongForm
from bandmate_generate.lead.chords import ChordTrack
from bandmate_generate.planning.song_plan import WritePlan

RANGE_SEMITONES = (11, 15)
CLIMAX_PLACE = (0.4, 0.75)
STRONG_BEATS_IN_CHORD = (0.62, 0.85)
MIN_STEPS = 0.45
LEAPS_OVER_FOURTH = (0.03, 0.11)
MIN_CHORUS_LIFT = 2.0
MIN_CLEAN_BEATS = 0.78
MIN_ROOTS_AT_BARS = 0.7
BLOCK_BARS = 4
MIN_LINEUP_CHANGES = 0.3

_CLEAN = [frozenset(steps) for steps in ((0, 4, 7), (0, 3, 7), (0, 4, 7, 10), (0, 4, 7, 11), (0, 3, 7, 10))]
"""Pitch classes above the root of a major or minor triad and the common sevenths."""


def song_faults(plan: WritePlan, rows: Sequence[NoteRow]) -> dict[str, float]:
    """The faults by name. `rows` are all notes of the song on its grid."""
    if plan.form is None:
        return {}
    pitched = [row for row in rows if not plan.specs[row.part].is_drum]
    chords = ChordTrack(plan.form.chords)
    faults = {"unclean_chords": _unclean_chords(plan, pitched)}
    tune = [row for row in pitched if row.part == plan.melody]
    if len(tune) >= 8:
        faults |= _tune_faults(plan, plan.form, chords, tune)
    if any(spec.role == "bass" for spec in plan.specs) and plan.form.chords:
        faults["bass_off_root"] = _bass_off_root(plan, chords, pitched)
    if plan.bars >= 4 * BLOCK_BARS and len(plan.specs) > 2:
        faults["constant_lineup"] = _constant_lineup(plan, rows)
    return faults


def _tune_faults(plan: WritePlan, form: SongForm, chords: ChordTrack, tune: Sequence[NoteRow]) -> dict[str, float]:
    pitches = np.array([row.pitch for row in tune])
    intervals = np.abs(np.diff(pitches))
    moving = intervals[intervals > 0]
    faults = {
        "tune_range": _outside(float(pitches.max() - pitches.min()), RANGE_SEMITONES, 6.0),
        "climax": _outside(tune[int(pitches.argmax())].onset / plan.frame.end, CLIMAX_PLACE, 0.4),
        "few_steps": _outside(float(np.mean(moving <= 2)) if len(moving) else 0.0, (MIN_STEPS, 1.0), MIN_STEPS),
        "tune_leaps": _outside(float(np.mean(intervals > 5)), LEAPS_OVER_FOURTH, 0.1),
    }
    in_chord = _strong_in_chord(plan, chords, tune)
    if in_chord is not None:
        faults["tune_and_chords"] = _outside(in_chord, STRONG_BEATS_IN_CHORD, 0.3)
    chorus, verse = (_mean_pitch(plan, form, tune, name) for name in ("chorus", "verse"))
    if chorus is not None and verse is not None:
        faults["chorus_lift"] = _outside(chorus - verse, (MIN_CHORUS_LIFT, 24.0), 4.0)
    return faults


def _outside(value: float, bounds: tuple[float, float], worst: float) -> float:
    """How far a value lies outside its bounds: 1 from `worst` on."""
    return min(1.0, max(0.0, bounds[0] - value, value - bounds[1]) / worst)


def _strong_in_chord(plan: WritePlan, chords: ChordTrack, tune: Sequence[NoteRow]) -> float | None:
    """Share of the tune's notes on strong beats that lie in the chord of that moment."""
    inside = []
    for row in tune:
        bar = plan.frame[plan.frame.at(row.onset)]
        chord = chords.at(row.onset)
        if chord is not None and strength(row.onset - bar.onset, bar.metre) >= STRONG_BEAT:
            inside.append(row.pitch % 12 in chord.pitch_classes)
    return sum(inside) / len(inside) if inside else None


def _mean_pitch(plan: WritePlan, form: SongForm, tune: Sequence[NoteRow], name: str) -> float | None:
    pitches = [row.pitch for row in tune if form.at(plan.frame.at(row.onset)).name == name]
    return float(np.mean(pitches)) if pitches else None


def _unclean_chords(plan: WritePlan, pitched: Sequence[NoteRow]) -> float:
    """Share of the beats, of those with three pitch classes and more, whose notes are no plain chord."""
    beat = beat_ticks(plan.metre)
    beats: dict[int, set[int]] = {}
    for row in pitched:
        for number in range(row.onset // beat, (row.end - 1) // beat + 1):
            beats.setdefault(number, set()).add(row.pitch % 12)
    full = [classes for classes in beats.values() if len(classes) >= 3]
    if not full:
        return 0.0
    clean = sum(any(_is_clean(classes, root) for root in classes) for classes in full)
    return _outside(clean / len(full), (MIN_CLEAN_BEATS, 1.0), MIN_CLEAN_BEATS)


def _is_clean(classes: set[int], root: int) -> bool:
    steps = {(pitch_class - root) % 12 for pitch_class in classes}
    return any(steps <= chord for chord in _CLEAN)


def _bass_off_root(plan: WritePlan, chords: ChordTrack, pitched: Sequence[NoteRow]) -> float:
    """Share of the bars, of those with a bass, whose first bass note is not the chord's bass."""
    bass = [row for row in pitched if plan.specs[row.part].role == "bass"]
    first: dict[int, NoteRow] = {}
    for row in bass:
        first.setdefault(plan.frame.at(row.onset), row)
    if not first:
        return 1.0
    at_root = 0
    for bar, row in first.items():
        chord = chords.at(plan.frame.start(bar))
        at_root += chord is None or row.pitch % 12 == (chord.root if chord.bass is None else chord.bass)
    return _outside(at_root / len(first), (MIN_ROOTS_AT_BARS, 1.0), MIN_ROOTS_AT_BARS)


def _constant_lineup(plan: WritePlan, rows: Sequence[NoteRow]) -> float:
    """How far the share of four-bar blocks in which other parts play than before falls short of what songs have."""
    blocks: list[set[int]] = [set() for _ in range(-(-plan.bars // BLOCK_BARS))]
    for row in rows:
        blocks[plan.frame.at(row.onset) // BLOCK_BARS].add(row.part)
    changes = sum(before != after for before, after in pairwise(blocks)) / (len(blocks) - 1)
    return _outside(changes, (MIN_LINEUP_CHANGES, 1.0), MIN_LINEUP_CHANGES)
