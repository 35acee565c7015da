"""Share the bars of a section among the lines that are sung in it, with room for breaths and pick-ups."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from bandmate_music.theory.bars import Bars
from bandmate_shared.errors import InvalidRequest

from bandmate_generate.lyrics.lines import Line, Syllable

_MAX_SYLLABLES = 20
"""More than that are not sung in one breath."""
_MAX_SECONDS = 8.5
"""Of a line with the rest that follows it; a longer one is sung in several breaths."""
_ROOM = 2
"""Notes' worth of time that a line is given beyond its syllables."""


@dataclass(frozen=True, slots=True)
class Slot:
    """Where a line, or a piece of it between two breaths, is sung. Bars count from the section's first.

    `line` and `end_line` say which lines (several where bars are scarce), `piece` of `pieces` which part of them. A
    slot begins `late` ticks after its first bar does, and ends `over` ticks after its last one.
    """

    line: int
    end_line: int
    piece: int
    pieces: int
    bar: int
    bars: int
    late: int = 0
    over: int = 0

    def ticks(self, frame: Bars, first_bar: int) -> tuple[int, int]:
        """Where it begins and ends in the song, in a section that begins with bar `first_bar`."""
        first = first_bar + self.bar
        return frame.start(first) + self.late, frame.start(first + self.bars) + self.over


def lay_out(
    counts: Sequence[int], bars: int, bar_ticks: int, finest: int, seconds_per_bar: float, name: str, half: int = 0
) -> list[Slot]:
    """Slots for lines of so many syllables each, in order, in `bars` bars of `bar_ticks`.

    Lines of like length get the same number of bars, an even one if it is over two, or a bar and a half each where two
    are too many. Bars left over stay free before the last line where they are few, so that it ends with the section's
    cadence, else at the end. `half` are the ticks of half a bar, 0 where lines have to begin with bars. `name` is the
    section as errors call it.

    Raises:
        InvalidRequest: the syllables do not fit; the message says how many bars would do.
    """
    needed = sum(_bars_for(count, bar_ticks, finest) for count in counts)
    groups = [(index, index + 1) for index in range(len(counts))]
    while len(groups) > 1 and sum(_bars_for(sum(counts[a:b]), bar_ticks, finest) for a, b in groups) > bars:
        groups = _joined(groups, counts)
    totals = [sum(counts[a:b]) for a, b in groups]
    sizes = [_bars_for(total, bar_ticks, finest) for total in totals]
    if sum(sizes) > bars:
        raise InvalidRequest(
            f"{name} has {sum(counts)} syllables, more than {bars} {'bar' if bars == 1 else 'bars'} can hold at this "
            f"tempo; give it at least {sum(sizes)} bars ({needed} with a bar for each line), fewer words or a slower "
            "tempo"
        )
    if half and len(sizes) > 1 and 2 * bars // len(sizes) == 3 and _are_alike(totals, 3 * half, finest):
        return _in_halves(groups, bars, half)
    sizes = _shared(sizes, totals, bars, bar_ticks, finest)
    slots: list[Slot] = []
    bar, left = 0, bars - sum(sizes)
    for (line, end_line), total, size in zip(groups, totals, sizes, strict=True):
        pieces = _pieces(total, size, seconds_per_bar)
        if slots and end_line == len(counts) and left <= size:
            bar += left
        share = size // pieces
        for piece in range(pieces):
            length = share if piece + 1 < pieces else size - share * (pieces - 1)
            slots.append(Slot(line, end_line, piece, pieces, bar, length))
            bar += length
    return slots


def _bars_for(syllables: int, bar_ticks: int, finest: int) -> int:
    per_bar = max(1, bar_ticks // finest)
    return max(1, -(-syllables // per_bar))


def _joined(groups: list[tuple[int, int]], counts: Sequence[int]) -> list[tuple[int, int]]:
    """Merge the two neighbours that are shortest together."""
    index = min(range(len(groups) - 1), key=lambda i: (sum(counts[groups[i][0] : groups[i + 1][1]]), i))
    return [*groups[:index], (groups[index][0], groups[index + 1][1]), *groups[index + 2 :]]


def _are_alike(totals: Sequence[int], ticks: int, finest: int) -> bool:
    """Whether lines of so many syllables may have as many ticks each."""
    return (max(totals) + _ROOM) * max(finest, 8) <= ticks and max(totals) <= 2.2 * min(totals) + 2


def _in_halves(groups: Sequence[tuple[int, int]], bars: int, half: int) -> list[Slot]:
    """Slots of three half bars; half bars that are left over stay free before the last one."""
    slots = []
    left = min(2 * bars - 3 * len(groups), 3)
    for index, (line, end_line) in enumerate(groups):
        start = 3 * index + (left if index + 1 == len(groups) else 0)
        end = start + 3
        slots.append(Slot(line, end_line, 0, 1, start // 2, end // 2 - start // 2, start % 2 * half, end % 2 * half))
    return slots


def _shared(sizes: list[int], totals: list[int], bars: int, bar_ticks: int, finest: int) -> list[int]:
    equal = bars // len(sizes)
    equal -= equal % 2 if equal > 2 else 0
    is_even = equal > 1 or equal * len(sizes) == bars
    if is_even and equal >= max(sizes) and _are_alike(totals, equal * bar_ticks, finest):
        return [equal] * len(sizes)
    sizes = list(sizes)
    if max(totals) <= 1.6 * min(totals) + 2:  # Long and short lines by turns, whatever differs by a syllable or two.
        totals = [max(totals)] * len(totals)
    for _ in range(bars - sum(sizes)):
        index = max(range(len(sizes)), key=lambda i: ((totals[i] + _ROOM) / sizes[i], i % 2, -i))
        if (totals[index] + _ROOM) * 12 <= sizes[index] * bar_ticks and sum(sizes) + len(sizes) <= bars:
            break
        sizes[index] += 1
    return sizes


def _pieces(syllables: int, bars: int, seconds_per_bar: float) -> int:
    """In how many breaths a line is sung; in one where bars are scarce (`seconds_per_bar` 0)."""
    if seconds_per_bar == 0:
        return 1
    by_time = math.ceil(bars * seconds_per_bar / _MAX_SECONDS)
    return max(1, min(max(by_time, -(-syllables // _MAX_SYLLABLES)), bars, syllables // 3))


def slot_syllables(lines: Sequence[Line], slot: Slot) -> tuple[Syllable, ...]:
    """The syllables that are sung in a slot; a line is divided at the end of a word, nearest to equal pieces."""
    syllables = [syllable for line in lines[slot.line : slot.end_line] for syllable in line.syllables]
    cuts = [0]
    for number in range(1, slot.pieces):
        target = number * len(syllables) / slot.pieces
        ends = [i for i in range(cuts[-1] + 1, len(syllables)) if syllables[i - 1].word_end]
        cuts.append(min(ends, key=lambda i: (abs(i - target), i)) if ends else cuts[-1])
    cuts.append(len(syllables))
    return tuple(syllables[cuts[slot.piece] : cuts[slot.piece + 1]])


def fits(slots: Sequence[Slot], lines: Sequence[Line], frame: Bars, first_bar: int, bars: int, finest: int) -> bool:
    """Whether a section's lines can be sung in slots that were laid out for another one of its letter."""
    if not slots or slots[-1].bar + slots[-1].bars > bars or max(slot.end_line for slot in slots) != len(lines):
        return False
    if any(slot.late or slot.over for slot in slots):
        if slots[-1].bar + slots[-1].bars + (slots[-1].over > 0) > bars:
            return False
        if len({(frame[bar].length, frame[bar].metre) for bar in range(first_bar, first_bar + bars)}) > 1:
            return False
    for slot in slots:
        start, end = slot.ticks(frame, first_bar)
        room = sum(frame[first_bar + slot.bar + index].length // finest for index in range(slot.bars))
        room = (end - start) // finest if slot.late or slot.over else room
        if len(slot_syllables(lines, slot)) > room:
            return False
    return True
