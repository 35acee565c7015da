"""What was counted in songs with words: costs of rhythms and intervals, in hundredths of a nat.

`data/lead_statistics.json` is made by `scripts/fit_lead.py`. All costs are integers, so that the cheapest tune is the
same on every machine.
"""

import json
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bandmate_generate.lead.idioms import Idiom

Costs = NDArray[np.int64]
STRENGTHS = (1.0, 0.75, 0.5, 0.25, 0.0)
"""The strengths of positions in a bar, as the tables index them."""
MAX_INTERVAL = 12
_MAX_EARLIER = 8


@dataclass(frozen=True)
class BeatRhythms:
    """Rhythms of one beat: bit i of a pattern is an onset on its sixteenth i. `costs[beat, before, pattern]`.

    `beat` is 0 on the first of a bar, 1 on another strong one, 2 on a weak one.
    """

    patterns: tuple[int, ...]
    costs: Costs


@dataclass(frozen=True)
class LeadStatistics:
    """The tables of one idiom; see `scripts/fit_lead.py` for what each was counted from.

    `stress[stress][strength]`: stress 0 weak, 1 secondary, 2 strong. `last[strength]` of a line's last syllable.
    `after_interval[earlier + 8][interval + 12]`, `from_degree[mode][degree][interval + 12]`. `stress_step[rise + 1]
    [direction + 1]`. `chord[strength][0 inside, 1 outside]`. `resolution[0 same, 1 step, 2 leap]` after a note outside.
    """

    simple: BeatRhythms
    compound: BeatRhythms
    stress: Costs
    last: Costs
    after_interval: Costs
    from_degree: dict[str, Costs]
    stress_step: Costs
    chord: Costs
    resolution: Costs


@cache
def _file() -> dict[str, Any]:
    path = files("bandmate_generate") / "data" / "lead_statistics.json"
    content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return content


@cache
def statistics_of(idiom: Idiom) -> LeadStatistics:
    """The collections of an idiom mixed by their weights: the weighted mean of their costs."""
    shared, tables = _file()["shared"], _file()["tables"]

    def mixed(*path: str) -> Costs:
        total = np.zeros(1, dtype=np.int64)
        for table, weight in idiom.tables:
            value = tables[table]
            for step in path:
                value = value[step]
            total = total + weight * np.array(value, dtype=np.int64)
        result: Costs = total // sum(weight for _, weight in idiom.tables)
        return result

    return LeadStatistics(
        simple=BeatRhythms(tuple(range(16)), mixed("simple", "costs")),
        compound=_compound([(tables[table]["compound"], weight) for table, weight in idiom.tables]),
        stress=np.array(shared["stress"], dtype=np.int64),
        last=np.array(shared["last"], dtype=np.int64),
        after_interval=mixed("after_interval"),
        from_degree={mode: mixed("from_degree", mode) for mode in ("major", "minor")},
        stress_step=mixed("stress_step"),
        chord=np.array(shared["chord"], dtype=np.int64),
        resolution=np.array(shared["resolution"], dtype=np.int64),
    )


def _compound(tables: list[tuple[dict[str, Any], int]]) -> BeatRhythms:
    """The collections know different patterns: one that a collection lacks has its dearest cost there."""
    patterns = sorted({pattern for table, _ in tables for pattern in table["patterns"]})
    costs = np.zeros((3, len(patterns), len(patterns)), dtype=np.int64)
    for table, weight in tables:
        known = {pattern: index for index, pattern in enumerate(table["patterns"])}
        for beat, rows in enumerate(table["costs"]):
            for i, before in enumerate(patterns):
                row = rows[known.get(before, 0)]
                dearest = max(row)
                for j, pattern in enumerate(patterns):
                    costs[beat, i, j] += weight * (row[known[pattern]] if pattern in known else dearest)
    return BeatRhythms(tuple(patterns), costs // sum(weight for _, weight in tables))


def interval_costs(statistics: LeadStatistics, size: int) -> Costs:
    """`[a, b, c]`: the cost of the interval b→c after a→b, for pitches 0..size-1 (only their distances matter)."""
    pitches = np.arange(size)
    earlier = np.clip(pitches[None, :] - pitches[:, None], -_MAX_EARLIER, _MAX_EARLIER) + _MAX_EARLIER
    later = np.clip(pitches[None, :] - pitches[:, None], -MAX_INTERVAL, MAX_INTERVAL) + MAX_INTERVAL
    result: Costs = statistics.after_interval[earlier[:, :, None], later[None, :, :]]
    return result
