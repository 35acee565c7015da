"""Statistics of each style's tracks, stored in config.json so that requests can be fitted to them."""

from dataclasses import dataclass
from typing import Any

from bandmate_model.gan.roll import TRACKS

FAMILIAR = 0.04
"""A track is familiar to a style if at least this share of its pieces have it."""


@dataclass(frozen=True, slots=True)
class TrackStatistics:
    """One track in one style."""

    share: float
    """Of the pieces that have it."""
    notes_per_quarter: tuple[float, float]
    """10th and 90th percentile over blocks in which it plays."""
    pitches: tuple[int, int, int]
    """5th, 50th and 95th percentile, MIDI pitch in C."""
    polyphony: int
    """95th percentile of how many notes sound at once where any does."""


@dataclass(frozen=True, slots=True)
class StyleTracks:
    """All tracks in one style, in the order of TRACKS."""

    tracks: tuple[TrackStatistics, ...]

    @staticmethod
    def from_config(rows: list[dict[str, Any]]) -> "StyleTracks":
        """
        Raises:
            KeyError, TypeError, ValueError: the rows are not what `measure` makes.
        """
        tracks = tuple(
            TrackStatistics(
                float(row["share"]), _pair(row["notes_a_quarter"]), _triple(row["pitches"]), int(row["polyphony"])
            )
            for row in rows
        )
        if len(tracks) != len(TRACKS):
            raise ValueError(f"{len(tracks)} tracks instead of {len(TRACKS)}")
        return StyleTracks(tracks)


def _pair(values: list[float]) -> tuple[float, float]:
    low, high = values
    return float(low), float(high)


def _triple(values: list[int]) -> tuple[int, int, int]:
    low, middle, high = values
    return int(low), int(middle), int(high)
