"""The twelve bars of the blues, fitted to sections of any length."""

import random

from bandmate_music.theory.keys import Mode

from bandmate_generate.harmony.vocabularies import Ending

_FIRST = {
    "major": ("I7 | I7 | I7 | I7", "I7 | IV7 | I7 | I7"),
    "minor": ("i7 | i7 | i7 | i7", "i7 | iv7 | i7 | i7"),
}
_SECOND = {"major": ("IV7 | IV7 | I7 | I7",), "minor": ("iv7 | iv7 | i7 | i7",)}
_THIRD = {
    "major": ("V7 | IV7 | I7 | V7", "ii7 | V7 | I7 | V7", "V7 | IV7 | I7 IV7 | I7 V7"),
    "minor": ("bVI7 | V7 | i7 | V7", "iv7 | V7 | i7 | V7"),
}
_EIGHT = {"major": "I7 | V7 | IV7 | IV7 | I7 | V7 | I7 | V7", "minor": "i7 | V7 | iv7 | iv7 | i7 | V7 | i7 | V7"}
_WHOLE = 12


def blues_bars(count: int, mode: Mode, ending: Ending, rng: random.Random) -> list[str]:
    """`count` bars: whole rounds of twelve, or eight, and of what is left over the beginning, closed by a turnaround;
    'home' ends on the tonic, without the turnaround's dominant."""
    phrases = [rng.choice(options[mode]).split(" | ") for options in (_FIRST, _SECOND, _THIRD)]
    whole = [bar for phrase in phrases for bar in phrase]
    bars: list[str] = []
    while count - len(bars) >= _WHOLE:
        bars += whole
    rest = count - len(bars)
    if rest >= 8:
        bars += [*_EIGHT[mode].split(" | "), *phrases[2]][:rest]
    elif rest >= 3:
        bars += [*(phrases[0] * 2)[: rest - 2], phrases[2][0], phrases[2][-1]]
    elif rest:
        bars += phrases[2][-rest:] if bars else phrases[0][:rest]
    if ending == "home":
        tonic = "I7" if mode == "major" else "i7"
        bars[-1] = tonic
        if len(bars) > 3 and bars[-2] == tonic and bars[-3] == tonic:
            bars[-3] = "V7"
    return bars
