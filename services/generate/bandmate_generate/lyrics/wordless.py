"""Generate the rhythm of a melody without words: recurring phrases, set as if they had words.

A form (AABA and its like) of two-bar phrases is chosen by the seed; each letter is a pattern of strong and weak
syllables, and the same prosody that sets lyrics makes its rhythm. A model without a fixed rhythm tends to let the
voice rest for many bars.
"""

import random

from bandmate_music.theory.metre import Metre
from bandmate_music.theory.metrical_grid import QUARTER, bar_ticks, beat_ticks, is_compound

from bandmate_generate.lyrics.lines import Line, Syllable
from bandmate_generate.lyrics.phrasing import BARS_PER_LINE
from bandmate_generate.lyrics.prosody import Feel, finest_step, set_lyrics

_FORMS = ("AABA", "ABAB", "AABB", "ABAC", "ABCB")
_FEET = ((1.0, 0.1), (0.1, 1.0), (1.0, 0.1, 0.1), (1.0, 0.1, 0.6, 0.1))
"""Trochee, iamb, dactyl, and the trochee of folk verse with its lighter second beat."""
_MAX_SYLLABLES = 16
_INTRO_FROM_BARS = 12
_INTRO_BARS = 2


def wordless_rhythm(
    metre: Metre, tempo: float, bars: int, first_bar: int, feel: Feel, rng: random.Random
) -> list[tuple[int, int]]:
    """Onset and duration of each note, in grid ticks, within bars `first_bar`..`bars`."""
    free = bars - first_bar
    sung_bars = free - _INTRO_BARS if free >= _INTRO_FROM_BARS else free
    form = rng.choice(_FORMS)
    max_syllables = min(BARS_PER_LINE, free) * bar_ticks(metre) // finest_step(metre, tempo)
    patterns = {letter: _pattern(metre, max_syllables, rng) for letter in sorted(set(form))}
    lines = [Line(patterns[form[number % len(form)]], 0) for number in range(max(1, sung_bars // BARS_PER_LINE))]
    return [(note.onset, note.duration) for note in set_lyrics(lines, metre, tempo, bars, first_bar, feel)]


def _pattern(metre: Metre, max_syllables: int, rng: random.Random) -> tuple[Syllable, ...]:
    """A phrase of one kind of foot: a syllable per quarter (two per compound beat), at most `max_syllables`."""
    phrase = BARS_PER_LINE * bar_ticks(metre)
    pulse = beat_ticks(metre) / 2 if is_compound(metre) else QUARTER
    usual = max(3, round(phrase / pulse))
    count = min(rng.randint(max(2, usual - 2), usual + 1), _MAX_SYLLABLES, max(1, max_syllables))
    foot = rng.choice(_FEET)
    stresses = [foot[index % len(foot)] for index in range(count - 1)] + [1.0]
    return tuple(
        Syllable("la", stress, word_end=True, line_end=index == count - 1) for index, stress in enumerate(stresses)
    )
