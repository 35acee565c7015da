"""`bandmate benchmark tokeniser`: how fast MIDI files become tokens, beside MidiTok in the same run."""

import json
import platform
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median
from typing import Annotated, Any, NamedTuple

import typer
from bandmate_local.cli.output import console
from bandmate_model.cells.encode import encode
from bandmate_model.cells.from_score import piece_of
from bandmate_model.cells.pieces import cells_of
from bandmate_music.midi.read import read_midi
from bandmate_music.score import Score
from bandmate_shared.errors import BandmateError, NotFound
from bandmate_shared.settings import SharedSettings
from rich.table import Table
from symusic import Score as Parsed

PUBLISHED = 60.0
"""Published files per second and core of MidiTok's REMI; the target is ten times that."""
ASKED = 10.0
_OURS, _REMI, _FASTEST = "cells", "MidiTok REMI", "MidiTok REMI, no velocities or programs"


class PeerMissing(BandmateError):
    """MidiTok is not installed."""

    type = "peer-missing"
    title = "The peer to compare with is not installed"
    status = 424


class Tokeniser(NamedTuple):
    """A tokeniser: from a file's bytes to token ids, from notes in memory to token ids, and what it has in memory."""

    load: Callable[[bytes], Any]
    from_bytes: Callable[[bytes], int]
    from_notes: Callable[[Any], int]


def tokeniser(
    data: Annotated[Path, typer.Option(exists=True, file_okay=False, help="A folder with MIDI files, at any depth.")],
    files: Annotated[int, typer.Option(min=1, help="At most so many of them, evenly chosen.")] = 100,
    repeats: Annotated[int, typer.Option(min=1, help="Runs over all files; the median counts.")] = 3,
    alone: Annotated[bool, typer.Option("--alone", help="Without MidiTok.")] = False,
    json_file: Annotated[Path | None, typer.Option("--json", help="Write the numbers to this file.")] = None,
) -> None:
    """Tokenise files and notes on one core, and print files per second beside MidiTok's on the same files."""
    numbers = measure(data, files, repeats, alone=alone)
    table = Table(title=f"{numbers['files']} files, {numbers['notes_per_file']:.0f} notes each on average, one core")
    for head in ("tokeniser", "from file bytes", "from notes in memory", "tokens per note"):
        table.add_column(head, justify="left" if head == "tokeniser" else "right")
    for row in numbers["rows"]:
        table.add_row(
            row["name"],
            f"{row['bytes_files_per_second']:.1f} files/s",
            f"{row['notes_files_per_second']:.1f} files/s",
            f"{row['tokens_per_note']:.2f}",
        )
    console.print(table)
    for peer, ratio in numbers["ratios"].items():
        console.print(
            f"beside {peer}: {ratio['bytes']:.1f} times from bytes, {ratio['notes']:.1f} times from notes "
            f"(asked: {ASKED:.0f} times MidiTok's REMI)",
            markup=False,
        )
    if json_file is not None:
        json_file.write_text(json.dumps(numbers, indent=1))


def measure(data: Path, max_files: int, repeats: int, *, alone: bool) -> dict[str, Any]:
    """CPU seconds of every tokeniser over the same files, the tokenisers taking turns; the median of the turns.

    Raises:
        NotFound: no MIDI file that all can read.
        PeerMissing: MidiTok is not installed, and was not left out.
    """
    implementations = {_OURS: _ours()} | ({} if alone else _peers())
    contents, loaded, notes = _readable(data, max_files, implementations)
    if not contents:
        raise NotFound(f"{data} holds no MIDI file that can be read")
    seconds: dict[tuple[str, str], list[float]] = {}
    tokens: dict[str, int] = {}
    for _ in range(repeats):
        for name, implementation in implementations.items():
            spent, tokens[name] = _timed(implementation.from_bytes, contents)
            seconds.setdefault((name, "bytes"), []).append(spent)
            spent, _ = _timed(implementation.from_notes, loaded[name])
            seconds.setdefault((name, "notes"), []).append(spent)
    rate = {key: len(contents) / median(values) for key, values in seconds.items()}
    rows = [
        {
            "name": name,
            "bytes_files_per_second": round(rate[name, "bytes"], 2),
            "notes_files_per_second": round(rate[name, "notes"], 2),
            "tokens_per_note": round(tokens[name] / notes, 3),
        }
        for name in implementations
    ]
    ratios = {
        name: {start: round(rate[_OURS, start] / rate[name, start], 2) for start in ("bytes", "notes")}
        for name in implementations
        if name != _OURS
    }
    return {
        "command": f"bandmate benchmark tokeniser --data {data.name} --files {max_files} --repeats {repeats}",
        "machine": f"{platform.machine()}, Python {platform.python_version()}",
        "files": len(contents),
        "notes_per_file": notes / len(contents),
        "rows": rows,
        "ratios": ratios,
        "published_files_per_second": PUBLISHED,
        "seconds": {
            f"{name}, {start}": [round(value, 4) for value in values] for (name, start), values in seconds.items()
        },
    }


def _ours() -> Tokeniser:
    limits = SharedSettings().file_limits

    def load(content: bytes) -> Score:
        return read_midi(content, limits)

    def from_notes(score: Score) -> int:
        return len(encode(cells_of(piece_of(score), harmony=False), 0).tokens)

    return Tokeniser(load, lambda content: from_notes(load(content)), from_notes)


def _peers() -> dict[str, Tokeniser]:
    try:
        from miditok import REMI, TokenizerConfig  # optional extra
    except ImportError as error:
        raise PeerMissing(
            "MidiTok is not installed: pip install 'bandmate-bench[peers]', or measure ours alone with --alone"
        ) from error

    def way(**options: bool) -> Tokeniser:
        remi = REMI(TokenizerConfig(**options))

        def from_notes(score: Any) -> int:
            encoded = remi.encode(score.copy())  # `encode` modifies its argument.
            return sum(len(sequence.ids) for sequence in encoded) if isinstance(encoded, list) else len(encoded.ids)

        def load(content: bytes) -> Any:
            return Parsed.from_midi(content)

        return Tokeniser(load, lambda content: from_notes(load(content)), from_notes)

    return {
        _REMI: way(use_programs=True, use_tempos=True, use_time_signatures=True),
        _FASTEST: way(use_velocities=False),
    }


def _readable(
    data: Path, max_files: int, implementations: dict[str, Tokeniser]
) -> tuple[list[bytes], dict[str, list[Any]], int]:
    """Files that every tokeniser can read, what each has of them in memory, and how many notes they have."""
    paths = sorted(path for path in data.rglob("*") if path.suffix.lower() in (".mid", ".midi"))
    contents: list[bytes] = []
    loaded: dict[str, list[Any]] = {name: [] for name in implementations}
    notes = 0
    for path in paths[:: max(1, len(paths) // max_files)][:max_files]:
        content = path.read_bytes()
        try:
            inputs = {name: implementation.load(content) for name, implementation in implementations.items()}
            for name, implementation in implementations.items():
                implementation.from_notes(inputs[name])
        except Exception as error:
            console.print(f"{path.name} is left out: {error}", markup=False)
            continue
        contents.append(content)
        notes += inputs[_OURS].note_count
        for name in implementations:
            loaded[name].append(inputs[name])
    return contents, loaded, notes


def _timed(work: Callable[[Any], int], items: Sequence[Any]) -> tuple[float, int]:
    """CPU seconds for all items, and their tokens."""
    began = time.process_time()
    tokens = sum(work(item) for item in items)
    return time.process_time() - began, tokens
