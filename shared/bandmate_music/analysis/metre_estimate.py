"""The metre and the downbeat of a piece that states no metre, or one that nobody counts in, found from its notes.

The metre is found by `metre_finder`. Accents come from long notes, low notes and crash cymbals; the downbeat shows as
the phase at which they are strongest. Times are in grid ticks, 24 a quarter note; columns have an entry a note.
"""

from collections.abc import Sequence

import numpy as np

from bandmate_music.analysis.metre_features import Bools, Floats, Integers
from bandmate_music.analysis.metre_finder import find_metre
from bandmate_music.theory.bars import COMMON_TIME
from bandmate_music.theory.metre import Metre
from bandmate_music.theory.metrical_grid import EIGHTH, QUARTER

_LOW_PITCH = 48
_LONG, LONG_WEIGHT = 3 * QUARTER // 2, 5.0
_KICK = 36
_CRASHES = (49, 55, 57)
_MIN_LEAD = 1.3
"""How much stronger another downbeat must be than the stated one to replace it."""
_MIN_NOTES, _MIN_QUARTERS = 24, 12
"""A shorter piece without a metre is in 4/4."""
_MOSTLY = 0.5
_MAX_BEATS, _MAX_BAR = 21, 12 * QUARTER


def main_metre(changes: Sequence[tuple[int, Metre]], end: int) -> tuple[Metre | None, float]:
    """The metre that holds longest in a piece ending at tick `end`, and for which share of it; None without any."""
    held: dict[Metre, int] = {}
    for number, (tick, metre) in enumerate(changes):
        until = changes[number + 1][0] if number + 1 < len(changes) else end
        held[metre] = held.get(metre, 0) + max(0, min(until, end) - tick)
    if not held:
        return None, 0.0
    metre = max(held, key=lambda each: held[each])
    return metre, held[metre] / max(end, 1)


def believable(changes: Sequence[tuple[int, Metre]], end: int) -> list[tuple[int, Metre]]:
    """The changes, or none where most of the piece is in a metre that nobody counts in: 1/4, or bars of 16 quarters.

    Sequencers write a click of one beat as 1/4.
    """
    absurd = [(tick, metre if _is_absurd(metre) else COMMON_TIME) for tick, metre in changes]
    metre, share = main_metre(absurd, end)
    return [] if metre is not None and _is_absurd(metre) and share >= _MOSTLY else list(changes)


def _is_absurd(metre: Metre) -> bool:
    ticks = metre.bar_ticks(QUARTER)
    return metre.numerator == 1 or metre.numerator > _MAX_BEATS or not QUARTER < ticks <= _MAX_BAR


def estimate_metre(onset: Integers, duration: Integers, pitch: Integers, is_drum: Bools) -> tuple[Metre, int]:
    """The likeliest metre of a piece that states none, and the tick of its first downbeat (0 <= tick < bar)."""
    metre = COMMON_TIME
    if can_be_estimated(onset, duration):
        metre = find_metre(onset, duration, pitch, is_drum)
    return metre, downbeat(accent_train(onset, duration, pitch, is_drum, LONG_WEIGHT), metre)


def can_be_estimated(onset: Integers, duration: Integers) -> bool:
    """Whether there are notes enough for a metre to be found."""
    return len(onset) >= _MIN_NOTES and int((onset + duration).max()) >= _MIN_QUARTERS * QUARTER


def downbeat(accents: Floats, metre: Metre) -> int:
    """The tick within a bar, in eighths, where accents are strongest; 0 unless another is clearly so.

    Half a bar is never believed: what seems a downbeat there is as often the strong third beat of common time.
    """
    bins = metre.bar_ticks(QUARTER) // EIGHTH
    padded = np.zeros(-(-len(accents) // bins) * bins)
    padded[: len(accents)] = accents
    folded = padded.reshape(-1, bins).sum(axis=0)
    best = int(np.argmax(folded))
    half_bar = metre.numerator % 2 == 0 and 2 * best == bins
    return best * EIGHTH if folded[best] > _MIN_LEAD * folded[0] and not half_bar else 0


def accent_train(
    onset: Integers, duration: Integers, pitch: Integers, is_drum: Bools, long_weight: float = 1.0
) -> Floats:
    """Accent strength an eighth note from tick 0 on.

    Long notes count `long_weight` times: they seek the downbeat (so they tell which beat it is), but not in every bar
    (so they blur how long a bar is).
    """
    weight = np.minimum(duration, 4 * QUARTER) / QUARTER
    weight[pitch < _LOW_PITCH] *= 3.0
    weight[duration >= _LONG] *= long_weight
    if is_drum.any():
        weight[is_drum] = np.where(np.isin(pitch[is_drum], _CRASHES), 4.0, 0.25)
        weight[is_drum & (pitch <= _KICK)] = 1.0
    train: Floats = np.bincount(np.maximum(onset, 0) // EIGHTH, weights=weight).astype(np.float64)
    return train
