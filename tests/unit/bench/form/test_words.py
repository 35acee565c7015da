"""The tune and the words."""

import pytest
from bandmate_bench.form import words
from bandmate_bench.form.piece import GRID, Syllable
from bandmate_bench.form.stress import stressed_syllables

from tests.unit.bench.form.pieces import BAR, line, piece, sung

LYRICS = (
    "[Verse 1]\nthe hap-py days are here\n\nChorus:\nsing a pen-ny sing\nVerse 2\nthe si-lent days are gone\n[Chorus]"
)
VERSE_1, CHORUS, VERSE_2 = "the hap- py days are here", "sing a pen- ny sing", "the si- lent days are gone"
V, C = [60, 64, 62, 65, 62, 60], [67, 65, 69, 67, 67]


def test_headers_are_no_lines() -> None:
    assert words.text_lines(LYRICS) == ["the hap-py days are here", "sing a pen-ny sing", "the si-lent days are gone"]


def test_same_text_is_compared_with_its_first_time() -> None:
    syllables = sung(VERSE_1, V) + sung(CHORUS, C, BAR * 2) + sung(VERSE_2, V, BAR * 4)
    syllables += sung(CHORUS, [67, 65, 69, 67, 72], BAR * 6)
    song = piece(8, syllables=tuple(syllables), lyrics=LYRICS)
    assert words.same_text_same_pitch(song) == 0.8
    assert words.other_text_same_pitch(song) == 1.0  # Both verses: without sections nothing says that they may share.
    formed = piece(
        8,
        syllables=tuple(syllables),
        lyrics=LYRICS,
        sections=[("verse", 0, 2), ("chorus", 2, 2), ("verse", 4, 2), ("chorus", 6, 2)],
    )
    assert words.other_text_same_pitch(formed) is None


def test_lines_without_a_text_end_with_a_breath() -> None:
    syllables = sung(CHORUS, C) + sung(CHORUS, C, BAR * 2)
    assert [line.text for line in words.sung_lines(piece(4, syllables=tuple(syllables)))] == ["singapennysing"] * 2


@pytest.mark.parametrize(
    ("word", "stressed"),
    [
        ("riv er", 0),
        ("a way", 1),
        ("be gin", 1),
        ("com ing", 0),
        ("re mem ber", 1),
        ("cit y", 0),
        ("e ter ni ty", 1),
        ("na tion", 0),
        ("my self", 1),
        ("beau ti ful", 0),
        ("an gels", 0),
        ("com fort er", 0),
        ("with in", 1),
    ],
)
def test_the_stress_of_words(word: str, stressed: int) -> None:
    parts = word.split()
    assert stressed_syllables(parts) == [index == stressed for index in range(len(parts))]


def test_short_words_are_weak() -> None:
    assert [stressed_syllables([word])[0] for word in ("the", "stone", "I'll", "And", "sing")] == [
        False,
        True,
        False,
        False,
        True,
    ]


def test_stressed_syllables_against_weak_neighbours() -> None:
    up = piece(2, syllables=tuple(sung("the riv- er runs", [60, 64, 62, 64])))
    assert words.stressed_higher(up) == 1.0
    down = piece(2, syllables=tuple(sung("the riv- er runs", [64, 60, 60, 60])))
    assert words.stressed_higher(down) == 0.0  # Pairs on one pitch are left out.


def test_melisma_and_slow_songs() -> None:
    syllables = (*sung("glo- ri- a", [60, 62, 64]), Syllable("sing", True, ((96, 60), (108, 62))))
    assert words.melisma(piece(2, syllables=syllables)) == 0.25
    assert words.melisma_if_slow(piece(2, syllables=syllables, tempo=140.0)) is None
    assert words.melisma_if_slow(piece(2, syllables=syllables, tempo=80.0)) == 0.25


def test_chorus_above_verse_by_sections_or_by_the_text() -> None:
    tune = line([60] * 8) + line([65] * 8, start=2 * BAR)
    assert words.chorus_above_verse(piece(4, tune, sections=[("verse", 0, 2), ("chorus", 2, 2)])) == 5.0
    syllables = sung(VERSE_1, [60] * 6) + sung(CHORUS, [64] * 5, 8 * GRID) + sung(CHORUS, [64] * 5, 16 * GRID)
    assert words.chorus_above_verse(piece(8, syllables=tuple(syllables), lyrics=LYRICS)) == 4.0
    assert words.chorus_above_verse(piece(4, tune)) is None
