"""Detect empty pieces, and pieces that repeat one bar to their end."""

from itertools import pairwise

import numpy as np

from bandmate_model.data.excerpt import Excerpt

MIN_REPEATS = 4
"""Minimum length in bars of a piece that counts as endless repetition."""


def is_empty(music: Excerpt) -> bool:
    """Whether it has no note, or most of its bars have none."""
    filled = len(np.unique(music.onset // music.bar_ticks))
    return filled * 2 < music.bars


def repeats_forever(music: Excerpt) -> bool:
    """Whether every bar from the second on is the same as the one before it, drums included.

    The last bar may differ, because a final note is enforced. Pieces of fewer than MIN_REPEATS bars never count.
    """
    if music.bars < MIN_REPEATS or not len(music):
        return False
    bar = music.onset // music.bar_ticks
    table = np.stack([music.part, music.onset % music.bar_ticks, music.pitch], axis=1)
    contents = [table[bar == number].tobytes() for number in range(1, music.bars - 1)]
    return bool(contents[0]) and all(before == after for before, after in pairwise(contents))
