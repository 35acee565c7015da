"""Going on from a file: its tracks are the band that goes on, and long files are gone on from in part."""

import base64
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from bandmate_generate.planning.plan import plan_song
from bandmate_generate.planning.song_plan import WritePlan
from bandmate_music.midi.write import write_midi
from bandmate_music.score import MetreChange, Notes, Part, Score, TempoChange
from bandmate_music.theory.metre import Metre
from bandmate_shared.contracts.songs import SongRequest
from bandmate_shared.errors import InvalidRequest, UnreadableFile
from bandmate_shared.settings import SharedSettings
from pydantic import ValidationError

from tests.support.own_songs import own_song

from ...music.hostile import FOUR, meta, midi, track

BAR = 1920
TRACKS = (("MELODY", 0, 72, False), ("BRIDGE", 0, 64, False), ("PIANO", 4, 55, False), ("Low", 33, 36, False))
DRUMS = ("Kit", 0, 38, True)


def piece(bars: int, tracks: Sequence[tuple[str, int, int, bool]] = (*TRACKS, DRUMS)) -> str:
    """Four notes a bar in each track, the bar's number in the pitch of the first track; as Base64."""
    parts = []
    for name, program, pitch, is_drum in tracks:
        rows = [(bar * BAR + beat * 480, 400, pitch + bar % 5, 80) for bar in range(bars) for beat in range(4)]
        parts.append(Part(name, program, Notes.from_rows(rows), is_drum))
    score = Score(tuple(parts), 480, (TempoChange(0, 96.0),), (MetreChange(0, Metre(4, 4)),))
    return base64.b64encode(write_midi(score)).decode()


def plan(prompt: str, **fields: Any) -> WritePlan:
    made = plan_song(SongRequest(prompt=prompt, **fields), 1, SharedSettings())
    assert isinstance(made, WritePlan)
    return made


def test_a_files_tracks_go_on_with_their_names_and_programs() -> None:
    made = plan(piece(8), style="pop")
    band = [(spec.name, spec.program, spec.is_drum) for spec in made.specs]
    assert band == [(name, program, is_drum) for name, program, _, is_drum in (*TRACKS, DRUMS)]
    for number, (_, _, pitch, _) in enumerate((*TRACKS, DRUMS)):
        assert {row.pitch for row in made.prompt if row.part == number} == {pitch + step for step in range(5)}


@pytest.mark.parametrize("stated", [(), (MetreChange(0, Metre(1, 4)),)], ids=["no metre", "bars of one beat"])
def test_bars_that_nobody_counts_in_are_found_from_the_notes(stated: tuple[MetreChange, ...]) -> None:
    song = replace(own_song(1), metres=stated)
    made = plan(base64.b64encode(write_midi(song)).decode(), style="waltz")
    assert (made.metre, made.prompt_bars, made.bars) == (Metre(4, 4), 24, 32)
    assert any(note.endswith("4/4 was found from its notes") for note in made.choices)
    asked = plan(base64.b64encode(write_midi(song)).decode(), metre="3/4")
    assert (asked.metre, asked.prompt_bars) == (Metre(3, 4), 32)


def test_an_upbeat_is_a_bar_of_its_own_where_the_metre_is_found() -> None:
    song = own_song(1)
    late = replace(
        song,
        parts=tuple(
            replace(part, notes=replace(part.notes, onset=(part.notes.onset + 480).astype(part.notes.onset.dtype)))
            for part in song.parts
        ),
        metres=(),
    )
    late = replace(late, parts=(*late.parts, Part("Pick-up", 0, Notes.from_rows([(0, 480, 67, 80)]))))
    made = plan(base64.b64encode(write_midi(late)).decode())
    assert [bar.length for bar in made.frame.bars[:3]] == [24, 96, 96]


def test_a_metre_that_is_stated_is_kept() -> None:
    made = plan(piece(8))
    assert (made.metre, made.prompt_bars) == (Metre(4, 4), 8)
    assert not any("metre" in note for note in made.choices)


def test_drums_on_another_channel_are_the_bands_drums() -> None:
    """Every channel of the file but the tenth is free for them, and their track's name says what they are."""
    strokes = b"".join(b"\x00\x90" + bytes([drum, 90]) + b"\x83\x60\x80" + bytes([drum, 64]) for drum in (36, 38) * 8)
    lead = b"".join(b"\x00\x91" + bytes([72, 80]) + b"\x87\x40\x81" + bytes([72, 64]) for _ in range(8))
    data = midi(track(meta(3, b"Drums") + strokes), track(meta(3, b"Lead") + b"\x00\xc1\x49" + lead))
    made = plan(base64.b64encode(data).decode(), bars=8)
    drums = next(index for index, spec in enumerate(made.specs) if spec.is_drum)
    assert [(row.onset, row.pitch) for row in made.prompt if row.part == drums] == [
        (24 * number, (36, 38)[number % 2]) for number in range(16)
    ]
    assert {row.pitch % 12 for row in made.prompt if row.part != drums} == {0}


@pytest.mark.parametrize("wish", [{}, {"add": ["bass"]}, {"infill": {"bars": "1"}}], ids=["going on", "add", "infill"])
def test_a_file_of_patterns_is_refused_whatever_is_asked(wish: dict[str, Any]) -> None:
    prompt = base64.b64encode(midi(track(FOUR), track(FOUR), midi_format=2)).decode()
    with pytest.raises(UnreadableFile, match="format 2: it holds 2 independent patterns"):
        plan_song(SongRequest.model_validate({"prompt": prompt, **wish}), 1, SharedSettings())


def test_a_tune_alone_is_joined_by_the_styles_band() -> None:
    assert len(plan(piece(8, TRACKS[:1]), style="pop").specs) > 3


def test_a_line_up_that_is_asked_for_has_precedence() -> None:
    assert [spec.name for spec in plan(piece(8), instruments=["violin", "cello"]).specs] == ["Violin", "Cello"]


def test_tracks_of_one_name_stay_apart() -> None:
    tracks = [("Guitar", 25, 50, False), ("Guitar", 27, 60, False), ("", 40, 70, False)]
    made = plan(piece(4, tracks))
    assert [spec.name for spec in made.specs] == ["Guitar", "Guitar 2", "Violin"]
    assert {row.part for row in made.prompt} == {0, 1, 2}


def test_words_are_sung_by_a_singer_who_joins_the_band() -> None:
    made = plan(piece(4), lyrics="la la la la\nla la la la")
    assert [(spec.name, spec.is_voice) for spec in made.specs][:2] == [("Voice", True), ("MELODY", False)]
    assert {row.part for row in made.prompt} == {1, 2, 3, 4, 5}


def test_bars_of_a_long_file_may_be_named() -> None:
    made = plan(piece(144), from_bar=33, to_bar=48, bars=24)
    assert (made.prompt_bars, made.bars) == (16, 24)
    first = next(row for row in made.prompt if row.part == 0)
    assert first.pitch == 72 + 32 % 5
    assert made.choices[0] == "bars 33 to 48 of the given piece's 144 are gone on from"


def test_a_file_that_fits_is_gone_on_from_whole() -> None:
    made = plan(piece(144))
    assert (made.prompt_bars, made.bars, made.choices) == (144, 152, ())


def test_of_a_file_that_is_too_long_the_last_bars_are_taken_and_it_is_said() -> None:
    made = plan(piece(250))
    assert (made.prompt_bars, made.bars) == (192, 200)
    assert made.choices == ("of the given piece's 250 bars the last 192 that fit, 59 to 250, are gone on from",)
    short = plan(piece(144), bars=24)
    assert (short.prompt_bars, short.bars) == (16, 24)


def test_bars_that_the_file_does_not_have_are_refused() -> None:
    with pytest.raises(InvalidRequest, match="has 8 bars"):
        plan(piece(8), from_bar=9)
    with pytest.raises(ValidationError, match="bar 5 comes after bar 4"):
        SongRequest(prompt="x", from_bar=5, to_bar=4)
    with pytest.raises(ValidationError, match="going on from a given piece"):
        SongRequest(from_bar=5)
