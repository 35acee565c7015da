"""Ingest, files a second and core, from bytes to Parquet: `python -m tests.bench.bench_ingest [--source DIR] [--json]`.

Beside it, in the same run and on the same files, pretty_midi merely parses them. Without a source the chorales of the
music21 corpus are written as MIDI, each four times in other keys and tempi. Seconds are CPU seconds, so that
whatever else the machine does counts little.
"""

import argparse
import importlib.util
import json
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pretty_midi
from bandmate_ingest.clean import CleanedBatch, RawFile, clean_batch
from bandmate_ingest.dataset import assemble, describe
from bandmate_ingest.incremental import InventoryFile
from bandmate_ingest.rules import CleaningRules
from bandmate_shared.music.limits import Limits
from bandmate_shared.music.midi_write import write_midi
from bandmate_shared.music.musicxml_read import read_musicxml
from bandmate_shared.music.score import Score, TempoChange
from bandmate_shared.settings import SharedSettings

from tests.bench.figures import Figure

COMMAND = "python -m tests.bench.bench_ingest"
LIMITS = Limits.from_settings(SharedSettings())
RULES = CleaningRules()
BATCH = 64
PEER_FILES = 100


def figures(source: Path | None = None) -> list[Figure]:
    command = COMMAND if source is None else f"{COMMAND} --source {source.name}"
    with tempfile.TemporaryDirectory() as folder:
        files = _midi_files(source) if source is not None else _chorales(Path(folder))
        contents = [RawFile(path.name, path.read_bytes()) for path in files]
        _cleaned(contents[:BATCH])
        ours, pieces = _seconds(lambda: _to_parquet(contents))
        every = max(1, len(files) // PEER_FILES)
        peer, _ = _seconds(lambda: [_parse(path) for path in files[::every]])
    theirs = len(files[::every]) / peer
    notes = np.mean(pieces) if pieces else 0.0
    return [
        Figure(
            "bytes to Parquet", len(files) / ours, "files/s per core", command,
            "pretty_midi, parsing alone", theirs, f"{len(files)} files, {notes:.0f} notes a piece on average",
        ),
    ]  # fmt: skip


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


def _chorales(folder: Path) -> list[Path]:
    spec = importlib.util.find_spec("music21")
    assert spec is not None
    assert spec.origin is not None
    written = []
    for path in sorted((Path(spec.origin).parent / "corpus" / "bach").glob("*.mxl")):
        score = read_musicxml(path.read_bytes(), LIMITS)
        for number, semitones in enumerate((0, 2, -3, 5)):
            target = folder / f"{path.stem}-{number}.mid"
            target.write_bytes(write_midi(_changed(score, semitones, 80.0 + 12 * number)))
            written.append(target)
    return written


def _changed(score: Score, semitones: int, tempo: float) -> Score:
    parts = [
        replace(part, notes=replace(part.notes, pitch=part.notes.pitch + semitones), lyrics=()) for part in score.parts
    ]
    return replace(score.with_parts(parts), tempi=(TempoChange(0, tempo),))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--source", type=Path, help="A folder of MIDI files; without it, music of its own.")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    for figure in figures(arguments.source):
        if arguments.json:
            found = {"value": figure.value, "unit": figure.unit, "peer": figure.peer, "peer_value": figure.peer_value}
            print(json.dumps({"name": figure.name, **found, "ratio": figure.ratio, "note": figure.note}))
        else:
            print(f"{figure.name}: {figure.value:.0f} {figure.unit} ({figure.note})")
            print(f"{figure.peer}: {figure.peer_value:.1f} {figure.unit}; ratio {figure.ratio:.1f}")


if __name__ == "__main__":
    main()
