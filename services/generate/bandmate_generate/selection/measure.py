"""Compare what was asked with what is in the file: pure functions of the MIDI bytes, the request and its plan.

Hard wishes (bars, metre, tempo, instruments, range, polyphony, and in a given piece all that was not asked for) hold in
every song that is delivered. Soft ones (style, key, density, chords) are measured over the bars that were composed.
"""

from collections.abc import Sequence

import numpy as np
from bandmate_music.analysis.bars import bars_of
from bandmate_music.note_rows import NoteRow
from bandmate_music.score import Score
from bandmate_music.theory.note_names import note_name
from bandmate_shared.contracts.composition import GRID_TICKS_PER_QUARTER, ChordSpan, PartSpec, density_level
from bandmate_shared.contracts.songs import Measured, SongRequest
from bandmate_shared.contracts.wishes import DENSITY_NAMES

from bandmate_generate.planning.song_plan import EditPlan, SongPlan, WritePlan
from bandmate_generate.selection import measure_edit, measure_written
from bandmate_generate.selection.chords import chords_of

MIN_CHORD_SHARE = 0.85
"""A progression counts as met when so much of the sounding time lies in its chords."""


def measure(request: SongRequest, plan: WritePlan | EditPlan, midi: bytes, score: Score) -> dict[str, Measured]:
    """Each property of the song. `score` is what `midi` reads as.

    What was not asked for is compared with what the plan chose, or with the given piece.
    """
    if isinstance(plan, EditPlan):
        tracks = measure_edit.tracks_of(plan, midi)
        rows, sounding = measure_edit.composed_rows(plan, tracks), measure_edit.sounding_rows(plan, tracks)
        own_measures = measure_edit.own_properties(request, plan, midi, rows)
        properties = measure_edit.frame_properties(request, plan, score)
        properties["instruments"] = measure_edit.instruments(plan, tracks, midi)
    else:
        rows = measure_written.composed_rows(plan, score)
        # In a performance the end of a note and the next onset may lie in one grid tick.
        sounding = measure_written.composed_rows(plan, score, score.ticks_per_quarter)
        own_measures = measure_written.own_properties(plan, score)
        properties = measure_written.frame_properties(request, plan, score)
        properties["instruments"] = measure_written.instruments(request, plan, score)
    properties["range"] = _ranges(plan, rows)
    properties["polyphony"] = _polyphony(plan, rows if isinstance(plan, EditPlan) else sounding, sounding)
    properties["chords"] = _chords(request, plan, rows, score)
    properties["density"] = _density(request, plan, rows)
    properties |= own_measures
    if any(wish is not None for wish in (request.temperature, request.top_p, request.top_k)):
        sampling = plan.sampling
        properties["sampling"] = Measured(
            requested={"temperature": request.temperature, "top_p": request.top_p, "top_k": request.top_k},
            measured={"temperature": sampling.temperature, "top_p": sampling.top_p, "top_k": sampling.top_k or None},
        )
    return properties


def unmet_hard_wishes(properties: dict[str, Measured]) -> list[str]:
    """The hard wishes that are not met, in words."""
    return [
        f"{name}: asked for {value.requested}, found {value.measured}"
        for name, value in properties.items()
        if value.hard and not value.met
    ]


def composed_rows(plan: WritePlan | EditPlan, midi: bytes, score: Score) -> list[NoteRow]:
    """The notes that were composed, on the plan's grid: what lies after the prompt, or in the holes."""
    if isinstance(plan, EditPlan):
        return measure_edit.composed_rows(plan, measure_edit.tracks_of(plan, midi))
    return measure_written.composed_rows(plan, score)


def chord_tone_share(chords: Sequence[ChordSpan], specs: Sequence[PartSpec], rows: Sequence[NoteRow]) -> float | None:
    """Share of the sounding pitched time under the chords whose pitch class is in the chord of that moment.

    None where nothing pitched sounds under a chord. Drums do not count.
    """
    if not chords:
        return None
    inside = total = 0
    starts = np.array([chord.onset for chord in chords])
    for part, onset, duration, pitch, _ in rows:
        if specs[part].is_drum:
            continue
        first = max(0, int(np.searchsorted(starts, onset, "right")) - 1)
        for chord in chords[first:]:
            if chord.onset >= onset + duration:
                break
            shared = min(onset + duration, chord.onset + chord.duration) - max(onset, chord.onset)
            if shared > 0:
                total += shared
                inside += shared if pitch % 12 in chord.pitch_classes or pitch % 12 == chord.bass else 0
    return inside / total if total else None


def notes_per_quarter(plan: SongPlan, rows: Sequence[NoteRow]) -> dict[int, float]:
    """Notes per quarter note of each part that is composed, over its composed bars; a chord's notes count each."""
    ticks = dict.fromkeys(range(len(plan.specs)), 0)
    for hole in plan.holes:
        ticks[hole.part] += plan.frame.start(hole.first_bar + hole.bars) - plan.frame.start(hole.first_bar)
    counts = dict.fromkeys(ticks, 0)
    for row in rows:
        counts[row.part] += 1
    return {part: counts[part] / (count / GRID_TICKS_PER_QUARTER) for part, count in ticks.items() if count}


def density_wishes(plan: SongPlan) -> dict[int, int]:
    """The level wished for, of each composed part that has one and whose rhythm is not settled beforehand."""
    composed_parts = {hole.part for hole in plan.holes}
    wishes = {}
    for part, spec in enumerate(plan.specs):
        level = spec.density if spec.density is not None else plan.density
        if level is not None and part in composed_parts and not (plan.rhythm and part == plan.melody):
            wishes[part] = level
    return wishes


def _ranges(plan: SongPlan, rows: Sequence[NoteRow]) -> Measured:
    requested, measured, met = {}, {}, True
    for part, spec in enumerate(plan.specs):
        pitches = [row.pitch for row in rows if row.part == part]
        if spec.is_drum or not pitches:
            continue
        requested[spec.name] = f"{note_name(spec.low)}-{note_name(spec.high)}"
        measured[spec.name] = f"{note_name(min(pitches))}-{note_name(max(pitches))}"
        met = met and spec.low <= min(pitches) and max(pitches) <= spec.high
    return Measured(requested=requested, measured=measured, met=met, hard=True)


def _polyphony(plan: SongPlan, composed: Sequence[NoteRow], sounding: Sequence[NoteRow]) -> Measured:
    requested: dict[str, int] = {}
    measured: dict[str, int] = {}
    met = True
    for part, spec in enumerate(plan.specs):
        part_rows = [row for row in composed if row.part == part]
        if spec.is_drum or not part_rows:
            continue
        cap = spec.polyphony or (1 if spec.monophonic else None)
        # Given notes may be more than the cap; where a composed one is struck, all that sound count.
        count = _max_sounding(sorted({row.onset for row in part_rows}), [row for row in sounding if row.part == part])
        measured[spec.name] = count
        if cap is not None:
            requested[spec.name] = cap
            met = met and count <= cap
    return Measured(requested=requested or None, measured=measured, met=met, hard=True)


def _max_sounding(ticks: Sequence[int], rows: Sequence[NoteRow]) -> int:
    """The largest number of notes that sound at one of these ticks."""
    starts, ends = np.sort([row.onset for row in rows]), np.sort([row.end for row in rows])
    return int((np.searchsorted(starts, ticks, "right") - np.searchsorted(ends, ticks, "right")).max())


def _chords(request: SongRequest, plan: SongPlan, rows: Sequence[NoteRow], score: Score) -> Measured:
    share = chord_tone_share(plan.chords, plan.specs, rows)
    estimated_chords = chords_of(score, len(bars_of(score)) if isinstance(plan, EditPlan) else plan.bars, plan.key)
    if request.chords is None:
        return Measured(measured=estimated_chords)
    return Measured(
        requested=request.chords,
        measured={"share": None if share is None else round(share, 4), "heard": estimated_chords},
        met=share is None or share >= MIN_CHORD_SHARE,
        how="share of the composed pitched notes' sounding time whose pitch is in the chord asked for then; "
        f"{MIN_CHORD_SHARE:.0%} and more is met",
    )


def _density(request: SongRequest, plan: SongPlan, rows: Sequence[NoteRow]) -> Measured:
    rates = notes_per_quarter(plan, rows)
    wishes = density_wishes(plan)
    measured = {
        plan.specs[part].name: {
            "level": density_level(rate),
            "name": DENSITY_NAMES[density_level(rate) - 1],
            "notes_a_quarter": round(rate, 3),
        }
        for part, rate in rates.items()
    }
    requested = {plan.specs[part].name: level for part, level in wishes.items()}
    met = all(density_level(rates[part]) == level for part, level in wishes.items() if part in rates)
    return Measured(
        requested=(requested or request.density) or None,
        measured=measured,
        met=met,
        how="notes a quarter note, mean over the composed bars of each track",
    )
