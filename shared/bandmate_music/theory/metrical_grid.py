"""How strong each position of a bar is: the metrical grid (Lerdahl & Jackendoff 1983), on 24 grid ticks per quarter.

Prosody puts stressed syllables on strong positions; velocities by rule accent them.
"""

from functools import cache

from bandmate_music.theory.metre import Metre

GRID_TICKS_PER_QUARTER = 24

DOWNBEAT, STRONG_BEAT, BEAT, HALF_BEAT, BETWEEN = 1.0, 0.75, 0.5, 0.25, 0.0

SIXTEENTH = GRID_TICKS_PER_QUARTER // 4
EIGHTH = GRID_TICKS_PER_QUARTER // 2
QUARTER = GRID_TICKS_PER_QUARTER

IRREGULAR_GROUPS = {5: (3, 2), 7: (2, 2, 3), 8: (3, 3, 2), 10: (3, 3, 2, 2), 11: (3, 3, 3, 2), 13: (3, 3, 3, 2, 2)}
"""Where an irregular bar falls into groups of two and three units."""


@cache
def is_compound(metre: Metre) -> bool:
    """6/8, 9/8, 12/8 and the like: the beat is three units."""
    return metre.denominator >= 8 and metre.numerator % 3 == 0 and metre.numerator > 3


@cache
def bar_ticks(metre: Metre) -> int:
    """Length of a bar in grid ticks."""
    return metre.bar_ticks(GRID_TICKS_PER_QUARTER)


@cache
def beat_ticks(metre: Metre) -> int:
    """Length of a beat in grid ticks: a dotted unit in compound metres, a unit (at least an eighth) otherwise."""
    unit = 4 * GRID_TICKS_PER_QUARTER // metre.denominator
    if is_compound(metre):
        return 3 * unit
    return min(max(unit, EIGHTH), bar_ticks(metre))


@cache
def _beats(metre: Metre) -> dict[int, float]:
    """Tick in the bar → strength, for every beat of the bar."""
    length, beat = bar_ticks(metre), beat_ticks(metre)
    if metre.denominator >= 8 and metre.numerator in IRREGULAR_GROUPS:
        unit = 4 * GRID_TICKS_PER_QUARTER // metre.denominator
        strengths, position = {}, 0
        for size in IRREGULAR_GROUPS[metre.numerator]:
            for step in range(size):
                strengths[position] = STRONG_BEAT if step == 0 else HALF_BEAT
                position += unit
    else:
        strengths = dict.fromkeys(range(0, length, beat), BEAT)
        count = len(strengths)
        if count >= 4 and count % 2 == 0:
            strengths.update(dict.fromkeys(range(0, length, length // (count // 2)), STRONG_BEAT))
        if count >= 8:
            strengths.update(dict.fromkeys(range(2 * beat, length, 4 * beat), BEAT))
        if count in (5, 7):
            strengths[3 * beat if count == 5 else 4 * beat] = STRONG_BEAT
    return {**strengths, 0: DOWNBEAT}


@cache
def strength(tick: int, metre: Metre) -> float:
    """Strength 0..1 of a grid tick counted from the start of the song: 1 on the downbeat, 0 between the half beats."""
    position = tick % bar_ticks(metre)
    beats = _beats(metre)
    if position in beats:
        return beats[position]
    division = beat_ticks(metre) // (3 if is_compound(metre) else 2)
    return HALF_BEAT if division >= SIXTEENTH and position % division == 0 else BETWEEN


def strongest_inside(start: int, end: int, metre: Metre) -> float:
    """Strength of the strongest moment strictly between two ticks; 0 where there is none."""
    return max(
        (strength(tick, metre) for tick in range(start - start % SIXTEENTH + SIXTEENTH, end, SIXTEENTH)), default=0.0
    )
