"""Assign bars to the lines of the lyrics, and lay out intro, interludes and outro."""

from collections.abc import Sequence
from dataclasses import dataclass

from bandmate_music.theory.metre import Metre
from bandmate_music.theory.metrical_grid import bar_ticks
from bandmate_shared.contracts.wishes import MAX_BARS as MAX_BARS
from bandmate_shared.errors import InvalidRequest

from bandmate_generate.lyrics.lines import Line, Syllable

BARS_PER_LINE = 2
MAX_SYLLABLES_PER_BREATH = 20


@dataclass(frozen=True, slots=True)
class Phrase:
    """A line (where bars are scarce, several), sung in `bars` bars from `bar` on; the first free bar is 0."""

    syllables: tuple[Syllable, ...]
    stanza: int
    bar: int
    bars: int


def bars_for(lines: Sequence[Line], metre: Metre, comfortable: int) -> int:
    """Bars that the lyrics take when none are asked for: two a line, more for a line that is too long for two.

    Raises:
        InvalidRequest: more than a song may have.
    """
    bars = sum(_comfortable_bars(len(piece), metre, comfortable) for line in lines for piece in _pieces(line.syllables))
    if bars > MAX_BARS:
        raise InvalidRequest(
            f"{len(lines)} lyric lines would take {bars} bars and a song has at most {MAX_BARS}; "
            f"use fewer lines, or name the bars to have them sung closer together"
        )
    return bars


def lay_out(lines: Sequence[Line], metre: Metre, bars: int, finest: int, comfortable: int) -> list[Phrase]:
    """Share `bars` bars among the lines: each gets what it wants, the rest becomes intro, interludes and outro.

    `finest` and `comfortable` are the shortest notes allowed and liked, in grid ticks.

    Raises:
        InvalidRequest: there are more syllables than the bars can hold; the message says how many bars would do.
    """
    groups = [(piece, line.stanza) for line in lines for piece in _pieces(line.syllables)]
    while len(groups) > bars or sum(_min_bars(len(group[0]), metre, finest) for group in groups) > bars:
        if len(groups) == 1:
            needed = _min_bars(len(groups[0][0]), metre, finest)
            raise InvalidRequest(
                f"the lyrics have {len(groups[0][0])} syllables, more than {bars} {'bar' if bars == 1 else 'bars'} of "
                f"{metre.name} can hold at this tempo; ask for at least {needed} bars, fewer words or a slower tempo"
            )
        groups = _joined(groups)
    sizes = [_comfortable_bars(len(syllables), metre, comfortable) for syllables, _ in groups]
    min_sizes = [_min_bars(len(syllables), metre, finest) for syllables, _ in groups]
    while sum(sizes) > bars:
        slack = [(sizes[index] * bar_ticks(metre) / len(groups[index][0]), -index) for index in range(len(groups))]
        widest = max(
            slack_and_line for slack_and_line in slack if sizes[-slack_and_line[1]] > min_sizes[-slack_and_line[1]]
        )
        sizes[-widest[1]] -= 1
    gaps = _gaps(bars - sum(sizes), [stanza for _, stanza in groups])
    phrases, bar = [], 0
    for (syllables, stanza), size, gap in zip(groups, sizes, gaps, strict=True):
        bar += gap
        phrases.append(Phrase(syllables, stanza, bar, size))
        bar += size
    return phrases


def _pieces(syllables: tuple[Syllable, ...]) -> list[tuple[Syllable, ...]]:
    """A line that is too long for one breath, in pieces of about equal length that end with a word."""
    count = -(-len(syllables) // MAX_SYLLABLES_PER_BREATH)
    pieces, start = [], 0
    for number in range(1, count):
        target = number * len(syllables) / count
        ends = [index for index in range(start + 1, len(syllables)) if syllables[index - 1].word_end]
        if ends:
            cut = min(ends, key=lambda index: abs(index - target))
            pieces.append(syllables[start:cut])
            start = cut
    return [*pieces, syllables[start:]]


def _comfortable_bars(syllables: int, metre: Metre, comfortable: int) -> int:
    """Two bars, or as many as hold the syllables at the comfortable length with two notes' room for the ending."""
    needed = -(-(syllables + 2) * comfortable // bar_ticks(metre))
    return max(BARS_PER_LINE, needed + needed % 2 if needed > BARS_PER_LINE else BARS_PER_LINE)


def _min_bars(syllables: int, metre: Metre, finest: int) -> int:
    return max(1, -(-syllables * finest // bar_ticks(metre)))


def _joined(groups: list[tuple[tuple[Syllable, ...], int]]) -> list[tuple[tuple[Syllable, ...], int]]:
    """Merge the two neighbouring lines that are shortest together into one phrase."""
    pairs = [(len(groups[index][0]) + len(groups[index + 1][0]), index) for index in range(len(groups) - 1)]
    index = min(pairs)[1]
    joined = (groups[index][0] + groups[index + 1][0], groups[index][1])
    return [*groups[:index], joined, *groups[index + 2 :]]


def _gaps(spare_bars: int, stanzas: list[int]) -> list[int]:
    """Silent bars before each phrase, by twos: the intro first, then the outro, then between stanzas or half-way."""
    gaps = [0] * (len(stanzas) + 1)
    middle = len(stanzas) // 2
    breaks = [index for index in range(1, len(stanzas)) if stanzas[index] != stanzas[index - 1]]
    if not breaks and len(stanzas) > 1:
        breaks = [middle]
    order = [0, len(stanzas), *breaks]
    count = 0
    while spare_bars > 0:
        share = min(2, spare_bars)
        gap = order[count % len(order)] if share == 2 else len(stanzas)
        gaps[gap] += share
        spare_bars -= share
        count += 1
    return gaps[:-1]
