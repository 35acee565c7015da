"""The rows of `bandmate benchmark mix`: what is measured of each song, what is asked, and the values by style."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bandmate_bench.mix import measures
from bandmate_bench.mix.song_sound import SongSound


@dataclass(frozen=True, slots=True)
class Row:
    """A measure; `low` and `high` hold for every song, None where nothing is asked."""

    name: str
    title: str
    measure: Callable[[SongSound], float | None]
    low: float | None = None
    high: float | None = None

    def met_by(self, value: float) -> bool:
        """Whether a song's value is within what is asked."""
        return (self.low is None or value >= self.low) and (self.high is None or value <= self.high)


ROWS = (
    Row("loudness", "loudness, LUFS", measures.loudness, -14.2, -13.8),
    Row("peak", "true peak, dBTP", measures.peak, None, -1.0),
    Row("peak_after_mp3", "true peak after MP3, dBTP", measures.peak_after_mp3, None, -1.0),
    Row("crest_factor", "crest factor, dB", measures.crest_factor, 9.0, 14.0),
    Row("balance", "farthest from the balance of popular music, dB", measures.balance, None, 4.0),
    Row("mono_loss", "softer in mono, LU", measures.mono_loss, None, 3.0),
    Row("stems_apart", "stems less mix, dB", measures.stems_apart),
)

Values = Mapping[str, float | None]


def measure(song: SongSound) -> dict[str, float | None]:
    """The value of every row."""
    values = {row.name: row.measure(song) for row in ROWS}
    return {name: None if value is None else round(value, 3) for name, value in values.items()}


def summarise(songs: Sequence[tuple[str, Values]]) -> list[dict[str, Any]]:
    """Rows for JSON from (style, values) of each song: lowest, highest, how many are as asked; by style and in all."""
    styles = sorted({style for style, _ in songs})
    rows = []
    for row in ROWS:
        by_style = {name: _summary(row, [values for style, values in songs if style == name]) for name in styles}
        rows.append(
            {
                "row": row.name,
                "title": row.title,
                "how": " ".join((row.measure.__doc__ or "").split()),
                "low": row.low,
                "high": row.high,
                "styles": by_style,
                "all": _summary(row, [values for _, values in songs]),
            }
        )
    return rows


def _summary(row: Row, songs: Sequence[Values]) -> dict[str, Any]:
    values = [value for song in songs if (value := song[row.name]) is not None]
    return {
        "songs": len(values),
        "lowest": min(values, default=None),
        "highest": max(values, default=None),
        "met": sum(row.met_by(value) for value in values),
    }
