"""A song with some bars of two in the middle, as a musician brings it: new tracks, bars anew, a variation, going on."""

import base64
import json
from pathlib import Path
from typing import Any

import mido
import pytest
from bandmate_shared.music.bars import bars_of, metres_in_words
from bandmate_shared.music.limits import Limits
from bandmate_shared.music.midi_edit import given_tracks
from bandmate_shared.music.midi_events import cut
from bandmate_shared.music.midi_read import read_midi
from bandmate_shared.music.score import Score
from bandmate_shared.settings import SharedSettings

from tests.platform_process import PlatformProcess, run_bandmate

METRES = ((4, 4), (4, 4), (2, 4), (4, 4), (3, 4), (3, 4), (4, 4))
IN_WORDS = "4/4, 2/4 from bar 3, 4/4 from bar 4, 3/4 from bar 5, 4/4 from bar 7"
TICKS = 384


@pytest.fixture(scope="module")
def given(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tune over chords, written by another library: changes of metre, and a ritardando in the last bar."""
    frame, tune, chords = mido.MidiTrack(), mido.MidiTrack(), mido.MidiTrack()
    frame.append(mido.MetaMessage("set_tempo", tempo=mido.bpm2tempo(100)))
    tune += [mido.MetaMessage("track_name", name="Tune"), mido.Message("program_change", channel=0, program=73)]
    chords += [mido.MetaMessage("track_name", name="Chords"), mido.Message("program_change", channel=1, program=0)]
    waited, before = 0, None
    for number, (beats, unit) in enumerate(METRES):
        if (beats, unit) != before:
            change = mido.MetaMessage("time_signature", numerator=beats, denominator=unit, time=waited)
            frame.append(change)
            waited, before = 0, (beats, unit)
        waited += beats * TICKS
        for beat in range(beats):
            pitch = (72, 76, 79, 74)[(number + beat) % 4]
            tune.append(mido.Message("note_on", channel=0, note=pitch, velocity=90))
            tune.append(mido.Message("note_off", channel=0, note=pitch, time=TICKS))
        triad = [(48, 53, 55, 48)[number % 4] + step for step in (0, 4, 7)]
        chords += [mido.Message("note_on", channel=1, note=pitch, velocity=60) for pitch in triad]
        for index, pitch in enumerate(triad):
            chords.append(mido.Message("note_off", channel=1, note=pitch, time=0 if index else beats * TICKS))
    frame.append(mido.MetaMessage("set_tempo", tempo=mido.bpm2tempo(70), time=waited - 2 * TICKS))
    path = tmp_path_factory.mktemp("given") / "my.mid"
    mido.MidiFile(ticks_per_beat=TICKS, tracks=[frame, tune, chords]).save(path)
    return path


def read(midi: bytes) -> Score:
    return read_midi(midi, Limits.from_settings(SharedSettings()))


def measured(report: dict[str, Any]) -> dict[str, Any]:
    properties: dict[str, Any] = report["properties"]
    assert [name for name, one in properties.items() if one["hard"] and not one["met"]] == []
    assert properties["metre"]["measured"] == IN_WORDS
    return properties


def test_a_new_bass_plays_in_the_given_bars_and_the_rest_is_the_same_bytes(
    platform: PlatformProcess, home: Path, given: Path, tmp_path: Path
) -> None:
    asked = ["song", "--prompt", str(given), "--add", "bass", "--add", "drums", "--seed", "3"]
    ran = run_bandmate(home, *asked, "--out", str(tmp_path / "out"), timeout=240)
    assert ran.returncode == 0, ran.stderr
    assert "composing 7 of 7 bars of Bass and Drums" in ran.stderr
    measured(json.loads((tmp_path / "out" / "report.json").read_text()))
    before, after = given.read_bytes(), (tmp_path / "out" / "song.mid").read_bytes()
    assert cut(after).chunks[: len(cut(before).chunks)] == cut(before).chunks
    bars = bars_of(read(after))
    assert [(bar.metre.numerator, bar.metre.denominator) for bar in bars] == list(METRES)
    played = {note[0] for track in given_tracks(after)[-2:] for note in track.notes}
    struck = [bar.number for bar in bars if bar.onset in played]
    assert len(struck) >= 5, "downbeats are the given piece's, before and after each change"
    assert max(played) < bars[-1].end


@pytest.mark.parametrize(
    "asked", [{"infill": {"bars": "2-5", "tracks": ["Tune"]}}, {"variation": 0.6, "infill": {"tracks": ["Chords"]}}]
)
def test_bars_across_a_change_are_composed_anew(platform: PlatformProcess, given: Path, asked: dict[str, Any]) -> None:
    prompt = base64.b64encode(given.read_bytes()).decode()
    job = platform.finished("songs", platform.submit("songs", {"prompt": prompt, "seed": 4, **asked}))
    assert job["state"] == "succeeded", job["error"]
    report = platform.http("GET", f"/v1/songs/{job['id']}/artifacts/report.json").json()
    assert measured(report)["untouched"]["measured"] == "unchanged"


def test_a_song_goes_on_in_its_last_metre(platform: PlatformProcess, given: Path) -> None:
    prompt = base64.b64encode(given.read_bytes()).decode()
    job = platform.finished("songs", platform.submit("songs", {"prompt": prompt, "bars": 9, "seed": 4}))
    assert job["state"] == "succeeded", job["error"]
    score = read(platform.http("GET", f"/v1/songs/{job['id']}/artifacts/song.mid").content)
    bars = bars_of(score)
    assert metres_in_words(bars) == IN_WORDS
    assert len(bars) == 9
    assert [round(change.tempo) for change in score.tempi] == [100, 70, 100], "not in the ritardando's tempo"


def test_a_metre_no_model_counts_is_refused_at_once(platform: PlatformProcess, given: Path, tmp_path: Path) -> None:
    file = mido.MidiFile(given)
    change = next(event for event in file.tracks[0] if event.type == "time_signature" and event.numerator == 2)
    change.numerator, change.denominator = 9, 32
    file.save(tmp_path / "odd.mid")
    prompt = base64.b64encode((tmp_path / "odd.mid").read_bytes()).decode()
    refused = platform.http("POST", "/v1/songs", json={"prompt": prompt, "add": ["bass"]})
    assert refused.status_code == 422
    problem = refused.json()
    assert "bar 3 of the given piece is in 9/32, which cannot be composed in" in problem["detail"]
    assert [one["field"] for one in problem["errors"]] == ["prompt"]
