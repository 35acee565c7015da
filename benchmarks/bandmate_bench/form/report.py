"""Values of all rows over groups of pieces, whether they are what is asked, and what more candidates gain."""

from collections.abc import Mapping, Sequence
from statistics import fmean
from typing import Any

from bandmate_bench.form.arrangement import Rates
from bandmate_bench.form.piece import Piece
from bandmate_bench.form.rows import ROWS, Asked, Row

_NEAR = (0.75, 1.25)
"""A piece has the length of a row if its bars are within these shares of it; longer ones are cut off."""
_HYMN_BARS = 16
_HALF_HIT = 0.5


class Summary:
    """A row's value over pieces: the mean, or the ratio of the rates of all of them together; None without any."""

    def __init__(self, row: Row, pieces: Sequence[Piece]) -> None:
        values = [value for piece in pieces if (value := row.measure(piece)) is not None]
        numbers = [value for value in values if not isinstance(value, Rates)]
        rates = [value for value in values if isinstance(value, Rates)]
        self.pieces = len(values)
        self.value = fmean(numbers) if numbers else _ratio(rates) if rates else None

    @staticmethod
    def of_songs(row: Row, songs: Sequence[Piece], styles: Sequence[str] | None = None) -> "Summary":
        """Of our songs: those of the styles, of the row's length, that the row does not leave out."""
        chosen = [song for song in songs if styles is None or song.group in styles]
        return Summary(row, of_length([song for song in chosen if row.only is None or row.only(song)], row.bars))

    def as_json(self) -> dict[str, Any]:
        return {"value": None if self.value is None else round(self.value, 4), "pieces": self.pieces}


def of_length(pieces: Sequence[Piece], bars: int | None) -> list[Piece]:
    """The songs of a length: those near it, or where there are none the longer ones cut off. None: all of them."""
    if bars is None:
        return list(pieces)
    near = [piece for piece in pieces if _NEAR[0] * bars <= len(piece.bars) <= _NEAR[1] * bars]
    longer = [piece.first(bars) for piece in pieces if len(piece.bars) > _NEAR[1] * bars]
    return near or longer


def real_of_length(pieces: Sequence[Piece], bars: int | None) -> list[Piece]:
    """Real pieces cut off at a length; hymns are short, so that at 32 bars those from 16 bars on count."""
    if bars is None:
        return list(pieces)
    least = min(bars, _HYMN_BARS) if bars <= 2 * _HYMN_BARS else bars
    return [piece.first(bars) for piece in pieces if len(piece.bars) >= least]


def summarise(
    songs: Sequence[Piece], real: Mapping[str, Sequence[Piece]], rows: Sequence[Row] = ROWS
) -> list[dict[str, Any]]:
    """The rows of the JSON: ours by style and over all, real by group, what is asked, and whether it is met."""
    styles = sorted({song.group for song in songs})
    result = []
    for row in rows:
        result.append(
            {
                "row": row.name,
                "title": row.title,
                "bars": row.bars,
                "how": " ".join((row.measure.__doc__ or "").split()),
                "ours": {style: Summary.of_songs(row, songs, [style]).as_json() for style in styles}
                | {"all": Summary.of_songs(row, songs).as_json()},
                "real": {
                    group: Summary(row, real_of_length(real[group], row.bars)).as_json()
                    for group in row.real
                    if group in real
                },
                "asked": [_asked(row, wish, songs) for wish in row.asked],
                "published": {"ours_before": row.before, "real": row.published},
            }
        )
    return result


def _asked(row: Row, wish: Asked, songs: Sequence[Piece]) -> dict[str, Any]:
    summary = Summary.of_songs(row, songs, wish.styles)
    return {
        "styles": list(wish.styles) if wish.styles else None,
        "low": wish.low,
        "high": wish.high,
        **summary.as_json(),
        "met": None if summary.value is None else wish.distance(round(summary.value, 4)) == 0,
    }


def compare_candidates(few: Sequence[Piece], many: Sequence[Piece], rows: Sequence[Row] = ROWS) -> list[dict[str, Any]]:
    """Row by row, which songs come nearer to what is asked: those chosen of few candidates, or of many.

    `better` is few or many; None where they are equal, or both within two limits. Rows of which nothing is asked are
    left out.
    """
    compared = []
    for row in rows:
        for wish in row.asked:
            chosen = [Summary.of_songs(row, songs, wish.styles) for songs in (few, many)]
            if chosen[0].value is None or chosen[1].value is None:
                continue
            ranks = [wish.rank(round(summary.value, 4)) for summary in chosen if summary.value is not None]
            compared.append(
                {
                    "row": row.name,
                    "title": row.title,
                    "styles": list(wish.styles) if wish.styles else None,
                    "asked": str(wish),
                    "few": round(chosen[0].value, 4),
                    "many": round(chosen[1].value, 4),
                    "better": None if ranks[0] == ranks[1] else "many" if ranks[1] < ranks[0] else "few",
                }
            )
    return compared


def speed(songs: Sequence[Piece]) -> list[dict[str, Any]]:
    """Mean seconds a stage by length and with or without words, from the songs' reports.

    Stages such as `vocal.mix` are parts of another one, `sing`, and not added to the total.
    """
    kinds = sorted({(len(song.bars), bool(song.syllables)) for song in songs if song.timings})
    result = []
    for bars, sung in kinds:
        timed = [s for s in songs if s.timings and (len(s.bars), bool(s.syllables)) == (bars, sung)]
        stages = dict.fromkeys(stage for song in timed for stage in song.timings)
        seconds = {stage: round(fmean(song.timings.get(stage, 0.0) for song in timed), 3) for stage in stages}
        result.append(
            {
                "bars": bars,
                "sung": sung,
                "songs": len(timed),
                "stages": seconds,
                "total": round(sum(spent for stage, spent in seconds.items() if "." not in stage), 3),
            }
        )
    return result


def _ratio(rates: Sequence[Rates]) -> float | None:
    """The rate here over the rate elsewhere, of all pieces together.

    Half an event is added to each count, so that none elsewhere gives a large ratio and no division by zero.
    """
    here, here_of = sum(rate.here for rate in rates), sum(rate.here_of for rate in rates)
    elsewhere, elsewhere_of = sum(rate.elsewhere for rate in rates), sum(rate.elsewhere_of for rate in rates)
    if not here_of or not elsewhere_of:
        return None
    if here == elsewhere == 0:
        return None
    return ((here + _HALF_HIT) / (here_of + 2 * _HALF_HIT)) / ((elsewhere + _HALF_HIT) / (elsewhere_of + 2 * _HALF_HIT))
