"""Real music, out of the music21 package, as MusicXML bytes."""

import gzip
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest


@pytest.fixture(scope="session")
def music21() -> ModuleType:
    """Slow to import, so once."""
    import music21

    return music21


@pytest.fixture(scope="session")
def corpus(music21: ModuleType) -> Callable[[str], bytes]:
    """The bytes of a work of the corpus: 'bach/bwv66.6' (.mxl)."""

    def work(name: str) -> bytes:
        path = Path(str(music21.corpus.getWork(name)))
        data = path.read_bytes()
        return gzip.decompress(data) if path.suffix == ".gz" else data

    return work
