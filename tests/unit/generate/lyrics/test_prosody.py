"""Lyrics to rhythm: whatever the words, bars, metre and tempo, the rhythm can be sung and stays in its bars."""

from itertools import pairwise

import pytest
from bandmate_generate.lyrics.lines import Line, read_lyrics
from bandmate_generate.lyrics.phrasing import bars_for
from bandmate_generate.lyrics.prosody import Feel, comfortable_step, finest_step, set_lyrics
from bandmate_music.theory.metre import Metre, parse_metre
from bandmate_music.theory.metrical_grid import bar_ticks, strength
from bandmate_shared.errors import InvalidRequest
from hypothesis import example, given, settings
from hypothesis import strategies as st

FOUR_LINES = (
    "The river runs beneath the moon\nAnd carries all my dreams away\n"
    "I follow down the silver tune\nUntil the breaking of the day"
)
WORDS = st.sampled_from(
    ["the", "moon", "river", "and", "tomorrow", "I", "love", "beautiful", "beneath", "singing", "of", "imagination"]
)
LYRICS = st.lists(st.lists(WORDS, min_size=1, max_size=14), min_size=1, max_size=9).map(
    lambda lines: "\n".join(" ".join(words) for words in lines)
)
METRES = st.sampled_from(["4/4", "3/4", "6/8", "2/4", "2/2", "9/8", "12/8", "5/4", "7/8", "3/8", "6/4", "1/4", "5/16"])


def syllables_of(lines: list[Line]) -> list[str]:
    return [syllable.text for line in lines for syllable in line.syllables]


@settings(max_examples=250, deadline=None)
@example(
    "the\nthe the the beneath\nthe", parse_metre("5/16"), 4, 0, 180.0, Feel()
)  # A last note off the grid of its step.
@given(
    text=LYRICS,
    metre=METRES.map(parse_metre),
    bars=st.integers(1, 40),
    first=st.integers(0, 4),
    tempo=st.sampled_from([20.0, 60.0, 97.3, 120.0, 180.0, 300.0]),
    feel=st.sampled_from([Feel(), Feel(0.6, 0.2)]),
)
def test_every_syllable_gets_its_note(text: str, metre: Metre, bars: int, first: int, tempo: float, feel: Feel) -> None:
    lines = read_lyrics(text).lines
    total = first + bars
    if len(syllables_of(lines)) > bars * bar_ticks(metre) // finest_step(metre, tempo):
        with pytest.raises(InvalidRequest, match="bars"):
            set_lyrics(lines, metre, tempo, total, first, feel)
        return
    sung = set_lyrics(lines, metre, tempo, total, first, feel)
    assert [note.syllable.text for note in sung] == syllables_of(lines)
    assert sung[0].onset >= first * bar_ticks(metre)
    assert sung[-1].onset + sung[-1].duration <= total * bar_ticks(metre)
    for note, following in pairwise(sung):
        assert note.onset + note.duration <= following.onset
    shortest = finest_step(metre, tempo)
    assert all(note.duration >= shortest for note in sung)
    assert all(note.onset % 6 == 0 and note.duration % 6 == 0 for note in sung)
    assert sung == set_lyrics(lines, metre, tempo, total, first, feel)


@pytest.mark.parametrize("metre", ["4/4", "3/4", "6/8"])
def test_two_bars_a_line_by_default(metre: str) -> None:
    lines = read_lyrics(FOUR_LINES).lines
    parsed = parse_metre(metre)
    assert bars_for(lines, parsed, comfortable_step(parsed, 100)) == 8


@pytest.mark.parametrize(("metre", "tempo"), [("4/4", 100.0), ("3/4", 110.0), ("6/8", 90.0), ("2/4", 90.0)])
def test_stressed_syllables_stand_on_stronger_moments(metre: str, tempo: float) -> None:
    parsed = parse_metre(metre)
    sung = set_lyrics(read_lyrics(FOUR_LINES).lines, parsed, tempo, 8)
    strong = [strength(note.onset, parsed) for note in sung if note.syllable.stress >= 0.5]
    weak = [strength(note.onset, parsed) for note in sung if note.syllable.stress < 0.5]
    assert sum(strong) / len(strong) > 0.6
    assert sum(strong) / len(strong) > sum(weak) / len(weak) + 0.2


def test_lines_end_long_and_leave_a_breath() -> None:
    metre = Metre(4, 4)
    sung = set_lyrics(read_lyrics(FOUR_LINES).lines, metre, 100, 8)
    middle = sorted(note.duration for note in sung)[len(sung) // 2]
    ends = [index for index, note in enumerate(sung) if note.syllable.line_end]
    assert all(sung[index].duration >= 1.5 * middle for index in ends), [sung[index].duration for index in ends]
    for index in ends[:-1]:
        rest = sung[index + 1].onset - sung[index].onset - sung[index].duration
        assert rest >= 12, "an eighth to breathe"


def test_syllables_last_an_eighth_where_there_is_room() -> None:
    sung = set_lyrics(read_lyrics(FOUR_LINES).lines, Metre(4, 4), 120, 8)
    assert min(note.duration for note in sung) >= 12


def test_fast_songs_use_longer_values() -> None:
    sung = set_lyrics(read_lyrics("The moon is up\nThe night is long").lines, Metre(4, 4), 240, 8)
    assert min(note.duration for note in sung) * 60 / 240 / 24 >= 0.2


def test_spare_bars_become_intro_and_outro() -> None:
    sung = set_lyrics(read_lyrics(FOUR_LINES).lines, Metre(4, 4), 100, 16)
    assert sung[0].onset >= 96, "an intro"
    assert sung[-1].onset + sung[-1].duration <= 14 * 96, "an outro"


def test_too_many_words_say_how_many_bars_would_do() -> None:
    lines = read_lyrics("\n".join(["beautiful imagination of tomorrow"] * 10)).lines
    with pytest.raises(InvalidRequest, match=r"at least (\d+) bars") as raised:
        set_lyrics(lines, Metre(4, 4), 120, 2)
    needed = int(raised.value.detail.split("at least ")[1].split()[0])
    assert len(set_lyrics(lines, Metre(4, 4), 120, needed)) == len(syllables_of(lines))
    with pytest.raises(InvalidRequest):
        set_lyrics(lines, Metre(4, 4), 120, needed - 1)


def test_more_lines_than_a_song_has_bars_for() -> None:
    with pytest.raises(InvalidRequest, match="at most 200"):
        bars_for(read_lyrics("\n".join(["la la la"] * 101)).lines, Metre(4, 4), 12)
