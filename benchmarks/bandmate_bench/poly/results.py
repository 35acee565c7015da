"""Results of the frame benchmark: values per frame, a table beside the published results, JSON."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from bandmate_bench.poly.frames import SETS

MINUTES = 20.0


class Mark(NamedTuple):
    """Test likelihoods. "read": they stand in a source that was read; "recalled": from memory of the papers."""

    model: str
    known: str
    jsb: float | None
    nottingham: float | None
    musedata: float | None
    piano_midi: float | None

    def of(self, name: str) -> float | None:
        value: float | None = getattr(self, name)
        return value


PUBLISHED = (
    Mark("LSTM (Bai 2018)", "read", 8.45, 3.29, None, None),
    Mark("GRU (Bai 2018)", "read", 8.43, 3.46, None, None),
    Mark("TCN (Bai 2018)", "read", 8.10, 3.07, None, None),
    Mark("RRU", "read", 7.72, 2.92, 7.03, 7.38),
    Mark("RNN-RBM", "recalled", 6.27, 2.39, 6.01, 7.09),
    Mark("RNN-NADE", "recalled", 5.56, 2.31, 5.60, 7.05),
    Mark("DMM-Aug-NADE (a bound)", "recalled", 5.26, 2.36, 5.25, 7.36),
    Mark("BALSTM", "recalled", 5.05, 1.55, 3.90, 4.90),
)
ASKED = Mark("asked (at most)", "", 4.3, 1.9, 4.6, 6.0)


@dataclass(frozen=True, slots=True)
class Wish:
    """What to measure. `minutes`: CPU minutes a set for tables and training together."""

    data: Path
    sets: tuple[str, ...] = SETS
    split: str = "valid"
    minutes: float = MINUTES
    seed: int = 1
    keep: Path | None = None


@dataclass(frozen=True, slots=True)
class Scored:
    """One set's answer. `nats`: float64, one a scored frame; `pieces`, `frames`: int32, where each of them stands."""

    name: str
    nats: NDArray[np.float64]
    pieces: NDArray[np.int32]
    frames: NDArray[np.int32]
    training: dict[str, Any]
    scoring_seconds: float

    @property
    def mean(self) -> float:
        return float(self.nats.mean())


def write_per_frame(path: Path, scored: list[Scored]) -> None:
    """An .npz without pickle: of each set NAME the arrays NAME (float64 nats), NAME.piece and NAME.frame (int32)."""
    arrays: dict[str, NDArray[Any]] = {}
    for result in scored:
        arrays |= {
            result.name: result.nats,
            f"{result.name}.piece": result.pieces,
            f"{result.name}.frame": result.frames,
        }
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        np.savez_compressed(file, **arrays)  # type: ignore[arg-type]


def as_json(wish: Wish, scored: list[Scored]) -> dict[str, Any]:
    best = {name: min(mark.of(name) or np.inf for mark in PUBLISHED) for name in SETS}
    return {
        "benchmark": "poly",
        "split": wish.split,
        "unit": "nats per frame: sum over 88 keys, first frame of each piece excluded, mean over frames",
        "seed": wish.seed,
        "minutes": wish.minutes,
        "sets": {
            result.name: {
                "nll": result.mean,
                "frames": len(result.nats),
                "asked": ASKED.of(result.name) if result.name in SETS else None,
                "published_best": best.get(result.name),
                "training": result.training,
                "scoring_cpu_seconds": round(result.scoring_seconds, 1),
            }
            for result in scored
        },
    }


def rows(wish: Wish, scored: list[Scored]) -> list[list[str]]:
    """The table beside the published marks, heading first."""
    names = [result.name for result in scored]
    known = [name for name in names if name in SETS]

    def line(mark: Any) -> list[str]:
        cells = [mark.of(name) if name in known else None for name in names]
        return [mark.model, *("-" if cell is None else f"{cell:.2f}" for cell in cells), mark.known]

    own_row = [f"this one, {wish.split}", *(f"{result.mean:.3f}" for result in scored), "measured"]
    return [["model", *names, ""], *(line(mark) for mark in PUBLISHED), line(ASKED), own_row]
