"""The song job with wishes, with a real model in a real model server: every wish shows in the files and the report."""

import base64
from typing import Any

import pytest
from bandmate_music.midi.edit import given_tracks
from bandmate_music.midi.events import parse_track, split_chunks
from bandmate_music.midi.write import write_midi
from bandmate_shared.jobs.model import Job

from .composing import tune
from .conftest import Workplace
from .test_song import FILES, content, report_of, run

TUNE = write_midi(tune())
BAR = 1920


def worked_on(place: Workplace, data: bytes = TUNE, **fields: Any) -> Job:
    job = run(place, prompt=base64.b64encode(data).decode(), **fields)
    assert job.error is None, job.error
    return job


def test_a_song_with_every_wish(workplace: Workplace) -> None:
    frame = {"style": "pop", "key": "C", "bars": 4, "metre": "4/4", "seed": 3, "temperature": 0.9, "top_k": 40}
    wishes = {"candidates": 4, "polyphony": 2, "density": "light", "chords": "C Am | F | G7"}
    job = run(workplace, **frame, **wishes, instruments=["violin", "guitar", "bass", "drums"])
    assert job.error is None, job.error
    report = report_of(workplace.runtime, job)
    assert {name for name, outcome in report.properties.items() if outcome.hard and not outcome.met} == set()
    assert set(report.properties["instruments"].measured) == {"Violin", "Guitar", "Bass", "Drums"}
    assert max(report.properties["polyphony"].measured.values()) <= 2
    assert 0 <= report.properties["chords"].measured["share"] <= 1
    assert report.properties["candidates"].met
    assert len({entry.seed for entry in report.ranking}) == 4
    delivered = [entry for entry in report.ranking if entry.refused is None]
    assert [entry.total for entry in delivered] == sorted(entry.total for entry in delivered)
    assert all({"off_chords", "off_density", "leaps"} <= set(entry.faults) for entry in report.ranking)
    stems = {f"stems/{name}.wav" for name in ("violin", "guitar", "bass", "drums")}
    assert {artifact.name for artifact in job.artifacts} == FILES | stems


def test_bars_of_a_track_are_composed_anew_and_nothing_else(workplace: Workplace) -> None:
    job = worked_on(workplace, infill={"bars": "3-4", "tracks": ["Tune"]}, seed=5)
    after = content(workplace.runtime, job, "song.mid")
    given_file, edited_file = split_chunks(TUNE), split_chunks(after)
    assert (given_file.header, given_file.tail) == (edited_file.header, edited_file.tail)
    assert [number for number in range(5) if given_file.track(number) != edited_file.track(number)] == [1]
    events = [
        [(event.tick, event.message) for event in parse_track(file.track(1))[0] if not 2 * BAR <= event.tick < 4 * BAR]
        for file in (given_file, edited_file)
    ]
    assert events[0] == events[1]
    report = report_of(workplace.runtime, job)
    assert report.properties["untouched"].met
    assert report.properties["infill"].measured["notes"]["Tune"] > 0
    assert worked_on(workplace, infill={"bars": "3-4", "tracks": ["Tune"]}, seed=5).artifact(
        "song.mid"
    ) == job.artifact("song.mid")
    other = worked_on(workplace, infill={"bars": "3-4", "tracks": ["Tune"]}, seed=6)
    assert other.artifact("song.mid") != job.artifact("song.mid")


def test_a_new_bass_is_played_over_what_is_given(workplace: Workplace) -> None:
    job = worked_on(workplace, add=[{"instrument": "double bass", "high": "C3"}, "flute"], seed=2, style="pop")
    after = content(workplace.runtime, job, "song.mid")
    assert split_chunks(after).chunks[: len(split_chunks(TUNE).chunks)] == split_chunks(TUNE).chunks
    bass, flute = given_tracks(after)[4:]
    assert (bass.name, bass.program, flute.name, flute.program) == ("Double bass", 32, "Flute", 73)
    assert max(note[2] for note in bass.notes) <= 48
    assert {"stems/double-bass.wav", "stems/tune.wav"} <= {artifact.name for artifact in job.artifacts}
    report = report_of(workplace.runtime, job)
    assert {name for name, outcome in report.properties.items() if outcome.hard and not outcome.met} == set()


@pytest.mark.parametrize("strength", [0.0, 0.5])
def test_a_stronger_variation_changes_more(workplace: Workplace, strength: float) -> None:
    job = worked_on(workplace, variation=strength, seed=4, candidates=2)
    after = content(workplace.runtime, job, "song.mid")
    assert (after == TUNE) == (strength == 0.0)
    report = report_of(workplace.runtime, job)
    assert report.properties["untouched"].met
    assert (report.properties["variation"].measured["bars"] == 0) == (strength == 0.0)
    assert len(report.ranking) == (0 if strength == 0.0 else 2)


def test_takes_of_an_infill_differ_within_the_bars(workplace: Workplace) -> None:
    job = worked_on(workplace, infill={"bars": "2"}, takes=2, seed=1)
    first, second = (given_tracks(content(workplace.runtime, job, f"take-{number}/song.mid")) for number in (1, 2))
    assert first != second
    for first_track, second_track in zip(first, second, strict=True):
        outside = [
            [note for note in track.notes if not BAR <= note[0] < 2 * BAR] for track in (first_track, second_track)
        ]
        assert outside[0] == outside[1]
