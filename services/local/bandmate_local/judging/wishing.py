"""Requests at random over everything a musician can wish for, each of them possible."""

import base64
import random
from collections.abc import Sequence
from typing import Any

from bandmate_shared.contracts.songs import SongRequest
from bandmate_shared.music.instruments import parse_instrument, playing_range

TONICS = ("C", "Db", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B")
METRES = ("4/4", "4/4", "3/4", "6/8", "2/4")
INSTRUMENTS = (
    "piano", "guitar", "violin", "cello", "flute", "clarinet", "trumpet", "electric piano", "organ", "strings", "harp",
    "bass", "double bass", "drums", "electric guitar", "saxophone", "choir", "vibraphone",
)  # fmt: skip
_MAJOR = (
    "I | IV | V | I", "I | vi | IV | V | I", "I | V | vi | IV", "ii7 | V7 | Imaj7", "I | IV | I | V7 | I",
    "I IV | V7 | I",    "I | iii | IV | V7 | I", "vi | IV | I | V", "I | ii7 V7 | I", "Imaj7 | vi7 | ii7 | V7 | I",
)  # fmt: skip
_MINOR = (
    "i | iv | V | i", "i | VI | III | VII | i", "i | VII | VI | V7 | i", "i | iv V7 | i", "iiø | V7 | i",
    "i | iv7 | V7 | i",    "i | VI | iv | V | i", "i V | i",
)  # fmt: skip
"""Progressions that say which key they are in, as songs use them."""
_DEGREES = {
    "I": (0, ""), "Imaj7": (0, "maj7"), "ii7": (2, "m7"), "iii": (4, "m"), "IV": (5, ""), "V": (7, ""), "V7": (7, "7"),
    "vi": (9, "m"), "vi7": (9, "m7"), "i": (0, "m"), "iiø": (2, "m7b5"), "III": (3, ""), "iv": (5, "m"),
    "iv7": (5, "m7"), "VI": (8, ""), "VII": (10, ""),
}  # fmt: skip
_NARROWEST = 12


def song_wish(dice: random.Random, styles: Sequence[str], *, bars: int = 8) -> SongRequest:
    """A new song of four to `bars` bars with some of the wishes there are."""
    style = dice.choice(list(styles))
    only_drums = style == "drums"
    wish: dict[str, Any] = {"style": style, "bars": dice.randint(4, bars)}
    line_up = _line_up(dice) if dice.random() < 0.5 and not only_drums else {}
    wish |= line_up
    if dice.random() < 0.6 and not only_drums:
        wish["metre"] = dice.choice(METRES)
    if dice.random() < 0.7:
        wish["tempo"] = dice.randint(50, 200)
    if dice.random() < 0.5:
        wish["density"] = dice.randint(1, 5)
    if dice.random() < 0.3 and not only_drums:
        wish["polyphony"] = dice.randint(1, 4)
    if dice.random() < 0.6 and not only_drums:
        tonic, minor = dice.randrange(12), dice.random() < 0.4
        wish["key"] = TONICS[tonic] + (" minor" if minor else "")
        if dice.random() < 0.6:
            wish["chords"] = _progression(dice, tonic, minor)
    if dice.random() < 0.2:
        wish["temperature"] = round(dice.uniform(0.7, 1.2), 2)
    if dice.random() < 0.15:
        wish["top_p"] = round(dice.uniform(0.85, 1.0), 2)
    if dice.random() < 0.15:
        wish["top_k"] = dice.randint(8, 64)
    return SongRequest.model_validate(wish)


def edit_wish(dice: random.Random, midi: bytes, style: str, bars: int, tracks: int) -> SongRequest:
    """Something to be done to a given piece of so many bars and tracks: continued, filled in, added to, varied."""
    wish: dict[str, Any] = {"style": style, "prompt": base64.b64encode(midi).decode()}
    kind = dice.choice(("continue", "infill", "infill", "add", "variation"))
    if kind == "continue":
        wish["bars"] = bars + dice.randint(2, 4)
    elif kind == "infill":
        first = dice.randint(1, bars)
        last = dice.randint(first, min(bars, first + 3))
        chosen = sorted(dice.sample(range(1, tracks + 1), dice.randint(1, tracks)))
        wish["infill"] = {"bars": f"{first}-{last}"}
        if dice.random() < 0.6:
            wish["infill"]["tracks"] = [str(number) for number in chosen]
    elif kind == "add":
        wish["add"] = dice.sample(("bass", "drums", "harmony", "violin", "flute", "organ"), dice.randint(1, 2))
    else:
        wish["variation"] = round(dice.uniform(0.2, 1.0), 2)
    if dice.random() < 0.3:
        wish["density"] = dice.randint(1, 5)
    return SongRequest.model_validate(wish)


def _line_up(dice: random.Random) -> dict[str, Any]:
    names = dice.sample(INSTRUMENTS, dice.randint(1, 4))
    if dice.random() < 0.4:
        return {"instruments": names}
    return {"tracks": [_track(dice, name) for name in names]}


def _track(dice: random.Random, name: str) -> dict[str, Any]:
    wish: dict[str, Any] = {"instrument": name}
    instrument = parse_instrument(name)
    if dice.random() < 0.4:
        wish["density"] = dice.randint(1, 5)
    if instrument.is_drum:
        return wish
    low, high = playing_range(instrument.program)
    if dice.random() < 0.5:
        bottom = dice.randint(low, high - _NARROWEST)
        wish["low"], wish["high"] = bottom, dice.randint(bottom + _NARROWEST, high)
    if dice.random() < 0.3:
        wish["polyphony"] = dice.randint(1, 4)
    return wish


def _progression(dice: random.Random, tonic: int, minor: bool) -> str:
    """A progression in the key, by chord symbols."""
    bars = dice.choice(_MINOR if minor else _MAJOR).split(" | ")
    return " | ".join(" ".join(_symbol(degree, tonic) for degree in bar.split()) for bar in bars)


def _symbol(degree: str, tonic: int) -> str:
    step, kind = _DEGREES[degree]
    return TONICS[(tonic + step) % 12] + kind
