"""Chord symbols have their usual meaning; text that is no chord is named with its bar."""

import pytest
from bandmate_music.theory.chord_symbols import BadChord, parse_chord, parse_progression
from hypothesis import given
from hypothesis import strategies as st

SAME = {
    "C": ["Cmaj", "CM", "Cmajor"],
    "Cm": ["Cmin", "C-", "Cmi", "Cminor"],
    "C7": ["Cdom7", "C(7)"],
    "Cmaj7": ["CM7", "Cma7", "CΔ", "CΔ7", "CMaj7", "Cmaj 7"],
    "Cm7": ["C-7", "Cmin7", "Cmi7"],
    "Cm7b5": ["Cø", "Cø7", "C-7b5", "Cm7(b5)", "Cm7♭5", "Chalf-dim"],
    "Cdim": ["C°", "Co"],
    "Cdim7": ["C°7", "Co7"],
    "Caug": ["C+"],
    "Csus4": ["Csus"],
    "C69": ["C6/9", "C6add9"],
    "CmMaj7": ["CmM7", "Cm(maj7)", "CminMaj7"],
    "C#": ["C♯"],
    "Db": ["D♭"],
}


@pytest.mark.parametrize(
    ("symbol", "classes"),
    [
        ("C", {0, 4, 7}),
        ("F#m", {6, 9, 1}),
        ("Bb7", {10, 2, 5, 8}),
        ("Ebmaj7", {3, 7, 10, 2}),
        ("Am7b5", {9, 0, 3, 7}),
        ("Gsus4", {7, 0, 2}),
        ("Gsus2", {7, 9, 2}),
        ("G6", {7, 11, 2, 4}),
        ("D9", {2, 6, 9, 0, 4}),
        ("D11", {2, 6, 9, 0, 4, 7}),
        ("D13", {2, 6, 9, 0, 4, 11}),
        ("Cadd9", {0, 4, 7, 2}),
        ("Caug", {0, 4, 8}),
        ("Cdim7", {0, 3, 6, 9}),
        ("C7b9", {0, 4, 7, 10, 1}),
        ("C7(#9)", {0, 4, 7, 10, 3}),
        ("C5", {0, 7}),
        ("E#", {5, 9, 0}),
        ("Fbb", {3, 7, 10}),
    ],
)
def test_a_symbol_means_its_notes(symbol: str, classes: set[int]) -> None:
    assert set(parse_chord(symbol).pitch_classes) == classes


@pytest.mark.parametrize(("symbol", "spellings"), SAME.items())
def test_spellings_of_one_chord_are_one_chord(symbol: str, spellings: list[str]) -> None:
    for other in spellings:
        assert parse_chord(other).pitch_classes == parse_chord(symbol).pitch_classes, other


def test_a_slash_names_the_bass() -> None:
    assert (parse_chord("D/F#").root, parse_chord("D/F#").bass) == (2, 6)
    assert parse_chord("C6/9").bass is None
    assert parse_chord("C6/9/E").bass == 4


def test_bars_are_parted_shared_and_repeated() -> None:
    bars = parse_progression("| Dm7 G7 | Cmaj7 | % | | F/A |")
    assert [[chord.symbol for chord in bar] for bar in bars] == [
        ["Dm7", "G7"],
        ["Cmaj7"],
        ["Cmaj7"],
        ["Cmaj7"],
        ["F/A"],
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("C | Hm7", "bar 2.*'Hm7'.*A to G"),
        ("C | F | Gxyz", "bar 3.*'Gxyz'.*'xyz'"),
        ("C/H", "bar 1.*bass.*'H'"),
        ("% | C", "bar 1 .* no bar before"),
        ("", "bar 1 .* empty"),
        ("c", "'c'"),
        (" ".join(["C"] * 17), "17 chords"),
        ("C|" * 3000, "6,000 characters"),
    ],
)
def test_text_that_is_no_chord_is_named(text: str, message: str) -> None:
    with pytest.raises(BadChord, match=message):
        parse_progression(text)


@given(st.text(st.sampled_from("ABCDEFGHabm7#♭/|% 691dimsuj+°ø()4-"), max_size=30))
def test_any_text_is_a_progression_or_a_clear_error(text: str) -> None:
    try:
        bars = parse_progression(text)
    except BadChord:
        return
    for chord in (chord for bar in bars for chord in bar):
        assert chord.root in chord.pitch_classes
        assert all(0 <= pitch_class < 12 for pitch_class in (*chord.pitch_classes, chord.bass or 0))
