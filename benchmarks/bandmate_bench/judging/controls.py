"""How well the model follows its controls: random requests, measured on the files, with and without each control."""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from bandmate_generate.planning.plan import plan_song
from bandmate_generate.planning.song_plan import WritePlan
from bandmate_generate.selection.measure import chord_tone_share, composed_rows, density_wishes, notes_per_quarter
from bandmate_model.serving.loaded import LoadedModel
from bandmate_music.analysis.key_finder import estimate_key
from bandmate_music.theory.keys import parse_key
from bandmate_shared.contracts.composition import density_level
from bandmate_shared.contracts.songs import SongRequest
from bandmate_shared.errors import InvalidRequest
from bandmate_shared.settings import SharedSettings

from bandmate_bench.judging.random_requests import random_edit_request, random_song_request
from bandmate_bench.judging.request_faults import broken_hard_wishes
from bandmate_bench.judging.songs import Song, styles_of, write_songs

ASKED = {"hard": 1.0, "key": 0.90, "chords": 0.85, "density": 0.70, "density_near": 0.95}
PUBLISHED = {"key": "text2midi 0.336"}
EDITS = 0.25
"""Share of the requests that are about a given piece."""
BASES = 16
_MAX_DRAWS = 20

Progress = Callable[[str, int, int], None]
Wishes = list[tuple[SongRequest, int]]


@dataclass(slots=True)
class Scores:
    """Sums over the songs."""

    key: list[bool] = field(default_factory=list)
    chords: list[float] = field(default_factory=list)
    density: list[int] = field(default_factory=list)
    """Levels by which each track missed the one asked for."""

    def means(self) -> dict[str, float | None]:
        return {
            "key": _mean([float(right) for right in self.key]),
            "chords": _mean(self.chords),
            "density": _mean([float(miss == 0) for miss in self.density]),
            "density_near": _mean([float(miss <= 1) for miss in self.density]),
        }


def judge_controls(
    model: LoadedModel, requests: int, seed: int, *, candidates: int, progress: Progress
) -> dict[str, Any]:
    """Write a song for each of `requests` random requests, and measure; then again those with a key, chords or a
    density, by the same model that is not given it.

    Raises:
        BandmateError: the model failed.
    """
    wishes = draw_wishes(model, requests, seed, progress)
    songs = _write(model, wishes, candidates, "writing", progress)
    faults = [(song, broken_hard_wishes(song)) for song in songs]
    with_wishes = score(songs)
    without_wishes: dict[str, float | None] = {}
    for name, wished in (("key", has_key), ("chords", has_chords), ("density", has_density)):
        chosen = [wish for wish, song in zip(wishes, songs, strict=True) if wished(song)]
        means = score(_write(without_control(model, name), chosen, candidates, f"without {name}", progress)).means()
        without_wishes |= {key: value for key, value in means.items() if key.startswith(name)}
    means = with_wishes.means()
    means["hard"] = _mean([float(not song_faults) for _, song_faults in faults])
    return {
        "requests": len(songs),
        "with": means,
        "without": without_wishes,
        "asked": ASKED,
        "published": PUBLISHED,
        "counts": {"key": len(with_wishes.key), "chords": len(with_wishes.chords), "density": len(with_wishes.density)},
        "broken": [
            {"request": _request_json(song), "faults": song_faults} for song, song_faults in faults if song_faults
        ],
        "passed": all((means[name] or 0.0) >= minimum for name, minimum in ASKED.items())
        and all((means[name] or 0.0) > (value or 0.0) for name, value in without_wishes.items()),
    }


def draw_wishes(model: LoadedModel, requests: int, seed: int, progress: Progress) -> Wishes:
    """Requests that can be met, each with its seed; a quarter of them about pieces the model has written before."""
    rng = random.Random(seed)  # noqa: S311 - samples, not secrets
    styles = styles_of(model)
    edits = round(requests * EDITS)
    bases: list[Song] = []
    if edits:
        plain: Wishes = [
            (_possible(lambda: random_song_request(rng, styles)), rng.randrange(2**31)) for _ in range(BASES)
        ]
        bases = _write(model, plain, 1, "writing given pieces", progress)
    wishes: Wishes = []
    for number in range(requests):
        if number < edits:
            base = bases[number % len(bases)]
            style, bars, tracks = base.request.style, base.plan.bars, len(base.score.parts)

            def draw(base: Song = base, style: str = style, bars: int = bars, tracks: int = tracks) -> SongRequest:
                return random_edit_request(rng, base.midi, style, bars, tracks)

            wishes.append((_possible(draw), rng.randrange(2**31)))
        else:
            wishes.append((_possible(lambda: random_song_request(rng, styles)), rng.randrange(2**31)))
    return wishes


def without_control(model: LoadedModel, name: str) -> LoadedModel:
    """The same model, without the wish.

    Raises:
        InvalidRequest: it belongs to a family that cannot be made without_control.
    """
    composer = model.composer
    if not hasattr(composer, "without"):
        raise InvalidRequest(f"a model of architecture {model.info.architecture!r} has no controls to be switched off")
    return replace(model, composer=replace(composer, without=frozenset({name})))  # type: ignore[type-var]


def score(songs: Sequence[Song]) -> Scores:
    """Measure how well the songs meet their soft wishes."""
    scores = Scores()
    for song in songs:
        rows = composed_rows(song.plan, song.midi, song.score)
        if has_key(song) and song.request.key is not None:
            scores.key.append(estimate_key(song.score) == parse_key(song.request.key))
        if has_chords(song):
            share = chord_tone_share(song.plan.chords, song.plan.specs, rows)
            if share is not None:
                scores.chords.append(share)
        rates = notes_per_quarter(song.plan, rows)
        scores.density += [
            abs(density_level(rates[part]) - level)
            for part, level in density_wishes(song.plan).items()
            if part in rates
        ]
    return scores


def has_key(song: Song) -> bool:
    """A key can be heard where something pitched is composed throughout."""
    pitched = any(not spec.is_drum for spec in song.plan.specs)
    return song.request.key is not None and isinstance(song.plan, WritePlan) and pitched


def has_chords(song: Song) -> bool:
    return bool(song.plan.chords)


def has_density(song: Song) -> bool:
    return bool(density_wishes(song.plan))


def _possible(draw: Callable[[], SongRequest]) -> SongRequest:
    """A request that can be planned: some wishes exclude each other by chance."""
    for _ in range(_MAX_DRAWS):
        try:
            request = draw()
            plan_song(request, 1, SharedSettings())
        except (InvalidRequest, ValueError):
            continue
        return request
    raise InvalidRequest("no possible request was drawn; this is a fault of the benchmark")


def _write(model: LoadedModel, wishes: Wishes, candidates: int, label: str, progress: Progress) -> list[Song]:
    return write_songs(model, wishes, candidates=candidates, progress=lambda done: progress(label, done, len(wishes)))


def _request_json(song: Song) -> dict[str, Any]:
    body = song.request.model_dump(mode="json", exclude_none=True)
    return {**body, "prompt": "…"} if "prompt" in body else body


def _mean(values: Sequence[float]) -> float | None:
    return round(sum(values) / len(values), 4) if values else None
