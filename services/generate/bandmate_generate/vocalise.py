"""The rhythm of a melody without words: phrases that come back, as in songs, set as if they had words.

A form (AABA and its like) of two-bar phrases is chosen by the seed; each letter is a pattern of strong and weak
syllables, and the same prosody that sets lyrics makes its rhythm. The model, left alone, likes to let the voice rest
for many bars.
"""

import random

from bandmate_shared.music.metre import Metre

from bandmate_generate.accents import QUARTER, bar_ticks, beat_ticks, is_compound
from bandmate_generate.lyrics import Line, Syllable
from bandmate_generate.phrasing import BARS_A_LINE
from bandmate_generate.prosody import Feel, finest_step, set_lyrics

_FORMS = ("AABA", "ABAB", "AABB", "ABAC", "ABCB")
_FEET = ((1.0, 0.1), (0.1, 1.0), (1.0, 0.1, 0.1), (1.0, 0.1, 0.6, 0.1))
"""Trochee, iamb, dactyl, and the trochee of folk verse with its lighter second beat."""
_MOST_SYLLABLES = 16
_INTRO_FROM_BARS = 12
_INTRO_BARS = 2


def wordless_rhythm(
    metre: Metre, tempo: float, bars: int, first_bar: int, feel: Feel, roll: random.Random
) -> list[tuple[int, int]]:
    """Onset and duration of each note, in grid ticks, within bars `first_bar`..`bars`."""
    free = bars - first_bar
    sung = free - _INTRO_BARS if free >= _INTRO_FROM_BARS else free
    form = roll.choice(_FORMS)
    room = min(BARS_A_LINE, free) * bar_ticks(metre) // finest_step(metre, tempo)
    patterns = {letter: _pattern(metre, room, roll) for letter in sorted(set(form))}
    lines = [Line(patterns[form[number % len(form)]], 0) for number in range(max(1, sung // BARS_A_LINE))]
    return [(note.onset, note.duration) for note in set_lyrics(lines, metre, tempo, bars, first_bar, feel)]


def _pattern(metre: Metre, room: int, roll: random.Random) -> tuple[Syllable, ...]:
    """A phrase of about a syllable a quarter note (two a compound beat), `room` at most, in feet of one kind."""
    phrase = BARS_A_LINE * bar_ticks(metre)
    pulse = beat_ticks(metre) / 2 if is_compound(metre) else QUARTER
    usual = max(3, round(phrase / pulse))
    count = min(roll.randint(max(2, usual - 2), usual + 1), _MOST_SYLLABLES, max(1, room))
    foot = roll.choice(_FEET)
    stresses = [foot[index % len(foot)] for index in range(count - 1)] + [1.0]
    return tuple(
        Syllable("la", stress, word_end=True, line_end=index == count - 1) for index, stress in enumerate(stresses)
    )
