"""Which split a piece belongs to: as published, else decided by a hash; kept for good, the same for all relatives."""

from collections import Counter
from collections.abc import Mapping, Sequence

from bandmate_shared.contracts.datasets import Split

_SPLITS: tuple[Split, ...] = ("train", "valid", "test")
TRAIN_SHARE, VALID_SHARE = 0.9, 0.05


def assign_splits(
    sha256s: Sequence[str],
    groups: Sequence[int],
    known: Mapping[str, Split],
    published: Sequence[Split | None] | None = None,
) -> list[Split]:
    """A split for each piece.

    Args:
        sha256s: of the pieces' files.
        groups: index of the first piece of each piece's group.
        known: splits of pieces that were in an earlier version, by sha256. They never change.
        published: the split each piece was published with, if any; no group has two of them (`relate` sees to it).

    A new group goes where it was published, and otherwise where the hash of its first piece says. With three groups or
    more no split stays empty: the new groups nearest to a border fill the gaps, but never one that was published.
    """
    of_group: dict[int, Split] = {}
    for sha256, group in zip(sha256s, groups, strict=True):
        if sha256 in known:
            of_group.setdefault(group, known[sha256])
    for split, group in zip(published or (), groups, strict=published is not None):
        if split is not None:
            of_group.setdefault(group, split)
    new = [group for group in dict.fromkeys(groups) if group not in of_group]
    for group in new:
        of_group[group] = _by_hash(sha256s[group])
    new.sort(key=lambda group: sha256s[group], reverse=True)
    _fill_gaps(of_group, new)
    return [known.get(sha256, of_group[group]) for sha256, group in zip(sha256s, groups, strict=True)]


def _fill_gaps(of_group: dict[int, Split], new: list[int]) -> None:
    """Move new groups (highest hash first) into splits that would be empty, never emptying another."""
    if len(of_group) < len(_SPLITS):
        return
    for split in ("valid", "test", "train"):
        counts = Counter(of_group.values())
        if counts[split]:
            continue
        donor = next((group for group in new if counts[of_group[group]] > 1), None)
        if donor is not None:
            of_group[donor] = split


def _by_hash(sha256: str) -> Split:
    share = int(sha256[:12], 16) / 16**12
    return "train" if share < TRAIN_SHARE else "valid" if share < TRAIN_SHARE + VALID_SHARE else "test"
