"""Copies and near relatives among pieces, found by their fingerprints.

Pieces that share a sketch hash are candidates; their resemblance is estimated from the union of both sketches
(Broder 1997). Shingles that very many pieces share (a scale, a repeated note) say nothing and are left out.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from bandmate_shared.contracts.datasets import Split
from numpy.typing import NDArray

from bandmate_ingest.cleaning.fingerprint import SKETCH_SIZE, Hashes
from bandmate_ingest.cleaning.rules import CleaningRules

_MAX_PIECES = 64
"""A shingle in more pieces than this does not count as evidence."""
_MIN_SHINGLES = 6
"""A sketch smaller than this cannot tell pieces apart, unless it is all the same."""


@dataclass(frozen=True, slots=True)
class Relations:
    """For each piece, in the order given: its group, and the earlier piece that it copies (-1: none)."""

    group: list[int]
    """Index of the group's first piece."""
    copy_of: list[int]
    resemblance: list[float]


def relate(
    fingerprints: Sequence[Hashes],
    splits: Sequence[Split | None],
    rules: CleaningRules,
    published: Sequence[Split | None] | None = None,
) -> Relations:
    """Group pieces by resemblance. Earlier pieces have precedence: of two copies the first stays.

    A rejected copy joins no group of its own and brings no relatives with it. `splits` are those that pieces of an
    earlier version have for good, None for new ones; `published` those that new ones bring along. A new piece that is
    kin to pieces in two splits, its own among them, counts as a copy of the nearer one: in neither split could it stay
    without distinctive of the other. Where any piece was published in a split, those of an earlier version come first,
    then what is tested on, validated with and trained on, then all others, whatever their order.
    """
    count = len(fingerprints)
    own_splits = [
        known or published_split for known, published_split in zip(splits, published or [None] * count, strict=True)
    ]
    precedence = _precedence(splits, published or [None] * count)
    parent = list(range(count))
    label = list(own_splits)
    copy_of = [-1] * count
    closeness = [0.0] * count
    candidates: dict[int, list[tuple[int, float]]] = {}
    for first, second, likeness in resemblances(fingerprints, min(rules.group_similarity, rules.copy_similarity)):
        earlier, later = sorted((first, second), key=precedence.__getitem__)
        candidates.setdefault(later, []).append((earlier, likeness))
    for later in sorted(candidates, key=precedence.__getitem__):
        originals = [(earlier, likeness) for earlier, likeness in candidates[later] if copy_of[earlier] < 0]
        original = max(originals, key=lambda pair: (pair[1], -precedence[pair[0]]), default=None)
        relatives = [earlier for earlier, likeness in originals if likeness >= rules.group_similarity]
        related_splits = (
            {label[_root(parent, earlier)] for earlier in relatives} | {own_splits[later]} if relatives else set()
        )
        conflicting = splits[later] is None and len(related_splits - {None}) > 1
        if original is not None and (conflicting or original[1] >= rules.copy_similarity):
            copy_of[later], closeness[later] = original
        else:
            for earlier in relatives:
                _join(parent, label, earlier, later)
    group = [_root(parent, index) for index in range(count)]
    for index, original_index in enumerate(copy_of):
        if original_index >= 0:
            group[index] = group[original_index]
    return Relations(group, copy_of, closeness)


def _precedence(splits: Sequence[Split | None], published: Sequence[Split | None]) -> list[int]:
    """The rank of each piece among those that resemble it; their order, where nothing was published in a split."""
    ranks: dict[Split | None, int] = {"test": 1, "valid": 2, "train": 3, None: 4}
    strength = [
        0 if known else ranks[published_split] for known, published_split in zip(splits, published, strict=True)
    ]
    order = (
        range(len(splits))
        if not any(published)
        else sorted(range(len(splits)), key=lambda piece: (strength[piece], piece))
    )
    precedence = [0] * len(splits)
    for rank, index in enumerate(order):
        precedence[index] = rank
    return precedence


def resemblances(fingerprints: Sequence[Hashes], at_least: float) -> Iterator[tuple[int, int, float]]:
    """Pairs (earlier, later, estimated Jaccard resemblance) of pieces that share a distinctive shingle and have a
    resemblance of `at_least`."""
    sizes = [len(sketch) for sketch in fingerprints]
    if not sum(sizes):
        return
    hashes = np.concatenate(list(fingerprints))
    owners = np.repeat(np.arange(len(sizes)), sizes)
    order = np.lexsort((owners, hashes))
    hashes, owners = hashes[order], owners[order]
    starts = np.flatnonzero(np.concatenate([[True], hashes[1:] != hashes[:-1]]))
    lengths = np.diff(np.concatenate([starts, [len(hashes)]]))
    distinctive = np.repeat(lengths <= _MAX_PIECES, lengths)
    common = np.bincount(owners[~distinctive], minlength=len(sizes)).tolist()
    shared: list[NDArray[np.int64]] = []
    for start, length in zip(starts[lengths > 1], lengths[lengths > 1], strict=True):
        if length <= _MAX_PIECES:
            members = owners[start : start + length]
            first, second = np.triu_indices(len(members), k=1)
            shared.append(members[first] * len(sizes) + members[second])
    if not shared:
        return
    pairs, hits = np.unique(np.concatenate(shared), return_counts=True)
    for pair, hit in zip(pairs.tolist(), hits.tolist(), strict=True):
        earlier, later = divmod(pair, len(sizes))
        max_common = hit + min(common[earlier], common[later])
        if max_common >= at_least * min(SKETCH_SIZE, sizes[earlier] + sizes[later] - max_common):
            likeness = resemblance(fingerprints[earlier], fingerprints[later])
            if likeness >= at_least:
                yield earlier, later, likeness


def resemblance(first: Hashes, second: Hashes) -> float:
    """Estimated Jaccard coefficient of the shingle sets behind two bottom-k sketches, 0..1."""
    if min(len(first), len(second)) < _MIN_SHINGLES:
        return 1.0 if len(first) and np.array_equal(first, second) else 0.0
    union = np.union1d(first, second)[:SKETCH_SIZE]
    shared = np.intersect1d(first, second, assume_unique=True)
    return float(np.count_nonzero(np.isin(union, shared, assume_unique=True))) / len(union)


def _root(parent: list[int], index: int) -> int:
    while parent[index] != index:
        parent[index] = parent[parent[index]]
        index = parent[index]
    return index


def _join(parent: list[int], label: list[Split | None], first: int, second: int) -> None:
    """The earlier root stays, so a group is named by its first piece; the split of either holds for both."""
    low, high = sorted((_root(parent, first), _root(parent, second)))
    parent[high] = low
    label[low] = label[low] or label[high]
