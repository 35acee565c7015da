"""How the bars of a section are shared among its lines."""

import pytest
from bandmate_generate.lead.layout import lay_out
from bandmate_music.theory.bars import Bars
from bandmate_music.theory.metre import Metre
from bandmate_shared.errors import InvalidRequest


@pytest.mark.parametrize(
    ("counts", "bars", "expected"),
    [
        ([8, 8, 8, 8], 8, [(0, 2), (2, 2), (4, 2), (6, 2)]),
        ([8, 8, 8], 8, [(0, 2), (2, 2), (6, 2)]),
        ([8, 8, 8, 8], 6, [(0, 1), (1, 2), (3, 1), (4, 2)]),
        ([8, 7, 9, 6], 6, [(0, 1), (1, 2), (3, 1), (4, 2)]),
        ([16, 4], 4, [(0, 3), (3, 1)]),
    ],
)
def test_lines_get_equal_shares_and_the_last_one_the_cadence(
    counts: list[int], bars: int, expected: list[tuple[int, int]]
) -> None:
    slots = lay_out(counts, bars, 96, 6, 2.0, "Verse 1")
    assert [(slot.bar, slot.bars) for slot in slots] == expected


@pytest.mark.parametrize(
    ("counts", "bars", "starts"),
    [
        ([8, 7, 8, 7], 6, [0, 144, 288, 432]),
        ([8, 8], 3, [0, 144]),
        ([8, 8, 8, 8], 7, [0, 144, 288, 528]),
        ([8, 8, 8, 8], 8, [0, 192, 384, 576]),
    ],
)
def test_lines_share_bars_by_halves_where_a_metre_has_them(counts: list[int], bars: int, starts: list[int]) -> None:
    slots = lay_out(counts, bars, 96, 6, 2.0, "Verse 1", half=48)
    frame = Bars.of([(96, Metre(4, 4))] * (bars + 2))
    ticks = [slot.ticks(frame, 2) for slot in slots]
    assert [start - 192 for start, _ in ticks] == starts
    assert ticks[-1][1] == frame.start(2 + bars)
    assert len({end - start for start, end in ticks}) == 1


def test_more_lines_than_bars_are_sung_two_to_a_bar() -> None:
    slots = lay_out([4, 4, 4, 4], 2, 96, 6, 2.0, "Verse 1")
    assert [(slot.line, slot.end_line, slot.bar) for slot in slots] == [(0, 2, 0), (2, 4, 1)]


def test_a_line_of_many_seconds_gets_a_breath_inside() -> None:
    slots = lay_out([12], 4, 96, 6, 3.0, "Verse 1")
    assert [(slot.piece, slot.pieces, slot.bar, slot.bars) for slot in slots] == [(0, 2, 0, 2), (1, 2, 2, 2)]


def test_too_many_syllables_are_refused_with_what_would_do() -> None:
    with pytest.raises(InvalidRequest, match=r"Verse 1 has 40 syllables.*at least 3 bars"):
        lay_out([20, 20], 2, 96, 6, 2.0, "Verse 1")
