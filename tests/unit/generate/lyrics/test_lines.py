"""Lyrics as lines of syllables."""

import pytest
from bandmate_generate.lyrics.lines import as_sung, read_lyrics
from bandmate_shared.errors import InvalidRequest


def words_of(text: str) -> list[str]:
    words, word = [], ""
    for line in read_lyrics(text).lines:
        for syllable in line.syllables:
            word += syllable.text
            if syllable.word_end:
                words.append(word)
                word = ""
    assert word == "", "the last syllable of a line ends its word"
    return words


def test_lines_words_and_stanzas() -> None:
    lines = read_lyrics("Hello darkness,\nmy old friend!\n\n\n—\nI've come to talk").lines
    assert [[syllable.text for syllable in line.syllables] for line in lines] == [
        ["Hel", "lo", "dark", "ness"],
        ["my", "old", "friend"],
        ["I've", "come", "to", "talk"],
    ]
    assert [line.stanza for line in lines] == [0, 0, 1]
    assert all([syllable.line_end for syllable in line.syllables].count(True) == 1 for line in lines)
    assert all(line.syllables[-1].line_end for line in lines)


@pytest.mark.parametrize(
    ("line", "written"),
    [
        ("The moon, the sea!", "The moon, the sea!"),
        ('"And carries" all (my) dreams…', '"And car-ries" all (my) dreams…'),
        ("'Tis here", "'Tis here"),
        ("one,two", "one ,two"),
        ("rock-and-roll – and gone", "rock and roll and gone"),
        ("¿Dónde?", "¿Dónde?"),
    ],
)
def test_the_score_keeps_the_punctuation_that_is_not_sung(line: str, written: str) -> None:
    (read,) = read_lyrics(line).lines
    text = "".join(syllable.written + (" " if syllable.word_end else "-") for syllable in read.syllables).strip()
    assert text == written
    assert all(character.isalpha() or character in "'’" for syllable in read.syllables for character in syllable.text)


def test_function_words_are_weak_and_content_words_strong() -> None:
    line = read_lyrics("the moon and the silver tree").lines[0]
    stresses = {syllable.text: syllable.stress for syllable in line.syllables}
    assert stresses["the"] < 0.5
    assert stresses["and"] < 0.5
    assert stresses["moon"] == stresses["sil"] == stresses["tree"] == 1.0


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("99 red balloons", ["ninety", "nine", "red", "balloons"]),
        ("24 hours", ["twenty", "four", "hours"]),
        ("in 1984", ["in", "nineteen", "eighty", "four"]),
        ("rock & roll, 3.14", ["rock", "and", "roll", "three", "point", "one", "four"]),
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


HEADERS = """[Verse 1]|[Chorus]|Chorus:|(Refrain)|CHORUS|Verse 2|[Verse 1: Anna & Ben]|[Chorus x2]|Chorus (2x)
(Repeat chorus)|[Pre-Chorus]|{Bridge}|[Solo]|Outro:|2nd verse|[Guitar Solo]|Strophe 3:|[Brücke]|1. Strophe
[Zwischenspiel]|[Couplet 1]|Pré-refrain|[Pont]|(Ritornello)|[Strofa II]|[Estribillo]|Estrofa 1|[Puente]|[Refrão]
[Verso 2]|Ponte:|[Refrein]|[Brug]|[Refräng]|Vers 2|[Brygga]"""


@pytest.mark.parametrize("header", HEADERS.replace("\n", "|").split("|"))
def test_a_line_that_is_only_a_section_header_is_not_sung(header: str) -> None:
    assert words_of(f"{header}\nlove is here") == ["love", "is", "here"]


SUNG_LINES = """Bridge over troubled water|Verse me in your ways|The chorus|Solo|(Solo)|The end|End|Chorus of angels
I said: stay|(ooh la la)|Hook me up|Tag along|[softly]|Break my heart"""


@pytest.mark.parametrize("line", SUNG_LINES.replace("\n", "|").split("|"))
def test_words_that_are_no_header_are_sung(line: str) -> None:
    assert len(read_lyrics(f"{line}\nlove is here").lines) == 2
    assert read_lyrics(line).sections == ()


def test_section_headers_come_back_as_the_form_of_the_words() -> None:
    lyrics = read_lyrics("[Verse 1]\nOne\nTwo\n[Chorus]\nThree\n\nVerse II: Four\n[Chorus]\n(Bridge) Five\n[Outro]")
    assert [len(line.syllables) for line in lyrics.lines] == [1, 1, 1, 1, 1]
    assert [line.stanza for line in lyrics.lines] == [0, 0, 1, 2, 3]
    kinds = ["verse", "chorus", "verse", "chorus", "bridge", "outro"]
    assert [section.kind for section in lyrics.sections] == kinds
    assert [section.number for section in lyrics.sections] == [1, None, 2, None, None, None]
    assert [section.first_line for section in lyrics.sections] == [0, 2, 3, 4, 4, 5]
    assert [section.header for section in lyrics.sections][2] == "Verse II:"


def test_lyrics_of_headers_alone_are_refused() -> None:
    with pytest.raises(InvalidRequest, match="no syllables"):
        read_lyrics("[Verse 1]\n\n[Chorus]")


def sung(text: str, language: str = "en") -> list[str]:
    """The sung texts, ~ where the word goes on, | where the line ends."""
    return [
        syllable.sung_text + ("" if syllable.word_end else "~") + ("|" if syllable.line_end else "")
        for line in read_lyrics(text, language).lines
        for syllable in line.syllables
    ]


@pytest.mark.parametrize(
    ("text", "language", "expected"),
    [
        ("glo-ry", "en", ["glo~", "ry|"]),
        ("mo-ther of riv‐er", "en", ["mo~", "ther", "of", "riv~", "er|"]),
        ("hal-le-lu-jah", "en", ["hal~", "le~", "lu~", "jah|"]),
        ("rock-and-roll", "en", ["rock", "and", "roll|"]),
        ("half-asleep", "en", ["half", "a~", "sleep|"]),
        ("Mor-gen-rot", "de", ["Mor~", "gen~", "rot|"]),
        ("dis-moi", "fr", ["dis", "moi|"]),
    ],
)
def test_a_typed_hyphen_divides_a_word_or_parts_two(text: str, language: str, expected: list[str]) -> None:
    assert sung(text, language) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("leaves[ˈliːvz] fall", ["leaves[ˈliːvz]", "fall|"]),
        ("wa-ter[ˈwɔːtə]", ["wa~", "ter[ˈwɔːtə]|"]),
        ("[ˈwɔːtə] runs", ["ˈwɔː~", "tə[ˈwɔːtə]", "runs|"]),
        ("fire [ˈfaɪ.ɚ]", ["fire", "ˈfaɪ~", "ɚ[ˈfaɪ.ɚ]|"]),
        ("[Chorus]\n[ˈliːvz]\n[softly] go", ["ˈliːvz[ˈliːvz]|", "soft~", "ly", "go|"]),
    ],
)
def test_a_pronunciation_in_brackets_stays_with_its_word(text: str, expected: list[str]) -> None:
    assert sung(text) == expected


def test_a_section_header_is_no_pronunciation() -> None:
    assert [section.kind for section in read_lyrics("[Chorus]\n[ˈliːvz] fall").sections] == ["chorus"]


def test_a_sign_alone_holds_the_vowel_and_the_word_ends_with_it() -> None:
    assert sung("Mor- _ ning -\nsun") == ["Mor~", "~", "ning~", "|", "sun|"]
    lines = read_lyrics("Mor- _ ning - -\nsun _ sets").lines
    held = as_sung([syllable for line in lines for syllable in line.syllables])
    assert [None if note is None else (note.text, note.word_end, note.line_end) for note in held] == [
        ("Mor", False, False),
        None,
        ("ning", True, True),
        None,
        None,
        ("sun", True, False),
        None,
        ("sets", True, True),
    ]
    with pytest.raises(InvalidRequest, match="line 2 begins with a vowel that is held"):
        read_lyrics("sun\n- rise")


@pytest.mark.parametrize("text", ["leaves[" + "ˈliːvz" * 12 + "]", "[" + "ŋ" * 70 + "]"])
def test_a_pronunciation_that_is_too_long_is_refused(text: str) -> None:
    with pytest.raises(InvalidRequest, match="line 1"):
        read_lyrics(text)
