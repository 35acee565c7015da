"""A sung piece as it is judged: the samples of the voice, the notes with their syllables, the mix.

FOLDER/<any>/vocals.wav       and beside it
FOLDER/<any>/alignment.json   or request.json, the vocal request: the notes that should be heard
FOLDER/<any>/song.wav         or mix.wav: voice and band, where there are both
FOLDER/<any>/usage.json       seconds of processor and memory, where the benchmark had it sung
"""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
from bandmate_shared.errors import InvalidRequest
from numpy.typing import NDArray
from scipy.signal import resample_poly

from bandmate_bench.song_folders import folders_holding

Samples = NDArray[np.float32]
GIVEN = "given"
"""Group of what was sung outside of the benchmark."""
JUDGED_RATE = 16_000
"""Samples a second that recognisers and naturalness models take."""
EDGES = (0.02, 0.05)
"""Seconds at a note's beginning and end that are not judged, at most a quarter each: there the voice glides."""


@dataclass(frozen=True, slots=True)
class JudgedNote:
    """A note that should be heard, `start` and `end` in seconds. `syllable` None: the vowel before goes on."""

    start: float
    end: float
    pitch: float
    syllable: str | None
    word_end: bool
    line_end: bool
    singer: int = 0

    @property
    def interior(self) -> tuple[float, float]:
        """The part that is judged, in seconds."""
        before, after = (min(edge, 0.25 * (self.end - self.start)) for edge in EDGES)
        return self.start + before, self.end - after


@dataclass(frozen=True, slots=True)
class Sung:
    """A piece that was sung. `voice` is mono at `rate`; `mix` is [samples, channels] at `mix_rate`, or None."""

    name: str
    group: str
    voice: Samples
    rate: int
    notes: tuple[JudgedNote, ...]
    language: str
    mix: Samples | None = None
    mix_rate: int = 0
    usage: dict[str, Any] = field(default_factory=dict)

    @property
    def one_singer(self) -> bool:
        """Whether one pitch at a time is sung, which is what pitch trackers can follow."""
        return len({note.singer for note in self.notes}) == 1


def hertz(pitch: float) -> float:
    """Frequency of a MIDI pitch, A4 (69) = 440 Hz."""
    return float(440.0 * 2.0 ** ((pitch - 69.0) / 12.0))


def at_judged_rate(samples: Samples, rate: int) -> Samples:
    """Mono at JUDGED_RATE."""
    mono = samples.mean(axis=1) if samples.ndim == 2 else samples
    divisor = int(np.gcd(rate, JUDGED_RATE))
    resampled: Samples = resample_poly(mono, JUDGED_RATE // divisor, rate // divisor).astype(np.float32)
    return resampled


def read_all(folder: Path) -> list[Sung]:
    """Every piece below a folder, in order of their paths.

    Raises:
        NotFound: there is no such folder.
        InvalidRequest: no piece is in it, or one cannot be read.
    """
    found = folders_holding(folder, "vocals.wav", "that `bandmate sing` or `song`")
    return [read_sung(path, _group(path, folder)) for path in found]


def read_sung(folder: Path, group: str) -> Sung:
    """The piece in a folder. Raises InvalidRequest where its notes or its sound cannot be read."""
    notes, language = read_notes(folder)
    try:
        voice, rate = soundfile.read(folder / "vocals.wav", dtype="float32", always_2d=True)
        mix_path = next((folder / name for name in ("song.wav", "mix.wav") if (folder / name).is_file()), None)
        mix, mix_rate = (None, 0) if mix_path is None else soundfile.read(mix_path, dtype="float32", always_2d=True)
    except soundfile.LibsndfileError as error:
        raise InvalidRequest(f"the sound in {folder} cannot be read: {error.error_string}") from error
    usage = _json(folder / "usage.json") or {}
    return Sung(folder.name, group, voice.mean(axis=1), int(rate), notes, language, mix, int(mix_rate), usage)


def read_notes(folder: Path) -> tuple[tuple[JudgedNote, ...], str]:
    """The notes of a folder's alignment.json, else of its request.json, and the language. Raises InvalidRequest."""
    alignment, request = _json(folder / "alignment.json"), _json(folder / "request.json")
    try:
        if alignment is not None:
            rows = [_note(row, row["start"], row["end"]) for row in alignment["notes"]]
            return tuple(rows), str(alignment.get("language") or "en")
        if request is not None:
            rows = [_note(row, row["onset"], row["onset"] + row["duration"]) for row in request["notes"]]
            return tuple(rows), str(request.get("language") or "en")
    except (KeyError, TypeError, ValueError) as error:
        raise InvalidRequest(f"the notes in {folder} cannot be read: {type(error).__name__}: {error}") from error
    raise InvalidRequest(
        f"{folder} has a vocals.wav but no notes: alignment.json as `bandmate sing` writes it, or request.json, "
        "the vocal request, must lie beside it"
    )


def _note(row: dict[str, Any], start: float, end: float) -> JudgedNote:
    return JudgedNote(
        float(start),
        float(end),
        float(row["pitch"]),
        row.get("syllable"),
        bool(row.get("word_end", True)),
        bool(row.get("line_end", False)),
        int(row.get("singer") or 0),
    )


def _group(path: Path, folder: Path) -> str:
    parts = path.relative_to(folder).parts
    return parts[0] if len(parts) > 1 else GIVEN


def _json(path: Path) -> dict[str, Any] | None:
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except ValueError as error:
        raise InvalidRequest(f"{path} is not JSON: {error}") from error
    return value if isinstance(value, dict) else None
