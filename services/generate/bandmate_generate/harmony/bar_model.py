"""Which bar of chords follows which in popular songs and in hymns: counts by mode, kind of section and place in the
phrase."""

import random
from collections.abc import Callable, Sequence
from functools import cache
from importlib.resources import files

from bandmate_music.theory.keys import Mode

PHRASE_BARS = 4
START = "-"
_NEAREST = {"solo": "verse", "interlude": "intro", "outro": "chorus", "post-chorus": "chorus"}
_LETTERS = {"A": "verse", "B": "chorus", "C": "bridge"}
_SECTION_SHARE, _ANY_SHARE = 1.0, 0.15
"""Weight of a count in the kind of section, and in songs as a whole: what a kind has never shown stays possible."""


def draw_bars(
    table: str,
    section: str,
    mode: Mode,
    before: str,
    count: int,
    rng: random.Random,
    weight: Callable[[str], float],
) -> tuple[str, ...]:
    """`count` bars after the bar `before` (START: a section begins), each drawn by how often it follows the one before
    it at its place. `table` names the counts, `weight` is a factor for each bar of chords, 0 where the style lacks it.
    """
    kind = _NEAREST.get(section, _LETTERS.get(section, section))
    bars: list[str] = []
    for index in range(count):
        options = _followers(table, kind, mode, index % PHRASE_BARS, bars[-1] if bars else before)
        weighed = [(bar, share * weight(bar)) for bar, share in options]
        usable = [(bar, share) for bar, share in weighed if share > 0]
        if not usable:  # The tonic can follow anything.
            bars.append("I" if mode == "major" else "i")
            continue
        bars.append(rng.choices([bar for bar, _ in usable], [share for _, share in usable])[0])
    return tuple(bars)


@cache
def _followers(table: str, kind: str, mode: Mode, place: int, before: str) -> Sequence[tuple[str, float]]:
    """What follows a bar, with weights; after a bar that is not in the table, what follows its last chord."""
    shares: dict[str, float] = {}
    contexts = [before, before.split()[-1]] if before != START else [START]
    for context in contexts:
        for row_mode, row_kind, row_place, count, first, second in _rows(table):
            if row_mode == mode and first == context and row_place == place:
                share = _SECTION_SHARE if row_kind == kind else _ANY_SHARE
                shares[second] = shares.get(second, 0.0) + share * count
        if shares:
            break
    return sorted(shares.items())


@cache
def _rows(table: str) -> tuple[tuple[str, str, int, int, str, str], ...]:
    text = (files("bandmate_generate") / "data" / f"{table}_bars.tsv").read_text(encoding="utf-8")
    rows = (line.split("\t") for line in text.splitlines() if not line.startswith("#"))
    return tuple((mode, kind, int(place), int(count), a, b) for mode, kind, place, count, a, b in rows)
