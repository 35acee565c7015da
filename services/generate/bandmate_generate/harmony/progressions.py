"""Write the chords of a song: a progression for each kind of section, the same for sections of equal letter."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from bandmate_music.theory.bars import Bars
from bandmate_music.theory.keys import Key
from bandmate_music.theory.metre import Metre
from bandmate_music.theory.metrical_grid import QUARTER, bar_ticks
from bandmate_shared.contracts.composition import ChordSpan

from bandmate_generate.form.layout import FormLayout, LaidOutSection
from bandmate_generate.form.song_form import SongForm, SongSection
from bandmate_generate.harmony.chord_rhythm import spans_of_bar
from bandmate_generate.harmony.chord_spans import chord_spans
from bandmate_generate.harmony.colour import Colouring, coloured
from bandmate_generate.harmony.degrees import parse_degree, symbol_in
from bandmate_generate.harmony.section_chords import with_cadence
from bandmate_generate.harmony.song_chords import chords_of_letters
from bandmate_generate.harmony.vocabularies import Vocabulary, vocabulary
from bandmate_generate.seeds import random_generator

_SHORT_BAR = 2 * QUARTER
"""So short a bar has one chord, where chords are drawn bar by bar."""


@dataclass(frozen=True, slots=True)
class _Writing:
    """What all sections share."""

    key: Key
    vocabulary: Vocabulary
    colouring: Colouring


def write_progressions(
    layout: FormLayout, *, key: Key, metre: Metre, frame: Bars, harmony: str, chords: str | None, seed: int
) -> SongForm:
    """The form with its chords.

    A section's own progression comes first, then the song's (`chords`, repeated from the first bar to the end), then
    one written in the vocabulary `harmony`. The last bar is the tonic unless its chords were asked for; where those are
    a loop from the tonic that would stop on another chord, the last bar is the loop's first chord.

    Raises:
        InvalidRequest: a progression that was asked for cannot be read or does not fit its bars.
    """
    style = vocabulary(harmony)
    if bar_ticks(metre) <= _SHORT_BAR:
        style = replace(style, two_chords=0.0)
    writing = _Writing(key, style, Colouring.drawn(style, key.mode, random_generator(seed, "chord colours")))
    whole = chord_spans(chords, frame, 0, layout.bars) if chords is not None else None
    wished = {section.letter: section.chords_wish for section in reversed(layout.sections) if section.chords_wish}
    written: dict[str, list[list[str]]] = {}
    if whole is None:
        degrees = chords_of_letters(layout, key.mode, writing.vocabulary, seed)
        last = layout.sections[-1]
        degrees[last.letter] = with_cadence(degrees[last.letter], last.bars, key.mode)
        written = {letter: _symbols(bars, writing) for letter, bars in degrees.items()}
    sections = [
        _with_chords(section, _spans(section, layout, frame, whole, wished, written, key))
        for section in layout.sections
    ]
    return SongForm(tuple(sections))


def _spans(
    section: LaidOutSection,
    layout: FormLayout,
    frame: Bars,
    whole: tuple[ChordSpan, ...] | None,
    wished: Mapping[str, str | None],
    written: Mapping[str, list[list[str]]],
    key: Key,
) -> tuple[ChordSpan, ...]:
    wish = section.chords_wish or wished.get(section.letter)
    if wish is not None:
        spans = chord_spans(wish, frame, section.first_bar, section.end_bar)
        return _come_home(spans, spans, frame, key) if section.end_bar == layout.bars else spans
    if whole is not None:
        start, end = frame.start(section.first_bar), frame.start(section.end_bar)
        spans = tuple(span for span in whole if start <= span.onset < end)
        return _come_home(spans, whole, frame, key) if section.end_bar == layout.bars else spans
    bars = list(written[section.letter][: section.bars])
    if section.end_bar == layout.bars:
        bars[-1] = [_tonic(key)]
    return tuple(span for index, bar in enumerate(bars) for span in spans_of_bar(bar, frame[section.first_bar + index]))


def _come_home(
    spans: tuple[ChordSpan, ...], asked: Sequence[ChordSpan], frame: Bars, key: Key
) -> tuple[ChordSpan, ...]:
    """The last section's chords; the last bar is the first chord asked for where that is the tonic, comes again, and
    another chord would end the song."""
    first, last_bar = asked[0], frame.at(spans[-1].onset)
    again = any(span.symbol == first.symbol and frame.at(span.onset) > frame.at(first.onset) for span in asked[1:])
    if spans[-1].root == key.tonic or first.root != key.tonic or not again:
        return spans
    start = frame.start(last_bar)
    closing = first.model_copy(update={"onset": start, "duration": frame[last_bar].length})
    return (*(span for span in spans if span.onset < start), closing)


def _symbols(bars: Sequence[str], writing: _Writing) -> list[list[str]]:
    """The symbols of each bar."""
    return [
        [symbol_in(parse_degree(coloured(text, writing.colouring)), writing.key) for text in bar.split()]
        for bar in bars
    ]


def _tonic(key: Key) -> str:
    return symbol_in(parse_degree("I" if key.mode == "major" else "i"), key)


def _with_chords(section: LaidOutSection, chords: tuple[ChordSpan, ...]) -> SongSection:
    return SongSection(
        name=section.name,
        number=section.number,
        letter=section.letter,
        first_bar=section.first_bar,
        bars=section.bars,
        energy=section.energy,
        chords=chords,
        lines=section.lines,
        repeats=section.repeats,
    )
