"""The network of the `hibari-tts` package (Apache-2.0): American English, 24 kHz, by ONNX Runtime on one core.

The file is pinned by its hash and cut in memory when the first words are sung; nothing is written anywhere.
"""

import hashlib
import importlib.util
import json
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bandmate_vocal.speech.base import FloatArray
from bandmate_vocal.speech.errors import SpeechEngineMissing
from bandmate_vocal.speech.neural.network import Frames, Prosody, Timbre
from bandmate_vocal.speech.neural.onnx_session import CutModel
from bandmate_vocal.speech.neural.source_filter import synthesise
from bandmate_vocal.speech.neural.spectra import given_pitch, shape_free, shape_harmonic, shape_noise

_SHA256 = "5f70741d4e900f4e85d0037498736cc1b3e1b9a63a13546a5da1e63abf4fccd8"
_DURATION, _PITCH, _ENERGY = "/Round_output_0", "f0", "/Mul_62_output_0"
_SPECTRA = ("lh", "theta", "ln", "lr", "phi")
_UNVOICED_HZ = 10.0


class HibariNetwork:
    """`hibari-tts` as an AcousticNetwork. Nothing is loaded before it is used."""

    name = "hibari"
    languages = ("en",)
    sample_rate = 24000
    lag = 0.03

    def pronounce(self, words: Sequence[str], language: str) -> list[str]:  # noqa: ARG002
        """Each word in the network's letters; read together where that keeps the words apart: neighbours matter."""
        together = str(self._reader(" ".join(words))).strip(" .").split(" ")
        if len(together) == len(words):
            return together
        return [str(self._reader(word)).strip(" .").replace(" ", "") for word in words]

    def knows(self, letter: str) -> bool:
        """Whether it is in the network's alphabet."""
        return letter in self._numbers

    def predict(self, letters: Sequence[str]) -> Prosody:
        """How it would say the letters, at the speed of its training."""
        inputs: dict[str, NDArray[Any]] = {"ids": self._ids(letters), "speed": np.ones(1, np.float32)}
        frames, pitch, energy = self._parts[0].run(inputs)
        counts = np.maximum(frames.ravel(), 1).astype(np.int64)
        return Prosody(counts, pitch.ravel().astype(np.float64), energy.ravel().astype(np.float64))

    def render(self, frames: Frames, timbre: Timbre, seed: int) -> FloatArray:
        """The sung samples; `seed` is that of the noise in breath and consonants."""
        from hibari import dsp  # start-up time: only a song with words needs the package

        given = np.where(frames.voiced, given_pitch(frames.pitch, timbre), _UNVOICED_HZ)
        inputs: dict[str, NDArray[Any]] = {
            "ids": self._ids(frames.letters),
            _DURATION: frames.frames.astype(np.float32),
            _PITCH: given[None].astype(np.float32),
            _ENERGY: frames.energy[None].astype(np.float32),
        }
        harmonic, turn, noise, free, phase = (spectrum[0] for spectrum in self._parts[1].run(inputs))
        frequencies = np.arange(len(harmonic)) * (dsp.SR / dsp.N_FFT)
        shaped = (
            shape_harmonic(harmonic, frequencies, timbre),
            turn,
            shape_noise(noise, frames, timbre),
            shape_free(free, frequencies, frames, timbre),
            phase,
        )
        return synthesise(shaped, frames.pitch, frames.voiced, seed, dsp)

    @cached_property
    def _folder(self) -> Path:
        spec = importlib.util.find_spec("hibari")
        if spec is None or spec.origin is None:
            raise SpeechEngineMissing(
                "the English singer is not installed. Install it with `pip install hibari-tts` (Apache-2.0, 14 MB), or "
                "ask for a song without lyrics."
            )
        return Path(spec.origin).parent / "assets"

    @cached_property
    def _numbers(self) -> dict[str, int]:
        numbers: dict[str, int] = json.loads((self._folder / "vocab.json").read_text(encoding="utf-8"))
        return numbers

    @cached_property
    def _reader(self) -> Any:
        self._folder  # noqa: B018
        from hibari.g2p import G2P  # start-up time: dictionaries of 60 MB, only for a song with words

        return G2P()

    @cached_property
    def _parts(self) -> tuple[CutModel, CutModel]:
        path = self._folder / "hibari.onnx"
        model = path.read_bytes()
        if hashlib.sha256(model).hexdigest() != _SHA256:
            raise SpeechEngineMissing(
                f"{path} is not the voice that this version sings with; reinstall it with "
                "`pip install --force-reinstall hibari-tts==0.2.1`"
            )
        return CutModel(model, (_DURATION, _PITCH, _ENERGY)), CutModel(model, _SPECTRA, (_DURATION, _PITCH, _ENERGY))

    def _ids(self, letters: Sequence[str]) -> NDArray[np.int64]:
        return np.array([[0, *(self._numbers[letter] for letter in letters), 0]], np.int64)
