"""An equal request is not sung again: only the mix with another band is new, and its bytes are what they would be."""

from typing import Any

import numpy as np
import pytest
from bandmate_music.audio.wav import to_wav
from bandmate_shared.contracts.jobs import JobState
from bandmate_shared.contracts.vocals import VocalRequest
from bandmate_shared.jobs.execution.inprocess import InProcessQueue
from bandmate_shared.jobs.model import Job, NewJob
from bandmate_shared.objects.blobs import blob_key, put_blob
from bandmate_shared.runtime import Runtime
from bandmate_vocal import sung_voices
from bandmate_vocal.sing import sing

NOTES = [
    {"onset": 0.2, "duration": 0.5, "pitch": 62, "syllable": "o", "word_end": False},
    {"onset": 0.7, "duration": 0.8, "pitch": 64, "syllable": "pen", "line_end": True},
]
SUNG = {"vocals.wav", "alignment.json", "lyrics.lrc", "pitch.svg"}


def band(runtime: Runtime, pitch: float) -> str:
    times = np.arange(2 * 44100) / 44100
    chord = sum(np.sin(2 * np.pi * pitch * k * times) / k for k in range(1, 12))
    return put_blob(runtime.storage, to_wav(np.stack([0.1 * chord] * 2, axis=1).astype(np.float32)))


def run(runtime: Runtime, queue: InProcessQueue, tenant: str = "local", **changes: Any) -> Job:
    request = VocalRequest.model_validate({"notes": NOTES, "seconds": 2.0, "language": "en", **changes}).model_dump(
        mode="json"
    )
    job = runtime.store.submit(NewJob("vocal", request, tenant)).job
    queue.run_all(runtime, {"vocal": sing})
    ended = runtime.store.get(job.id)
    assert ended.state is JobState.SUCCEEDED, ended.error
    return ended


def files(job: Job) -> dict[str, str]:
    return {artifact.name: artifact.sha256 for artifact in job.artifacts}


def was_sung_before(job: Job) -> bool:
    """Whether the words did not have to be read: only the timings tell, for equal requests have equal reports."""
    assert job.result is not None
    return "speech" not in job.result["timings"]


def test_with_another_band_the_voice_is_taken_over_and_the_mix_is_as_if_sung_now(
    runtime: Runtime, queue: InProcessQueue
) -> None:
    bands = [band(runtime, pitch) for pitch in (131.0, 147.0)]
    first = run(runtime, queue, instrumental=bands[0])
    second = run(runtime, queue, instrumental=bands[1])
    assert (was_sung_before(first), was_sung_before(second)) == (False, True)
    assert {name: files(second)[name] for name in SUNG} == {name: files(first)[name] for name in SUNG}
    assert files(second)["song.wav"] != files(first)["song.wav"]
    for record in list(runtime.storage.keys(f"{sung_voices.PREFIX}/")):
        runtime.storage.delete(record)
    anew = run(runtime, queue, instrumental=bands[1])
    assert not was_sung_before(anew)
    assert {name: files(anew)[name] for name in SUNG | {"song.wav"}} == {
        name: files(second)[name] for name in SUNG | {"song.wav"}
    }
    assert first.result is not None
    assert second.result is not None
    assert anew.result is not None
    assert {**anew.result, "timings": None} == {**second.result, "timings": None}


def test_what_shapes_the_voice_is_sung_anew(
    runtime: Runtime, queue: InProcessQueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(runtime, queue)
    assert was_sung_before(run(runtime, queue)), "an equal request"
    other_words = [{**NOTES[0], "syllable": "e"}, NOTES[1]]
    for changes in ({"seed": 1}, {"voice": "tenor"}, {"notes": other_words}, {"seconds": 2.5}, {"ensemble": "double"}):
        assert not was_sung_before(run(runtime, queue, **changes)), changes
    assert not was_sung_before(run(runtime, queue, tenant="another")), "whose songs those are is nobody else's business"
    monkeypatch.setattr(sung_voices, "_version", lambda _library: "another")
    sung_voices._code.cache_clear()
    try:
        assert not was_sung_before(run(runtime, queue)), "sung by other code"
    finally:
        sung_voices._code.cache_clear()


def test_a_record_that_is_damaged_or_whose_files_are_gone_counts_as_none(
    runtime: Runtime, queue: InProcessQueue
) -> None:
    first = run(runtime, queue)
    runtime.storage.delete(blob_key(files(first)["vocals.wav"]))
    again = run(runtime, queue)
    assert not was_sung_before(again)
    assert files(again)["vocals.wav"] == files(first)["vocals.wav"]
    [record] = list(runtime.storage.keys(f"{sung_voices.PREFIX}/"))
    runtime.storage.put(record, b"{")
    assert not was_sung_before(run(runtime, queue))
    assert was_sung_before(run(runtime, queue))
