"""Real music out of the music21 package, small tunes, and helpers shared by these tests."""

import importlib.util
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from bandmate_ingest.build import Built, Progress, build
from bandmate_ingest.cleaning.batch import CleanedBatch, RawFile, clean_batch
from bandmate_ingest.cleaning.rules import CleaningRules
from bandmate_music.midi.write import write_midi
from bandmate_music.musicxml.read import read_musicxml
from bandmate_music.score import Notes, Part, Score
from bandmate_shared.contracts.datasets import DatasetRequest, SplitSource
from bandmate_shared.objects.directory import DirectoryStorage
from bandmate_shared.settings import SharedSettings

LIMITS = SharedSettings().file_limits
RULES = CleaningRules()


def corpus_folder(composer: str) -> Path:
    """A folder of the music21 corpus, found without importing music21, which takes seconds."""
    spec = importlib.util.find_spec("music21")
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).parent / "corpus" / composer


@pytest.fixture(scope="session")
def chorales() -> dict[str, Score]:
    """Sixty chorales by Bach, by name."""
    paths = sorted(corpus_folder("bach").glob("*.mxl"))[:60]
    return {path.stem: read_musicxml(path.read_bytes(), LIMITS) for path in paths}


@pytest.fixture(scope="session")
def chorale(chorales: dict[str, Score]) -> Score:
    return chorales["bwv103.6"]


def cleaned(*contents: bytes | Score, rules: CleaningRules = RULES) -> CleanedBatch:
    """A batch of files, or of scores written as MIDI, cleaned."""
    data = [content if isinstance(content, bytes) else write_midi(content) for content in contents]
    return clean_batch([RawFile(f"{number}.mid", item) for number, item in enumerate(data)], LIMITS, rules)


def rows(batch: CleanedBatch) -> list[tuple[int, ...]]:
    """Its notes as (piece, part, onset, duration, pitch, velocity)."""
    columns = [batch.notes[name].to_pylist() for name in batch.notes.column_names]
    return list(zip(*columns, strict=True))


def accepted_row(batch: CleanedBatch) -> dict[str, object]:
    """The row of the single file in a batch, which must have been accepted."""
    (row,) = batch.files.to_pylist()
    assert row["accepted"], row["detail"]
    typed_row: dict[str, object] = row
    return typed_row


def steps(row: dict[str, object]) -> dict[str, int]:
    return dict(zip(row["steps"], row["step_counts"], strict=True))  # type: ignore[call-overload, no-any-return]


def moved(
    score: Score,
    *,
    ticks: int = 0,
    semitones: int = 0,
    stretch: float = 1.0,
    jitter: float = 0.0,
    seed: int = 0,
) -> Score:
    """A copy whose notes (nothing else) come later, sound higher, run slower, or scatter by `jitter` quarters."""
    chance = np.random.default_rng(seed)

    def moved_part(part: Part) -> Part:
        notes = part.notes
        scatter = chance.normal(0, jitter * score.ticks_per_quarter, len(notes)) if jitter else np.zeros(len(notes))
        onset = np.maximum(np.rint(notes.onset * stretch + scatter) + ticks, 0).astype(np.int32)
        duration = np.maximum(np.rint(notes.duration * stretch), 1).astype(np.int32)
        pitch = notes.pitch + (0 if part.is_drum else semitones)
        order = np.lexsort((pitch, onset))
        columns = (onset[order], duration[order], pitch[order].astype(np.int32), notes.velocity[order])
        return replace(part, notes=Notes(*columns), lyrics=())

    return score.with_parts([moved_part(part) for part in score.parts])


@pytest.fixture
def storage(tmp_path: Path) -> DirectoryStorage:
    return DirectoryStorage(tmp_path / "store")


class Cleaner:
    """Cleans in this process, and counts the files it cleaned."""

    def __init__(self) -> None:
        self.files = 0
        self.batches = 0

    def __call__(self, batches: Iterable[Sequence[RawFile]]) -> Iterator[CleanedBatch]:
        for batch in batches:
            self.files += len(batch)
            self.batches += 1
            yield clean_batch(batch, LIMITS, RULES)


@pytest.fixture
def cleaner() -> Cleaner:
    return Cleaner()


@pytest.fixture
def ingest(storage: DirectoryStorage, cleaner: Cleaner) -> Callable[..., Built]:
    """`ingest(source, …)`: the dataset 'tunes' built from sources, on top of what it held."""

    def run(
        *sources: Path | str, style: str | None = None, splits: SplitSource = "folders", batch_files: int = 64
    ) -> Built:
        request = DatasetRequest(name="tunes", sources=[str(source) for source in sources], style=style, splits=splits)
        return build(request, storage, LIMITS, RULES, cleaner, Progress(), batch_files)

    return run
