"""What a user has to be able to rely on: no broken file, the same bytes again, nothing touched that was not asked for,
and no copying that is not owned up to."""

import random
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from bandmate_generate.untouched import untouched
from bandmate_model.audition import AT_ONCE
from bandmate_model.loaded import LoadedModel
from bandmate_shared.contracts.songs import SongRequest
from bandmate_shared.errors import BandmateError
from bandmate_shared.music.limits import Limits
from bandmate_shared.music.midi_read import read_midi
from bandmate_shared.music.score import Score
from bandmate_shared.settings import SharedSettings
from pydantic import ValidationError

from bandmate_local.judging.controls import draw_wishes
from bandmate_local.judging.fuzz import fuzzed
from bandmate_local.judging.replay import hash_of, in_another_process
from bandmate_local.judging.songs import Song, styles_of, write_song, write_songs
from bandmate_local.judging.wishes import hard_faults
from bandmate_local.judging.wishing import edit_wish, song_wish

Progress = Callable[[str, int, int], None]
FAULTS = frozenset({"wrong file", "untyped error", "failed"})
_PROMPT_BARS = 4
_PROMPTS = 8


def judge_fuzz(model: LoadedModel, requests: int, seed: int, progress: Progress) -> dict[str, Any]:
    """Invalid requests must be refused by an error of a known type, valid ones give a valid file with notes in it."""
    dice = random.Random(seed)  # noqa: S311 - samples, not secrets
    prompts = [song.midi for song in _plain_songs(model, dice, _PROMPTS, _PROMPT_BARS)]
    bodies = [fuzzed(dice, prompts) for _ in range(requests)]
    outcomes: Counter[str] = Counter()
    failures: list[dict[str, str]] = []
    with ThreadPoolExecutor(AT_ONCE) as pool:
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
    dice = random.Random(seed)  # noqa: S311 - samples, not secrets
    bases = _plain_songs(model, dice, max(2, cases // 8), 8)
    wishes: list[tuple[SongRequest, int]] = []
    while len(wishes) < cases:
        base = bases[len(wishes) % len(bases)]
        request = edit_wish(dice, base.midi, base.request.style, base.plan.bars, len(base.score.parts))
        if request.infill is not None:
            wishes.append((request, dice.randrange(2**31)))
    songs = write_songs(model, wishes, progress=lambda done: progress("infilling", done, cases))
    limits = Limits.from_settings(SharedSettings())
    changed = [
        str(song.request.infill)
        for number, song in enumerate(songs)
        if not untouched(song.plan, song.midi).holds
        or not same_outside(read_midi(bases[number % len(bases)].midi, limits), song)
    ]
    anew = sum(song.midi != bases[number % len(bases)].midi for number, song in enumerate(songs))
    return {"cases": cases, "unchanged": cases - len(changed), "composed_anew": anew, "changed": changed,
            "passed": not changed}  # fmt: skip


def same_outside(before: Score, song: Song) -> bool:
    """Whether every note outside the bars asked for is there as it was, and none is new."""
    infill = song.request.infill
    assert infill is not None, "only called for infills"
    bar = song.plan.metre.bar_ticks(before.ticks_per_quarter)
    holes = [((first - 1) * bar, last * bar) for first, last in infill.ranges or [(1, song.plan.bars)]]

    def outside(score: Score) -> list[tuple[int, int, int, int, int]]:
        return sorted(
            (part.program + 1000 * part.is_drum, *row)
            for part in score.parts
            for row in zip(
                part.notes.onset.tolist(), part.notes.duration.tolist(), part.notes.pitch.tolist(),
                part.notes.velocity.tolist(), strict=True,
            )
            if not any(start <= row[0] < end for start, end in holes)
        )  # fmt: skip

    return outside(before) == outside(song.score) and before.metres == song.score.metres


def _plain_songs(model: LoadedModel, dice: random.Random, count: int, bars: int) -> list[Song]:
    styles = styles_of(model)
    wishes: list[tuple[SongRequest, int]] = []
    while len(wishes) < count:
        drawn = song_wish(dice, styles, bars=bars).model_dump(exclude_none=True)
        kept = {name: drawn[name] for name in ("style", "key", "tempo", "bars") if name in drawn}
        wishes.append((SongRequest.model_validate(kept), dice.randrange(2**31)))
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
            if error.status >= 500:  # Whose fault it is: a valid request, and the model could not carry it out.
                return "failed", f"{error.type}: {error.detail}"
            return f"refused: {error.type}", error.detail
        except Exception as error:  # What the benchmark is there to find.
            return "untyped error", f"{type(error).__name__}: {error}"
        faults = hard_faults(song)
        return ("wrong file", "; ".join(faults)) if faults else ("a song", "")

    return run


def worst_outcomes(failures: Sequence[dict[str, str]], most: int = 5) -> list[str]:
    """The first few failures in a line each."""
    return [f"{failure['kind']}: {failure['detail'][:160]}" for failure in failures[:most]]
