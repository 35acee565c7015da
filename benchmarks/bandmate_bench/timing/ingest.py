"""Ingest from bytes to Parquet, files per second and core: `python -m bandmate_bench.timing.ingest [--source DIR]`.

In the same run pretty_midi parses the same files. Without a source: the chorales of the music21 corpus as MIDI, each
four times in other keys and tempi. Seconds are CPU seconds, so that other work on the machine counts little.
"""

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pretty_midi
from bandmate_ingest.cleaning.batch import CleanedBatch, RawFile, clean_batch
from bandmate_ingest.cleaning.rules import CleaningRules
from bandmate_ingest.dataset.assemble import assemble, describe
from bandmate_ingest.dataset.incremental import InventoryFile

from bandmate_bench.timing.figures import Figure, print_figures
from bandmate_bench.timing.music_files import LIMITS, write_chorales

COMMAND = "python -m bandmate_bench.timing.ingest"
RULES = CleaningRules()
BATCH = 64
PEER_FILES = 100


def figures(source: Path | None = None) -> list[Figure]:
    command = COMMAND if source is None else f"{COMMAND} --source {source.name}"
    with tempfile.TemporaryDirectory() as folder:
        files = _midi_files(source) if source is not None else write_chorales(Path(folder))
        contents = [RawFile(path.name, path.read_bytes()) for path in files]
        _cleaned(contents[:BATCH])
        own_seconds, pieces = _seconds(lambda: _to_parquet(contents))
        stride = max(1, len(files) // PEER_FILES)
        peer_seconds, _ = _seconds(lambda: [_parse(path) for path in files[::stride]])
    peer_rate = len(files[::stride]) / peer_seconds
    notes = np.mean(pieces) if pieces else 0.0
    note = f"{len(files)} files, {notes:.0f} notes per piece on average"
    peer = "pretty_midi, parsing alone"
    return [Figure("bytes to Parquet", len(files) / own_seconds, "files/s per core", command, peer, peer_rate, note)]


def _to_parquet(contents: list[RawFile]) -> list[int]:
    """Everything ingest does but reading the disk and writing it: clean, find copies, split, write Parquet bytes."""
    batches = [_cleaned(contents[start : start + BATCH]) for start in range(0, len(contents), BATCH)]
    sha256s = [sha256 for batch in batches for sha256 in batch.files["sha256"].to_pylist()]
    inventory = [InventoryFile(item.name, "bench", sha256) for item, sha256 in zip(contents, sha256s, strict=True)]
    assembled = assemble(inventory, batches, {}, RULES)
    _, files = describe("bench", assembled, RULES)
    assert files["notes.parquet"]
    counts: list[int] = assembled.tables["pieces"]["notes"].to_pylist()
    return counts


def _cleaned(items: list[RawFile]) -> CleanedBatch:
    return clean_batch(items, LIMITS, RULES)


def _parse(path: Path) -> bool:
    try:
        pretty_midi.PrettyMIDI(str(path))
    except Exception:
        return False
    return True


def _seconds(work: Callable[[], Any]) -> tuple[float, Any]:
    started = time.process_time()
    result = work()
    return time.process_time() - started, result


def _midi_files(source: Path) -> list[Path]:
    return sorted(path for path in source.rglob("*") if path.suffix.lower() in (".mid", ".midi"))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--source", type=Path, help="A folder of MIDI files; without it, music of its own.")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    print_figures(figures(arguments.source), arguments.json)


if __name__ == "__main__":
    main()
