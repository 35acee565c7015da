"""The map from song time to spoken time, for any melody."""

from itertools import pairwise

import pytest
from bandmate_shared.contracts.vocals import SungNote
from bandmate_vocal.alignment.align import SungSyllable
from bandmate_vocal.alignment.timing import CONSONANT_SHARE, Phrase, PlacedSyllable, Source, phrases_of
from bandmate_vocal.speech.base import Phone
from hypothesis import given
from hypothesis import strategies as st

PHONES = {"s": 0.12, "t": 0.08, "ˈaɪ": 0.2, "n": 0.07, "ˈɑː": 0.25}


def spoken(words: list[list[str]], notes: list[list[int]]) -> list[PlacedSyllable]:
    """Words as phones, one after the other, each on the given notes, all from one recording."""
    phones, spans, time = [], [], 0.0
    for word in words:
        start = len(phones)
        for ipa in word:
            is_nucleus = "ˈ" in ipa
            phones.append(Phone(ipa, time, time + PHONES[ipa], is_nucleus, len(spans)))
            time += PHONES[ipa]
        nucleus = next(i for i in range(start, len(phones)) if phones[i].is_nucleus)
        spans.append((start, nucleus, len(phones)))
    source = Source(0, phones)
    return [
        PlacedSyllable(SungSyllable(tuple(notes_of_syllable), *span), (source,) * len(notes_of_syllable))
        for span, notes_of_syllable in zip(spans, notes, strict=True)
    ]


def melody(durations: list[float], gaps: list[float], start: float = 1.0) -> list[SungNote]:
    notes, time = [], start
    for duration, gap in zip(durations, gaps, strict=True):
        notes.append(SungNote(onset=time, duration=duration, pitch=60, syllable="x"))
        time += duration + gap
    return notes


def check_whole(phrases: list[Phrase]) -> None:
    for phrase in phrases:
        assert all(abs(a.t1 - b.t0) < 1e-9 for a, b in pairwise(phrase.segments))
        assert all(segment.t1 > segment.t0 and segment.s1 >= segment.s0 for segment in phrase.segments)
    assert all(a.t1 <= b.t0 + 1e-9 for a, b in pairwise(phrases))


def test_the_vowel_begins_on_the_beat_and_borrows_for_its_consonants() -> None:
    notes = melody([0.6, 0.6], [0.0, 0.0])
    (phrase,) = phrases_of(spoken([["s", "t", "ˈɑː"], ["s", "ˈaɪ", "n"]], [[0], [1]]), notes)
    assert phrase.t0 == pytest.approx(1.0 - 0.2)  # s and t keep their length before the beat
    assert [vowel.t0 for vowel in phrase.vowels] == pytest.approx([1.0, 1.6])
    assert phrase.vowels[0].t1 == pytest.approx(1.6 - 0.12)  # the s of the second word is borrowed from the first note
    assert phrase.t1 == pytest.approx(2.2)
    check_whole([phrase])


def test_consonants_take_at_most_45_percent_of_a_short_note() -> None:
    notes = melody([0.2, 0.5], [0.0, 0.0])
    (phrase,) = phrases_of(spoken([["ˈɑː", "n"], ["s", "t", "ˈaɪ"]], [[0], [1]]), notes)
    assert phrase.vowels[0].t1 - phrase.vowels[0].t0 == pytest.approx(0.2 * (1 - CONSONANT_SHARE))


def test_the_middle_of_a_long_vowel_stretches_and_its_ends_do_not() -> None:
    (phrase,) = phrases_of(spoken([["ˈɑː"]], [[0]]), melody([2.0], [0.0]))
    attack, hold, release = phrase.segments
    assert hold.held
    assert attack.t1 - attack.t0 == pytest.approx(attack.s1 - attack.s0)
    assert release.t1 - release.t0 == pytest.approx(release.s1 - release.s0)
    assert hold.t1 - hold.t0 > 10 * (hold.s1 - hold.s0)


def test_a_melisma_holds_one_vowel_over_its_notes() -> None:
    notes = melody([0.4, 0.4, 0.4], [0.0, 0.0, 0.0])
    (phrase,) = phrases_of(spoken([["s", "ˈɑː", "n"]], [[0, 1, 2]]), notes)
    assert len(phrase.vowels) == 1
    assert phrase.vowels[0].t1 == pytest.approx(2.2 - 0.07)


def test_a_song_that_begins_with_its_first_note_finds_room_for_the_consonant() -> None:
    (phrase,) = phrases_of(spoken([["s", "ˈɑː"]], [[0]]), melody([0.5], [0.0], start=0.0))
    assert phrase.t0 == pytest.approx(0.0)
    assert 0.0 < phrase.vowels[0].t0 <= 0.06


def test_a_long_legato_is_given_breaths() -> None:
    count = 80
    notes = melody([0.5] * count, [0.0] * count)
    phrases = phrases_of(spoken([["s", "ˈɑː"]] * count, [[i] for i in range(count)]), notes)
    assert len(phrases) >= 3
    assert max(phrase.t1 - phrase.t0 for phrase in phrases) < 25.0
    assert [vowel.t0 for phrase in phrases for vowel in phrase.vowels] == pytest.approx([n.onset for n in notes])


@given(
    st.lists(
        st.tuples(
            st.floats(0.005, 3.0),
            st.sampled_from([0.0, 0.0, 0.0, 0.03, 0.07, 0.5]),
            st.sampled_from([["ˈɑː"], ["s", "t", "ˈaɪ"], ["ˈɑː", "n"], ["t", "ˈɑː", "s", "t"]]),
            st.integers(1, 3),
        ),
        min_size=1,
        max_size=20,
    ),
    st.sampled_from([0.0, 0.05, 1.0]),
)
def test_any_melody_is_laid_out_whole(rows: list[tuple[float, float, list[str], int]], start: float) -> None:
    durations, gaps, words, note_indexes = [], [], [], []
    for duration, gap, word, count in rows:
        note_indexes.append(list(range(len(durations), len(durations) + count)))
        words.append(word)
        durations += [duration] * count
        gaps += [gap] * count
    notes = melody(durations, gaps, start)
    phrases = phrases_of(spoken(words, note_indexes), notes)
    check_whole(phrases)
    assert phrases[0].t0 >= -1e-9
    assert phrases[-1].t1 <= notes[-1].onset + notes[-1].duration + 1e-9
    for vowel in (vowel for phrase in phrases[0 if start > 0.06 else 1 :] for vowel in phrase.vowels):
        assert vowel.t0 == pytest.approx(vowel.beat)
