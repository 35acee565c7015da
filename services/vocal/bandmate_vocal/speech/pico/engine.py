"""SVOX Pico as a SpeechEngine: spoken in a child process, its phones timed by espeak-ng's (`phone_times`).

Pico (Apache-2.0) says six languages more clearly than espeak-ng, but tells neither phones nor times. So espeak-ng says
the line as well, and its phones are found in Pico's recording.
"""

import importlib.util
import json
import re
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from bandmate_music.child_process.frames import FrameTooLong
from bandmate_music.child_process.process import ChildDied, ChildProcess
from bandmate_shared.singing.catalogue import find_engine

from bandmate_vocal.speech.base import FloatArray, Speech, Usage, Utterance
from bandmate_vocal.speech.concatenate import concatenate
from bandmate_vocal.speech.errors import SpeechEngineMissing, SpeechFailed
from bandmate_vocal.speech.espeak.engine import EspeakEngine
from bandmate_vocal.speech.phone_times import align_phones
from bandmate_vocal.speech.pico import voices as pico_voices

SAMPLE_RATE = 16000
_DEFAULT_RATE = 160
"""Words a minute that Pico speaks when nothing is said about the rate."""
_SPEEDS = (0.7, 1.3)
"""Shares of its own rate between which Pico stays clear."""
_VOLUME = 0.5
"""At its own volume loud vowels clip."""
_REFERENCE_PITCH = 200.0
_PART = re.compile(r"\s*\S+(?:\s+\S+){0,23}")
_MAX_ANSWER_BYTES = 1 << 26


def is_installed() -> bool:
    """Whether the `py-nanotts` wheel is there."""
    return importlib.util.find_spec("py_nanotts") is not None


@dataclass(frozen=True, slots=True)
class PicoEngine:
    """Speaks through SVOX Pico; `espeak` times its phones."""

    espeak: EspeakEngine
    timeout_seconds: float = 60.0
    memory_bytes: int = 500_000_000
    name: str = "pico"
    holds_pitch: bool = False

    @property
    def usage(self) -> Usage:
        """Nothing: it runs on this machine."""
        return Usage()

    def choose_voice(self, language: str, voice: str | None, middle_pitch: float) -> str:
        """A singer's name ("alto") or one of Pico's voices ("pico-de"), made whole. Raises UnknownVoice."""
        return pico_voices.choose(language, voice, middle_pitch)

    def speak(self, utterances: Sequence[Utterance], voice: str) -> list[Speech]:
        """One Speech an utterance, with the intonation of speech.

        Raises UnknownVoice, SpeechEngineMissing (of Pico or espeak-ng), SpeechFailed.
        """
        chosen = pico_voices.parse(voice)
        if not is_installed():
            raise SpeechEngineMissing(f"SVOX Pico is not installed. Install it with `{find_engine('pico').install}`")
        plans = [[*_split(utterance)] for utterance in utterances]
        pieces = [piece for plan in plans for _, piece in plan]
        recordings = self._ask([(piece.text, _speed(piece.rate)) for piece in pieces], chosen.region)
        references = self._references(pieces, chosen.region)
        timed = (
            _scaled(align_phones(pcm, SAMPLE_RATE, reference), chosen.scale)
            for pcm, reference in zip(recordings, references, strict=True)
        )
        return [concatenate([(offset, next(timed)) for offset, _ in plan], SAMPLE_RATE) for plan in plans]

    def _references(self, utterances: Sequence[Utterance], region: str) -> list[Speech]:
        """The same lines by espeak-ng, at about Pico's pace."""
        spoken = [
            Utterance(utterance.text, round(_DEFAULT_RATE * _speed(utterance.rate)), _REFERENCE_PITCH)
            for utterance in utterances
        ]
        return self.espeak.speak(spoken, self.espeak.choose_voice(region, "alto", _REFERENCE_PITCH))

    def _ask(self, utterances: Sequence[tuple[str, float]], region: str) -> list[FloatArray]:
        request = {
            "utterances": [(_escaped(text), speed) for text, speed in utterances],
            "voice": region,
            "volume": _VOLUME,
            "cpu_seconds": max(1, round(self.timeout_seconds)),
            "memory_bytes": self.memory_bytes,
        }
        deadline = time.monotonic() + self.timeout_seconds
        child = ChildProcess("bandmate_vocal.speech.pico.child", max_frame_bytes=_MAX_ANSWER_BYTES, site=False)
        try:
            child.send(b"R", json.dumps(request).encode(), deadline)
            return [_samples(*child.receive(deadline)) for _ in utterances]
        except TimeoutError as error:
            raise SpeechFailed(f"SVOX Pico did not finish within {self.timeout_seconds:g} seconds") from error
        except ChildDied as death:
            raise SpeechFailed(
                f"SVOX Pico's process ended with status {death.status} before it had finished"
            ) from death
        except FrameTooLong as error:
            raise SpeechFailed("SVOX Pico gave more sound than an utterance may have") from error
        finally:
            child.close()


def _split(utterance: Utterance) -> Iterator[tuple[int, Utterance]]:
    """Parts of some words, each with its offset: finding the phones of all at once would take memory by the square."""
    for match in _PART.finditer(utterance.text):
        if any(character.isalnum() for character in match[0]):
            yield match.start(), replace(utterance, text=match[0])


def _samples(kind: bytes, payload: bytes) -> FloatArray:
    if kind == b"E":
        raise SpeechFailed(f"SVOX Pico {json.loads(payload)['error']}")
    return np.frombuffer(payload, dtype="<i2").astype(np.float32) / 32768.0


def _speed(words_per_minute: int) -> float:
    low, high = _SPEEDS
    return round(min(max(words_per_minute / _DEFAULT_RATE, low), high), 2)


def _escaped(text: str) -> str:
    """Pico reads tags in its text; what would begin one is left out."""
    return text.encode("utf-8", "replace").decode().translate(dict.fromkeys(map(ord, "<>\0"), " "))


def _scaled(speech: Speech, scale: float) -> Speech:
    """The recording played faster by `scale`: formants move by it; so do time and pitch, which singing replaces."""
    if scale == 1.0:
        return speech
    return Speech(
        speech.pcm,
        round(speech.sample_rate * scale),
        None,
        tuple(replace(word, t0=word.t0 / scale, t1=word.t1 / scale) for word in speech.words),
        tuple(replace(phone, t0=phone.t0 / scale, t1=phone.t1 / scale) for phone in speech.phones),
        tuple(replace(viseme, t=viseme.t / scale) for viseme in speech.visemes),
    )
