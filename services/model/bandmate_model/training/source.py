"""The dataset channel of a training job: its pieces, and a hash that identifies it."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bandmate_model.data.band import BandRecipe, with_band
from bandmate_model.data.pieces import DatasetUnusable, Piece
from bandmate_model.data.read_dataset import read_pieces
from bandmate_model.training.environment import MlFolders
from bandmate_model.training.stop import Stop, Stopped

CHANNEL = "training"


@dataclass(frozen=True, slots=True)
class DatasetSource:
    """A dataset folder, and the SHA-256 of its tables."""

    folder: Path
    sha256: str

    @staticmethod
    def open(folders: MlFolders) -> "DatasetSource":
        """Raises DatasetUnusable: the job has no such channel."""
        folder = folders.channel(CHANNEL)
        if folder is None:
            raise DatasetUnusable(f"the job has no input channel {CHANNEL!r}")
        digest = hashlib.sha256()
        for path in sorted(folder.glob("*.parquet")):
            with path.open("rb") as file:
                digest.update(hashlib.file_digest(file, "sha256").digest())
        return DatasetSource(folder, digest.hexdigest())

    def pieces(self, band: str, stop: Stop) -> Iterator[Piece]:
        """The pieces, with those that the hyperparameter `band` derives.

        Raises:
            DatasetUnusable: the dataset is broken or too small.
            Stopped: while reading.
        """
        for piece in with_band(read_pieces(self.folder), BandRecipe.parse(band)):
            if stop.raised:
                raise Stopped
            yield piece
