"""A small dataset of real music, in the layout of contracts/datasets.py, and a small model with random weights."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

Rows = list[tuple[Any, ...]]


@pytest.fixture(scope="session")
def chorales() -> list[dict[str, Any]]:
    """Six chorales out of the music21 package: bars, and (part, onset, duration, pitch, velocity), 24 a quarter."""
    from music21 import chord, corpus, note

    pieces = []
    for number in (253, 254, 255, 256, 257, 258):
        score = corpus.parse(f"bach/bwv{number}")
        rows: Rows = []
        for part_number, part in enumerate(score.parts):
            for element in part.flatten().notes:
                pitches = element.pitches if isinstance(element, chord.Chord | note.Note) else ()
                onset, duration = float(element.offset) * 24, float(element.quarterLength) * 24
                rows.extend(
                    (part_number, round(onset), max(2, round(duration)), pitch.midi, 80) for pitch in pitches[:1]
                )
        signature = score.recurse().getElementsByClass("TimeSignature")[0]
        lengths = [float(measure.highestTime) * 24 for measure in score.parts[0].getElementsByClass("Measure")]
        bars = [(round(length), signature.numerator, signature.denominator) for length in lengths if length]
        pieces.append({"name": f"bwv{number}", "bars": bars, "notes": sorted(rows)})
    return pieces


@pytest.fixture(scope="session")
def write_dataset() -> Callable[..., Path]:
    """Writes pieces (as `chorales` gives them, with optional parts, style, tonic) as a dataset folder."""

    def write(folder: Path, pieces: list[dict[str, Any]]) -> Path:
        import pyarrow as pa
        from bandmate_shared.contracts.datasets import MEASURE_COLUMNS, NOTE_COLUMNS, PART_COLUMNS, PIECE_COLUMNS
        from pyarrow import parquet as pq

        tables: dict[str, Rows] = {"pieces": [], "parts": [], "measures": [], "notes": []}
        for number, piece in enumerate(pieces):
            notes, bars = piece["notes"], piece["bars"]
            split = "valid" if number % 3 == 2 else "train"
            tables["pieces"].append(
                (
                    number,
                    f"{number:064x}",
                    piece["name"],
                    piece.get("style", "chorale"),
                    split,
                    piece.get("tonic", 0),
                    "major",
                    1.0,
                    90.0,
                    bars[0][1],
                    bars[0][2],
                    len(bars),
                    len(notes),
                    60.0,
                    number,
                    0.0,
                    1.0,
                )
            )
            default = [("", 0, False, "harmony", "piano")] * (1 + max(row[0] for row in notes))
            for part, (name, program, drum, role, instrument) in enumerate(piece.get("parts", default)):
                pitches = [row[3] for row in notes if row[0] == part]
                tables["parts"].append(
                    (number, part, name, program, drum, role, instrument, len(pitches), min(pitches), max(pitches))
                )
            onset = 0
            for bar, (length, numerator, denominator) in enumerate(bars):
                tables["measures"].append((number, bar, onset, length, numerator, denominator))
                onset += length
            tables["notes"].extend((number, *row) for row in notes)
        folder.mkdir(parents=True, exist_ok=True)
        kinds = {"pieces": PIECE_COLUMNS, "parts": PART_COLUMNS, "measures": MEASURE_COLUMNS, "notes": NOTE_COLUMNS}
        for name, rows in tables.items():
            columns = {
                column: pa.array([row[index] for row in rows], type=pa.type_for_alias(kind))
                for index, (column, kind) in enumerate(kinds[name].items())
            }
            pq.write_table(pa.table(columns), folder / f"{name}.parquet")
        return folder

    return write


@pytest.fixture(scope="session")
def dataset(tmp_path_factory: pytest.TempPathFactory, chorales: Any, write_dataset: Any) -> Path:
    return write_dataset(tmp_path_factory.mktemp("dataset"), chorales)


@pytest.fixture(scope="session")
def make_model(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """A tiny model folder with random weights, so that only the rules constrain its music."""
    import torch
    from bandmate_model.architectures.base import Hyperparameters
    from bandmate_model.architectures.open import architecture
    from safetensors.torch import save_file

    def make(name: str, *, seed: int = 7, **sizes: int) -> Path:
        torch.manual_seed(seed)
        torch.set_num_threads(1)
        kind = architecture(name)
        shape = Hyperparameters(**{"hidden": 32, "layers": 2, "heads": 2, "feedforward": 48, "window": 512} | sizes)
        network = kind.build(shape)
        folder = tmp_path_factory.mktemp(f"random-{name}")
        weights = {key: tensor * 3 if tensor.dim() == 2 else tensor for key, tensor in network.state_dict().items()}
        save_file(weights, folder / "model.safetensors")
        config = {**kind.config(["chorale", "song"], shape), "id": "random"}
        (folder / "config.json").write_text(json.dumps(config))
        return folder

    return make


@pytest.fixture(scope="session")
def random_model(make_model: Callable[..., Path]) -> Path:
    return make_model("transformer")


@pytest.fixture(scope="session")
def generator() -> np.random.Generator:
    return np.random.default_rng(11)
