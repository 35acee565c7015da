"""Every threshold of the cleaning in one place, and the version that cached results are kept under."""

import hashlib
from dataclasses import asdict, dataclass
from functools import cached_property

GRID = 24
"""Grid ticks a quarter note, as `contracts/datasets.py` fixes them: divisible by 16ths, triplets and 32nds."""

CODE_VERSION = "3"
"""Raise it whenever cleaning one file may give another result; results of older versions are recomputed."""


@dataclass(frozen=True)
class CleaningRules:
    """Requirements on a piece of a dataset. Lengths in quarter notes unless stated otherwise."""

    min_notes: int = 12
    min_bars: int = 2
    max_bars: int = 4000
    max_seconds: float = 3600.0
    max_notes: int = 100_000

    stuck_quarters: float = 24.0
    """A note longer than this, and far longer than its part's median, never got its note-off."""
    stuck_ratio: float = 12.0

    aligned_quarters: float = 0.005
    """A phase nearer to the beat than this is the beat."""
    min_clarity: float = 0.3
    """Least resultant length of the onsets on their best subdivision (0: spread evenly, 1: exactly on it)."""
    min_clarity_many: float = 0.15
    """The same where so many notes agree that chance is ruled out (n R² at least `min_evidence`)."""
    min_evidence: float = 8.0
    performed_below: float = 0.6
    """With a smaller share of onsets exactly on the grid a piece counts as played, and is snapped beat by beat."""

    strict: bool = False
    """Damaged files are rejected, not repaired."""
    free: bool = False
    """Performances without a beat are taken in free time, not rejected."""

    copy_similarity: float = 0.75
    """Pieces whose melodies share this much are copies: the later one is rejected."""
    group_similarity: float = 0.25
    """Pieces that share this much stay in one split."""

    @cached_property
    def version(self) -> str:
        """Short hash over the code version and every threshold."""
        text = CODE_VERSION + repr(sorted(asdict(self).items()))
        return hashlib.sha256(text.encode()).hexdigest()[:12]
