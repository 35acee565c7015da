"""What no piece may be: empty, or one bar over and over to its end."""

from itertools import pairwise

import numpy as np

from bandmate_model.metrics.excerpt import Excerpt

FOREVER = 4
"""So many bars, all of the piece after its first one, that are the same count as one bar repeated for ever."""


def is_empty(music: Excerpt) -> bool:
    """Whether it has no note, or most of its bars have none."""
    filled = len(np.unique(music.onset // music.bar_ticks))
    return filled * 2 < music.bars


def repeats_forever(music: Excerpt) -> bool:
    """Whether every bar from the second on is the same as the one before it, drums included.

    A last bar may differ: even a machine that is stuck is made to close. Pieces of fewer than FOREVER bars cannot be
    told from short ones.
    """
    if music.bars < FOREVER or not len(music):
        return False
    bar = music.onset // music.bar_ticks
    table = np.stack([music.part, music.onset % music.bar_ticks, music.pitch], axis=1)
    contents = [table[bar == number].tobytes() for number in range(1, music.bars - 1)]
    return bool(contents[0]) and all(one == other for one, other in pairwise(contents))
