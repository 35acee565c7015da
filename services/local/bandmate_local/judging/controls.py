"""Whether the model does what it is asked: random requests, measured on the files, with and without each control."""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from bandmate_generate.key_estimate import estimate_key
from bandmate_generate.measured import chord_tone_share, composed_rows, density_wishes, notes_a_quarter
from bandmate_generate.plan import plan_song
from bandmate_model.loaded import LoadedModel
from bandmate_shared.contracts.composition import density_level
from bandmate_shared.contracts.songs import SongRequest
from bandmate_shared.errors import InvalidRequest
from bandmate_shared.music.keys import parse_key
from bandmate_shared.settings import SharedSettings

from bandmate_local.judging.songs import Song, styles_of, write_songs
from bandmate_local.judging.wishes import hard_faults
from bandmate_local.judging.wishing import edit_wish, song_wish

ASKED = {"hard": 1.0, "key": 0.90, "chords": 0.85, "density": 0.70, "density_near": 0.95}
PUBLISHED = {"key": "text2midi 0.336"}
EDITS = 0.25
"""Share of the requests that are about a given piece."""
BASES = 16
_MOST_DRAWS = 20

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
    density, by the same model that is not told of it.

    Raises:
        BandmateError: the model failed.
    """
    wishes = draw_wishes(model, requests, seed, progress)
    songs = _write(model, wishes, candidates, "writing", progress)
    faults = [(song, hard_faults(song)) for song in songs]
    told = score(songs)
    untold: dict[str, float | None] = {}
    for name, wished in (("key", has_key), ("chords", has_chords), ("density", has_density)):
        chosen = [wish for wish, song in zip(wishes, songs, strict=True) if wished(song)]
        means = score(_write(deaf(model, name), chosen, candidates, f"without {name}", progress)).means()
        untold |= {key: value for key, value in means.items() if key.startswith(name)}
    means = told.means()
    means["hard"] = _mean([float(not found) for _, found in faults])
    return {
        "requests": len(songs),
        "with": means,
        "without": untold,
        "asked": ASKED,
        "published": PUBLISHED,
        "counts": {"key": len(told.key), "chords": len(told.chords), "density": len(told.density)},
        "broken": [{"request": _told(song), "faults": found} for song, found in faults if found],
        "passed": all((means[name] or 0.0) >= least for name, least in ASKED.items())
        and all((means[name] or 0.0) > (value or 0.0) for name, value in untold.items()),
    }


def draw_wishes(model: LoadedModel, requests: int, seed: int, progress: Progress) -> Wishes:
    """Requests that can be met, each with its seed; a quarter of them about pieces the model has written before."""
    dice = random.Random(seed)  # noqa: S311 - samples, not secrets
    styles = styles_of(model)
    edits = round(requests * EDITS)
    bases: list[Song] = []
    if edits:
        plain: Wishes = [(_possible(lambda: song_wish(dice, styles)), dice.randrange(2**31)) for _ in range(BASES)]
        bases = _write(model, plain, 1, "writing given pieces", progress)
    wishes: Wishes = []
    for number in range(requests):
        if number < edits:
            base = bases[number % len(bases)]
            style, bars, tracks = base.request.style, base.plan.bars, len(base.score.parts)

            def draw(base: Song = base, style: str = style, bars: int = bars, tracks: int = tracks) -> SongRequest:
                return edit_wish(dice, base.midi, style, bars, tracks)

            wishes.append((_possible(draw), dice.randrange(2**31)))
        else:
            wishes.append((_possible(lambda: song_wish(dice, styles)), dice.randrange(2**31)))
    return wishes


def deaf(model: LoadedModel, name: str) -> LoadedModel:
    """The same model, not told of the wish.

    Raises:
        InvalidRequest: it belongs to a family that cannot be made deaf.
    """
    composer = model.composer
    if not hasattr(composer, "without"):
        raise InvalidRequest(f"a model of architecture {model.info.architecture!r} has no controls to be switched off")
    return replace(model, composer=replace(composer, without=frozenset({name})))  # type: ignore[type-var]


def score(songs: Sequence[Song]) -> Scores:
    """What the songs make of their soft wishes."""
    found = Scores()
    for song in songs:
        rows = composed_rows(song.plan, song.midi, song.score)
        if has_key(song) and song.request.key is not None:
            found.key.append(estimate_key(song.score) == parse_key(song.request.key))
        if has_chords(song):
            share = chord_tone_share(song.plan.chords, song.plan.specs, rows)
            if share is not None:
                found.chords.append(share)
        rates = notes_a_quarter(song.plan, rows)
        found.density += [
            abs(density_level(rates[part]) - level)
            for part, level in density_wishes(song.plan).items()
            if part in rates
        ]
    return found


def has_key(song: Song) -> bool:
    """A key can be heard where something pitched is composed throughout."""
    pitched = any(not spec.is_drum for spec in song.plan.specs)
    return song.request.key is not None and song.plan.edit is None and pitched


def has_chords(song: Song) -> bool:
    return bool(song.plan.chords)


def has_density(song: Song) -> bool:
    return bool(density_wishes(song.plan))


def _possible(draw: Callable[[], SongRequest]) -> SongRequest:
    """A request that can be planned: some wishes exclude each other by chance."""
    for _ in range(_MOST_DRAWS):
        try:
            request = draw()
            plan_song(request, 1, SharedSettings())
        except (InvalidRequest, ValueError):
            continue
        return request
    raise InvalidRequest("no possible request was drawn; this is a fault of the benchmark")


def _write(model: LoadedModel, wishes: Wishes, candidates: int, what: str, progress: Progress) -> list[Song]:
    return write_songs(
        model, wishes, candidates=candidates, progress=lambda done: progress(what, done, len(wishes))
    )  # fmt: skip


def _told(song: Song) -> dict[str, Any]:
    told = song.request.model_dump(mode="json", exclude_none=True)
    return {**told, "prompt": "…"} if "prompt" in told else told


def _mean(values: Sequence[float]) -> float | None:
    return round(sum(values) / len(values), 4) if values else None
