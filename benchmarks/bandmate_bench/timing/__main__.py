"""`python -m bandmate_bench.timing [NAME…]`: measure the figures of the docs and write bench-out/ (`make bench`)."""

import argparse
import importlib
import json
import time
from pathlib import Path

from bandmate_bench.timing.figures import Figure, as_markdown, machine

TIMINGS = {
    "engines": ("Engines", "engines.compare"),
    "glue": ("Glue", "glue"),
    "ingest": ("Ingest", "ingest"),
    "queue": ("Queue", "job_queue"),
    "song": ("A song", "song"),
    "startup": ("Start-up", "startup"),
    "store": ("Job store", "job_store"),
    "vocal": ("Vocal", "vocal"),
}
"""Name → title, and the module with its `figures()`. `rounding` and `representations` are run with their arguments."""


def main() -> None:
    parser = argparse.ArgumentParser(prog="bandmate_bench.timing", description=__doc__)
    parser.add_argument("names", nargs="*", choices=[*TIMINGS, []], metavar="NAME", help=f"Of {', '.join(TIMINGS)}.")
    names = parser.parse_args().names or list(TIMINGS)
    groups: dict[str, list[Figure]] = {}
    for name in names:
        title, module = TIMINGS[name]
        started = time.monotonic()
        print(f"{name} …", flush=True)
        groups[title] = importlib.import_module(f"bandmate_bench.timing.{module}").figures()
        print(f"{name} done in {time.monotonic() - started:.0f} s", flush=True)
    out = Path("bench-out")
    out.mkdir(exist_ok=True)
    by_title = {title: [figure.as_json() for figure in figures] for title, figures in groups.items()}
    (out / "bench.json").write_text(json.dumps({"machine": machine(), "groups": by_title}, indent=1))
    (out / "bench.md").write_text(as_markdown(groups))
    print(as_markdown(groups))


main()
