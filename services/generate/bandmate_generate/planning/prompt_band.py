"""Going on from a piece: the bars of it that are gone on from, and its own tracks as the band."""

from collections.abc import Sequence
from dataclasses import replace
from typing import TypeVar

import numpy as np
from bandmate_music.analysis.bars import bars_of
from bandmate_music.general_midi import instrument_name
from bandmate_music.midi.edit import DRUM_CHANNEL, GivenTrack
from bandmate_music.note_rows import PartNote
from bandmate_music.score import ChordMark, KeyChange, MetreChange, Notes, Part, Score, SectionMark, TempoChange
from bandmate_shared.contracts.wishes import MAX_BARS, MAX_TRACKS
from bandmate_shared.errors import InvalidRequest

from bandmate_generate.planning.edit import style_part
from bandmate_generate.planning.lineup import MAX_DRUM_PARTS
from bandmate_generate.planning.source_piece import specs_of
from bandmate_generate.planning.styles import VOICE_PROGRAM, StylePart

C = TypeVar("C", TempoChange, MetreChange, KeyChange, SectionMark, ChordMark)
_BARS_TO_COMPOSE = 8
"""Room that is left for new bars where nobody says how many there are to be."""
_MAX_NAME = 64
SINGER = StylePart("Voice", "melody", VOICE_PROGRAM, 57, 76, monophonic=True, is_voice=True, pan=0.0, room=0.3)
"""Who sings the words of a song that goes on from a piece without a singer."""


def bars_to_continue(
    score: Score, first: int | None, last: int | None, bars: int | None
) -> tuple[Score, int, tuple[str, ...]]:
    """The bars `first` to `last` (from 1) of a piece, or as many of its last ones as leave room for new bars.

    `bars` is the length asked for, the piece's own bars included. Returns the bars, the tick at which they begin, and
    what to report.

    Raises:
        InvalidRequest: the piece does not have these bars.
    """
    piece_bars = bars_of(score)
    # Bars behind the last note's, into which it only lasts, hold nothing to go on from.
    last_onset = max(int(part.notes.onset.max()) for part in score.parts if len(part.notes))
    count = sum(bar.onset <= last_onset for bar in piece_bars)
    start, end = first or 1, last or count
    if not 1 <= start <= end <= count:
        raise InvalidRequest(
            f"there are no bars {start} to {end}: the given piece has {count} {'bar' if count == 1 else 'bars'}"
        )
    longest = bars - 1 if bars is not None else MAX_BARS - _BARS_TO_COMPOSE
    if first is None and end - start + 1 > longest >= 1:
        room = longest if bars is None else max(bars - _BARS_TO_COMPOSE, bars // 2)
        start = end - room + 1
        note = f"of the given piece's {count} bars the last {room} that fit, {start} to {end}, are gone on from"
        return _cut(score, start, end), piece_bars[start - 1].onset, (note,)
    if (start, end) == (1, count):
        return score, 0, ()
    note = f"bars {start} to {end} of the given piece's {count} are gone on from"
    return _cut(score, start, end), piece_bars[start - 1].onset, (note,)


def band_of(score: Score, *, sung: bool) -> tuple[Score, tuple[StylePart, ...], tuple[str, ...]]:
    """The piece with the tracks that go on, each under a name of its own; a part for each; and what to report.

    For words a singer is added where no track is one, and the piece's tune stays with its instrument.
    """
    sounding = [part for part in score.parts if len(part.notes)]
    limit = MAX_TRACKS - 1 if sung else MAX_TRACKS
    kept: list[Part] = []
    for part in sorted(sounding, key=lambda part: -len(part.notes)):
        drums = sum(other.is_drum for other in kept)
        if len(kept) < limit and not (part.is_drum and drums >= MAX_DRUM_PARTS):
            kept.append(part)
    kept = _named([part for part in sounding if part in kept])
    left_out = len(sounding) - len(kept)
    notes = (f"{left_out} tracks of the given piece with the fewest notes are left out",) if left_out else ()
    specs = specs_of([_given(part) for part in kept])
    parts = [style_part(spec, number) for number, spec in enumerate(specs)]
    if sung and not any(part.is_voice and part.role == "melody" for part in parts):
        parts = [replace(part, role="harmony") if part.role == "melody" else part for part in parts]
        taken = {part.name for part in parts}
        name = next(name for name in ("Voice", "Singer", "Lead voice", "Voice of the words") if name not in taken)
        parts.insert(0, replace(SINGER, name=name))
    return replace(score, parts=tuple(kept)), tuple(parts), notes


def _given(part: Part) -> GivenTrack:
    notes = part.notes
    columns = (notes.onset.tolist(), notes.duration.tolist(), notes.pitch.tolist(), notes.velocity.tolist())
    rows = tuple(PartNote(*row) for row in zip(*columns, strict=True))
    return GivenTrack(0, DRUM_CHANNEL if part.is_drum else 0, part.name, part.program, rows)


def _named(parts: Sequence[Part]) -> list[Part]:
    """The parts, each with a name that no other has."""
    used: set[str] = set()
    named = []
    for part in parts:
        plain = " ".join(part.name.split())[: _MAX_NAME - 4] or instrument_name(part.program, part.is_drum)
        name, number = plain, 1
        while name.lower() in used:
            number += 1
            name = f"{plain} {number}"
        used.add(name.lower())
        named.append(replace(part, name=name))
    return named


def _cut(score: Score, first: int, last: int) -> Score:
    """Bars of a score (from 1) as a score of its own, with the metre, key and tempo that hold where it begins."""
    bars = bars_of(score)
    start, end = bars[first - 1].onset, bars[last - 1].end
    return replace(
        score,
        parts=tuple(_cut_part(part, start, end) for part in score.parts),
        tempi=_changes(score.tempi, start, end),
        metres=_changes(score.metres, start, end),
        keys=_changes(score.keys, start, end),
        sections=_changes(score.sections, start, end),
        chords=_changes(score.chords, start, end),
    )


def _cut_part(part: Part, start: int, end: int) -> Part:
    notes = part.notes
    inside = (notes.onset >= start) & (notes.onset < end)
    length = np.minimum(notes.duration[inside], end - notes.onset[inside]).astype(np.int32)
    onset = (notes.onset[inside] - start).astype(np.int32)
    lyrics = tuple(replace(lyric, onset=lyric.onset - start) for lyric in part.lyrics if start <= lyric.onset < end)
    return replace(part, notes=Notes(onset, length, notes.pitch[inside], notes.velocity[inside]), lyrics=lyrics)


def _changes(changes: tuple[C, ...], start: int, end: int) -> tuple[C, ...]:
    """The changes inside, and the one that holds at the start."""
    first = sum(change.onset <= start for change in changes)
    kept: list[C] = [change for change in changes[max(0, first - 1) :] if change.onset < end]
    return tuple(replace(change, onset=max(0, change.onset - start)) for change in kept)
