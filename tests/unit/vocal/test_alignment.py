"""Phones onto notes, when the engine and the lyrics count syllables alike and when they do not."""

from itertools import pairwise

import numpy as np
import pytest
from bandmate_shared.contracts.vocals import SungNote
from bandmate_vocal.alignment.align import Alignment, align
from bandmate_vocal.alignment.syllables import lines_of
from bandmate_vocal.speech.base import Phone, Speech, SpokenWord, Utterance, syllabic_phones
from bandmate_vocal.speech.espeak.engine import EspeakEngine
from bandmate_vocal.speech.ipa import nuclei


def aligned(text: str) -> tuple[Alignment, list[Phone]]:
    """'ev-e-ry star': hyphens part syllables, a note each."""
    notes = []
    for word in text.split():
        parts = word.split("-")
        for number, part in enumerate(parts):
            end = number == len(parts) - 1
            notes.append(SungNote(onset=len(notes), duration=1.0, pitch=60, syllable=part, word_end=end))
    (line,) = lines_of(notes)
    (speech,) = EspeakEngine().speak([Utterance(line.text, 100, 220.0)], "en-us")
    phones = syllabic_phones(speech)
    return align(line, speech.words, phones), phones


def sung(alignment: Alignment, phones: list[Phone]) -> list[tuple[str, str, tuple[int, ...]]]:
    """(onset, vowel, notes) of each syllable."""
    return [
        ("".join(phone.ipa for phone in phones[s.start : s.nucleus]), phones[s.nucleus].ipa.strip("ˈˌ"), s.notes)
        for s in alignment.syllables
    ]


def test_every_syllable_gets_its_note() -> None:
    alignment, phones = aligned("wan-der home a-gain")
    assert alignment.mended == 0
    assert sung(alignment, phones) == [
        ("w", "ɔ", (0,)),
        ("d", "ɚ", (1,)),
        ("h", "oʊ", (2,)),
        ("", "ɐ", (3,)),
        ("ɡ", "ɛ", (4,)),
    ]


def test_words_the_engine_merges_still_get_a_note_each() -> None:
    alignment, phones = aligned("in the rain")
    assert alignment.mended == 0
    assert [(onset, notes) for onset, _, notes in sung(alignment, phones)] == [("", (0,)), ("ð", (1,)), ("ɹ", (2,))]


def test_one_note_for_two_vowels_holds_the_first() -> None:
    alignment, phones = aligned("fire burns")
    assert alignment.mended == 1
    assert sung(alignment, phones)[0][1:] == ("aɪ", (0,))
    assert phones[alignment.syllables[0].end - 1].ipa == "ɚ"


def test_two_notes_for_one_vowel_hold_the_stressed_one() -> None:
    alignment, phones = aligned("ev-e-ry star")
    assert alignment.mended == 1
    assert [notes for _, _, notes in sung(alignment, phones)] == [(0, 1), (2,), (3,)]


def test_a_word_without_a_vowel_is_sung_on_its_fullest_sound() -> None:
    (line,) = lines_of([SungNote(onset=0.0, duration=1.0, pitch=60, syllable="hmm")])
    phones = [Phone("h", 0.0, 0.2, False, 0), Phone("m", 0.2, 0.3, False, 0)]
    speech = Speech(np.zeros(22050, np.float32), 22050, 220.0, (SpokenWord(0, 3, 0.0, 0.3),), tuple(phones), ())
    assert sung(align(line, speech.words, phones), phones) == [("h", "m", (0,))]


@pytest.mark.parametrize("text", ["o'er 42 na-ïve", "strengths a-bove", "the a in the of", "xyz qqq www", "shh hush"])
def test_phones_and_notes_are_used_once_in_order_whatever_the_words(text: str) -> None:
    alignment, phones = aligned(text)
    assert alignment.syllables[0].start == 0
    assert alignment.syllables[-1].end == len(phones)
    assert all(before.end == after.start for before, after in pairwise(alignment.syllables))
    assert all(syllable.start <= syllable.nucleus < syllable.end for syllable in alignment.syllables)
    notes = [note for syllable in alignment.syllables for note in syllable.notes]
    assert notes == list(range(len(text.replace("-", " ").split())))


@pytest.mark.parametrize(
    ("ipa", "count"), [("ˈaɪ", 1), ("ˈaɪɚ", 2), ("t", 0), ("n̩", 1), ("ˈiə", 2), ("əl", 1), ("ˈɔːɹ", 1), ("", 0)]
)
def test_a_diphthong_with_a_schwa_is_two_syllables(ipa: str, count: int) -> None:
    assert nuclei(ipa) == count
