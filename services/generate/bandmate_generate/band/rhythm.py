"""Rhythms written as lines of sixteenths, and their adaptation to any metre.

A line has a character for each sixteenth (6 grid ticks): a letter or digit begins a note, - holds it, . is silence.
Bars are parted by |. A line is written for 4/4; 3/4 and 6/8 may have lines of their own, and every other metre takes
beats of these: a bar falls into cells of a beat each (irregular metres into groups of two and three eighths), and
each cell is filled by a beat of the line.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Literal, NamedTuple

from bandmate_music.theory.metre import Metre
from bandmate_music.theory.metrical_grid import GRID_TICKS_PER_QUARTER, is_compound

SLOT_TICKS = GRID_TICKS_PER_QUARTER // 4
_BEAT, _DOTTED = 4, 6
_CYCLE = 4
"""Bars after which the longest line (two bars) and the beats taken for short bars (four) begin again."""
_EIGHTH_GROUPS = {5: (3, 2), 7: (2, 2, 3), 10: (3, 3, 2, 2), 11: (3, 3, 3, 2), 13: (3, 3, 3, 2, 2)}


@dataclass(frozen=True, slots=True)
class Line:
    """A rhythm in 4/4, and in 3/4 and 6/8 where it is not to be derived."""

    four: str
    three: str | None = None
    six: str | None = None


class Stroke(NamedTuple):
    """A note of a line: ticks from the start of the song, and its character."""

    start: int
    end: int
    symbol: str


class _Cell(NamedTuple):
    """Which beat of which line fills a cell of so many slots; the bar of the line is the bar's number plus `bar`.

    `plain` is the beat of the line in four where there is no line in six.
    """

    source: Literal["four", "three", "six"]
    beat: int
    slots: int
    bar: int = 0
    plain: int = 0


def line_in_bar(line: Line, metre: Metre, length: int, number: int) -> str:
    """The line in the bar of that number (0 is the first of the section), `length` ticks long."""
    return _line_in_bar(line, metre, length, number % _CYCLE)


def strokes(bars: Iterable[tuple[int, int, str]]) -> Iterator[Stroke]:
    """The notes of bars that follow each other: (onset, length in ticks, line). A hold may cross bar lines."""
    start, symbol, end = 0, "", 0
    for onset, length, text in bars:
        for slot, character in enumerate(text):
            tick = onset + slot * SLOT_TICKS
            if tick >= onset + length:
                break
            if character == "-":
                continue
            if symbol:
                yield Stroke(start, tick, symbol)
            symbol = "" if character == "." else character
            start = tick
        end = onset + length
    if symbol:
        yield Stroke(start, end, symbol)


@lru_cache(4096)
def _line_in_bar(line: Line, metre: Metre, length: int, number: int) -> str:
    cells = _cells(metre, length, number, line.three is not None)
    return "".join(_fill(line, cell, number) for cell in cells)


def _fill(line: Line, cell: _Cell, number: int) -> str:
    text: str | None = {"four": line.four, "three": line.three, "six": line.six}[cell.source]
    beat = cell.beat
    beat_slots = _DOTTED if cell.source == "six" else _BEAT
    if text is None:  # No line in six: beats of the line in four, stretched to dotted ones.
        text, beat_slots, beat = line.four, _BEAT, cell.plain
    bars = text.split("|")
    bar = bars[(number + cell.bar) % len(bars)]
    taken = bar[beat % (len(bar) // beat_slots) * beat_slots :][:beat_slots]
    if cell.slots == _DOTTED and beat_slots == _BEAT:
        taken = taken[0] + _held(taken[0]) + taken[1] + _held(taken[1]) + taken[2] + taken[3]
    elif cell.slots == _BEAT and beat_slots == _DOTTED:
        taken = taken[:2] + taken[4:]
    return taken[: cell.slots].ljust(cell.slots, _held(taken[-1]))


def _held(character: str) -> str:
    return "." if character == "." else "-"


@lru_cache(1024)
def _cells(metre: Metre, length: int, parity: int, has_three: bool) -> tuple[_Cell, ...]:
    """The cells of a bar; one cut short is cut after so many beats."""
    slots = -(-length // SLOT_TICKS)
    if length != metre.bar_ticks(GRID_TICKS_PER_QUARTER):
        sizes = [_BEAT] * (slots // _BEAT) + [slots % _BEAT] * (slots % _BEAT > 0)
    elif is_compound(metre):
        sizes = [3 * 16 // metre.denominator] * (metre.numerator // 3)
    elif metre.denominator == 8 and (groups := _groups(metre.numerator)):
        sizes = [2 * group for group in groups]
    else:
        sizes = [_BEAT] * (slots // _BEAT) + [slots % _BEAT] * (slots % _BEAT > 0)
    beats = _beats(len(sizes), parity)
    if len(sizes) > 1 and set(sizes) == {_DOTTED}:
        last = len(sizes) - 1
        return tuple(
            _Cell("six", 1 if index == last else index % 2, _DOTTED, index // 2 if last % 2 else 0, beat)
            for index, beat in enumerate(beats)
        )
    if has_three and len(sizes) in (3, 6) and set(sizes) == {_BEAT}:
        return tuple(_Cell("three", index % 3, _BEAT, index // 3) for index in range(len(sizes)))
    return tuple(
        _Cell("six", beat % 2, size, plain=beat) if size == _DOTTED else _Cell("four", beat, size)
        for beat, size in zip(beats, sizes, strict=True)
    )


def _groups(eighths: int) -> tuple[int, ...]:
    if eighths in _EIGHTH_GROUPS:
        return _EIGHTH_GROUPS[eighths]
    return (3,) if eighths == 3 else (2,) * (eighths // 2) + (1,) * (eighths % 2)


@cache
def _beats(count: int, parity: int) -> tuple[int, ...]:
    """Which beats of four fill so many: the first and the last stay, and what is between alternates."""
    short = {1: ((0,), (1,), (2,), (3,)), 2: ((0, 1), (2, 3), (0, 1), (2, 3))}
    if count in short:
        return short[count][parity]
    if count in (3, 5):
        return (0, 1, 3) if count == 3 else (0, 1, 2, 2, 3)
    rest = {0: (), 1: (3,), 2: (2, 3), 3: (0, 1, 3)}[count % 4]
    return (0, 1, 2, 3) * (count // 4) + rest
