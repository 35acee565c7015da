"""Assembles MusicXML parts into a score: aligns measures, joins ties, gives upbeats a metre of their own."""

from collections.abc import Container, Iterator, Sequence
from dataclasses import replace
from itertools import accumulate

import numpy as np

from bandmate_music.analysis.bars import count_bars
from bandmate_music.limits import INT32_MAX, Limits
from bandmate_music.marks import chord_marks, section_marks
from bandmate_music.musicxml.jumps import settle_codas
from bandmate_music.musicxml.order import Jumps, PlayedMeasure, playing_order
from bandmate_music.musicxml.part import PartReader, ReadChange, ReadNote
from bandmate_music.musicxml.unfold import Line, PartContent, as_played, as_written, verses_of
from bandmate_music.score import (
    IntArray,
    KeyChange,
    Lyric,
    MeasureMark,
    MetreChange,
    Notes,
    Notice,
    Part,
    Score,
    TempoChange,
)
from bandmate_music.theory.metre import Metre
from bandmate_music.verses import Verses

_COMMON_TIME = Metre(4, 4)


def assemble(
    readers: Sequence[PartReader],
    resolution: int,
    title: str,
    limits: Limits,
    notices: tuple[Notice, ...] = (),
    verses: Verses | None = None,
) -> Score:
    """The score the parts make together, `resolution` ticks a quarter; with `verses` as it is sung.

    Raises:
        LimitExceeded: it has too many bars or lasts too long.
        UnreadableFile: its ticks do not fit 32 bits.
    """
    notices += tuple(_left_out(readers))
    for reader in readers:
        reader.is_in_choir = sum(other.described.is_register for other in readers) > 1
    order: list[PlayedMeasure] = []
    if verses is None:
        contents = [as_written(reader) for reader in readers]
    else:
        order, told = _order_of(readers, verses, limits)
        notices += told
        contents = [as_played(reader, order) for reader in readers]
        limits.check_notes(sum(len(content.notes) for content in contents))
    written = next((content.metres for content in contents if content.metres), [])
    lengths = _measure_lengths(contents, written, resolution)
    starts = [0, *accumulate(lengths)]
    if starts[-1] > INT32_MAX:
        limits.check_seconds(starts[-1] / resolution * 0.5)
        limits.check_ticks(starts[-1], resolution)
    tempi: dict[int, float] = {}
    for content in contents:
        for change in content.tempi:
            tempi.setdefault(starts[change.measure] + change.position, change.value)
    keys = {starts[k.measure] + k.position: k.value for k in next((c.keys for c in contents if c.keys), [])}
    parts = [_part(content, starts) for content in contents] if verses is None else _voices(contents, starts)
    score = Score(
        parts=tuple(parts),
        ticks_per_quarter=resolution,
        tempi=tuple(TempoChange(onset, tempi[onset]) for onset in sorted(tempi)),
        metres=_metres(written, lengths, starts, resolution),
        keys=tuple(KeyChange(onset, keys[onset]) for onset in sorted(keys)),
        title=title,
        sections=section_marks(_at_ticks(next((c.sections for c in contents if c.sections), []), starts)),
        chords=chord_marks(_at_ticks(next((c.chords for c in contents if c.chords), []), starts)),
        notices=notices,
        language=_language(readers),
        measures=_measure_marks(readers, order, starts),
        is_notation=True,
    )
    limits.check_seconds(score.seconds)
    limits.check_ticks(score.end, resolution)
    limits.check_bars(count_bars(score))
    return score


def _order_of(
    readers: Sequence[PartReader], verses: Verses, limits: Limits
) -> tuple[list[PlayedMeasure], tuple[Notice, ...]]:
    """The measures in playing order with their verses, and a notice of verses that are not sung."""
    jumps = [Jumps() for _ in range(max(len(reader.jumps) for reader in readers))]
    for reader in readers:
        for together, own in zip(jumps, reader.jumps, strict=False):
            together.add(own)
    settle_codas(jumps)
    order = playing_order(jumps, limits)
    count = max((len(verses_of(reader)) for reader in readers), default=0)
    if verses.verse is not None:
        return [replace(played, verse=verses.verse) for played in order], ()
    passes = max((played.verse for played in order), default=1)
    if verses.every and count > passes:
        runs = -(-count // passes)
        order = [replace(played, verse=played.verse + run * passes) for run in range(runs) for played in order]
        limits.check_bars(len(order))
    elif count > passes:
        rest = f"verse {count}" if count == passes + 1 else f"verses {passes + 1} to {count}"
        sung = "verse 1 is sung" if passes == 1 else f"verses 1 to {passes} are sung"
        text = f"{sung}; the words have {rest} as well (--verse {passes + 1}, or --verse all)"
        return order, (Notice("verses-left-out", text, count - passes),)
    return order, ()


def _left_out(readers: Sequence[PartReader]) -> Iterator[Notice]:
    for reader in readers:
        for what, count in reader.left_out.items():
            if count:
                name = reader.name or reader.identifier
                yield Notice("notes-left-out", f"{count} {what} in the part {name!r} were left out", count)


def _language(readers: Sequence[PartReader]) -> str:
    """The language that most syllables state."""
    tags = [each.language for reader in readers for read in reader.syllables for each in read.syllables]
    stated = [tag for tag in tags if tag]
    return max(sorted(set(stated)), key=stated.count) if stated else ""


def _measure_marks(
    readers: Sequence[PartReader], order: Sequence[PlayedMeasure], starts: Sequence[int]
) -> tuple[MeasureMark, ...]:
    numbers = max((reader.numbers for reader in readers), key=len, default=[])
    return tuple(
        MeasureMark(starts[place], numbers[played.measure] or str(played.measure + 1))
        for place, played in enumerate(order)
    )


def _at_ticks(marks: Sequence[ReadChange[str]], starts: Sequence[int]) -> list[tuple[int, str]]:
    """(Tick, text) in order of time."""
    return sorted(((starts[mark.measure] + mark.position, mark.value) for mark in marks), key=lambda mark: mark[0])


def _measure_lengths(
    contents: Sequence[PartContent], written: Sequence[ReadChange[Metre]], resolution: int
) -> list[int]:
    """Ticks of each measure: what the longest part fills, or the metre's bar where all are empty."""
    count = max(len(content.lengths) for content in contents)
    metres = {change.measure: change.value for change in written}
    lengths: list[int] = []
    metre = _COMMON_TIME
    for index in range(count):
        metre = metres.get(index, metre)
        filled = max(content.lengths[index] if index < len(content.lengths) else 0 for content in contents)
        lengths.append(filled or metre.bar_ticks(resolution))
    return lengths


def _metres(
    written: Sequence[ReadChange[Metre]], lengths: Sequence[int], starts: Sequence[int], resolution: int
) -> tuple[MetreChange, ...]:
    """The metres stated, and one of its own for each bar of another length.

    A bar split in two measures (by a repeat sign) that are right together is left as it is, and so is the last one.
    """
    if not written:
        return ()
    metres = {change.measure: change.value for change in written}
    changes: list[MetreChange] = []
    metre = _COMMON_TIME
    index = 0
    while index < len(lengths):
        metre = metres.get(index, metre)
        bar, actual, measure_count = metre.bar_ticks(resolution), lengths[index], 1
        halves = 0 < index < len(lengths) - 1 and index + 1 not in metres
        if halves and actual < bar and actual + lengths[index + 1] == bar:
            actual, measure_count = bar, 2
        actual_metre = metre if actual == bar or index + 1 == len(lengths) else _metre_of(actual, resolution) or metre
        if not changes or changes[-1].metre != actual_metre:
            changes.append(MetreChange(starts[index], actual_metre))
        index += measure_count
    return tuple(changes)


def _metre_of(ticks: int, resolution: int) -> Metre | None:
    """The metre of a bar of this length, in the longest beats that fit."""
    for denominator in (4, 8, 16, 32):
        beats, beside = divmod(ticks * denominator, resolution * 4)
        if beside == 0 and 1 <= beats <= 64:
            return Metre(beats, denominator)
    return None


def _part(content: PartContent, starts: Sequence[int]) -> Part:
    """The whole part, with the words of its first voice that has some at an onset."""
    reader = content.reader
    notes = _notes(content.notes, starts)
    lyrics: dict[int, Lyric] = {}
    for lyric in _lyrics(content, starts, None):
        if lyric.text:
            lyrics.setdefault(lyric.onset, Lyric(lyric.onset, lyric.text, lyric.word_end))
    ordered = tuple(lyrics[onset] for onset in sorted(lyrics))
    return Part(reader.name, reader.program, notes, reader.is_drum and len(notes) > 0, ordered)


def _voices(contents: Sequence[PartContent], starts: Sequence[int]) -> Iterator[Part]:
    """The parts; one that has words is given voice by voice."""
    for content in contents:
        reader = content.reader
        sung = not reader.is_drum and any(each.syllable.text for each in content.syllables)
        if not sung:
            heard = replace(content, notes=[note for note in content.notes if not note.only_sung])
            yield replace(_part(heard, starts), identifier=reader.identifier)
            continue
        for line in sorted({note.line for note in content.notes}, key=_in_order):
            words = [each for each in content.syllables if each.line == line and each.syllable.text]
            worded = {(each.measure, each.position) for each in words if any(map(str.isalnum, each.syllable.text))}
            yield Part(
                reader.name,
                reader.program,
                _notes([note for note in content.notes if note.line == line], starts, worded),
                lyrics=tuple(_lyrics(content, starts, line)),
                identifier=reader.identifier,
                voice=f"{line[1]}" if line[0] == "1" else f"{line[1]} of staff {line[0]}",
            )


def _in_order(line: Line) -> tuple[tuple[int, str], ...]:
    return tuple((int(name) if name.isdigit() and len(name) < 6 else 99_999, name) for name in line)


def _notes(read: Sequence[ReadNote], starts: Sequence[int], worded: Container[tuple[int, int]] = ()) -> Notes:
    """The notes with their ties joined: a tie leads to the next note of its pitch that begins where the chord ends.

    A note that has a syllable of its own (`worded`: measure and position) is sung anew, tied or not.
    """
    rows: list[list[int]] = []
    held: dict[int, list[tuple[list[int], ReadNote]]] = {}
    for note in sorted(read, key=lambda note: starts[note.measure] + note.position):
        onset = starts[note.measure] + note.position
        tied = note.tied_from and (note.measure, note.position) not in worded
        row = _tied_row(held.get(note.pitch, []), note, onset, starts) if tied else None
        if row is None:
            row = [onset, 0, note.pitch, note.velocity]
            rows.append(row)
        row[1] = onset + note.duration - row[0]
        if note.tied_to:
            held.setdefault(note.pitch, []).append((row, note))
    table = np.array(rows, dtype=np.int64).reshape(-1, 4)
    columns: list[IntArray] = list(table[np.lexsort((table[:, 2], table[:, 0]))].T.astype(np.int32, order="C"))
    return Notes(*columns)


def _tied_row(
    held: list[tuple[list[int], ReadNote]], note: ReadNote, onset: int, starts: Sequence[int]
) -> list[int] | None:
    """The row that a tie leads to `note` from, taken out of those held; its own voice's before another's."""
    found = [
        (before.line != note.line, number)
        for number, (row, before) in enumerate(held)
        if row[0] + row[1] <= onset <= starts[before.measure] + before.chord_end
    ]
    return held.pop(min(found)[1])[0] if found else None


def _lyrics(content: PartContent, starts: Sequence[int], line: Line | None) -> list[Lyric]:
    """The words of one voice, or of all, in order of time."""
    lyrics = [
        Lyric(
            starts[each.measure] + each.position,
            each.syllable.text,
            each.syllable.word_end,
            each.syllable.held,
            each.syllable.line_end,
        )
        for each in content.syllables
        if line is None or each.line == line
    ]
    return sorted(lyrics, key=lambda lyric: lyric.onset)
