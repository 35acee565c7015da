"""`python -m bandmate_model.poly`: the frame benchmark where only the model container is installed."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from bandmate_shared.errors import BandmateError

from bandmate_model.poly.bench import SPLITS, measure
from bandmate_model.poly.frames import SETS
from bandmate_model.poly.results import MINUTES, Wish, as_json, rows, write_per_frame


def main() -> int:
    """Exit status: 0 measured, 1 failed for the reason printed, 2 wrong usage."""
    parser = argparse.ArgumentParser(prog="bandmate_model.poly", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder of NAME.json.gz")
    parser.add_argument("--sets", default=",".join(SETS))
    parser.add_argument("--split", choices=SPLITS, default="valid")
    parser.add_argument("--minutes", type=float, default=MINUTES, help="CPU minutes a set")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", type=Path, help="folder for trained networks")
    parser.add_argument("--per-frame", type=Path)
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    wish = Wish(given.data, tuple(given.sets.split(",")), given.split, given.minutes, given.seed, given.keep)
    try:
        scored = measure(wish, lambda line: print(line, file=sys.stderr, flush=True))  # noqa: T201
    except BandmateError as error:
        print(f"Error: {error.detail}", file=sys.stderr)  # noqa: T201
        return 1
    if given.per_frame:
        write_per_frame(given.per_frame, scored)
    if given.json:
        given.json.parent.mkdir(parents=True, exist_ok=True)
        given.json.write_text(json.dumps(as_json(wish, scored), indent=1) + "\n")
    for row in rows(wish, scored):
        print("  ".join(f"{cell:<24}" if not place else f"{cell:>11}" for place, cell in enumerate(row)))  # noqa: T201
    return 0


if __name__ == "__main__":
    sys.exit(main())
