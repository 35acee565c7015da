"""Fuzzed requests: every field at and beyond its limits, wishes that exclude each other, files that
are none. Some are valid all the same."""

import base64
import random
from collections.abc import Callable, Sequence
from typing import Any

_STYLES = ("song", "folk", "pop", "chorale", "quartet", "rock", "drums", "polka", "", "Rock", "../x")
_KEYS = ("C", "F# minor", "Bbm", "H", "Cb", "c", "D major major", "", "♯", "Gb", "A min")
_METRES = ("4/4", "3/4", "6/8", "2/4", "5/4", "7/8", "12/8", "0/4", "4/0", "4/3", "99/4", "four", "1/1", "16/16")
_NAMES = ("piano", "drums", "violin", "Voice", "kazoo orchestra", "", "bass", "guitar", "Synth Drum", "x" * 65, "🎷")
_CHORDS = ("C | F | G", "Dm7 G7 Cmaj7", "%", "| |", "H7", "C/E | Am", "N.C.", "C" * 5000, "C7b5#9 | F#dim", "1-4-5")
_WORDS = (
    "la la la",
    "The river runs beside the road\nAnd carries every heavy load",
    "",
    "\n\n",
    "123 456",
    "Ünïcödé sïngs",
    "a" * 300,
    "tra\0la",
    "one\n" * 201,
)
_BARS = ("1", "2-3", "1-99", "3-2", "0", "-1", "a-b", "1,2,3", "1-2, 4", "")
_MAX_BARS = 5
"""A valid song is kept short: there are many."""


def fuzzed(rng: random.Random, prompts: Sequence[bytes]) -> dict[str, Any]:
    """One request as JSON values."""
    body: dict[str, Any] = {"bars": rng.randint(1, _MAX_BARS), "style": rng.choice(_STYLES[:7])}
    for name in rng.sample(sorted(_FIELDS), rng.choice((0, 0, 1, 1, 1, 2, 3))):
        body[name] = _FIELDS[name](rng)
    if rng.random() < 0.2:
        body["prompt"] = _file(rng, prompts)
        body |= rng.choice(
            (
                {},
                {"infill": {"bars": rng.choice(_BARS)}},
                {"variation": rng.choice((0, 0.5, 1, 2, -1, "x"))},
                {"add": [rng.choice(_NAMES)]},
                {"add": ["bass"], "infill": {"bars": "1"}},
            )
        )
        if rng.random() < 0.7:
            for name in ("bars", "tempo", "metre", "lyrics", "instruments", "tracks"):
                body.pop(name, None)
    if rng.random() < 0.05:
        body[rng.choice(("tempoo", "__class__", "Bars", "notes"))] = 1
    return body


def _one_of(*values: Any) -> Callable[[random.Random], Any]:
    return lambda rng: rng.choice(values)


def _tracks(rng: random.Random) -> Any:
    tracks = []
    for _ in range(rng.choice((1, 2, 3, 4, 17))):
        track: dict[str, Any] = {"instrument": rng.choice(_NAMES)}
        for name, values in _TRACK.items():
            if rng.random() < 0.2:
                track[name] = rng.choice(values)
        tracks.append(track)
    return tracks


_TRACK: dict[str, tuple[Any, ...]] = {
    "low": (0, 36, 60, 127, -1, "C3", "H9"),
    "high": (0, 40, 72, 127, 128, "C6"),
    "density": (1, 5, 0, 6, "full", "loud"),
    "polyphony": (1, 2, 16, 0, 99),
    "role": ("melody", "bass", "drums", "boss"),
    "name": ("Lead", "", "x" * 80),
}
_FIELDS: dict[str, Callable[[random.Random], Any]] = {
    "style": _one_of(*_STYLES),
    "key": _one_of(*_KEYS),
    "metre": _one_of(*_METRES),
    "bars": _one_of(1, 2, 3, 4, 5, 0, -3, 129, "4", 2.5),
    "tempo": _one_of(20, 60, 120.5, 300, 19, 301, "fast", 1e9),
    "seed": _one_of(0, 1, 2**53 - 1, 2**53, -1, "x"),
    "lyrics": _one_of(*_WORDS),
    "chords": _one_of(*_CHORDS),
    "density": _one_of(1, 2, 3, 4, 5, 0, 6, "sparse", "sparsely"),
    "polyphony": _one_of(1, 2, 4, 16, 0, 17),
    "temperature": _one_of(0.1, 0.9, 1.5, 4, 0, 5, "hot"),
    "top_p": _one_of(0.01, 0.5, 1, 0, 1.1),
    "top_k": _one_of(1, 2, 50, 100_000, 0, -1),
    "tracks": _tracks,
    "variation": _one_of(0.5, 2),
    "instruments": lambda rng: [rng.choice(_NAMES) for _ in range(rng.choice((0, 1, 2, 3, 5)))],
    "infill": lambda rng: {"bars": rng.choice(_BARS)},
    "add": lambda rng: [rng.choice(_NAMES)],
    "candidates": _one_of(1, 2, 0, 17),
    "takes": _one_of(1, 0, 9),
}


def _file(rng: random.Random, prompts: Sequence[bytes]) -> str:
    """A MIDI file, whole, cut off, or with bytes changed; or no file at all."""
    kind = rng.random()
    if kind < 0.15:
        return rng.choice(("", "not base64!", base64.b64encode(b"MThd").decode(), "song:nobody", "upload:0" * 5))
    data = bytearray(rng.choice(prompts))
    if kind < 0.4:
        for _ in range(rng.randint(1, 12)):
            data[rng.randrange(len(data))] = rng.randrange(256)
    elif kind < 0.5:
        del data[rng.randrange(len(data)) :]
    return base64.b64encode(bytes(data)).decode()
