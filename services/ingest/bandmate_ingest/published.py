"""Splits that a collection was published with: files in folders called train, valid and test keep these splits."""

from collections.abc import Iterable, Sequence
from pathlib import PurePosixPath

from bandmate_shared.contracts.datasets import Split

FOLDERS: dict[str, Split] = {
    "train": "train", "training": "train",
    "valid": "valid", "validation": "valid", "val": "valid", "dev": "valid",
    "test": "test", "testing": "test",
}  # fmt: skip
"""What a folder's name says of the split, in small letters."""
_FARTHEST: tuple[Split, ...] = ("test", "valid", "train")
"""Splits, the one farthest from the training first."""


def published_splits(names: Sequence[str]) -> list[Split | None]:
    """The split that each file's folder says, None where it says nothing.

    The nearest folder with such a name counts. One alone says nothing, as many a folder happens to be called `test`:
    a train folder needs one of the others beside it, and they need a train folder.

    Args:
        names: of all files offered together, with the folders they lie in.
    """
    said = [_said(name) for name in names]
    beside: dict[PurePosixPath, set[Split]] = {}
    for found in said:
        if found is not None:
            beside.setdefault(found[0], set()).add(found[1])
    whole = {folder for folder, splits in beside.items() if "train" in splits and len(splits) > 1}
    return [found[1] if found is not None and found[0] in whole else None for found in said]


def farthest(splits: Iterable[Split | None]) -> Split | None:
    """Of several splits for the same music the one farthest from the training: what is tested on is not trained on."""
    said = set(splits)
    return next((split for split in _FARTHEST if split in said), None)


def _said(name: str) -> tuple[PurePosixPath, Split] | None:
    """The folder that holds the split's folder, and the split."""
    for folder in PurePosixPath(name).parents:
        split = FOLDERS.get(folder.name.lower())
        if split is not None:
            return folder.parent, split
    return None
