"""Kokoro-82M (Apache-2.0, int8): Portuguese, Dutch and Swedish, 24 kHz, by ONNX Runtime on one core.

Its graph is cut at durations, fundamental and energy. espeak-ng, in a process of its own, reads the words.
"""

import importlib.util
import json
from bisect import bisect_right
from collections.abc import Sequence
from functools import cached_property
from itertools import accumulate
from pathlib import Path
from typing import Any

import numpy as np
from bandmate_shared.singing.catalogue import find_engine
from numpy.typing import NDArray

from bandmate_vocal.speech.base import FloatArray, Speech, Utterance
from bandmate_vocal.speech.errors import SpeechEngineMissing
from bandmate_vocal.speech.espeak.engine import EspeakEngine
from bandmate_vocal.speech.neural.kokoro_files import read_model, read_voice
from bandmate_vocal.speech.neural.kokoro_letters import ESPEAK_VOICES, letters_of
from bandmate_vocal.speech.neural.network import HALF_FRAME, Frames, Prosody, Timbre
from bandmate_vocal.speech.neural.onnx_session import CutModel
from bandmate_vocal.speech.neural.spectra import harmonic_gain

_STYLE_SIZE = 256
_DURATION, _PITCH, _ENERGY = "/encoder/Round_output_0", "/encoder/Reshape_output_0", "/encoder/Reshape_1_output_0"
_UNVOICED_HZ = 10.0
_RATE_WPM, _REFERENCE_PITCH = 160, 200.0
_WOMAN, _MAN = "pf_dora", "pm_alex"
_WOMAN_FROM, _MAN_TO = 0.97, 0.89
"""Formant scale of a singer from which the woman's voice sings alone, and up to which the man's; between, a mixture."""


class KokoroNetwork:
    """Kokoro as an AcousticNetwork. Nothing is loaded before it is used."""

    name = "kokoro"
    languages = tuple(ESPEAK_VOICES)
    sample_rate = 24000
    import os as _os

    lag = float(_os.environ.get("LAG", "0.03"))

    def __init__(self, espeak: EspeakEngine, voices: Path) -> None:
        """`voices`: the archive of the package kokoro-js."""
        self._espeak = espeak
        self._voices = voices

    def pronounce(self, words: Sequence[str], language: str) -> list[str]:
        """Each word in the network's letters: the line read as a whole, and again alone what was read with another."""
        (together,) = self._read([" ".join(words)], language)
        starts = list(accumulate((len(word) + 1 for word in words[:-1]), initial=0))
        spelled = [""] * len(words)
        for phone in together.phones:
            word = bisect_right(starts, together.words[phone.word].char_start) - 1
            spelled[word] += letters_of(phone.ipa, language)
        silent = [number for number, letters in enumerate(spelled) if not letters]
        if silent:
            for number, alone in zip(silent, self._read([words[number] for number in silent], language), strict=True):
                spelled[number] = "".join(letters_of(phone.ipa, language) for phone in alone.phones)
        return spelled

    def knows(self, letter: str) -> bool:
        """Whether it is in the network's alphabet."""
        return letter in self._numbers

    def predict(self, letters: Sequence[str]) -> Prosody:
        """How the woman's voice would say the letters."""
        inputs = self._inputs(letters, 1.0) | {"speed": np.ones(1, np.float32)}
        frames, pitch, energy = self._speaking.run(inputs)
        counts = np.maximum(frames.ravel(), 1).astype(np.int64)
        return Prosody(counts, pitch.ravel().astype(np.float64), energy.ravel().astype(np.float64))

    def render(self, frames: Frames, timbre: Timbre, seed: int) -> FloatArray:  # noqa: ARG002
        """The samples; the network has no noise of its own, so that every seed gives the same."""
        count = len(frames.pitch) * round(HALF_FRAME * self.sample_rate)
        pitch = np.where(frames.voiced, frames.pitch, _UNVOICED_HZ)
        inputs = self._inputs(frames.letters, timbre.formants) | {
            _DURATION: frames.frames.astype(np.float32)[None],
            _PITCH: pitch[None].astype(np.float32),
            _ENERGY: frames.energy[None].astype(np.float32),
        }
        (sound,) = self._singing.run(inputs)
        sound = sound.ravel()[:count]
        return _equalised(np.pad(sound, (0, count - len(sound))), self.sample_rate, timbre)

    def _read(self, texts: Sequence[str], language: str) -> list[Speech]:
        utterances = [Utterance(text, _RATE_WPM, _REFERENCE_PITCH) for text in texts]
        return self._espeak.speak(utterances, ESPEAK_VOICES[language])

    def _inputs(self, letters: Sequence[str], formants: float) -> dict[str, NDArray[Any]]:
        ids = [self._numbers[letter] for letter in letters]
        woman, man = (styles[min(len(ids), len(styles)) - 1] for styles in self._styles)
        share = float(np.clip((_WOMAN_FROM - formants) / (_WOMAN_FROM - _MAN_TO), 0.0, 1.0))
        return {"tokens": np.array([[0, *ids, 0]], np.int64), "style": ((1.0 - share) * woman + share * man)[None]}

    @cached_property
    def _numbers(self) -> dict[str, int]:
        """The alphabet, which hibari has from Kokoro."""
        spec = importlib.util.find_spec("hibari")
        if spec is None or spec.origin is None:
            raise SpeechEngineMissing(
                f"Kokoro's alphabet is not installed. Install it with `{find_engine('hibari').install}`"
            )
        text = (Path(spec.origin).parent / "assets" / "vocab.json").read_text(encoding="utf-8")
        numbers: dict[str, int] = json.loads(text)
        return numbers

    @cached_property
    def _styles(self) -> tuple[FloatArray, FloatArray]:
        """Of a woman and a man, [letters, 256]: a style for each length of a line."""
        woman, man = (read_voice(self._voices, name) for name in (_WOMAN, _MAN))
        return np.frombuffer(woman, "<f4").reshape(-1, _STYLE_SIZE), np.frombuffer(man, "<f4").reshape(-1, _STYLE_SIZE)

    @cached_property
    def _speaking(self) -> CutModel:
        return CutModel(read_model(), (_DURATION, _PITCH, _ENERGY))

    @cached_property
    def _singing(self) -> CutModel:
        return CutModel(read_model(), ("audio",), (_DURATION, _PITCH, _ENERGY))


def _equalised(sound: FloatArray, rate: int, timbre: Timbre) -> FloatArray:
    """The samples with the singer's tilt and ring."""
    if not (timbre.tilt or timbre.ring) or not len(sound):
        return sound
    frequencies = np.fft.rfftfreq(len(sound), 1.0 / rate).astype(np.float64)
    gain = harmonic_gain(frequencies, timbre)
    equalised: FloatArray = np.fft.irfft(np.fft.rfft(sound) * 10.0 ** (gain / 20.0), len(sound)).astype(np.float32)
    return equalised
