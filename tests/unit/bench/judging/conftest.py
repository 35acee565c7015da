"""A model with random weights, and packs of tunes."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from bandmate_bench.judging.open_model import open_model
from bandmate_model.serving.loaded import LoadedModel
from bandmate_music.midi.write import write_midi
from bandmate_music.score import KeyChange, MetreChange, Notes, Part, Score, TempoChange
from bandmate_music.theory.keys import Key
from bandmate_music.theory.metre import Metre

from tests.unit.model.conftest import make_model as make_model


@pytest.fixture(scope="session")
def model(make_model: Callable[..., Path]) -> LoadedModel:
    return open_model(str(make_model("transformer")))


@pytest.fixture(scope="session")
def packs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """DIR/{js_fakes,jigs}/{train,valid}: six tunes of sixteen bars in each, and a file without music."""
    folder = tmp_path_factory.mktemp("packs")
    dice = np.random.default_rng(2)
    for pack in ("js_fakes", "jigs"):
        for split in ("train", "valid"):
            (folder / pack / split).mkdir(parents=True)
            (folder / pack / split / "broken.mid").write_bytes(b"MThd and nothing more")
            for number in range(6):
                (folder / pack / split / f"tune-{number}.mid").write_bytes(write_midi(tune(dice)))
    (folder / "notes.txt").write_text("no pack")
    return folder


def tune(dice: np.random.Generator, bars: int = 16) -> Score:
    """Four voices of quarters and eighths in D."""
    parts = []
    for voice, middle in enumerate((72, 67, 60, 50)):
        rows, tick = [], 0
        while tick < bars * 1920:
            length = int(dice.choice([240, 480, 960]))
            rows.append((tick, length, middle + int(dice.choice([-5, -3, -1, 0, 2, 4, 6])), 80))
            tick += length
        parts.append(Part(f"voice {voice}", 0, Notes.from_rows(rows)))
    return Score(
        tuple(parts), 480, (TempoChange(0, 96.0),), (MetreChange(0, Metre(4, 4)),), (KeyChange(0, Key(2, "major")),)
    )
