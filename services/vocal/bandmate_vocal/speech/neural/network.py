"""The interface of acoustic networks of the StyleTTS 2 family, cut at durations, fundamental and energy.

Such a network predicts for every letter a duration in frames of 25 ms, and for every half frame (12.5 ms) a
fundamental and an energy; given other values of these it renders them. `hibari.HibariNetwork` implements it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from bandmate_vocal.speech.base import Curve, FloatArray

FRAME, HALF_FRAME = 0.025, 0.0125
Mask = NDArray[np.bool_]
Counts = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Prosody:
    """How a network would say a line: `frames` for each letter and for the silence before the first and after the
    last; `pitch` in Hz (about 0 where there is no voice) and `energy` for each half frame."""

    frames: Counts
    pitch: Curve
    energy: Curve


@dataclass(frozen=True, slots=True)
class Frames:
    """A line to be rendered: `frames` as in Prosody, and for each half frame what is sung.

    `pitch` in Hz, positive everywhere; `voiced`: there is a voice; `steady`: 1 inside vowels and sonorants, 0 in other
    sounds, gliding at the edges; `energy` on the network's scale.
    """

    letters: tuple[str, ...]
    frames: Counts
    pitch: Curve
    voiced: Mask
    steady: Curve
    energy: Curve


@dataclass(frozen=True, slots=True)
class Timbre:
    """The sound of a singer.

    `formants`: 0.85 a large head … 1.15 a small one. `breath`: dB of noise added in vowels. `tilt`: dB that each octave
    above 1 kHz loses. `ring`: dB that the singer's formant at 3 kHz gains. The network is given the sung pitch up to
    `comfort` Hz, above it only the share `slope` of each octave, and never less than `lowest`.
    """

    formants: float = 1.0
    breath: float = 0.0
    tilt: float = 0.0
    ring: float = 0.0
    comfort: float = 280.0
    slope: float = 0.4
    lowest: float = 130.0


class AcousticNetwork(Protocol):
    """A network that sings. Equal arguments give equal bytes."""

    @property
    def name(self) -> str: ...

    @property
    def languages(self) -> Sequence[str]:
        """Codes of the languages that it pronounces ("en")."""
        ...

    @property
    def sample_rate(self) -> int: ...

    @property
    def lag(self) -> float:
        """Seconds by which a sound begins before its letter does."""
        ...

    def pronounce(self, words: Sequence[str], language: str) -> list[str]:
        """The letters of each word of a line; '' for what cannot be said. Raises SpeechEngineMissing, SpeechFailed."""
        ...

    def knows(self, letter: str) -> bool:
        """Whether the network has the letter."""
        ...

    def predict(self, letters: Sequence[str]) -> Prosody:
        """How it would say the letters."""
        ...

    def render(self, frames: Frames, timbre: Timbre, seed: int) -> FloatArray:
        """The sung samples, `sum(frames.frames)` × FRAME seconds of them."""
        ...
