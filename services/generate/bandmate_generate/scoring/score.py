"""Turn a composed take into a score and a performance: 480 ticks per quarter note, named parts, words on notes."""

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from bandmate_music.analysis.bars import metre_changes
from bandmate_music.note_rows import NoteRow
from bandmate_music.score import (
    TICKS_PER_QUARTER,
    ChordMark,
    KeyChange,
    Lyric,
    MetreChange,
    Notes,
    Part,
    Score,
    SectionMark,
    TempoChange,
)
from bandmate_music.theory.bars import Bars
from bandmate_music.theory.metrical_grid import bar_ticks, strength
from bandmate_shared.contracts.composition import GRID_TICKS_PER_QUARTER, ComposedTake

from bandmate_generate.performance.perform import perform
from bandmate_generate.planning.song_plan import EditPlan, WritePlan
from bandmate_generate.scoring.check import check_take, note_rows
from bandmate_generate.seeds import derived

GRID_TICK = TICKS_PER_QUARTER // GRID_TICKS_PER_QUARTER
"""A grid tick in ticks of the scores."""
_PHRASE_BARS = 4


def to_score(plan: WritePlan, take: ComposedTake) -> Score:
    """Turn a take into a score of exactly the plan's key, tempo, metre and bars.

    Raises:
        BadComposition: a note lies outside the bars or its part's range, or a syllable has no note.
    """
    check_take(plan, take)
    notes = note_rows(take)
    rows = []
    for index, spec in enumerate(plan.specs):
        part_rows = with_accents([row for row in notes if row.part == index], plan.frame, spec.role == "melody")
        rows += [row._replace(onset=row.onset * GRID_TICK, duration=row.duration * GRID_TICK) for row in part_rows]
    score = _score(plan, rows, _tempi(plan))
    return replace(score, parts=tuple(_extended_to_last_bar(score.parts, plan.frame)))


def to_performance(plan: WritePlan, take: ComposedTake) -> Score:
    """Turn a take of a song with a form into what is played: its velocities, timing and tempo changes."""
    style = plan.style
    performance = perform(
        note_rows(take),
        frame=plan.frame,
        form=plan.form,
        tempo=plan.tempo,
        specs=plan.specs,
        melody=plan.melody,
        is_sung=plan.has_words,
        swing=style.swing,
        groove=style.groove,
        looseness=style.loose,
        mode=plan.performance,
        seed=derived(plan.seed, "performance"),
    )
    # A tempo that was asked for holds to the end; otherwise the song may slow down there.
    tempi = ((0, plan.tempo),) if plan.tempo_wish else performance.tempi
    return _score(plan, performance.rows, tempi)


def _score(plan: WritePlan, rows: Sequence[NoteRow], tempi: Sequence[tuple[int, float]]) -> Score:
    """The plan's parts with these notes; times in score ticks."""
    parts = []
    for index, spec in enumerate(plan.specs):
        notes = Notes.from_rows([row[1:] for row in rows if row.part == index])
        parts.append(Part(spec.name, spec.program, notes, spec.is_drum, _lyrics(plan) if index == plan.melody else ()))
    changes = metre_changes(plan.frame.bars, GRID_TICKS_PER_QUARTER)
    return Score(
        tuple(parts),
        TICKS_PER_QUARTER,
        tuple(TempoChange(onset, tempo) for onset, tempo in tempi),
        tuple(MetreChange(change.onset * GRID_TICK, change.metre) for change in changes),
        (KeyChange(0, plan.key),),
        plan.title,
        *_marks(plan),
    )


def _marks(plan: WritePlan) -> tuple[tuple[SectionMark, ...], tuple[ChordMark, ...]]:
    """Where sections and chords begin, in score ticks."""
    if plan.form is None:
        return (), ()
    sections = plan.form.sections
    return (
        tuple(SectionMark(plan.frame.start(section.first_bar) * GRID_TICK, section.title) for section in sections),
        tuple(ChordMark(chord.onset * GRID_TICK, chord.symbol) for chord in plan.form.chords),
    )


def _tempi(plan: WritePlan) -> tuple[tuple[int, float], ...]:
    """(score tick, tempo): the plan's, after those of a prompt that changes its own."""
    if not plan.tempi:
        return ((0, plan.tempo),)
    prompt_tempi = [(onset * GRID_TICK, tempo) for onset, tempo in plan.tempi]
    return (*prompt_tempi, (plan.frame.start(plan.prompt_bars) * GRID_TICK, plan.tempo))


def length_seconds(plan: WritePlan | EditPlan, performance: Score) -> float:
    """Length of the song's bars as they are played; of a given piece to its last note, or as long as it was sung."""
    if isinstance(plan, WritePlan):
        return float(performance.seconds_at([plan.frame.end * GRID_TICK])[0])
    return max(performance.seconds, plan.singing.seconds if plan.singing is not None else 0.0)


def _extended_to_last_bar(parts: Sequence[Part], frame: Bars) -> Sequence[Part]:
    """The parts; where nothing sounds in the last bar, those that end last are held to its end.

    So the file has the bars asked for. Notes with words stay as they are.
    """
    end = max((part.notes.end for part in parts), default=0)
    if end > frame[-1].onset * GRID_TICK:
        return parts
    last = max((part.notes.end for part in parts if len(part.notes) and not part.lyrics), default=0)
    return [
        _hold_to_end(part, frame.end * GRID_TICK)
        if len(part.notes) and not part.lyrics and part.notes.end == last
        else part
        for part in parts
    ]


def _hold_to_end(part: Part, end: int) -> Part:
    notes = part.notes
    ends = notes.onset + notes.duration
    stretched = np.where(ends == ends.max(), end - notes.onset, notes.duration).astype(np.int32)
    return replace(part, notes=replace(notes, duration=stretched))


def _lyrics(plan: WritePlan) -> tuple[Lyric, ...]:
    return tuple(
        Lyric(sung.onset * GRID_TICK, sung.syllable.written, sung.syllable.word_end)
        for sung in plan.sung
        if sung.syllable is not None
    )


def with_accents(rows: Sequence[NoteRow], frame: Bars, is_melody: bool) -> list[NoteRow]:
    """One part's rows, with velocities by rule where the model gave every note the same.

    Strong beats are louder, phrases of four bars swell and fall, high notes are a little louder.
    """
    if not rows or len({row.velocity for row in rows}) > 1:
        return list(rows)
    highest, lowest = max(row.pitch for row in rows), min(row.pitch for row in rows)
    accented = []
    for row in rows:
        number = frame.at(row.onset)
        bar = frame[number]
        length = bar_ticks(bar.metre)
        position = row.onset - bar.onset
        arc = math.sin(math.pi * ((number % _PHRASE_BARS * length + position) / (_PHRASE_BARS * length)))
        height = (row.pitch - lowest) / max(1, highest - lowest) - 0.5
        velocity = (76 if is_melody else 66) + 14 * strength(position, bar.metre) + 10 * arc + 8 * height
        accented.append(row._replace(velocity=max(1, min(120, round(velocity)))))
    return accented
