"""A song that changes metre: added tracks, recomposed bars, a variation, and a continuation."""

import base64
import json
from pathlib import Path
from typing import Any

import mido
import pytest
from bandmate_music.analysis.bars import bars_of
from bandmate_music.midi.edit import given_tracks
from bandmate_music.midi.events import split_chunks
from bandmate_music.midi.read import read_midi
from bandmate_music.score import Score
from bandmate_music.theory.bars import metres_in_words
from bandmate_shared.settings import SharedSettings

from tests.support.platform_process import PlatformProcess, run_bandmate

METRES = ((4, 4), (4, 4), (2, 4), (4, 4), (3, 4), (3, 4), (4, 4))
IN_WORDS = "4/4, 2/4 from bar 3, 4/4 from bar 4, 3/4 from bar 5, 4/4 from bar 7"
TICKS = 384


@pytest.fixture(scope="module")
def given_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tune over chords, written by another library: changes of metre, and a ritardando in the last bar."""
    frame, tune, chords = mido.MidiTrack(), mido.MidiTrack(), mido.MidiTrack()
    frame.append(mido.MetaMessage("set_tempo", tempo=mido.bpm2tempo(100)))
    tune += [mido.MetaMessage("track_name", name="Tune"), mido.Message("program_change", channel=0, program=73)]
    chords += [mido.MetaMessage("track_name", name="Chords"), mido.Message("program_change", channel=1, program=0)]
    ticks_since_change, previous = 0, None
    for number, (beats, unit) in enumerate(METRES):
        if (beats, unit) != previous:
            change = mido.MetaMessage("time_signature", numerator=beats, denominator=unit, time=ticks_since_change)
            frame.append(change)
            ticks_since_change, previous = 0, (beats, unit)
        ticks_since_change += beats * TICKS
        for beat in range(beats):
            pitch = (72, 76, 79, 74)[(number + beat) % 4]
            tune.append(mido.Message("note_on", channel=0, note=pitch, velocity=90))
            tune.append(mido.Message("note_off", channel=0, note=pitch, time=TICKS))
        triad = [(48, 53, 55, 48)[number % 4] + step for step in (0, 4, 7)]
        chords += [mido.Message("note_on", channel=1, note=pitch, velocity=60) for pitch in triad]
        for index, pitch in enumerate(triad):
            chords.append(mido.Message("note_off", channel=1, note=pitch, time=0 if index else beats * TICKS))
    frame.append(mido.MetaMessage("set_tempo", tempo=mido.bpm2tempo(70), time=ticks_since_change - 2 * TICKS))
    path = tmp_path_factory.mktemp("given") / "my.mid"
    mido.MidiFile(ticks_per_beat=TICKS, tracks=[frame, tune, chords]).save(path)
    return path


def read(midi: bytes) -> Score:
    return read_midi(midi, SharedSettings().file_limits)


def checked_properties(report: dict[str, Any]) -> dict[str, Any]:
    properties: dict[str, Any] = report["properties"]
    assert [name for name, entry in properties.items() if entry["hard"] and not entry["met"]] == []
    assert properties["metre"]["measured"] == IN_WORDS
    return properties


def test_added_tracks_follow_the_given_bars_and_the_given_tracks_are_unchanged(
    platform: PlatformProcess, home: Path, given_file: Path, tmp_path: Path
) -> None:
    arguments = ["song", "--prompt", str(given_file), "--add", "bass", "--add", "drums", "--seed", "3"]
    result = run_bandmate(home, *arguments, "--out", str(tmp_path / "out"), timeout=240)
    assert result.returncode == 0, result.stderr
    assert "composing 7 of 7 bars of Bass and Drums" in result.stderr
    checked_properties(json.loads((tmp_path / "out" / "report.json").read_text()))
    before, after = given_file.read_bytes(), (tmp_path / "out" / "song.mid").read_bytes()
    assert split_chunks(after).chunks[: len(split_chunks(before).chunks)] == split_chunks(before).chunks
    bars = bars_of(read(after))
    assert [(bar.metre.numerator, bar.metre.denominator) for bar in bars] == list(METRES)
    played = {note[0] for track in given_tracks(after)[-2:] for note in track.notes}
    struck = [bar.number for bar in bars if bar.onset in played]
    assert len(struck) >= 5, "downbeats are the given piece's, before and after each change"
    assert max(played) < bars[-1].end


@pytest.mark.parametrize(
    "options", [{"infill": {"bars": "2-5", "tracks": ["Tune"]}}, {"variation": 0.6, "infill": {"tracks": ["Chords"]}}]
)
def test_bars_across_a_change_of_metre_are_recomposed(
    platform: PlatformProcess, given_file: Path, options: dict[str, Any]
) -> None:
    prompt = base64.b64encode(given_file.read_bytes()).decode()
    job = platform.finished("songs", platform.submit("songs", {"prompt": prompt, "seed": 4, **options}))
    assert job["state"] == "succeeded", job["error"]
    report = platform.http("GET", f"/v1/songs/{job['id']}/artifacts/report.json").json()
    assert checked_properties(report)["untouched"]["measured"] == "unchanged"


def test_a_continuation_keeps_the_last_metre(platform: PlatformProcess, given_file: Path) -> None:
    prompt = base64.b64encode(given_file.read_bytes()).decode()
    job = platform.finished("songs", platform.submit("songs", {"prompt": prompt, "bars": 9, "seed": 4}))
    assert job["state"] == "succeeded", job["error"]
    score = read(platform.http("GET", f"/v1/songs/{job['id']}/artifacts/song.mid").content)
    bars = bars_of(score)
    assert metres_in_words(bars) == IN_WORDS
    assert len(bars) == 9
    assert [round(change.tempo) for change in score.tempi] == [100, 70, 100], "not in the ritardando's tempo"


def test_an_unsupported_metre_is_refused_at_once(platform: PlatformProcess, given_file: Path, tmp_path: Path) -> None:
    file = mido.MidiFile(given_file)
    change = next(event for event in file.tracks[0] if event.type == "time_signature" and event.numerator == 2)
    change.numerator, change.denominator = 9, 32
    file.save(tmp_path / "odd.mid")
    prompt = base64.b64encode((tmp_path / "odd.mid").read_bytes()).decode()
    refused = platform.http("POST", "/v1/songs", json={"prompt": prompt, "add": ["bass"]})
    assert refused.status_code == 422
    problem = refused.json()
    assert "bar 3 of the given piece is in 9/32, which cannot be composed in" in problem["detail"]
    assert [error["field"] for error in problem["errors"]] == ["prompt"]
