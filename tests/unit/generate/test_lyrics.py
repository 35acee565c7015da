"""Lyrics as lines of syllables."""

import pytest
from bandmate_generate.lyrics import read_lyrics
from bandmate_shared.errors import InvalidRequest


def words_of(text: str) -> list[str]:
    words, word = [], ""
    for line in read_lyrics(text):
        for syllable in line.syllables:
            word += syllable.text
            if syllable.word_end:
                words.append(word)
                word = ""
    assert word == "", "the last syllable of a line ends its word"
    return words


def test_lines_words_and_stanzas() -> None:
    lines = read_lyrics("Hello darkness,\nmy old friend!\n\n\n—\nI've come to talk")
    assert [[syllable.text for syllable in line.syllables] for line in lines] == [
        ["Hel", "lo", "dark", "ness"],
        ["my", "old", "friend"],
        ["I've", "come", "to", "talk"],
    ]
    assert [line.stanza for line in lines] == [0, 0, 1]
    assert all([syllable.line_end for syllable in line.syllables].count(True) == 1 for line in lines)
    assert all(line.syllables[-1].line_end for line in lines)


def test_function_words_are_weak_and_content_words_strong() -> None:
    stresses = {syllable.text: syllable.stress for syllable in read_lyrics("the moon and the silver tree")[0].syllables}
    assert stresses["the"] < 0.5
    assert stresses["and"] < 0.5
    assert stresses["moon"] == stresses["sil"] == stresses["tree"] == 1.0


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("99 red balloons", ["ninety", "nine", "red", "balloons"]),
        ("24 hours", ["twenty", "four", "hours"]),
        ("in 1984", ["in", "one", "thousand", "nine", "hundred", "eighty", "four"]),
        ("007", ["zero", "zero", "seven"]),
        ("rock-and-roll", ["rock", "and", "roll"]),
    ],
)
def test_numbers_are_spoken(text: str, words: list[str]) -> None:
    assert words_of(text) == words


@pytest.mark.parametrize("text", ["月亮代表我的心", "hello Владимир"])
def test_an_unknown_script_is_named(text: str) -> None:
    with pytest.raises(InvalidRequest, match="Latin letters"):
        read_lyrics(text)


def test_lyrics_without_a_word_are_refused() -> None:
    with pytest.raises(InvalidRequest, match="no syllables"):
        read_lyrics("...\n—\n!!!")


def test_a_word_that_nobody_can_sing_is_refused() -> None:
    with pytest.raises(InvalidRequest, match="not a word"):
        read_lyrics("a" + "b" * 60)
