"""How drummers place and strike their notes, by family of grooves, drum and place in the bar.

The numbers are statistics of the Groove MIDI Dataset (CC BY 4.0, Google LLC), made by `scripts/fit_performance.py`.
"""

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

DATA_FILE = Path(__file__).parents[1] / "data" / "performance_drums.json"

PLACES_PER_BEAT = 6
"""The four sixteenths of a beat and its two inner triplet eighths."""
_PLACES = (0.0, 1 / 4, 1 / 2, 3 / 4, 1 / 3, 2 / 3)
"""In beats, in the order in which they are numbered."""

_DRUMS = {
    **dict.fromkeys((35, 36), "kick"),
    **dict.fromkeys((37, 38, 39, 40), "snare"),
    **dict.fromkeys((41, 43, 45, 47, 48, 50), "tom"),
    **dict.fromkeys((22, 42, 44), "hat"),
    **dict.fromkeys((26, 46), "open hat"),
    **dict.fromkeys((51, 53, 59), "ride"),
    **dict.fromkeys((49, 52, 55, 57), "crash"),
}
_OTHER = "hat"
"""Shakers, tambourines, cowbells and whatever else keeps time."""

_DEFAULT_FAMILY = "rock"
_FAMILY_WORDS = {
    "ballad": "pop",
    "blues": "shuffle",
    "brush": "jazz",
    "brushes": "jazz",
    "dance": "disco",
    "electronic": "disco",
    "folk": "country",
    "metal": "punk",
    "polka": "march",
    "samba": "bossa",
    "swing": "jazz",
    "waltz": "jazz",
}
"""Words of a groove's name that mean a family of another name."""


@dataclass(frozen=True, slots=True)
class DrumHabits:
    """Of one drum: deviation from the grid in milliseconds and velocity, by place in the bar, and their spreads."""

    places_ms: tuple[float, ...]
    places_velocity: tuple[float, ...]
    spread_ms: float
    spread_velocity: float


@dataclass(frozen=True, slots=True)
class DrumFamily:
    """Of a family of grooves. `shared` is the share of the variance in time that drums struck together have in common;
    `lasting` how far it correlates with that of the onset before."""

    shared: float
    lasting: float
    drums: dict[str, DrumHabits]

    def habits(self, pitch: int) -> DrumHabits:
        """Those of a General MIDI percussion pitch."""
        return self.drums[drum_of(pitch)]


def drum_of(pitch: int) -> str:
    """The drum that a General MIDI percussion pitch belongs to."""
    return _DRUMS.get(pitch, _OTHER)


def place_of(position: int, beat: int) -> int:
    """The place in a bar of four beats nearest to a position in it; position and beat in ticks."""
    number, inside = divmod(position, beat)
    fraction = inside / beat
    if fraction > 0.875:  # Nearer to the next beat than to the last sixteenth.
        number, fraction = number + 1, 0.0
    nearest = min(range(PLACES_PER_BEAT), key=lambda place: abs(_PLACES[place] - fraction))
    return number % 4 * PLACES_PER_BEAT + nearest


def drum_family(groove: str | None) -> DrumFamily:
    """The family that a groove's name tells: 'blues shuffle' is a shuffle; rock where it tells none."""
    families = _families()
    for word in (groove or "").lower().replace("-", " ").replace("_", " ").replace("/", " ").split():
        name = _FAMILY_WORDS.get(word, word)
        if name in families:
            return families[name]
    return families[_DEFAULT_FAMILY]


@cache
def _families() -> dict[str, DrumFamily]:
    data = json.loads(DATA_FILE.read_text())
    return {name: _family(family) for name, family in data["families"].items()}


def _family(data: dict[str, Any]) -> DrumFamily:
    drums = {
        name: DrumHabits(
            tuple(drum["places_ms"]), tuple(drum["places_velocity"]), drum["spread_ms"], drum["spread_velocity"]
        )
        for name, drum in data["drums"].items()
    }
    return DrumFamily(data["shared"], data["lasting"], drums)
