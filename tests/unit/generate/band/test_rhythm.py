"""Lines of sixteenths in every metre."""

import pytest
from bandmate_generate.band.rhythm import Line, Stroke, line_in_bar, strokes
from bandmate_music.theory.metre import Metre

FOUR = Line("a---b---c---d---")


@pytest.mark.parametrize("numerator", range(1, 17))
@pytest.mark.parametrize("denominator", [1, 2, 4, 8, 16])
def test_a_line_fills_every_bar(numerator: int, denominator: int) -> None:
    metre = Metre(numerator, denominator)
    length = metre.bar_ticks(24)
    for line in (FOUR, Line("a---b---c---d---", "x---y---z---", "p-----q-----")):
        for number in range(4):
            text = line_in_bar(line, metre, length, number)
            assert len(text) * 6 >= length > (len(text) - 1) * 6
            assert text[0] not in "-."


@pytest.mark.parametrize(
    ("metre", "number", "expected"),
    [
        (Metre(4, 4), 0, "a---b---c---d---"),
        (Metre(2, 2), 0, "a---b---c---d---"),
        (Metre(2, 4), 0, "a---b---"),
        (Metre(2, 4), 1, "c---d---"),
        (Metre(3, 4), 0, "a---b---d---"),
        (Metre(6, 8), 0, "a-----b-----"),
        (Metre(7, 8), 0, "a---b---d-----"),
        (Metre(5, 4), 0, "a---b---c---c---d---"),
    ],
)
def test_other_metres_take_beats_of_the_line(metre: Metre, number: int, expected: str) -> None:
    assert line_in_bar(FOUR, metre, metre.bar_ticks(24), number).replace("|", "") == expected


def test_a_bar_cut_short_ends_the_line() -> None:
    assert line_in_bar(FOUR, Metre(4, 4), 36, 0) == "a---b-"


def test_a_hold_crosses_the_bar_line() -> None:
    found = list(strokes([(0, 24, "a..b"), (24, 24, "--c.")]))
    assert found == [Stroke(0, 6, "a"), Stroke(18, 36, "b"), Stroke(36, 42, "c")]
