"""From text to SSML and from speech marks back: bytes and characters, pauses, and the phones of visemes."""

import json
from itertools import pairwise
from xml.etree import ElementTree

import hypothesis.strategies as st
import pytest
from bandmate_shared.errors import LimitExceeded
from bandmate_vocal.speech.errors import SpeechFailed
from bandmate_vocal.speech.polly.marks import Sound, read_marks
from bandmate_vocal.speech.polly.phones import phones_from_visemes
from bandmate_vocal.speech.polly.ssml import MAX_BILLED_CHARACTERS, MAX_INPUT_CHARACTERS, markup, split_text
from hypothesis import given

from tests.support.polly_server import _read_ssml


def lines(*marks: dict[str, object]) -> bytes:
    return "".join(json.dumps(mark, ensure_ascii=False) + "\n" for mark in marks).encode()


def word(time: int, start: int, value: str, ssml: str) -> dict[str, object]:
    raw = ssml.encode()
    at = raw.index(value.encode(), start)
    return {"time": time, "type": "word", "start": at, "end": at + len(value.encode()), "value": value}


def viseme(time: int, name: str) -> dict[str, object]:
    return {"time": time, "type": "viseme", "value": name}


@given(st.text(max_size=60))
def test_any_text_is_one_document_that_says_it(text: str) -> None:
    """Checked with another parser: all text is escaped, and each character's byte offset is right."""
    document = markup(text, 120)
    spoken, offsets = _read_ssml(document.ssml, "neural")
    if "\r" not in text:  # XML reads it as a line feed
        assert len(spoken) == len(text)
        assert list(document.starts[:-1]) == offsets
        for index in range(len(text)):
            assert document.characters(document.starts[index], document.starts[index + 1]) == (index, index + 1)
    tree = ElementTree.fromstring(document.ssml)
    assert [element.tag for element in tree.iter()] == ["speak", "prosody"]


@pytest.mark.parametrize(("rate", "percent"), [(175, "100%"), (80, "46%"), (240, "137%"), (10, "20%"), (900, "200%")])
def test_the_rate_is_a_percentage_that_polly_takes(rate: int, percent: str) -> None:
    assert f'<prosody rate="{percent}">' in markup("la", rate).ssml


def test_bytes_in_tags_and_outside_are_no_characters() -> None:
    document = markup("für <dich>", 175)
    assert document.characters(0, 7) is None
    assert document.characters(document.starts[-1], document.starts[-1] + 9) is None
    assert document.characters(document.starts[0], document.starts[0]) is None
    at = document.ssml.encode().index(b"&lt;dich&gt;")
    assert document.characters(at, at + len("&lt;dich&gt;")) == (4, 10)
    assert document.characters(at + 4, at + 8) == (5, 9)
    # Polly also cuts inside an entity; the character it stands for counts.
    assert document.characters(at + 1, at + 8) == (4, 9)


@given(st.lists(st.text(alphabet="ab&<é😀", min_size=1, max_size=700), min_size=1, max_size=30))
def test_long_text_is_cut_at_spaces_into_parts_that_fit(words: list[str]) -> None:
    text = " ".join(words)
    parts = list(split_text(text))
    assert " ".join(part for _, part in parts) == text
    for offset, part in parts:
        assert text[offset : offset + len(part)] == part
        assert len(part) <= MAX_BILLED_CHARACTERS
        assert len(markup(part, 900).ssml) <= MAX_INPUT_CHARACTERS


def test_a_word_without_end_is_refused() -> None:
    with pytest.raises(LimitExceeded, match="3000 characters"):
        list(split_text("la " + "a" * 3001))
    with pytest.raises(LimitExceeded, match="6000 with markup"):
        list(split_text("&" * 1500))


def test_words_and_sounds_last_until_the_next_begins() -> None:
    document = markup("mary had", 175)
    marks = read_marks(
        lines(
            {"time": 0, "type": "sentence", "start": 0, "end": 60, "value": "mary had"},
            word(6, 0, "mary", document.ssml),
            viseme(6, "p"),
            viseme(73, "E"),
            viseme(180, "r"),
            viseme(292, "i"),
            word(373, 0, "had", document.ssml),
            viseme(373, "k"),
            viseme(460, "a"),
            viseme(521, "t"),
            viseme(600, "sil"),
        ),
        document,
        0.9,
    )
    assert marks.words == ((0, 4, 0.006), (5, 8, 0.373))
    first_word = [("p", 0.006, 0.073, 0), ("E", 0.073, 0.18, 0), ("r", 0.18, 0.292, 0), ("i", 0.292, 0.373, 0)]
    second_word = [("k", 0.373, 0.46, 1), ("a", 0.46, 0.521, 1), ("t", 0.521, 0.6, 1)]
    assert [(s.viseme, s.t0, s.t1, s.word) for s in marks.sounds] == first_word + second_word
    assert marks.visemes[-1].name == "sil"


def test_the_last_sound_ends_where_the_recording_falls_silent() -> None:
    document = markup("la", 175)
    marks = read_marks(lines(word(0, 0, "la", document.ssml), viseme(0, "t"), viseme(100, "a")), document, 0.43)
    assert marks.sounds[-1].t1 == 0.43


def test_a_break_reported_as_a_word_is_ignored() -> None:
    """As in Polly's guide: `<break>` is reported among the words, with its own place in the input."""
    document = markup("mary had", 175)
    breaking = {"time": 897, "type": "word", "start": 8, "end": 30, "value": '<break time="300ms"/>'}
    inside = {"time": 900, "type": "word", "start": 40, "end": 42, "value": '<break time="300ms"/>'}
    marks = read_marks(
        lines(
            word(6, 0, "mary", document.ssml), viseme(6, "p"), breaking, inside, viseme(897, "sil"), viseme(950, "a")
        ),
        document,
        1.0,
    )
    assert [span[:2] for span in marks.words] == [(0, 4)]
    assert [(sound.viseme, sound.word) for sound in marks.sounds] == [("p", 0), ("a", 0)]


@pytest.mark.parametrize("text", ["not json", '{"time": "soon", "type": "viseme"}', '{"type": "word"}', "[1]", "\xff"])
def test_malformed_speech_marks_are_a_failure(text: str) -> None:
    with pytest.raises(SpeechFailed, match="speech marks that cannot be read"):
        read_marks(text.encode("latin-1"), markup("la", 175), 1.0)


def named(*words: tuple[str, str], pronunciation: str = "") -> str:
    """Words with their visemes, e.g. ("yes", "i E s") → "j ɛ s"."""
    sounds = [
        Sound(name, float(number), number + 0.5, index)
        for index, (_, names) in enumerate(words)
        for number, name in enumerate(names.split(), 100 * index)
    ]
    phones = phones_from_visemes(sounds, [text for text, _ in words], pronunciation.split())
    assert [(phone.t0, phone.t1, phone.word) for phone in phones] == [(s.t0, s.t1, s.word) for s in sounds]
    assert all(before.t0 < after.t0 for before, after in pairwise(phones))
    return " ".join(phone.ipa for phone in phones)


@pytest.mark.parametrize(
    ("text", "visemes", "phones"),
    [
        ("morning", "p O r t i k", "m ɔ ɹ n i ŋ"),
        ("yes", "i E s", "j ɛ s"),
        ("radio", "r e t i o", "ɹ eɪ d i oʊ"),
        ("music", "p i u s i k", "m j u s i k"),
        ("queen", "k u i t", "k w i n"),
        ("doing", "t u i k", "d u i ŋ"),
        ("one", "u E t", "w ɛ n"),
        ("away", "@ u e", "ə w eɪ"),
        ("violin", "f a @ t i t", "v a ə l i n"),
        ("changing", "S e t S i k", "tʃ eɪ n dʒ i ŋ"),
        ("shh", "S", "ʃ"),
        ("42", "f O r t i t u", "f ɔ ɹ t i t u"),
    ],
)
def test_without_a_pronunciation_the_letters_decide(text: str, visemes: str, phones: str) -> None:
    assert named((text, visemes)) == phones


def test_a_pronunciation_names_the_sounds_and_polly_times_them() -> None:
    words = ("light", "t a t"), ("my", "p a"), ("fire", "f a @")
    assert named(*words, pronunciation="l ˈaɪ t m aɪ f ˈaɪ ɚ") == "l ˈaɪ t m aɪ f ˈaɪ ɚ"


def test_a_pronunciation_that_differs_gives_way_to_what_polly_says() -> None:
    """The voice says "rowt", drops an h, adds an ending: what is spoken is kept."""
    assert named(("route", "r a t"), pronunciation="ɹ uː t") == "ɹ uː t"
    assert named(("hour", "a @"), pronunciation="h ˈaʊ ɚ") == "ˈaʊ ɚ"
    assert named(("ok", "o k e"), pronunciation="ˈɑː k") == "ˈɑː k eɪ"
