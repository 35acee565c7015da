"""Small pieces, and networks whose weights are far from their initial values."""

import gzip
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from bandmate_bench.poly.frames import KEYS, LOWEST, Roll
from bandmate_bench.poly.network import Network, Shape

Pieces = dict[str, list[Roll]]


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Use one thread, as the benchmark does: on a busy machine two threads mostly wait for each other."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture
def network() -> Callable[[int, int], Network]:
    """An untrained network over `keys` keys from `lowest` on whose outputs react strongly to every input."""

    def make(lowest: int, keys: int) -> Network:
        torch.manual_seed(3)
        untrained = Network(Shape(lowest, keys, width=8, kernel=3)).eval()
        with torch.no_grad():
            for weights in untrained.parameters():
                weights.add_(torch.randn_like(weights) * 0.3)
        return untrained

    return make


@pytest.fixture(scope="session")
def piece() -> Callable[..., Roll]:
    """Random frames on some keys, each frame often like the one before."""

    def make(seed: int, length: int, lowest: int = 0, keys: int = KEYS) -> Roll:
        rng = np.random.default_rng(seed)
        roll = np.zeros((length, KEYS), np.uint8)
        for t in range(length):
            fresh = rng.random(keys) < min(0.4, 4 / keys)
            held = roll[t - 1, lowest : lowest + keys].astype(bool) if t else fresh
            roll[t, lowest : lowest + keys] = np.where(rng.random(keys) < 0.6, held, fresh)
        return roll

    return make


@pytest.fixture(scope="session")
def write_set() -> Callable[[Path, str, Pieces], None]:
    def write(folder: Path, name: str, splits: Pieces) -> None:
        content = {
            split: [[(np.flatnonzero(frame) + LOWEST).tolist() for frame in roll] for roll in rolls]
            for split, rolls in splits.items()
        }
        (folder / f"{name}.json.gz").write_bytes(gzip.compress(json.dumps(content).encode()))

    return write
