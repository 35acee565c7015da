"""How fast an engine decodes, beside Hugging Face's `generate` in the same run: same weights, same sampling, one core.

Each figure is the median of rounds in which both take their turn. Two clocks are read: wall time, and processor time,
which says the same on a busy machine as long as one thread works.
"""

import resource
import statistics
import sys
import time
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from bandmate_model.cells.vocabulary import BAR
from bandmate_model.engine.base import Array, Feed
from bandmate_model.engine.batcher import Batcher, Task
from bandmate_model.engine.sampling import Sampler
from bandmate_model.model_files import ModelUnusable
from bandmate_model.serving.loaded import LoadedModel
from bandmate_shared.contracts.composition import CompositionRequest, PartSpec

TOP_P = 0.95
SONG_TOKENS = 384
"""New tokens of a song in the single-stream figures."""
LENGTHS = range(96, 673, 24)
"""New tokens of the songs in flight, so that they join and leave at different times."""
SONGS_PER_SLOT = 3
PROMPT_TOKENS = 16
LONG_PROMPT = 960


@dataclass(slots=True)
class Clock:
    """Tokens per second, by wall and by processor time, in each round."""

    wall: list[float] = field(default_factory=list)
    processor: list[float] = field(default_factory=list)

    def time(self, tokens: int, work: Callable[[], Any]) -> None:
        wall, processor = time.perf_counter(), time.process_time()
        work()
        self.processor.append(tokens / (time.process_time() - processor))
        self.wall.append(tokens / (time.perf_counter() - wall))

    def medians(self) -> dict[str, float]:
        return {
            "tokens_per_second": round(statistics.median(self.wall), 1),
            "tokens_per_processor_second": round(statistics.median(self.processor), 1),
        }


def raw_song(prompt: list[int], length: int, seed: int) -> Generator[Feed, Array, list[int]]:
    """Tokens sampled from the network without the grammar, as `generate` does."""
    points = np.random.default_rng(seed).random(length).tolist()
    tokens: list[int] = []
    logits = yield Feed(prompt, 0)
    sampler = Sampler(len(logits))
    for point in points:
        tokens.append(sampler.pick(logits, top_p=TOP_P, point=point))
        if len(tokens) < length:
            logits = yield Feed([tokens[-1]])
    return tokens


class ConcurrentSongs:
    """Songs of different lengths: each that ends is replaced, until too few are left to fill every place."""

    def __init__(self, prompt: list[int], lengths: Sequence[int], together: int, seed: int) -> None:
        self.tokens = 0
        self._left = len(lengths) - together + 1
        """Songs that end before that."""
        self.tasks = [self._song(prompt, length, seed * 1000 + number) for number, length in enumerate(lengths)]

    def _song(self, prompt: list[int], length: int, seed: int) -> Generator[Feed, Array, None]:
        song = raw_song(prompt, length, seed)
        feed = next(song)
        try:
            while self._left > 0:
                logits = yield feed
                self.tokens += 1
                feed = song.send(logits)
        except StopIteration:
            self._left -= 1


def measure(loaded_model: LoadedModel, *, songs: int, rounds: int, peer: bool) -> dict[str, Any]:
    """All figures of a token composer, as JSON.

    Raises:
        ModelUnusable: the model has no engine.
        ModuleNotFoundError: `peer`, and torch or transformers are missing.
    """
    batcher = getattr(loaded_model.composer, "batcher", None)
    if not isinstance(batcher, Batcher):
        raise ModelUnusable(
            f"{loaded_model.info.id} is a {loaded_model.info.architecture}, which writes no tokens one by one"
        )
    engine = batcher.engine
    other = None
    if peer and loaded_model.info.architecture == "transformer":
        from bandmate_bench.hugging_face import HuggingFace  # optional extra: torch and transformers

        other = HuggingFace(loaded_model.folder, TOP_P)
    random = np.random.default_rng(1)
    prompt = [int(token) for token in random.integers(1, engine.vocabulary, PROMPT_TOKENS)]
    window = min(engine.window, 1 << 20)
    song_tokens = min(SONG_TOKENS, window - PROMPT_TOKENS)
    lengths = [
        min(LENGTHS[number * 7 % len(LENGTHS)], window - PROMPT_TOKENS) for number in range(SONGS_PER_SLOT * songs)
    ]
    long = [int(token) for token in random.integers(1, engine.vocabulary, min(LONG_PROMPT, window))]
    request = _request(loaded_model)
    clocks = {name: Clock() for name in ("one", "in_flight", "prompt", "composed_one", "composed_in_flight")}
    peer_clocks = {name: Clock() for name in ("one", "batch", "prompt")}
    first_bars: list[float] = []

    def run(tasks: Sequence[Task[Any]]) -> None:
        batcher.run(tasks)

    for number in range(rounds):
        clocks["one"].time(song_tokens, lambda number=number: run([raw_song(prompt, song_tokens, number)]))  # type: ignore[misc]
        if other is not None:
            peer_clocks["one"].time(song_tokens, lambda: other.generate(prompt, song_tokens, 1))
        flight = ConcurrentSongs(prompt, lengths, songs, number)
        wall, processor = time.perf_counter(), time.process_time()
        run(flight.tasks)
        clocks["in_flight"].processor.append(flight.tokens / (time.process_time() - processor))
        clocks["in_flight"].wall.append(flight.tokens / (time.perf_counter() - wall))
        if other is not None:
            peer_clocks["batch"].time(songs * song_tokens, lambda: other.generate(prompt, song_tokens, songs))
        clocks["prompt"].time(len(long), lambda: run([raw_song(long, 1, 1)]))
        if other is not None:
            peer_clocks["prompt"].time(len(long), lambda: other.logits(long))
        for name, seeds in (("composed_one", [number + 1]), ("composed_in_flight", list(range(1, songs + 1)))):
            counts = _Counts(loaded_model, request, seeds)
            started, spent = time.perf_counter(), time.process_time()
            first = counts.compose()
            clocks[name].processor.append(counts.tokens / (time.process_time() - spent))
            clocks[name].wall.append(counts.tokens / (time.perf_counter() - started))
            if len(seeds) == 1:
                first_bars.append(first)
    figures: dict[str, Any] = {name: clock.medians() for name, clock in clocks.items()}
    figures["first_bar_seconds"] = round(statistics.median(first_bars), 4)
    figures["songs"] = songs
    if other is not None:
        figures["peer"] = {"name": other.name} | {name: clock.medians() for name, clock in peer_clocks.items()}
        slot = engine.open()
        figures["furthest_logit"] = float(np.abs(engine.feed([(slot, Feed(long))])[0] - other.logits(long)).max())
        engine.close(slot)
        for name in ("one", "in_flight"):
            figures[name]["times_peer"] = {
                clock: round(figures[name][clock] / figures["peer"]["one"][clock], 1)
                for clock in figures["peer"]["one"]
            }
    return figures


def peak_memory() -> float:
    """Peak memory of this process, in MiB."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1 << 20 if sys.platform == "darwin" else 1 << 10)


class _Counts:
    """Songs composed with the grammar, and how many tokens that took."""

    def __init__(self, loaded_model: LoadedModel, request: CompositionRequest, seeds: list[int]) -> None:
        self._loaded, self._request, self._seeds = loaded_model, request, seeds
        self.tokens = 0

    def compose(self) -> float:
        """Compose the songs. Returns the seconds until the first song's first bar was complete."""
        composer: Any = self._loaded.composer
        batcher, started, first, bars = composer.batcher, time.perf_counter(), 0.0, 0
        original = batcher.engine.feed

        def feed(feeds: Sequence[tuple[int, Feed]]) -> Array:
            nonlocal first, bars
            for number, (_, sequence_feed) in enumerate(feeds):
                self.tokens += len(sequence_feed.tokens)
                if number == 0 and not first:
                    bars += sum(token in BAR for token in sequence_feed.tokens)
                    first = time.perf_counter() - started if bars > 1 else 0.0
            logits: Array = original(feeds)
            return logits

        batcher.engine.feed = feed
        try:
            composer.compose(composer.plan(self._request), [(seed, 0) for seed in self._seeds])
        finally:
            del batcher.engine.feed
        return first


def _request(loaded_model: LoadedModel) -> CompositionRequest:
    """Sixteen bars for voice, piano, bass and drums."""
    parts = [
        PartSpec(name="Voice", role="melody", program=52, is_voice=True, low=57, high=76, monophonic=True),
        PartSpec(name="Piano", role="harmony", program=0, low=36, high=84),
        PartSpec(name="Bass", role="bass", program=33, low=28, high=55, monophonic=True),
        PartSpec(name="Drums", role="drums", program=0, is_drum=True),
    ]
    return CompositionRequest(
        style=loaded_model.info.styles[0],
        tonic=0,
        mode="major",
        numerator=4,
        denominator=4,
        bars=16,
        tempo=100,
        parts=parts,
        seeds=[1],
    )
