"""Checks of what users rely on: no broken file, the same bytes again, nothing changed that was not requested,
and no copying that is not owned up to."""

import random
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from bandmate_generate.planning.song_plan import EditPlan
from bandmate_generate.selection.verify_edit import compare_outside_holes
from bandmate_model.evaluation.compose_all import CONCURRENT_REQUESTS
from bandmate_model.serving.loaded import LoadedModel
from bandmate_music.midi.read import read_midi
from bandmate_music.score import Score
from bandmate_shared.contracts.songs import SongRequest
from bandmate_shared.errors import BandmateError
from bandmate_shared.settings import SharedSettings
from pydantic import ValidationError

from bandmate_bench.judging.controls import draw_wishes
from bandmate_bench.judging.fuzzed_requests import fuzzed
from bandmate_bench.judging.random_requests import random_edit_request, random_song_request
from bandmate_bench.judging.replay import hash_of, in_another_process
from bandmate_bench.judging.request_faults import broken_hard_wishes
from bandmate_bench.judging.songs import Song, styles_of, write_song, write_songs

Progress = Callable[[str, int, int], None]
FAULTS = frozenset({"wrong file", "untyped error", "failed"})
_PROMPT_BARS = 4
_PROMPTS = 8
_EARLY_SECONDS = 0.02


def judge_fuzz(model: LoadedModel, requests: int, seed: int, progress: Progress) -> dict[str, Any]:
    """Invalid requests must be refused by an error of a known type, valid ones give a valid file with notes in it."""
    rng = random.Random(seed)  # noqa: S311 - samples, not secrets
    prompts = [song.midi for song in _plain_songs(model, rng, _PROMPTS, _PROMPT_BARS)]
    bodies = [fuzzed(rng, prompts) for _ in range(requests)]
    outcomes: Counter[str] = Counter()
    failures: list[dict[str, str]] = []
    with ThreadPoolExecutor(CONCURRENT_REQUESTS) as pool:
        for done, (body, outcome) in enumerate(zip(bodies, pool.map(_outcome(model), bodies), strict=True), 1):
            kind, detail = outcome
            outcomes[kind] += 1
            if kind in FAULTS:
                failures.append({"request": str(body)[:2000], "kind": kind, "detail": detail})
            progress("fuzzing", done, requests)
    return {"requests": requests, "outcomes": dict(outcomes), "failures": failures, "passed": not failures}


def judge_replay(model: LoadedModel, name: str | None, songs: int, seed: int, progress: Progress) -> dict[str, Any]:
    """The same requests again: beside other songs in flight, alone, and by another process. Bytes must not differ."""
    wishes = draw_wishes(model, songs, seed, progress)
    first = write_songs(model, wishes, progress=lambda done: progress("replay: together", done, songs))
    hashes = [hash_of(song) for song in first]
    alone = []
    for done, (request, number) in enumerate(wishes, 1):
        alone.append(hash_of(write_song(model, request, number)))
        progress("replay: one by one", done, songs)
    progress("replay: another process", 0, songs)
    elsewhere = in_another_process(name, first)
    progress("replay: another process", songs, songs)
    return {
        "songs": songs,
        "same_alone": sum(a == b for a, b in zip(hashes, alone, strict=True)),
        "same_in_another_process": sum(a == b for a, b in zip(hashes, elsewhere, strict=True)),
        "different_songs": len(set(hashes)),
        "passed": hashes == alone == elsewhere,
    }


def judge_infill(model: LoadedModel, cases: int, seed: int, progress: Progress) -> dict[str, Any]:
    """Bars filled in, in pieces the model has written: all others must be as they were, by the notes that the file
    reads as, and by the events in it."""
    rng = random.Random(seed)  # noqa: S311 - samples, not secrets
    bases = _plain_songs(model, rng, max(2, cases // 8), 8)
    wishes: list[tuple[SongRequest, int]] = []
    while len(wishes) < cases:
        base = bases[len(wishes) % len(bases)]
        request = random_edit_request(rng, base.midi, base.request.style, base.plan.bars, len(base.score.parts))
        if request.infill is not None:
            wishes.append((request, rng.randrange(2**31)))
    songs = write_songs(model, wishes, progress=lambda done: progress("infilling", done, cases))
    limits = SharedSettings().file_limits
    changed = [
        str(song.request.infill)
        for number, song in enumerate(songs)
        if not isinstance(song.plan, EditPlan)
        or not compare_outside_holes(song.plan, song.midi).unchanged
        or not same_outside(read_midi(bases[number % len(bases)].midi, limits), song)
    ]
    anew = sum(song.midi != bases[number % len(bases)].midi for number, song in enumerate(songs))
    return {
        "cases": cases,
        "unchanged": cases - len(changed),
        "composed_anew": anew,
        "changed": changed,
        "passed": not changed,
    }


def same_outside(before: Score, song: Song) -> bool:
    """Whether every note outside the bars asked for is there as it was, and none is new.

    A note up to 20 ms before a bar line belongs to the bar behind it: before the bars asked for it may be gone, before
    their end it may not.
    """
    infill = song.request.infill
    assert infill is not None, "only called for infills"
    bar = song.plan.metre.bar_ticks(before.ticks_per_quarter)
    early = int(_EARLY_SECONDS * song.plan.tempo / 60 * before.ticks_per_quarter)
    holes = [((first - 1) * bar - early, last * bar) for first, last in infill.ranges or [(1, song.plan.bars)]]
    ends = [(end - early, end) for _, end in holes]
    rows = [
        sorted(
            (part.program + 1000 * part.is_drum, *row)
            for part in score.parts
            for row in zip(
                part.notes.onset.tolist(),
                part.notes.duration.tolist(),
                part.notes.pitch.tolist(),
                part.notes.velocity.tolist(),
                strict=True,
            )
        )
        for score in (before, song.score)
    ]
    outside = [[row for row in score_rows if not _begins_in(row, holes)] for score_rows in rows]
    kept = Counter(row for row in rows[0] if _begins_in(row, ends)) <= Counter(rows[1])
    return kept and outside[0] == outside[1] and before.metres == song.score.metres


def _begins_in(row: tuple[int, int, int, int, int], spans: Sequence[tuple[int, int]]) -> bool:
    return any(start <= row[1] < end for start, end in spans)


def _plain_songs(model: LoadedModel, rng: random.Random, count: int, bars: int) -> list[Song]:
    styles = styles_of(model)
    wishes: list[tuple[SongRequest, int]] = []
    while len(wishes) < count:
        fields = random_song_request(rng, styles, bars=bars).model_dump(exclude_none=True)
        plain_fields = {name: fields[name] for name in ("style", "key", "tempo", "bars") if name in fields}
        wishes.append((SongRequest.model_validate(plain_fields), rng.randrange(2**31)))
    return write_songs(model, wishes)


def _outcome(model: LoadedModel) -> Callable[[dict[str, Any]], tuple[str, str]]:
    settings = SharedSettings()

    def run(body: dict[str, Any]) -> tuple[str, str]:
        try:
            request = SongRequest.model_validate(body)
        except ValidationError as error:
            return "refused by the contract", str(error)
        try:
            song = write_song(model, request, request.seed or 0, settings=settings)
        except BandmateError as error:
            if error.status >= 500:  # A valid request that the model could not carry out.
                return "failed", f"{error.type}: {error.detail}"
            return f"refused: {error.type}", error.detail
        except Exception as error:  # An unexpected error is what the benchmark looks for.
            return "untyped error", f"{type(error).__name__}: {error}"
        faults = broken_hard_wishes(song)
        return ("wrong file", "; ".join(faults)) if faults else ("a song", "")

    return run


def worst_outcomes(failures: Sequence[dict[str, str]], max_outcomes: int = 5) -> list[str]:
    """The first few failures in a line each."""
    return [f"{failure['kind']}: {failure['detail'][:160]}" for failure in failures[:max_outcomes]]
