"""Words in MIDI files as programs write them: RP-017, two on a tick, beside their notes, karaoke, signs that hold."""

import pytest
from bandmate_music.limits import Limits
from bandmate_music.midi.read import read_midi
from bandmate_music.score import Score

from tests.unit.music.hostile import meta, midi, quantity, track

QUARTER = 480


def melody(count: int, *, words: list[tuple[int, str]] | None = None, kind: int = 5, name: str = "Melody") -> bytes:
    """Quarter notes one after the other with texts at ticks."""
    events = [(tick, 1, meta(kind, text.encode())[1:]) for tick, text in words or []]
    for number in range(count):
        pitch = 60 + number % 5
        events.append((number * QUARTER, 2, bytes((0x90, pitch, 80))))
        events.append(((number + 1) * QUARTER, 0, bytes((0x80, pitch, 64))))
    body, before = meta(3, name.encode()), 0
    for tick, _, message in sorted(events, key=lambda event: event[:2]):
        body += quantity(tick - before) + message
        before = tick
    return track(body)


def sung(score: Score, part: int = 0) -> list[tuple[int, str, bool]]:
    return [(lyric.onset // QUARTER, lyric.text, lyric.word_end) for lyric in score.parts[part].lyrics if lyric.text]


def on_notes(*texts: str) -> list[tuple[int, str]]:
    return [(number * QUARTER, text) for number, text in enumerate(texts)]


def read(*tracks: bytes) -> Score:
    return read_midi(midi(*tracks), Limits())


def test_rp017_blanks_and_line_ends_end_words_and_an_empty_event_holds() -> None:
    texts = ("Sum", "mer ", "days", "", " are ", "long\r", "and ", "warm\n")
    assert sung(read(melody(8, words=on_notes(*texts)))) == [
        (0, "Sum", False),
        (1, "mer", True),
        (2, "days", True),
        (4, "are", True),
        (5, "long", True),
        (6, "and", True),
        (7, "warm", True),
    ]


@pytest.mark.parametrize("sign", ["-", "+", "+~", "_", "~", ""])
def test_a_sign_alone_holds_the_syllable_before(sign: str) -> None:
    score = read(melody(4, words=on_notes("moon", sign, "light", sign)))
    assert [text for _, text, _ in sung(score)] == ["moon", "light"]


def test_two_words_on_a_tick_are_sung_on_one_note() -> None:
    words = [(0, "to"), (0, "us"), (QUARTER, "geth-"), (QUARTER, "er")]
    assert sung(read(melody(2, words=words))) == [(0, "to us", True), (1, "gether", True)]


@pytest.mark.parametrize("ticks", [5, -5, 40])
def test_words_beside_their_notes_move_to_them(ticks: int) -> None:
    words = [(max(0, tick + ticks), text) for tick, text in on_notes("la", "mo", "ti", "su")]
    score = read(melody(4, words=words))
    assert [text for _, text, _ in sung(score)] == ["la", "mo", "ti", "su"]
    assert [lyric.onset for lyric in score.parts[0].lyrics] == [0, 480, 960, 1440]
    assert score.notices == ()


def test_words_that_no_note_sings_stay_where_they_are() -> None:
    score = read(melody(3, words=[*on_notes("la", "lo", "le"), (10 * QUARTER, "lost")]))
    assert sung(score)[-1] == (10, "lost", True)


@pytest.mark.parametrize("marked", [True, False])
def test_the_text_events_of_a_karaoke_file_are_its_words(marked: bool) -> None:
    header = [(0, "@KMIDI KARAOKE FILE"), (0, "@LENGL"), (0, "@TRow")] if marked else []
    line = ("\\Row ", "row ", "row ", "your ", "boat ", "/gen", "tly ", "down ", "the ", "stream")
    words = melody(0, words=[*header, *on_notes(*line)], kind=1, name="Words")
    accompaniment = melody(40, name="Piano").replace(quantity(QUARTER), quantity(QUARTER // 4))
    score = read(melody(10), words, accompaniment)
    assert [text for _, text, _ in sung(score)] == [
        "Row",
        "row",
        "row",
        "your",
        "boat",
        "gen",
        "tly",
        "down",
        "the",
        "stream",
    ]
    assert [end for _, _, end in sung(score)] == [True, True, True, True, True, False, True, True, True, True]
    assert score.parts[1].lyrics == ()
    assert score.chords == ()


def test_chord_symbols_and_comments_are_no_words() -> None:
    chords = melody(12, words=on_notes(*("C", "F", "G7", "Am") * 3), kind=1)
    assert read(chords).parts[0].lyrics == ()
    assert read(melody(12, words=[(0, "made by hand"), (QUARTER, "in May")], kind=1)).parts[0].lyrics == ()


def test_blanks_and_line_ends_that_stand_alone_end_words() -> None:
    words = [
        (0, "twin"),
        (QUARTER, "kle"),
        (QUARTER, "\r"),
        (2 * QUARTER, "lit"),
        (3 * QUARTER, "tle "),
        (4 * QUARTER, "star "),
    ]
    assert [end for _, _, end in sung(read(melody(5, words=words)))] == [False, True, False, True, True]


def test_ends_of_lines_within_a_text_are_no_letters() -> None:
    assert [text for _, text, _ in sung(read(melody(2, words=on_notes("row /your", " boat"))))] == ["row your", "boat"]


def test_words_go_to_the_line_and_not_to_chords_of_the_same_track() -> None:
    beats = b"".join(
        meta(5, b"la ")
        + bytes((0, 0x90, 40, 80, 0, 0x90, 44, 80, 0, 0x91, 70, 80))
        + quantity(QUARTER)
        + bytes((0x80, 40, 0, 0, 0x80, 44, 0, 0, 0x81, 70, 0))
        for _ in range(8)
    )
    score = read_midi(midi(track(beats), midi_format=0), Limits())
    (singer,) = [part for part in score.parts if part.lyrics]
    assert set(singer.notes.pitch.tolist()) == {70}
