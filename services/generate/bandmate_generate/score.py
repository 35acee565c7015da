"""A composed take to a score: 480 ticks a quarter, named parts, the words on their notes, and a player's accents."""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from bandmate_shared.contracts.composition import GRID_TICKS_PER_QUARTER, ComposedTake
from bandmate_shared.contracts.vocals import SungNote
from bandmate_shared.errors import BandmateError
from bandmate_shared.music.bars import Bars, metre_changes
from bandmate_shared.music.score import (
    TICKS_PER_QUARTER,
    KeyChange,
    Lyric,
    MetreChange,
    Notes,
    Part,
    Score,
    TempoChange,
)

from bandmate_generate.accents import bar_ticks, strength
from bandmate_generate.plan import SongPlan
from bandmate_generate.prompt import Row

_SCALE = TICKS_PER_QUARTER // GRID_TICKS_PER_QUARTER
_PHRASE_BARS = 4


class BadComposition(BandmateError):
    """The model answered something that is not the piece asked for."""

    type = "bad-composition"
    title = "The model's answer cannot be used"
    status = 502


def to_score(plan: SongPlan, take: ComposedTake) -> Score:
    """The take as a score of exactly the plan's key, tempo and metre, within its bars.

    Raises:
        BadComposition: a note lies outside the bars or its part's range, or a syllable has no note.
    """
    check_take(plan, take)
    parts = []
    for index, spec in enumerate(plan.specs):
        rows = [row for row in take.notes if row[0] == index]
        rows = played(rows, plan.frame, spec.role == "melody")
        notes = Notes.from_rows(
            [(onset * _SCALE, length * _SCALE, pitch, loud) for _, onset, length, pitch, loud in rows]
        )
        lyrics = _lyrics(plan) if index == plan.melody else ()
        parts.append(Part(spec.name, spec.program, notes, spec.is_drum, lyrics))
    return Score(
        tuple(_to_the_last_bar(parts, plan)),
        TICKS_PER_QUARTER,
        tuple(TempoChange(onset * _SCALE, tempo) for onset, tempo in _tempi(plan)),
        tuple(
            MetreChange(change.onset * _SCALE, change.metre)
            for change in metre_changes(plan.frame.bars, GRID_TICKS_PER_QUARTER)
        ),
        (KeyChange(0, plan.key),),
        plan.title,
    )


def _tempi(plan: SongPlan) -> tuple[tuple[int, float], ...]:
    """(grid tick, tempo): the plan's, after those of a prompt that changes its own."""
    if not plan.tempi:
        return ((0, plan.tempo),)
    return (*plan.tempi, (plan.frame.start(plan.prompt_bars), plan.tempo))


def sung_notes(plan: SongPlan, score: Score) -> list[SungNote]:
    """The melody as the singer needs it, in seconds."""
    assert plan.melody is not None, "only called for songs with words"
    notes = score.parts[plan.melody].notes
    pitches = dict(zip(notes.onset.tolist(), notes.pitch.tolist(), strict=True))
    starts = score.seconds_at([sung.onset * _SCALE for sung in plan.sung])
    ends = score.seconds_at([(sung.onset + sung.duration) * _SCALE for sung in plan.sung])
    return [
        SungNote(
            onset=float(start),
            duration=float(end - start),
            pitch=pitches[sung.onset * _SCALE],
            syllable=sung.syllable.text,
            word_end=sung.syllable.word_end,
            line_end=sung.syllable.line_end,
        )
        for sung, start, end in zip(plan.sung, starts, ends, strict=True)
    ]


def check_take(plan: SongPlan, take: ComposedTake) -> None:
    """Refuse an answer that breaks the frame. Raises BadComposition."""
    end = plan.frame.end
    given, limits = set(plan.prompt), [(spec.low, spec.high) for spec in plan.specs]
    for part, onset, duration, pitch, velocity in take.notes:
        if not 0 <= part < len(plan.specs):
            raise BadComposition(f"the model wrote for part {part}, and there are {len(plan.specs)}")
        spec = plan.specs[part]
        if onset < 0 or duration <= 0 or onset + duration > end:
            raise BadComposition(f"the model wrote a note at tick {onset} outside the {plan.bars} bars asked for")
        low, high = (0, 127) if spec.is_drum or (part, onset, duration, pitch, velocity) in given else limits[part]
        if not low <= pitch <= high or not 1 <= velocity <= 127:
            raise BadComposition(f"the model wrote pitch {pitch}, velocity {velocity} for {spec.name} ({low}-{high})")
    if plan.holes is not None:
        _check_holes(plan, take)
    if plan.sung:
        there = [row[1:3] for row in take.notes if row[0] == plan.melody]
        if there != [(sung.onset, sung.duration) for sung in plan.sung]:
            raise BadComposition("the model changed the rhythm of the words")


def composed_rows(plan: SongPlan, take: ComposedTake) -> list[Row]:
    """What the model has put into the holes.

    Raises:
        BadComposition: a given note is missing.
    """
    missing = Counter(plan.prompt) - Counter(take.notes)
    if missing:
        part, onset, *_ = next(iter(missing))
        raise BadComposition(f"the model changed the given note of {plan.specs[part].name} at tick {onset}")
    return list((Counter(take.notes) - Counter(plan.prompt)).elements())


def _check_holes(plan: SongPlan, take: ComposedTake) -> None:
    frame, holes = plan.frame, plan.holes or ()
    spans = [(hole.part, frame.start(hole.first_bar), frame.start(hole.first_bar + hole.bars)) for hole in holes]
    for part, onset, duration, _, _ in composed_rows(plan, take):
        if not any(part == own and start <= onset and onset + duration <= end for own, start, end in spans):
            raise BadComposition(f"the model wrote a note of {plan.specs[part].name} at tick {onset}, outside the bars")


def _to_the_last_bar(parts: list[Part], plan: SongPlan) -> list[Part]:
    """Where nothing sounds in the last bar, the notes that ended last are held to its end: the song keeps its bars.

    The words' notes stay as they are.
    """
    frame = plan.frame
    end = max((part.notes.end for part in parts), default=0)
    if end > frame.start(plan.bars - 1) * _SCALE:
        return parts
    held = [part for part in parts if len(part.notes) and not part.lyrics]
    last = max((part.notes.end for part in held), default=0)
    return [
        _held(part, frame.end * _SCALE) if any(part is one for one in held) and part.notes.end == last else part
        for part in parts
    ]


def _held(part: Part, end: int) -> Part:
    notes = part.notes
    ends = notes.onset + notes.duration
    stretched = np.where(ends == ends.max(), end - notes.onset, notes.duration).astype(np.int32)
    return replace(part, notes=replace(notes, duration=stretched))


def _lyrics(plan: SongPlan) -> tuple[Lyric, ...]:
    return tuple(Lyric(sung.onset * _SCALE, sung.syllable.text, sung.syllable.word_end) for sung in plan.sung)


def played(rows: Sequence[Row], frame: Bars, is_melody: bool) -> list[Row]:
    """One part's rows with a player's velocities, where the model has left them to us."""
    return _accented(rows, frame, is_melody) if _flat(rows) else list(rows)


def _flat(rows: Sequence[Row]) -> bool:
    """Whether the model left the velocities to us."""
    return len({row[4] for row in rows}) <= 1


def _accented(rows: Sequence[Row], frame: Bars, is_melody: bool) -> list[Row]:
    """Velocities by rule: strong beats louder, phrases of four bars that swell and fall, top notes a little louder."""
    if not rows:
        return []
    highest, lowest = max(row[3] for row in rows), min(row[3] for row in rows)
    accented = []
    for part, onset, duration, pitch, _ in rows:
        number = frame.at(onset)
        bar = frame[number]
        length = bar_ticks(bar.metre)
        arc = math.sin(math.pi * ((number % _PHRASE_BARS * length + onset - bar.onset) / (_PHRASE_BARS * length)))
        height = (pitch - lowest) / max(1, highest - lowest) - 0.5
        velocity = (76 if is_melody else 66) + 14 * strength(onset - bar.onset, bar.metre) + 10 * arc + 8 * height
        accented.append((part, onset, duration, pitch, max(1, min(120, round(velocity)))))
    return accented
