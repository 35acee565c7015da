"""The songs that the benchmark asks for: styles, lengths, words, chords, by number, so that runs can be compared."""

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

_SHORT = ("short_harbour", "short_garden", "short_engine")
_LONG = ("long_winter", "long_station", "long_market")
_LONG_BARS = 48
"""From so many bars on the long texts are sung."""
_CHORDS = (
    ("C", "C | Am | F | G"),
    ("A minor", "Am | F | C | G"),
    ("G", "G | D/F# | Em | C | G | D | C | G"),
    ("D minor", "Dm7 | Gm7 | Bbmaj7 | A7"),
)
_CHORDS_EVERY = 3


@dataclass(frozen=True, slots=True)
class SongCase:
    """A song to be asked for; `name` is also that of its folder."""

    name: str
    request: dict[str, Any]


def song_cases(
    styles: Sequence[str], songs: int, bars: Sequence[int], seed: int, candidates: int | None = None
) -> list[SongCase]:
    """`songs` requests for each style.

    Lengths take turns. Of each length every other song has words, and every third one is given a key and chords. Seeds
    depend on style and number, not on the candidates, so that runs with other candidates can be compared.
    """
    cases = []
    for style in styles:
        for number in range(songs):
            length = bars[number % len(bars)]
            turn = number // len(bars)
            request: dict[str, Any] = {"style": style, "bars": length, "seed": own_seed(seed, style, number)}
            if turn % 2 == 0:
                request["lyrics"] = read_text((_LONG if length >= _LONG_BARS else _SHORT)[turn // 2 % 3])
            if turn % _CHORDS_EVERY == 1:
                request["key"], request["chords"] = _CHORDS[turn // _CHORDS_EVERY % len(_CHORDS)]
            ending = ""
            if candidates is not None:
                request["candidates"] = candidates
                ending = f"-best-of-{candidates}"
            cases.append(SongCase(f"{style}-{length}-{number:02}{ending}", request))
    return cases


def own_seed(seed: int, style: str, number: int) -> int:
    """Differs from style to style: what depends on the seed and the words alone would be the same in all of them."""
    return (seed * 1000 + zlib.crc32(style.encode()) % 1000) * 1000 + number


def read_text(name: str) -> str:
    """One of the texts in `texts/`."""
    return (files("bandmate_bench.form") / "texts" / f"{name}.txt").read_text(encoding="utf-8")
