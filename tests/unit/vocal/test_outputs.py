"""The alignment, the lyrics with times and the picture of the pitch."""

from typing import Any
from xml.etree.ElementTree import fromstring

import numpy as np
from bandmate_shared.contracts.alignments import AlignedNote, Alignment
from bandmate_shared.contracts.vocals import SungNote, VocalRequest
from bandmate_vocal.alignment.timing import Phrase, Segment, Vowel
from bandmate_vocal.outputs.alignment import align_request, words_of
from bandmate_vocal.outputs.lrc import lyrics_with_times
from bandmate_vocal.outputs.pitch_picture import draw_pitch


def note(onset: float, syllable: str | None, pitch: int = 60, **fields: Any) -> SungNote:
    return SungNote(onset=onset, duration=0.5, pitch=pitch, syllable=syllable, **fields)


def aligned(*notes: SungNote, vowels: tuple[Vowel, ...] = (), seconds: float = 30.0) -> Alignment:
    phrase = Phrase((Segment(0.0, 1.0, 0, 0.0, 1.0),), vowels, True)
    request = VocalRequest(notes=list(notes), seconds=seconds)
    return align_request(request, "en", request.singers(), {0: [phrase]})


def test_words_are_counted_and_vowels_that_go_on_belong_to_them() -> None:
    alignment = aligned(
        note(0.0, None),
        note(0.5, "Mor", word_end=False),
        note(1.0, None, word_end=False),
        note(1.5, "ning"),
        note(2.0, "light,", line_end=True),
        vowels=(Vowel(0.5, 0.52, 1.4, False), Vowel(1.5, 1.5, 1.9, True)),
    )
    assert [(one.syllable, one.word, one.word_index, one.vowel_onset) for one in alignment.notes] == [
        (None, None, None, None),
        ("Mor", "Morning", 0, 0.52),
        (None, "Morning", 0, None),
        ("ning", "Morning", 0, 1.5),
        ("light,", "light,", 1, None),
    ]
    assert alignment.request().notes == [
        note(0.0, None),
        note(0.5, "Mor", word_end=False),
        note(1.0, None, word_end=False),
        note(1.5, "ning"),
        note(2.0, "light,", line_end=True),
    ]


def test_words_that_meet_on_a_note_are_two() -> None:
    words, indices = words_of(
        [note(0.0, "gran", word_end=False), note(0.5, "de a", word_end=False), note(1.0, "mor"), note(1.5, "mio")]
    )
    assert words == ["grande", "amor", "mio"]
    assert indices == [0, 0, 1, 2]


def test_each_singer_has_words_of_its_own() -> None:
    alignment = aligned(note(0.0, "one"), note(0.5, "two"), note(0.0, "low", 48, singer=1))
    assert [(one.singer, one.word, one.word_index) for one in alignment.notes] == [
        (0, "one", 0),
        (1, "low", 2),
        (0, "two", 1),
    ]


def test_lyrics_have_a_line_for_each_that_is_sung() -> None:
    alignment = aligned(
        note(1.25, "The"),
        note(1.75, "mor", word_end=False),
        note(2.25, "ning", line_end=True),
        note(3.0, "A"),
        note(3.5, "new"),
        note(4.0, "day"),
        note(6.0, "be", word_end=False),
        note(6.5, "gins"),
        seconds=75.0,
    )
    assert lyrics_with_times(alignment).splitlines() == [
        "[length:01:15]",
        "[la:en]",
        "[00:01.25]The morning",
        "[00:03.00]A new day",
        "[00:06.00]begins",
    ]


def test_a_line_without_an_end_is_broken_between_words() -> None:
    lines = lyrics_with_times(aligned(*[note(0.5 * number, "la") for number in range(40)])).splitlines()[2:]
    assert [len(line.split()) for line in lines] == [14, 14, 12]


def test_the_picture_has_every_syllable_and_breaks_where_nothing_is_voiced() -> None:
    alignment = aligned(note(0.5, "<Mor>", word_end=False), note(1.0, "ning", 64), seconds=2.0)
    times = np.arange(0.0, 2.0, 0.01)
    hertz = np.where((times > 0.5) & (times < 1.4), 262.0, np.nan)
    hertz[(times > 0.9) & (times < 1.0)] = np.nan
    hertz[60] = 3000.0  # An error of the tracker lies outside of the picture.
    picture = fromstring(draw_pitch(alignment, {0: (times, hertz)}))
    texts = [element.text for element in picture.iter("{http://www.w3.org/2000/svg}text")]
    assert {"<Mor>", "ning"} <= set(texts)
    assert len(list(picture.iter("{http://www.w3.org/2000/svg}polyline"))) == 3
    assert float(picture.get("height", "0")) < 400
    long = fromstring(draw_pitch(aligned(note(0.5, "la"), seconds=1800.0), {}))
    assert float(long.get("width", "0")) < 25_000


def test_everything_that_a_request_says_of_a_note_is_in_the_alignment() -> None:
    assert set(SungNote.model_fields) - {"onset", "duration"} <= set(AlignedNote.model_fields)
    left_out = {"instrumental", "language_source", "notices", "score"}  # The score has become notes.
    assert set(VocalRequest.model_fields) - left_out <= set(Alignment.model_fields)
