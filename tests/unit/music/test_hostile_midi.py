"""Hostile MIDI: a clean error or a valid score, quickly and in bounded memory, in this process and in the sandbox."""

import json
import os
import time
from pathlib import Path

import numpy as np
import pytest
from bandmate_music.analysis.bars import count_bars
from bandmate_music.limits import Limits
from bandmate_music.midi.read import read_midi
from bandmate_music.sandbox.pool import close_readers, read_untrusted_batch
from bandmate_music.score import Score
from bandmate_shared.errors import BandmateError, LimitExceeded, UnreadableFile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.unit.music.hostile import NOTE, HostileFile, hostile_files, meta, midi, track, valid

FILES = list(hostile_files())
LIMITS = Limits()
PACK = os.environ.get("BANDMATE_MALFORMED_PACK", "")
"""A folder of further hostile files with a manifest.json, where a developer has one."""


def outcome(data: bytes) -> Score | BandmateError:
    try:
        return read_midi(data, LIMITS)
    except BandmateError as error:
        return error


def assert_sound(score: Score) -> None:
    assert score.ticks_per_quarter > 0
    assert 0 <= score.seconds <= LIMITS.seconds
    assert score.note_count <= LIMITS.notes
    assert count_bars(score) <= LIMITS.bars
    for part in score.parts:
        notes = part.notes
        assert len(notes.onset) == len(notes.duration) == len(notes.pitch) == len(notes.velocity) > 0
        assert int(notes.onset.min()) >= 0
        assert int(notes.duration.min()) >= 0
        assert bool(np.all(np.diff(notes.onset) >= 0))
        for column in (notes.pitch, notes.velocity):
            assert 0 <= int(column.min()) <= int(column.max()) <= 127
    for metre in score.metres:
        assert metre.metre.bar_ticks(score.ticks_per_quarter) > 0


def assert_as_expected(result: Score | BandmateError, file: HostileFile) -> None:
    if isinstance(result, Score):
        assert file.expect != "reject", f"{file.name} was read: {result.note_count} notes"
        assert_sound(result)
        if file.notes is not None:
            assert result.note_count == file.notes
    else:
        assert file.expect != "tolerate", f"{file.name}: {result.detail}"
        assert isinstance(result, UnreadableFile | LimitExceeded)
        assert 10 < len(result.detail) < 300
        assert "\n" not in result.detail


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_each_kind_of_hostile_file_gives_the_expected_result(file: HostileFile) -> None:
    started = time.process_time()
    assert_as_expected(outcome(file.data), file)
    assert time.process_time() - started < 10


def test_the_sandbox_gives_the_same_results() -> None:
    try:
        items = [(file.data, file.name) for file in FILES]
        for file, result in zip(FILES, read_untrusted_batch(items, Limits()), strict=True):
            assert_as_expected(result, file)
    finally:
        close_readers()


@pytest.mark.skipif(not PACK, reason="BANDMATE_MALFORMED_PACK names no folder")
def test_a_pack_of_hostile_files() -> None:
    entries = json.loads((Path(PACK) / "manifest.json").read_bytes())
    files = [HostileFile(e["file"], e["expect"], (Path(PACK) / e["file"]).read_bytes()) for e in entries]
    try:
        sandboxed = read_untrusted_batch([(file.data, file.name) for file in files], Limits())
        for file, result in zip(files, sandboxed, strict=True):
            assert_as_expected(result, file)
            assert_as_expected(outcome(file.data), file)
    finally:
        close_readers()


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_mutated_bytes_end_in_a_score_or_an_error(data: st.DataObject) -> None:
    mutated = bytearray(data.draw(st.sampled_from([valid(), *(f.data for f in FILES if 0 < len(f.data) < 600)])))
    for _ in range(data.draw(st.integers(1, 6))):
        position = data.draw(st.integers(0, max(0, len(mutated) - 1)))
        if data.draw(st.booleans()):
            mutated[position : position + 1] = data.draw(st.binary(max_size=4))
        else:
            del mutated[position : position + data.draw(st.integers(1, 8))]
    result = outcome(bytes(mutated))
    if isinstance(result, Score):
        assert_sound(result)


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=400))
def test_any_events_end_in_a_score_or_an_error(events: bytes) -> None:
    header = valid()[:14]
    result = outcome(header[:10] + b"\x00\x01\x01\xe0MTrk" + len(events).to_bytes(4, "big") + events)
    if isinstance(result, Score):
        assert_sound(result)


@pytest.mark.parametrize(
    ("name", "limit", "setting"),
    [
        ("260,000 notes", "250,000", "BANDMATE_MAX_NOTES"),
        ("65,535 tracks", "256", "BANDMATE_MAX_TRACKS"),
        ("a piece of 77 hours", "2.0 hours", "BANDMATE_MAX_SECONDS"),
        ("9 MB", "8,000,000", "BANDMATE_MAX_FILE_BYTES"),
        ("67 million bars in 268 seconds", "160,000", "BANDMATE_MAX_BARS"),
    ],
)
def test_a_limit_names_itself_its_value_and_its_setting(name: str, limit: str, setting: str) -> None:
    file = next(file for file in FILES if file.name == name)
    with pytest.raises(LimitExceeded) as raised:
        read_midi(file.data, LIMITS)
    assert limit in raised.value.detail
    assert setting in raised.value.detail


def test_bars_and_quarter_notes_are_bounded_by_one_setting() -> None:
    quick = meta(0x51, b"\x00\x00\x01")
    twelve = midi(track(quick), track(NOTE * 48))
    assert count_bars(read_midi(twelve, Limits(bars=12))) == 12
    with pytest.raises(LimitExceeded, match=r"at least 12 bars; the limit is 11 \(BANDMATE_MAX_BARS\)"):
        read_midi(twelve, Limits(bars=11))
    with pytest.raises(LimitExceeded, match=r"lasts 48 quarter notes; the limit is 32, 16 a bar \(BANDMATE_MAX_BARS\)"):
        read_midi(midi(track(quick + meta(0x58, b"\x30\x02\x18\x08")), track(NOTE * 48)), Limits(bars=2))


def test_other_file_formats_are_named() -> None:
    for name, words in {"JPEG": "a JPEG image", "HTML": "an HTML page", "gzip": "a gzip archive"}.items():
        file = next(file for file in FILES if file.name == name)
        with pytest.raises(UnreadableFile, match=f"this is {words}, not a MIDI file"):
            read_midi(file.data, LIMITS)
