"""A sung song that is worked on keeps its singer and its words, with a real model and a real singer."""

import json
from typing import Any

import pytest
from bandmate_generate.api import check
from bandmate_music.midi.read import read_midi
from bandmate_shared.contracts.songs import SongRequest, SongWords
from bandmate_shared.jobs.execution.inprocess import InProcessQueue
from bandmate_shared.jobs.model import Job, NewJob

from .conftest import Workplace
from .test_song import LYRICS, content, handlers

BAR = 1920
SONG = {"style": "folk", "key": "D", "bars": 4, "metre": "4/4", "tempo": 120, "seed": 5, "lyrics": LYRICS}


def ask(place: Workplace, **fields: Any) -> Job:
    """Submit a request as the API does, and have it made and sung."""
    from bandmate_vocal.sing import sing

    request = check(place.runtime, SongRequest.model_validate(fields))
    job = place.runtime.store.submit(NewJob("song", request.model_dump(mode="json"))).job
    queue = place.runtime.publisher
    assert isinstance(queue, InProcessQueue)
    queue.run_all(place.runtime, handlers(place.settings, vocal=sing))
    made = place.runtime.store.get(job.id)
    assert made.error is None, made.error
    return made


def words_of(place: Workplace, job: Job) -> SongWords:
    return SongWords.model_validate_json(content(place.runtime, job, "words.json"))


def syllables(words: SongWords, first: int, past: int) -> list[str | None]:
    """Those of the bars, counted from 0."""
    return [note.syllable for note in words.notes if first * BAR <= note.tick < past * BAR]


@pytest.fixture
def song(workplace: Workplace) -> Job:
    return ask(workplace, **SONG)


def test_bars_composed_anew_are_sung_with_the_old_words_and_the_others_stay(workplace: Workplace, song: Job) -> None:
    job = ask(workplace, prompt=f"song:{song.id}", infill={"bars": "2"}, seed=9)
    assert job.request["prompt"] == f"song:{song.id}", "the song is named, not copied"
    assert (job.derived_from, job.request["style"]) == (song.id, "folk")
    before, after = words_of(workplace, song), words_of(workplace, job)
    assert [note.syllable for note in after.notes] == [note.syllable for note in before.notes]
    assert [note.tick for note in after.notes] == [note.tick for note in before.notes]
    kept = [(old, new) for old, new in zip(before.notes, after.notes, strict=True) if not BAR <= old.tick < 2 * BAR]
    assert kept
    assert all(old == new for old, new in kept[:-1]), "sung as before, to the last bit"
    assert [note.pitch for note in after.notes] != [note.pitch for note in before.notes]
    names = {artifact.name for artifact in job.artifacts}
    assert {"vocals.wav", "song.wav", "instrumental.wav"} <= names
    assert not any("voice" in name for name in names), "no choir plays the singer's line"
    report = json.loads(content(workplace.runtime, job, "report.json"))
    assert report["properties"]["untouched"]["met"]
    assert report["vocal"]["notes"] == len(after.notes)
    score = read_midi(content(workplace.runtime, job, "song.mid"), workplace.runtime.settings.file_limits)
    [sung] = [part for part in score.parts if part.lyrics]
    assert [lyric.text for lyric in sung.lyrics] == [note.syllable for note in after.notes if note.syllable]
    assert job.result is not None
    assert job.result["sung"] is True


def test_bars_take_new_words(workplace: Workplace, song: Job) -> None:
    job = ask(workplace, prompt=f"song:{song.id}", infill={"bars": "3-4"}, lyrics="Now the sun is up", seed=2)
    before, after = words_of(workplace, song), words_of(workplace, job)
    assert syllables(after, 0, 2) == syllables(before, 0, 2)
    assert syllables(after, 2, 4) == ["Now", "the", "sun", "is", "up"]


def test_other_tracks_change_and_the_singing_is_the_same_file(workplace: Workplace, song: Job) -> None:
    for wish in ({"add": ["flute"]}, {"infill": {"bars": "2", "tracks": ["Guitar"]}}, {"variation": 0.0}):
        job = ask(workplace, prompt=f"song:{song.id}", seed=3, **wish)
        for name in ("words.json", "vocals.wav"):
            assert job.artifact(name) == song.artifact(name), (wish, name)
        timings = json.loads(content(workplace.runtime, job, "report.json"))["timings"]
        assert "vocal.speech" not in timings, "it was not sung again"


def test_an_edit_keeps_who_sings_along_unless_it_says_otherwise(workplace: Workplace) -> None:
    song = ask(workplace, **SONG, ensemble="thirds")
    kept = ask(workplace, prompt=f"song:{song.id}", add=["flute"], seed=3)
    alone = ask(workplace, prompt=f"song:{song.id}", add=["flute"], seed=3, ensemble="solo")
    files = [json.loads(content(workplace.runtime, job, "alignment.json")) for job in (song, kept, alone)]
    assert [file["ensemble"] for file in files] == ["thirds", "thirds", "solo"]
    vocals = [job.artifact("vocals.wav") for job in (song, kept, alone)]
    assert vocals[0] == vocals[1] != vocals[2]


def test_a_song_that_goes_on_keeps_its_words_and_takes_new_ones(workplace: Workplace, song: Job) -> None:
    job = ask(workplace, prompt=f"song:{song.id}", bars=8, lyrics="Now the sun is up\nAnd I am gone", seed=4)
    before, after = words_of(workplace, song), words_of(workplace, job)
    old = [note.syllable for note in before.notes]
    assert [note.syllable for note in after.notes][: len(old)] == old
    assert syllables(after, 4, 8)[:3] == ["Now", "the", "sun"]
    again = ask(workplace, prompt=f"song:{song.id}", seed=4)
    assert [note.syllable for note in words_of(workplace, again).notes][len(old) :] == old, "without new words the old"


def test_what_went_on_from_some_bars_can_be_worked_on(workplace: Workplace, song: Job) -> None:
    longer = ask(workplace, prompt=f"song:{song.id}", from_bar=3, strict=True, bars=4, seed=4)
    job = ask(workplace, prompt=f"song:{longer.id}", add=["flute"], seed=5)
    assert (job.derived_from, job.request["from_bar"], job.request["strict"]) == (longer.id, None, None)


def test_words_for_bars_that_nobody_sings_are_refused(workplace: Workplace, song: Job) -> None:
    from bandmate_shared.errors import InvalidRequest

    with pytest.raises(InvalidRequest, match="track"):
        ask(workplace, prompt=f"song:{song.id}", infill={"bars": "2", "tracks": ["Guitar"]}, lyrics="La la")
    with pytest.raises(InvalidRequest, match="bars"):
        ask(workplace, prompt=f"song:{song.id}", infill={"bars": "2"}, lyrics="la " * 60)


def test_a_chain_of_versions_replayed_gives_the_same_files(workplace: Workplace, song: Job) -> None:
    steps: list[dict[str, Any]] = [
        {"infill": {"bars": "2-3"}, "seed": 1},
        {"variation": 0.3, "seed": 2},
        {"add": ["flute"], "seed": 3},
    ]
    first = [song]
    for step in steps:
        first.append(ask(workplace, prompt=f"song:{first[-1].id}", **step))
    found, deleted = workplace.runtime.store.versions(first[-1].id, "local")
    assert ([job.id for job in found], deleted) == ([job.id for job in first], [])
    replayed: list[Job] = []
    for job in first:
        stored = job.request
        if replayed:
            stored = {**stored, "prompt": f"song:{replayed[-1].id}"}
        replayed.append(ask(workplace, **stored))
    for job, again in zip(first, replayed, strict=True):
        files = [{file.name: file.sha256 for file in each.artifacts} for each in (job, again)]
        for timed in ("report.json", "vocal.json"):
            assert files[0].pop(timed, None) is not None
            files[1].pop(timed)
        assert files[0] == files[1]
