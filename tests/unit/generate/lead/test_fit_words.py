"""Other words on a known tune: which notes are divided, joined, added and dropped."""

from bandmate_generate.lead.words import Sung, TuneNote, WordFit, fit_words
from bandmate_generate.lyrics.lines import Syllable

COSTS = [[80, 50, -20, -45, -50], [0, 0, 0, 0, 0], [-50, -40, 30, 110, 120]]
"""Cost of weak, secondary and strong syllables on the levels of a bar."""


def level(tick: int) -> int:
    """Of a tick in 4/4."""
    position = tick % 96
    return 0 if position == 0 else 1 if position == 48 else 2 if position % 24 == 0 else 3 if position % 12 == 0 else 4


FIT = WordFit(COSTS, level, 6, -24, 0)
TUNE: list[Sung] = [
    (TuneNote(0, 24, 60),),
    (TuneNote(24, 24, 62),),
    (TuneNote(48, 48, 64),),
    (TuneNote(96, 48, 60),),
]


def words(*stresses: float) -> list[Syllable]:
    return [Syllable("la", stress, True, index == len(stresses) - 1) for index, stress in enumerate(stresses)]


def test_as_many_syllables_take_the_same_notes() -> None:
    assert fit_words(TUNE, words(1, 0.1, 1, 1), FIT) == TUNE


def test_a_syllable_more_divides_a_long_note_into_two_of_its_pitch() -> None:
    groups = fit_words(TUNE, words(1, 0.1, 1, 0.1, 1), FIT)
    assert groups is not None
    assert [group[0].pitch for group in groups] == [60, 62, 64, 64, 60]
    assert [group[0].onset for group in groups] == [0, 24, 48, 72, 96]


def test_a_weak_syllable_before_a_strong_one_becomes_a_pick_up() -> None:
    groups = fit_words(TUNE, words(0.1, 1, 0.1, 1, 1), FIT)
    assert groups is not None
    assert groups[0][0].onset < 0
    assert groups[1:] == TUNE


def test_a_melisma_gives_its_second_note_to_a_syllable_more() -> None:
    tune: list[Sung] = [*TUNE[:2], (TuneNote(48, 24, 64), TuneNote(72, 24, 65)), TUNE[3]]
    groups = fit_words(tune, words(1, 0.1, 1, 0.1, 1), FIT)
    assert groups is not None
    assert [group[0].pitch for group in groups] == [60, 62, 64, 65, 60]


def test_a_syllable_less_joins_notes_or_drops_the_pick_up() -> None:
    joined = fit_words(TUNE, words(1, 1, 1), FIT)
    assert joined is not None
    assert [len(group) for group in joined] == [2, 1, 1]
    with_pickup: list[Sung] = [(TuneNote(-12, 12, 59),), *TUNE]
    assert fit_words(with_pickup, words(1, 0.1, 1, 1), FIT) == TUNE


def test_very_different_words_are_not_fitted() -> None:
    assert fit_words(TUNE, words(*[1.0] * 12), FIT) is None
