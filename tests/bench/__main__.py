"""`make bench`: runs every bench here that offers `figures()`, one after the other, and writes bench-out/."""

import importlib
import json
import sys
import time
from dataclasses import asdict
from pathlib import Path

from tests.bench.figures import Figure, as_markdown, machine

TITLES = {
    "bench_engines": "Engines",
    "bench_glue": "Glue",
    "bench_ingest": "Ingest",
    "bench_queue": "Queue",
    "bench_song": "A song",
    "bench_startup": "Start-up",
    "bench_store": "Job store",
    "bench_vocal": "Vocal",
}


def main() -> None:
    here = Path(__file__).parent
    wanted = sys.argv[1:] or sorted(path.stem for path in here.glob("bench_*.py"))
    groups: dict[str, list[Figure]] = {}
    for name in wanted:
        started = time.monotonic()
        bench = importlib.import_module(f"tests.bench.{name}")
        if not hasattr(bench, "figures"):
            continue  # It asks for more than a command without arguments can give; its own help says what.
        print(f"{name} …", flush=True)
        groups[TITLES.get(name, name)] = bench.figures()
        print(f"{name} done in {time.monotonic() - started:.0f} s", flush=True)
    out = Path("bench-out")
    out.mkdir(exist_ok=True)
    report = {
        "machine": machine(),
        "groups": {title: [asdict(one) | {"ratio": one.ratio} for one in figures] for title, figures in groups.items()},
    }
    (out / "bench.json").write_text(json.dumps(report, indent=1))
    (out / "bench.md").write_text(as_markdown(groups))
    print(as_markdown(groups))


main()
