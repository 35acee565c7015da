"""`python -m bandmate_bench.poly`: the frame benchmark where only the model container is installed."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from bandmate_shared.errors import BandmateError

from bandmate_bench.poly.bench import SPLITS, measure
from bandmate_bench.poly.frames import SETS
from bandmate_bench.poly.results import MINUTES, Wish, as_json, rows, write_per_frame


def main() -> int:
    """Exit status: 0 measured, 1 failed for the reason printed, 2 wrong usage."""
    parser = argparse.ArgumentParser(prog="bandmate_bench.poly", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder of NAME.json.gz")
    parser.add_argument("--sets", default=",".join(SETS))
    parser.add_argument("--split", choices=SPLITS, default="valid")
    parser.add_argument("--minutes", type=float, default=MINUTES, help="CPU minutes a set")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", type=Path, help="folder for trained networks")
    parser.add_argument("--per-frame", type=Path)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    wish = Wish(
        arguments.data,
        tuple(arguments.sets.split(",")),
        arguments.split,
        arguments.minutes,
        arguments.seed,
        arguments.keep,
    )
    try:
        scored = measure(wish, lambda line: print(line, file=sys.stderr, flush=True))
    except BandmateError as error:
        print(f"Error: {error.detail}", file=sys.stderr)
        return 1
    if arguments.per_frame:
        write_per_frame(arguments.per_frame, scored)
    if arguments.json:
        arguments.json.parent.mkdir(parents=True, exist_ok=True)
        arguments.json.write_text(json.dumps(as_json(wish, scored), indent=1) + "\n")
    for row in rows(wish, scored):
        print("  ".join(f"{cell:<24}" if not column else f"{cell:>11}" for column, cell in enumerate(row)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
