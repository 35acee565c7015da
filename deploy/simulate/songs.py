"""Songs as they were measured: what each costs at each of its stops.

A sung song stops three times: generate (compose, render, mix), vocal (sing), generate again (report).
"""

import json
import random
from dataclasses import dataclass
from pathlib import Path

FILE = Path(__file__).parent / "service_times.json"
GENERATE, VOCAL = "generate", "vocal"


@dataclass(frozen=True)
class Stop:
    """One job of a song: who does it, and how many seconds of one core it takes; `compose` of them in the model."""

    service: str
    seconds: float
    compose: float = 0.0


Song = tuple[Stop, ...]

WEIGHTS = {8: 0.4, 16: 0.3, 32: 0.2, 64: 0.1}
"""How often songs of so many bars are asked for: a guess. Half of them are sung."""


class Catalogue:
    """Measured songs, drawn at random by their weights. Around each, `spread` of its time up or down, evenly."""

    def __init__(self, songs: list[Song], weights: list[float], spread: float = 0.1) -> None:
        self.songs = songs
        self._weights = weights
        self._spread = spread

    @classmethod
    def read(cls, file: Path = FILE) -> "Catalogue":
        """From what `python -m deploy.simulate.measure` wrote."""
        measurements = json.loads(file.read_text())["songs"]
        songs = [_stops(measured) for measured in measurements]
        of_length = {bars: sum(measured["bars"] == bars for measured in measurements) for bars in WEIGHTS}
        return cls(songs, [WEIGHTS[measured["bars"]] / of_length[measured["bars"]] for measured in measurements])

    def draw(self, number: int, chance: random.Random) -> list[Song]:
        """That many songs."""
        songs = []
        for song in chance.choices(self.songs, self._weights, k=number):
            factor = 1 + self._spread * (2 * chance.random() - 1)
            songs.append(tuple(Stop(stop.service, stop.seconds * factor, stop.compose * factor) for stop in song))
        return songs

    def mean(self, service: str, *, compose: bool = False) -> float:
        """Core seconds a song spends at a service on average; with `compose` those in the model only."""
        total = sum(self._weights)
        return (
            sum(
                weight * sum(stop.compose if compose else stop.seconds for stop in song if stop.service == service)
                for song, weight in zip(self.songs, self._weights, strict=True)
            )
            / total
        )


def _stops(measured: dict[str, float]) -> Song:
    first = Stop(GENERATE, measured["compose"] + measured["render"], measured["compose"])
    if not measured["sung"]:
        return (first,)
    return first, Stop(VOCAL, measured["sing"]), Stop(GENERATE, measured["report"])
