"""The sections of a given piece by its markers, and the bars that the name of one means."""

import re
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from bandmate_music.score import SectionMark
from bandmate_music.theory.bars import Bar
from bandmate_shared.errors import InvalidRequest

from bandmate_generate.lyrics.sections import read_header

_NUMBERED = re.compile(r"(.*?)[\s#.:-]*(\d{1,3})?")
_MAX_NAMED = 24
"""So many sections are listed where a name is none."""


@dataclass(frozen=True, slots=True)
class PieceSection:
    """A section of a given piece: its title, and its bars counted from 1, the last one included."""

    title: str
    first_bar: int
    last_bar: int


def piece_sections(marks: Sequence[SectionMark], bars: Sequence[Bar]) -> list[PieceSection]:
    """The sections from each marker to the next one; a marker counts at the bar line nearest to it."""
    starts: dict[int, str] = {}
    for mark in marks:
        index = max(0, bisect_right(bars, mark.onset, key=lambda bar: bar.onset) - 1)
        if 2 * (mark.onset - bars[index].onset) > bars[index].length:
            index += 1
        if index < len(bars):
            starts[index] = mark.text
    lines = [*sorted(starts), len(bars)]
    return [PieceSection(starts[first], first + 1, past) for first, past in pairwise(lines)]


def bars_of_sections(names: Sequence[str], sections: Sequence[PieceSection]) -> list[tuple[int, int]]:
    """First and last bar of each section that the names mean, case aside.

    'chorus' is every chorus, 'chorus 2' the one with that number, or the second where they have none. A name that no
    marker has is looked up as lyric sheets would write it: 'refrain' is a chorus.

    Raises:
        InvalidRequest: the piece has no markers, or no section of a name; with those that it has.
    """
    if names and not sections:
        raise InvalidRequest(
            f"the given piece has no markers, so no section {names[0]!r} can be found in it; name bars: '5-8'"
        )
    ranges = []
    for name in names:
        found = _named(name, sections)
        if not found:
            titles = [section.title for section in sections]
            more = f" and {len(titles) - _MAX_NAMED} more" if len(titles) > _MAX_NAMED else ""
            listed = ", ".join(titles[:_MAX_NAMED])
            raise InvalidRequest(f"there is no section {name!r}: the given piece has {listed}{more}")
        ranges += [(section.first_bar, section.last_bar) for section in found]
    return ranges


def _named(name: str, sections: Sequence[PieceSection]) -> list[PieceSection]:
    for identify in (_plain, _kind):
        base, number = identify(name)
        alike = [section for section in sections if base and identify(section.title)[0] == base]
        if number is None:
            chosen = alike
        else:
            chosen = [section for section in alike if identify(section.title)[1] == number]
            if not any(identify(section.title)[1] for section in alike):
                chosen = alike[number - 1 : number] if number else []
        if chosen:
            return chosen
    return []


def section_name(title: str) -> str:
    """A title in lower case without its number: 'Verse 2' is 'verse'."""
    return _plain(title)[0]


def _plain(text: str) -> tuple[str, int | None]:
    """A title in lower case without its number, and the number."""
    match = _NUMBERED.fullmatch(" ".join(text.split()).casefold())
    assert match is not None, "it matches any text"
    return match[1], int(match[2]) if match[2] else None


def _kind(text: str) -> tuple[str, int | None]:
    """The kind of section that a title means on a lyric sheet, and its number; '' for a title that means none."""
    header = read_header(f"[{text}]")
    return ("", None) if header is None else (header.kind, header.number)
