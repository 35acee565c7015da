"""Notes into words: joined, cleaned, none lost."""

import pytest
from bandmate_shared.contracts.vocals import SungNote
from bandmate_vocal.alignment.syllables import HUM, lines_of, speakable
from hypothesis import given
from hypothesis import strategies as st


@pytest.mark.parametrize(
    ("written", "spoken"),
    [
        ("O’er", "o'er"),
        ("heart—break!", "heart-break"),
        ("NAÏVE,", "naïve"),
        ("“42”", "42"),
        ("😀", ""),
        ("…", ""),
        ("'", ""),
        ("ﬁre", "fire"),
        ("don't-", "don't"),
    ],
)
def test_words_are_made_fit_to_speak(written: str, spoken: str) -> None:
    assert speakable(written) == spoken


def notes_of(rows: list[tuple[str | None, bool, bool]]) -> list[SungNote]:
    return [
        SungNote(onset=float(i), duration=1.0, pitch=60, syllable=syllable, word_end=word, line_end=line)
        for i, (syllable, word, line) in enumerate(rows)
    ]


def test_syllables_join_until_the_word_ends_and_melismas_stay_with_theirs() -> None:
    rows = [("glo", False, False), (None, True, False), ("ri", False, False), ("a", True, True), ("Amen", True, False)]
    lines = lines_of(notes_of(rows))
    assert [line.text for line in lines] == ["gloria", "amen"]
    assert lines[0].words[0].syllables == ((0, 1), (2,), (3,))


def test_words_that_meet_on_a_note_stay_words() -> None:
    rows = [("gran", False, False), ("de a", False, False), ("mor", True, False), ("to us", True, False)]
    (line,) = lines_of(notes_of(rows))
    assert line.text == "grande amor to us"
    assert line.words[0].syllables == ((0,), (1,), (2,))


def test_unpronounceable_words_are_hummed() -> None:
    (line,) = lines_of(notes_of([(None, True, False), ("love", True, False), ("🙂", True, False)]))
    assert [(word.text, word.is_hum) for word in line.words] == [(HUM, True), ("love", False), (HUM, True)]


def test_word_offsets_point_into_the_lines_text() -> None:
    (line,) = lines_of(notes_of([("the", True, False), ("naïve", True, False), ("heart", True, False)]))
    assert [line.text[start:].split()[0] for start in line.starts] == ["the", "naïve", "heart"]


@given(
    st.lists(
        st.tuples(st.one_of(st.none(), st.text(max_size=8)), st.booleans(), st.booleans()), min_size=1, max_size=60
    )
)
def test_every_note_is_sung_exactly_once_and_in_order(rows: list[tuple[str | None, bool, bool]]) -> None:
    lines = lines_of(notes_of(rows))
    sung = [index for line in lines for word in line.words for syllable in word.syllables for index in syllable]
    assert sung == list(range(len(rows)))
    assert all(word.text for line in lines for word in line.words)
