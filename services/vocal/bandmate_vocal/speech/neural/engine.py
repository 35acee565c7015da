"""A neural network as a SingingEngine: singers are timbres of one voice."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bandmate_vocal.speech.base import LineScore, LineText, Reading, SungSound, Usage
from bandmate_vocal.speech.neural import singers
from bandmate_vocal.speech.neural.frames import lay_out
from bandmate_vocal.speech.neural.language import language_code
from bandmate_vocal.speech.neural.network import HALF_FRAME, AcousticNetwork, Frames
from bandmate_vocal.speech.neural.reading import NetworkReading, read_line

_LOUDEST = 0.1
"""Seconds in which a breath's loudness is measured."""
_LEAD_FRAMES, _TAIL_FRAMES = 2, 2


@dataclass(frozen=True, slots=True)
class NeuralEngine:
    """Sings by an AcousticNetwork. Voices are singers, with a language after an @ ("alto@en")."""

    network: AcousticNetwork

    @property
    def name(self) -> str:
        return self.network.name

    @property
    def usage(self) -> Usage:
        """Nothing: it runs on this machine."""
        return Usage()

    def choose_voice(self, language: str, voice: str | None, middle_pitch: float) -> str:
        """A singer's name, for a language that the network pronounces. Raises UnknownVoice."""
        code = language_code(self.network, language)
        singer = singers.choose(voice, middle_pitch)
        return singer if code == self.network.languages[0] else f"{singer}@{code}"

    def read(self, lines: Sequence[LineText], voice: str) -> list[Reading]:
        """Pronounce each line."""
        name, _, language = voice.partition("@")
        singers.timbre_of(name)
        return [read_line(line, self.network, language or self.network.languages[0]) for line in lines]

    def sing(self, score: LineScore, voice: str, seed: int) -> SungSound:
        """Sing a line that `read` gave."""
        reading = score.reading
        if not isinstance(reading, NetworkReading):
            raise TypeError("a line can only be sung by the engine that read it")
        timbre = singers.timbre_of(voice.partition("@")[0])
        laid_out = lay_out(score, reading)
        return SungSound(self.network.render(laid_out.frames, timbre, seed), self.network.sample_rate, laid_out.start)

    def breath(self, seconds: float, voice: str, seed: int) -> SungSound:
        """The network's own h, without a voice, swelling slowly and ending fast."""
        letters = ("h", "ə")
        natural = self.network.predict(letters)
        first = 2 * int(natural.frames[0])
        level = float(natural.energy[first : first + 2 * int(natural.frames[1])].mean())
        counts = np.array([_LEAD_FRAMES, max(4, round(seconds / (2 * HALF_FRAME))), _TAIL_FRAMES, _TAIL_FRAMES])
        halves = 2 * int(counts.sum())
        silent = np.zeros(halves)
        frames = Frames(letters, counts, silent + 200.0, silent > 0, silent, silent + level)
        sound = self.network.render(frames, singers.timbre_of(voice.partition("@")[0]), seed).astype(np.float64)
        hop = round(2 * HALF_FRAME * self.network.sample_rate)
        air = sound[_LEAD_FRAMES * hop : (_LEAD_FRAMES + int(counts[1])) * hop]
        air *= np.sin(np.pi * np.linspace(0.0, 1.0, len(air)) ** 1.6) ** 1.5
        loudest = np.sort(air**2)[-round(_LOUDEST * self.network.sample_rate) :]
        return SungSound((air / np.sqrt(loudest.mean() + 1e-12)).astype(np.float32), self.network.sample_rate, 0.0)
