"""The table: each row's definition, what is asked, what was measured before, and whether it is met."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from bandmate_bench.singing.cases import EIGHTHS, FIRST_SONG, GROUPS, IN_RANGE, LANGUAGES, LONG, WRITTEN
from bandmate_bench.singing.judge import words_wrong

Measured = Sequence[dict[str, Any]]
_OWN_RECORDINGS = (FIRST_SONG, WRITTEN, IN_RANGE, EIGHTHS)


@dataclass(frozen=True, slots=True)
class Row:
    """A row: which pieces, what is taken of them, and the limits of what is asked. `before`: with espeak-ng and
    overlap-add, before a neural voice sang."""

    title: str
    groups: tuple[str, ...]
    value: Callable[[Measured], float | None]
    low: float | None = None
    high: float | None = None
    before: str = "-"
    languages: tuple[str, ...] = ()


def _values(pieces: Measured, name: str) -> list[float]:
    return [float(piece[name]) for piece in pieces if piece.get(name) is not None]


def _mean(name: str) -> Callable[[Measured], float | None]:
    def mean(pieces: Measured) -> float | None:
        values = _values(pieces, name)
        return float(np.mean(values)) if values else None

    return mean


def _extreme(name: str, choose: Callable[[list[float]], float]) -> Callable[[Measured], float | None]:
    return lambda pieces: choose(values) if (values := _values(pieces, name)) else None


def _words(what: str) -> Callable[[Measured], float | None]:
    return lambda pieces: words_wrong(pieces, what)


def _words_in_mix(pieces: Measured) -> float | None:
    """Words wrong in the mix over those wrong in the voice alone; of a voice without a wrong word, over half a word."""
    in_mix, alone = words_wrong(pieces, "recognised_in_mix"), words_wrong(pieces, "recognised")
    if in_mix is None or alone is None:
        return None
    words = max(found["words"] for piece in pieces for found in (piece.get("recognised_in_mix") or {}).values())
    return float(in_mix / max(alone, 0.5 / words))


def _cpu_share(pieces: Measured) -> float | None:
    seconds = sum(_values(pieces, "usage_seconds"))
    return sum(_values(pieces, "usage_cpu_seconds")) / seconds if seconds else None


ROWS = (
    Row("words wrong, first song", (FIRST_SONG,), _words("recognised"), high=0.12, before=".60"),
    Row("words wrong, real scores at written pitch", (WRITTEN,), _words("recognised"), high=0.38, before=".65"),
    Row("words wrong, real scores by alto or tenor", (IN_RANGE,), _words("recognised"), high=0.15),
    Row("P808, first song", (FIRST_SONG,), _mean("p808"), low=3.4, before="2.67"),
    Row("P808, real scores at written pitch", (WRITTEN,), _mean("p808"), low=3.1, before="2.99"),
    Row("RPA, first song", (FIRST_SONG,), _mean("rpa"), low=0.99, before=".999"),
    Row("RPA, real scores, mean", (WRITTEN,), _mean("rpa"), low=0.985, before=".999"),
    Row("RPA, real scores, each", (WRITTEN,), _extreme("rpa", min), low=0.975, before=".997"),
    Row("RPA, eighths at 140 bpm", (EIGHTHS,), _mean("rpa"), low=0.97),
    Row("RPA by the second tracker", (FIRST_SONG, WRITTEN), _mean("second_rpa")),
    Row("octave errors", _OWN_RECORDINGS, _mean("octave_errors")),
    Row("note median, mean, cents", _OWN_RECORDINGS, _mean("note_mean_cents"), high=3.0),
    Row("note median, worst, cents", _OWN_RECORDINGS, _extreme("note_worst_cents", max), high=12.0, before="7"),
    Row("vowel onset, median, ms", _OWN_RECORDINGS, _mean("onset_median_ms"), high=8.0, before="3.9"),
    Row("vowel onset, 90th percentile, ms", _OWN_RECORDINGS, _mean("onset_p90_ms"), high=30.0),
    Row("voiced share inside notes", _OWN_RECORDINGS, _mean("voiced"), low=0.84, before=".84-.91"),
    Row("sibilants with energy above 6 kHz", _OWN_RECORDINGS, _mean("fricatives_present"), low=0.5, before="no"),
    Row("clicks a second", _OWN_RECORDINGS, _mean("clicks_per_second"), high=0.08, before=".06"),
    Row("RPA, languages, each", (LANGUAGES,), _extreme("rpa", min), low=0.98),
    Row("words wrong, sung: fr it es pt", (LANGUAGES,), _words("recognised"), languages=("fr", "it", "es", "pt")),
    Row("words wrong, sung: de", (LANGUAGES,), _words("recognised"), languages=("de",)),
    Row("words wrong, sung: nl sv", (LANGUAGES,), _words("recognised"), languages=("nl", "sv")),
    Row("CPU, seconds for three minutes", (LONG,), _mean("usage_cpu_seconds"), high=15.0),
    Row("CPU, seconds a second", (LONG,), _cpu_share),
    Row("memory, MB, three minutes", (LONG,), _mean("usage_peak_mb"), high=700.0),
    Row("loudness of the mix, LUFS", (FIRST_SONG,), _mean("lufs"), low=-14.2, high=-13.8),
    Row("true peak of the mix, dBTP", (FIRST_SONG,), _extreme("true_peak", max), high=-1.0),
    Row("true peak after MP3, dBTP", (FIRST_SONG,), _extreme("true_peak_mp3", max), high=-1.0),
    Row("words wrong in the mix : in the voice", (FIRST_SONG,), _words_in_mix, high=1.6),
)


def summarise(measured: Measured, accepted: dict[str, Any] | None) -> list[dict[str, Any]]:
    """Each row with its value; rows of groups that were not sung are left out.

    Where none of the groups is among the pieces (given folders), every row takes all of them, and nothing is asked.
    """
    given = not any(piece["group"] in GROUPS for piece in measured)
    rows = []
    for row in ROWS:
        pieces = [
            piece
            for piece in measured
            if (given or piece["group"] in row.groups) and (not row.languages or piece["language"] in row.languages)
        ]
        value = row.value(pieces) if pieces else None
        if value is not None:
            low, high = (None, None) if given else (row.low, row.high)
            rows.append(_as_json(row.title, len(pieces), value, low, high, row.before))
    if accepted is not None:
        count = accepted["scores"]
        rows.append(_as_json("scores with words accepted", count, accepted["accepted"], 1.0, None, "37 of 89"))
        if accepted["words_kept"] is not None:
            kept = accepted["words_kept"]
            rows.append(_as_json("accepted scores with every word", accepted["compared"], kept, 1.0, None, "-"))
    return rows


def _as_json(
    title: str, pieces: int, value: float, low: float | None, high: float | None, before: str
) -> dict[str, Any]:
    met = None
    if low is not None or high is not None:
        met = (low is None or value >= low) and (high is None or value <= high)
    return {"title": title, "pieces": pieces, "value": value, "low": low, "high": high, "met": met, "before": before}
