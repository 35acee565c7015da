"""Train, valid and test splits that a collection was published with, read from its folder names."""

from collections.abc import Iterable, Sequence
from pathlib import PurePosixPath

from bandmate_shared.contracts.datasets import Split

_FOLDERS_OF: dict[Split, str] = {
    "train": "train training",
    "valid": "valid validation val dev",
    "test": "test testing",
}
FOLDERS = {folder: split for split, folders in _FOLDERS_OF.items() for folder in folders.split()}
"""What a folder's name says of the split, in small letters."""
_STRICTEST_FIRST: tuple[Split, ...] = ("test", "valid", "train")
"""Splits from the most to the least protected."""


def published_splits(names: Sequence[str]) -> list[Split | None]:
    """The split that each file's folder is named for; None without one.

    The nearest folder with such a name counts. One alone does not count, since many a folder happens to be called
    `test`: a train folder needs one of the others beside it, and they need a train folder.

    Args:
        names: of all files offered together, with the folders they lie in.
    """
    labels = [_label(name) for name in names]
    splits_in: dict[PurePosixPath, set[Split]] = {}
    for label in labels:
        if label is not None:
            splits_in.setdefault(label[0], set()).add(label[1])
    complete = {folder for folder, splits in splits_in.items() if "train" in splits and len(splits) > 1}
    return [label[1] if label is not None and label[0] in complete else None for label in labels]


def strictest(splits: Iterable[Split | None]) -> Split | None:
    """Of several splits for the same music the one least close to training, so that no test piece is trained on."""
    labels = set(splits)
    return next((split for split in _STRICTEST_FIRST if split in labels), None)


def _label(name: str) -> tuple[PurePosixPath, Split] | None:
    """The folder that holds the split's folder, and the split."""
    for folder in PurePosixPath(name).parents:
        split = FOLDERS.get(folder.name.lower())
        if split is not None:
            return folder.parent, split
    return None
