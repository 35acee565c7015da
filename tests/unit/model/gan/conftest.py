"""Small pieces made by rule, and a small model with random weights, so that only the rules constrain its music."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from bandmate_model.data.pieces import PartInfo, Piece
from bandmate_model.gan.composer import GanComposer
from bandmate_model.gan.runtime import Widths, shapes
from bandmate_model.model_files import read_info
from bandmate_model.training.gan.dataset import BlockSet, build
from bandmate_model.training.gan.statistics import measure

BARS = 8
CHORDS = ((60, 64, 67), (57, 60, 64), (65, 69, 72), (67, 71, 74))
MELODY = PartInfo(0, "voice", 52, False, "voice")
PIANO = PartInfo(1, "piano", 0, False, "piano")
BASS = PartInfo(2, "bass", 33, False, "bass")
DRUMS = PartInfo(3, "drums", 0, True, "drums")


def make_tune(number: int, *, band: bool) -> Piece:
    """Eight bars of 4/4: a melody in quarters, a chord a bar, its root below, and with a band a beat."""
    generator = np.random.default_rng(number)
    notes = []
    for bar in range(BARS):
        chord = CHORDS[bar % 4]
        start = bar * 96
        for beat in range(4):
            notes.append((0, start + beat * 24, 24, int(generator.choice(chord)) + 12, 80))
            if band:
                notes += [(3, start + beat * 24, 6, 36 if beat % 2 == 0 else 38, 90), (3, start + beat * 24, 6, 42, 70)]
        notes += [(1, start, 96, pitch, 70) for pitch in chord]
        notes.append((2, start, 48, chord[0] - 24, 75))
    table = np.array(sorted(notes), dtype=np.int32)
    parts = (MELODY, PIANO, BASS, DRUMS) if band else (MELODY, PIANO, BASS)
    split = "valid" if number % 4 == 3 else "train"
    style = "band" if band else "song"
    return Piece(f"tune {number}", style, split, 0, "major", 100.0, ((96, 4, 4),) * BARS, parts, table)


def tunes() -> Iterator[Piece]:
    for number in range(16):
        yield make_tune(number, band=number % 2 == 1)


@pytest.fixture(scope="session")
def tune() -> Callable[..., Piece]:
    return make_tune


@pytest.fixture(scope="session")
def blocks(tmp_path_factory: pytest.TempPathFactory) -> BlockSet:
    return build(tunes, tmp_path_factory.mktemp("blocks"))


@pytest.fixture(scope="session")
def write_model(blocks: BlockSet) -> Callable[[Path], Path]:
    """Writes a model folder with random weights."""

    def write(folder: Path) -> Path:
        from safetensors.numpy import save_file

        generator = np.random.default_rng(5)
        widths = Widths(step=12, beat=16, mixers=1, head=8, noise=6, bar_noise=3)
        size = len(blocks.styles) + 2 + 7 + 14 + 5 + 2
        weights = {
            name: (generator.standard_normal(shape) * (1.5 / shape[-1] ** 0.5)).astype(np.float32)
            for name, shape in shapes(widths, size).items()
        }
        for track in range(5):
            weights[f"leave.{track}.weight"] *= 0.15  # Logits as small as trained ones.
            weights[f"leave.{track}.bias"] -= 2.0
        folder.mkdir(parents=True, exist_ok=True)
        save_file(weights, folder / "model.safetensors")
        config = {
            "architecture": "gan",
            "id": "random",
            "styles": blocks.styles,
            "statistics": measure(blocks),
            "network": {name: getattr(widths, name) for name in Widths.__slots__},
            "sampling": {"noise": 0.5, "trained_noise": 1.0},
        }
        (folder / "config.json").write_text(json.dumps(config))
        return folder

    return write


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory, write_model: Callable[[Path], Path]) -> Path:
    return write_model(tmp_path_factory.mktemp("gan"))


@pytest.fixture(scope="session")
def composer(model: Path) -> GanComposer:
    return GanComposer.load(model, read_info(model))
