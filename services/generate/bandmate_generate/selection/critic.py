"""Rank takes by musical faults: each criterion is a fault between 0 and 1, weighted, and the smallest sum is best.

The criteria follow the metrics in use for symbolic music (muspy's scale consistency and empty beats, mgeval's
intervals) and textbook melody writing: steps more than leaps, consonance on strong beats, a close on the tonic.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from bandmate_music.analysis.key_finder import estimate_key
from bandmate_music.note_rows import NoteRow
from bandmate_music.score import Notes, Part, Score
from bandmate_music.theory.metrical_grid import BEAT, strength
from bandmate_shared.contracts.composition import GRID_TICKS_PER_QUARTER, ComposedTake, density_level
from bandmate_shared.errors import BandmateError
from numpy.typing import NDArray

from bandmate_generate.planning.song_plan import EditPlan, SongPlan, WritePlan
from bandmate_generate.scoring.check import added_rows, note_rows
from bandmate_generate.selection.measure import chord_tone_share, density_wishes, notes_per_quarter
from bandmate_generate.selection.song_faults import song_faults

Rows = NDArray[np.int64]
"""[notes, 5]: part, onset, duration (grid ticks), pitch, velocity."""

_SCALES = {"major": frozenset({0, 2, 4, 5, 7, 9, 11}), "minor": frozenset({0, 2, 3, 5, 7, 8, 9, 10, 11})}
_CLASHES = frozenset({1, 11, 6})
"""Intervals above the bass, modulo the octave, that a melody does not rest on: semitone, major seventh, tritone."""

MAX_QUOTE_NOTES = 16
"""A take that repeats this many melody notes of its training music in a row counts as a copy."""

_WEIGHTS = {
    "off_scale": 3.0,
    "leaps": 1.5,
    "monotony": 1.0,
    "clashes": 1.5,
    "no_cadence": 2.0,
    "static": 1.5,
    "empty_bars": 3.0,
    "silent_parts": 2.5,
    "density": 1.0,
    "copied": 4.0,
    "unlikely": 0.5,
    "off_key": 4.0,
    "off_chords": 4.0,
    "off_density": 2.0,
    "silent_holes": 3.0,
    "tune_range": 1.0,
    "climax": 1.0,
    "few_steps": 1.0,
    "tune_leaps": 0.5,
    "tune_and_chords": 1.0,
    "chorus_lift": 1.5,
    "unclean_chords": 2.0,
    "bass_off_root": 1.5,
    "constant_lineup": 1.0,
}
_REQUESTED_KEY_WEIGHT = sum(_WEIGHTS.values())
"""Weight of `off_key` in a song whose key was asked for: no other faults make up for the right key."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """A take's index, its faults by name (0 best, 1 worst), and their weighted sum."""

    take: int
    faults: dict[str, float]
    total: float


def rank(plan: WritePlan | EditPlan, takes: Sequence[ComposedTake]) -> list[Verdict]:
    """Verdicts on the takes, best first; equal ones in their order.

    Raises:
        NothingComposed: no take holds a note.
    """
    playable = [index for index, take in enumerate(takes) if take.notes]
    if not playable:
        raise NothingComposed("the model composed no notes; try another seed")
    # In a given piece a few bars are composed, in which a key is not always to be heard.
    key_is_decisive = isinstance(plan, WritePlan) and plan.key_wish
    weights = _WEIGHTS | {"off_key": _REQUESTED_KEY_WEIGHT} if key_is_decisive else _WEIGHTS
    verdicts = []
    for index in playable:
        faults = faults_of(plan, takes[index])
        verdicts.append(Verdict(index, faults, sum(weights[name] * fault for name, fault in faults.items())))
    return sorted(verdicts, key=lambda verdict: (round(verdict.total, 9), verdict.take))


class NothingComposed(BandmateError):
    type = "nothing-composed"
    title = "The model composed nothing"
    retryable = True


def faults_of(plan: WritePlan | EditPlan, take: ComposedTake) -> dict[str, float]:
    """Every criterion's fault of a take that has notes."""
    rows = np.array(take.notes, dtype=np.int64)
    drums = [index for index, spec in enumerate(plan.specs) if spec.is_drum]
    pitched = rows[~np.isin(rows[:, 0], drums)]
    melody = pitched[pitched[:, 0] == (plan.melody if plan.melody is not None else -1)]
    faults = {
        "off_scale": _off_scale(plan, pitched),
        "clashes": _clashes(plan, pitched, melody),
        "no_cadence": _no_cadence(plan, pitched, melody),
        "static": _static(plan, pitched),
        "empty_bars": _empty_bars(plan, rows),
        "silent_parts": _silent_parts(plan, rows),
        "density": _density(plan, rows),
        "copied": min(1.0, take.originality.longest_match_notes / MAX_QUOTE_NOTES) ** 2,
        "unlikely": min(1.0, max(0.0, -take.log_likelihood / 4)),
    }
    faults["leaps"], faults["monotony"] = _leaps_and_monotony(melody)
    if isinstance(plan, WritePlan):
        faults |= song_faults(plan, note_rows(take))
    return faults | _wishes(plan, take)


def _wishes(plan: WritePlan | EditPlan, take: ComposedTake) -> dict[str, float]:
    """Faults against soft wishes, where there are any, in what was composed."""
    faults: dict[str, float] = {}
    if isinstance(plan, EditPlan):
        composed_rows = added_rows(plan, take)
    else:
        start = plan.frame.start(plan.prompt_bars)
        composed_rows = [row for row in note_rows(take) if row.onset >= start]
    if (share := chord_tone_share(plan.chords, plan.specs, composed_rows)) is not None:
        faults["off_chords"] = min(1.0, 2 * (1 - share))
    if isinstance(plan, WritePlan) or plan.key_wish:
        faults["off_key"] = _off_key(plan, composed_rows)
    if wishes := density_wishes(plan):
        rates = notes_per_quarter(plan, composed_rows)
        levels_off = [abs(density_level(rates[part]) - level) for part, level in wishes.items()]
        faults["off_density"] = min(1.0, sum(levels_off) / len(levels_off) / 2)
    if isinstance(plan, EditPlan) and plan.holes:
        parts = {hole.part for hole in plan.holes}
        faults["silent_holes"] = len(parts - {row.part for row in composed_rows}) / len(parts)
    return faults


def _off_key(plan: SongPlan, rows: Sequence[NoteRow]) -> float:
    """Whether another key than the song's is heard; with drums alone none is."""
    pitched = [row[1:] for row in rows if not plan.specs[row.part].is_drum]
    estimated_key = estimate_key(Score((Part("", 0, Notes.from_rows(pitched)),), GRID_TICKS_PER_QUARTER))
    return float(estimated_key not in (None, plan.key))


def _off_scale(plan: SongPlan, pitched: Rows) -> float:
    """Share of the sounding time outside the key's scale; a fifth and more is worst."""
    if not len(pitched):
        return 0.0
    scale = list(_SCALES[plan.key.mode])
    outside = ~np.isin((pitched[:, 3] - plan.key.tonic) % 12, scale)
    return min(1.0, 5 * float(pitched[outside, 2].sum() / pitched[:, 2].sum()))


def _leaps_and_monotony(melody: Rows) -> tuple[float, float]:
    """Leaps beyond a fifth; and a melody that stands on one pitch or has few pitches."""
    if len(melody) < 3:
        return 0.0, 0.0
    steps = np.abs(np.diff(melody[:, 3]))
    leaps = min(1.0, 3 * float(np.mean(steps > 7)) + float(np.mean(steps > 12)))
    repeats = max(0.0, float(np.mean(steps == 0)) - 0.25)
    variety = len(set(melody[:, 3].tolist()))
    return leaps, min(1.0, 1.5 * repeats + max(0.0, (5 - variety) / 5))


def _clashes(plan: SongPlan, pitched: Rows, melody: Rows) -> float:
    """Share of the melody notes on beats that clash with the lowest note that sounds then."""
    accompaniment = pitched[pitched[:, 0] != plan.melody]
    clashes = tested = 0
    for _, onset, duration, pitch, _ in melody.tolist():
        bar = plan.frame[plan.frame.at(onset)]
        if strength(onset - bar.onset, bar.metre) < BEAT or duration < 12:
            continue
        sounding = accompaniment[
            (accompaniment[:, 1] <= onset) & (accompaniment[:, 1] + accompaniment[:, 2] > onset), 3
        ]
        if len(sounding):
            tested += 1
            clashes += (pitch - int(sounding.min())) % 12 in _CLASHES
    return clashes / tested if tested else 0.0


def _no_cadence(plan: SongPlan, pitched: Rows, melody: Rows) -> float:
    """Half for a lowest closing note that is not the tonic, half for a melody that does not end in the tonic triad."""
    if not len(pitched):
        return 0.0
    triad = {0, 7, 4 if plan.key.mode == "major" else 3}
    ends = pitched[:, 1] + pitched[:, 2]
    closing = pitched[ends >= ends.max() - 6]
    fault = 0.0 if (int(closing[:, 3].min()) - plan.key.tonic) % 12 == 0 else 0.5
    if len(melody) and (int(melody[-1, 3]) - plan.key.tonic) % 12 not in triad:
        fault += 0.5
    elif len(melody) and (int(melody[-1, 3]) - plan.key.tonic) % 12 != 0:
        fault += 0.15
    return fault


def _static(plan: SongPlan, pitched: Rows) -> float:
    """Static harmony: more than half of the bars (four at least) share their three main pitch classes."""
    chords: dict[frozenset[int], int] = {}
    for bar in plan.frame.bars:
        inside = pitched[(pitched[:, 1] >= bar.onset) & (pitched[:, 1] < bar.end)]
        if len(inside):
            weights = np.bincount(inside[:, 3] % 12, weights=inside[:, 2], minlength=12)
            main = frozenset(np.argsort(-weights, kind="stable")[:3].tolist())
            chords[main] = chords.get(main, 0) + 1
    if plan.bars < 4 or not chords:
        return 0.0
    return max(0.0, 2 * max(chords.values()) / sum(chords.values()) - 1)


def _empty_bars(plan: SongPlan, rows: Rows) -> float:
    """Share of the bars in which nothing sounds."""
    frame = plan.frame
    sounding: set[int] = set()
    for _, onset, duration, _, _ in rows.tolist():
        sounding.update(range(frame.at(onset), frame.at(onset + duration - 1) + 1))
    return min(1.0, 4 * (1 - len(sounding & set(range(plan.bars))) / plan.bars))


def _silent_parts(plan: WritePlan | EditPlan, rows: Rows) -> float:
    """Share of the bars, over the parts, in which a part plays nothing. A singer may rest, and in a form all may."""
    frame = plan.frame
    if isinstance(plan, WritePlan) and plan.form is not None:
        return len(set(range(len(plan.specs))) - set(rows[:, 0].tolist())) / len(plan.specs)
    singer = plan.melody if isinstance(plan, WritePlan) and plan.sung else None
    parts = [index for index in range(len(plan.specs)) if index != singer]
    playing = {
        (row[0], bar) for row in rows.tolist() for bar in range(frame.at(row[1]), frame.at(row[1] + row[2] - 1) + 1)
    }
    return 1 - sum((part, bar) in playing for part in parts for bar in range(plan.bars)) / (len(parts) * plan.bars)


def _density(plan: SongPlan, rows: Rows) -> float:
    """Fewer than one note or more than ten notes a second and part."""
    rate = len(rows) / plan.seconds / len(plan.specs)
    return min(1.0, max(0.0, 1 - rate, (rate - 10) / 10))
