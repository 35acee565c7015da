"""A part's content as it is played: measures in playing order, each with the words of its verse.

Words are chosen voice by voice. Where a verse has none and one other lyric line has some for a stretch (a chorus that
is written once, on another line), the verse takes them.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

from bandmate_music.musicxml.lyrics import WrittenSyllable, lyric_lines
from bandmate_music.musicxml.order import PlayedMeasure
from bandmate_music.musicxml.part import PartReader, ReadChange, ReadNote, ReadSyllable, T
from bandmate_music.theory.keys import Key
from bandmate_music.theory.metre import Metre

_MIN_BORROWED = 3
"""Fewer syllables in a row of another verse, in a measure where the verse has words, are for a melisma or an upbeat,
and not borrowed."""

Line = tuple[str, str]
"""A voice of a part: its staff and its number."""


@dataclass(slots=True)
class SungSyllable:
    """A syllable of one voice; `measure` and `position` as in `ReadSyllable`."""

    measure: int
    position: int
    line: Line
    syllable: WrittenSyllable
    only_sung: bool


@dataclass(slots=True)
class PartContent:
    """What `assemble` needs of a part; measures count in playing order."""

    reader: PartReader
    notes: list[ReadNote]
    syllables: list[SungSyllable]
    tempi: list[ReadChange[float]]
    metres: list[ReadChange[Metre]]
    keys: list[ReadChange[Key]]
    sections: list[ReadChange[str]]
    chords: list[ReadChange[str]]
    lengths: list[int]


def verses_of(reader: PartReader) -> list[str]:
    """The lyric lines of a part's verses, the first verse first: those that stand under a note with the first one."""
    names = [[each.line for each in read.syllables] for read in reader.syllables]
    lines = lyric_lines([line for under in names for line in under])
    beside = {line for under in names if lines[0] in under for line in under} if lines else set()
    return [line for line in lines if line in beside]


def words_of_verse(reader: PartReader, verse: int) -> dict[int, list[SungSyllable]]:
    """Measure → the syllables of a verse (counted from 1) in all voices. A verse that is not there is the first."""
    chosen: dict[int, list[SungSyllable]] = {}
    verses = verses_of(reader)
    own = verses[verse - 1] if 1 <= verse <= len(verses) else verses[0] if verses else ""
    slurred = {(note.measure, note.position, note.line) for note in reader.notes if note.slurred}
    voices = sorted(reader.syllables, key=lambda read: (read.line, read.measure, read.position, read.delay))
    for _, reads in groupby(voices, key=lambda read: read.line):
        for each in _of_voice(list(reads), own, verses, verse, slurred):
            chosen.setdefault(each.measure, []).append(each)
    return chosen


def _of_voice(
    reads: Sequence[ReadSyllable], own: str, verses: Sequence[str], verse: int, slurred: set[tuple[int, int, Line]]
) -> Iterator[SungSyllable]:
    goes_on = False
    by_place = [{each.line: each for each in read.syllables if _is_sung(each, verse)} for read in reads]
    own_measures = {read.measure for read, place in zip(reads, by_place, strict=True) if own in place}
    has_own = bool(own_measures)
    index = 0
    while index < len(reads):
        syllable = by_place[index].get("chorus") if own not in by_place[index] else by_place[index][own]
        if syllable is not None:
            yield _placed(reads[index], syllable)
            goes_on = not syllable.word_end or syllable.held
            index += 1
            continue
        end = index
        while end < len(reads) and own not in by_place[end] and "chorus" not in by_place[end]:
            end += 1
        run = range(index, end)
        index = end
        lines = lyric_lines(sorted({name for place in run for name in by_place[place]}))
        first = reads[run[0]]
        if goes_on or not lines or (first.measure, first.position, first.line) in slurred:
            continue
        line = lines[0]
        borrowed = [place for place in run if line in by_place[place]]
        is_verse = line in verses
        least = _MIN_BORROWED if is_verse and own_measures & {reads[place].measure for place in borrowed} else 1
        if (has_own or not is_verse) and len(borrowed) >= least:
            yield from (_placed(reads[place], by_place[place][line]) for place in borrowed)


def _is_sung(syllable: WrittenSyllable, verse: int) -> bool:
    return not syllable.passes or verse in syllable.passes


def _placed(read: ReadSyllable, syllable: WrittenSyllable) -> SungSyllable:
    return SungSyllable(read.measure, read.position + read.delay, read.line, syllable, read.only_sung)


def as_written(reader: PartReader) -> PartContent:
    """The content in the order of the file, with the words of the first verse."""
    words = words_of_verse(reader, 1)
    return PartContent(
        reader,
        [note for note in reader.notes if not note.only_sung],
        [each for measure in sorted(words) for each in words[measure] if not each.only_sung],
        reader.tempi,
        reader.metres,
        reader.keys,
        reader.sections,
        reader.chords,
        reader.lengths,
    )


def as_played(reader: PartReader, order: Sequence[PlayedMeasure]) -> PartContent:
    """The content in playing order. Tempo, metre and key are stated again where the order leaves that of the file."""
    notes = _by_measure(reader.notes)
    words = {verse: words_of_verse(reader, verse) for verse in {played.verse for played in order}}
    content = PartContent(reader, [], [], [], [], [], [], [], [])
    for place, played in enumerate(order):
        measure = played.measure
        jumped = place > 0 and order[place - 1].measure + 1 != measure
        content.notes += (_late(note, place) for note in notes.get(measure, ()))
        content.syllables += (replace(each, measure=place) for each in words[played.verse].get(measure, ()))
        content.tempi += _changes(reader.tempi, measure, place, jumped)
        content.metres += _changes(reader.metres, measure, place, jumped)
        content.keys += _changes(reader.keys, measure, place, jumped)
        content.sections += _changes(reader.sections, measure, place, False)
        content.chords += _changes(reader.chords, measure, place, jumped)
        content.lengths.append(reader.lengths[measure] if measure < len(reader.lengths) else 0)
    return content


def _late(note: ReadNote, measure: int) -> ReadNote:
    """The note in another measure, after the grace notes that are sung before it."""
    delay = note.delay
    return replace(note, measure=measure, position=note.position + delay, duration=note.duration - delay, delay=0)


def _by_measure(notes: Iterable[ReadNote]) -> dict[int, list[ReadNote]]:
    measures: dict[int, list[ReadNote]] = {}
    for note in notes:
        measures.setdefault(note.measure, []).append(note)
    return measures


def _changes(changes: Sequence[ReadChange[T]], measure: int, place: int, jumped: bool) -> list[ReadChange[T]]:
    """The changes within a measure; after a jump the one that holds from before it as well."""
    found = [replace(change, measure=place) for change in changes if change.measure == measure]
    if jumped and not any(change.position == 0 for change in found):
        before = [change for change in changes if change.measure < measure]
        if before:
            found.insert(0, ReadChange(place, 0, before[-1].value))
    return found
