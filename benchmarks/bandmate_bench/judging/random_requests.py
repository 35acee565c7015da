"""Random requests over all wishes, each of which can be met."""

import base64
import random
from collections.abc import Sequence
from typing import Any

from bandmate_music.instruments import parse_instrument, playing_range
from bandmate_shared.contracts.songs import SongRequest

TONICS = ("C", "Db", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B")
METRES = ("4/4", "4/4", "3/4", "6/8", "2/4")
INSTRUMENTS = (
    "piano",
    "guitar",
    "violin",
    "cello",
    "flute",
    "clarinet",
    "trumpet",
    "electric piano",
    "organ",
    "strings",
    "harp",
    "bass",
    "double bass",
    "drums",
    "electric guitar",
    "saxophone",
    "choir",
    "vibraphone",
)
_MAJOR = (
    "I | IV | V | I",
    "I | vi | IV | V | I",
    "I | V | vi | IV",
    "ii7 | V7 | Imaj7",
    "I | IV | I | V7 | I",
    "I IV | V7 | I",
    "I | iii | IV | V7 | I",
    "vi | IV | I | V",
    "I | ii7 V7 | I",
    "Imaj7 | vi7 | ii7 | V7 | I",
)
_MINOR = (
    "i | iv | V | i",
    "i | VI | III | VII | i",
    "i | VII | VI | V7 | i",
    "i | iv V7 | i",
    "iiø | V7 | i",
    "i | iv7 | V7 | i",
    "i | VI | iv | V | i",
    "i V | i",
)
"""Common progressions that establish their key."""
_DEGREES = {
    "I": (0, ""),
    "Imaj7": (0, "maj7"),
    "ii7": (2, "m7"),
    "iii": (4, "m"),
    "IV": (5, ""),
    "V": (7, ""),
    "V7": (7, "7"),
    "vi": (9, "m"),
    "vi7": (9, "m7"),
    "i": (0, "m"),
    "iiø": (2, "m7b5"),
    "III": (3, ""),
    "iv": (5, "m"),
    "iv7": (5, "m7"),
    "VI": (8, ""),
    "VII": (10, ""),
}
_NARROWEST = 12


def random_song_request(rng: random.Random, styles: Sequence[str], *, bars: int = 8) -> SongRequest:
    """A new song of four to `bars` bars with a random choice of wishes."""
    style = rng.choice(list(styles))
    only_drums = style == "drums"
    wish: dict[str, Any] = {"style": style, "bars": rng.randint(4, bars)}
    line_up = _line_up(rng) if rng.random() < 0.5 and not only_drums else {}
    wish |= line_up
    if rng.random() < 0.6 and not only_drums:
        wish["metre"] = rng.choice(METRES)
    if rng.random() < 0.7:
        wish["tempo"] = rng.randint(50, 200)
    if rng.random() < 0.5:
        wish["density"] = rng.randint(1, 5)
    if rng.random() < 0.3 and not only_drums:
        wish["polyphony"] = rng.randint(1, 4)
    if rng.random() < 0.6 and not only_drums:
        tonic, minor = rng.randrange(12), rng.random() < 0.4
        wish["key"] = TONICS[tonic] + (" minor" if minor else "")
        if rng.random() < 0.6:
            wish["chords"] = _progression(rng, tonic, minor)
    if rng.random() < 0.2:
        wish["temperature"] = round(rng.uniform(0.7, 1.2), 2)
    if rng.random() < 0.15:
        wish["top_p"] = round(rng.uniform(0.85, 1.0), 2)
    if rng.random() < 0.15:
        wish["top_k"] = rng.randint(8, 64)
    return SongRequest.model_validate(wish)


def random_edit_request(rng: random.Random, midi: bytes, style: str, bars: int, tracks: int) -> SongRequest:
    """A request about a given piece of `bars` bars and `tracks` tracks: continue it, infill, add tracks, vary it."""
    wish: dict[str, Any] = {"style": style, "prompt": base64.b64encode(midi).decode()}
    kind = rng.choice(("continue", "infill", "infill", "add", "variation"))
    if kind == "continue":
        wish["bars"] = bars + rng.randint(2, 4)
    elif kind == "infill":
        first = rng.randint(1, bars)
        last = rng.randint(first, min(bars, first + 3))
        chosen = sorted(rng.sample(range(1, tracks + 1), rng.randint(1, tracks)))
        wish["infill"] = {"bars": f"{first}-{last}"}
        if rng.random() < 0.6:
            wish["infill"]["tracks"] = [str(number) for number in chosen]
    elif kind == "add":
        wish["add"] = rng.sample(("bass", "drums", "harmony", "violin", "flute", "organ"), rng.randint(1, 2))
    else:
        wish["variation"] = round(rng.uniform(0.2, 1.0), 2)
    if rng.random() < 0.3:
        wish["density"] = rng.randint(1, 5)
    return SongRequest.model_validate(wish)


def _line_up(rng: random.Random) -> dict[str, Any]:
    names = rng.sample(INSTRUMENTS, rng.randint(1, 4))
    if rng.random() < 0.4:
        return {"instruments": names}
    return {"tracks": [_track(rng, name) for name in names]}


def _track(rng: random.Random, name: str) -> dict[str, Any]:
    wish: dict[str, Any] = {"instrument": name}
    instrument = parse_instrument(name)
    if rng.random() < 0.4:
        wish["density"] = rng.randint(1, 5)
    if instrument.is_drum:
        return wish
    low, high = playing_range(instrument.program)
    if rng.random() < 0.5:
        bottom = rng.randint(low, high - _NARROWEST)
        wish["low"], wish["high"] = bottom, rng.randint(bottom + _NARROWEST, high)
    if rng.random() < 0.3:
        wish["polyphony"] = rng.randint(1, 4)
    return wish


def _progression(rng: random.Random, tonic: int, minor: bool) -> str:
    """A progression in the key, by chord symbols."""
    bars = rng.choice(_MINOR if minor else _MAJOR).split(" | ")
    return " | ".join(" ".join(_symbol(degree, tonic) for degree in bar.split()) for bar in bars)


def _symbol(degree: str, tonic: int) -> str:
    step, kind = _DEGREES[degree]
    return TONICS[(tonic + step) % 12] + kind
