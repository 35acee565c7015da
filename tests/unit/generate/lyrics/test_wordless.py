"""Melodies without words get a rhythm, even in very short bars."""

import random
from typing import Any

from bandmate_generate.lyrics.prosody import Feel
from bandmate_generate.lyrics.wordless import wordless_rhythm
from bandmate_music.theory.metre import Metre
from bandmate_music.theory.metrical_grid import bar_ticks
from hypothesis import given, settings
from hypothesis import strategies as st


@st.composite
def pieces(draw: Any) -> tuple[Metre, float, int, int, random.Random]:
    metre = Metre(draw(st.integers(1, 16)), draw(st.sampled_from([1, 2, 4, 8, 16])))
    first = draw(st.integers(0, 4))
    tempo = draw(st.floats(20, 300))
    return metre, tempo, first + draw(st.integers(1, 20)), first, random.Random(draw(st.integers(0, 99)))


@settings(deadline=None)
@given(piece=pieces())
def test_every_piece_without_words_has_a_rhythm(piece: tuple[Metre, float, int, int, random.Random]) -> None:
    metre, tempo, bars, first, roll = piece
    rhythm = wordless_rhythm(metre, tempo, bars, first, Feel(), roll)
    assert rhythm, "at least one note is sung"
    ends = [0]
    for onset, duration in rhythm:
        assert onset >= ends[-1]
        assert duration > 0
        ends.append(onset + duration)
    assert rhythm[0][0] >= first * bar_ticks(metre)
    assert ends[-1] <= bars * bar_ticks(metre)


def test_one_bar_of_an_eighth() -> None:
    for seed in range(40):
        assert wordless_rhythm(Metre(1, 8), 120, 2, 1, Feel(), random.Random(seed))
