"""espeak-ng as a SpeechEngine: a fresh child process for each batch, with limits on its time and memory.

The library and its data come from the `espeakng-loader` wheel (GPL-3.0, optional). This process never imports that
package nor loads the library; it only finds the folder (see `espeak.child`).
"""

import importlib.util
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from bandmate_music.child_process.frames import FrameTooLong
from bandmate_music.child_process.process import ChildDied, ChildProcess
from bandmate_shared.singing.check import UnknownVoice

from bandmate_vocal.speech import ipa
from bandmate_vocal.speech.base import Phone, Speech, Usage, Utterance, Viseme, spoken_words
from bandmate_vocal.speech.errors import SpeechEngineMissing, SpeechFailed
from bandmate_vocal.speech.espeak import voices as espeak_voices

_EVENT_WORD, _EVENT_PHONEME = 1, 7
_MAX_ANSWER_BYTES = 1 << 28
_PITCH_LIMITS = (50.0, 1000.0)
"""Fundamentals, in Hz, that espeak-ng's synthesiser holds cleanly."""


@dataclass(frozen=True, slots=True)
class EspeakEngine:
    """Speaks through espeak-ng. `folder` holds the library and `espeak-ng-data`; None: the installed wheel's.

    `speak` takes voices as espeak-ng writes them: a language code with an optional variant, "en-us", "en-us+linda".
    """

    folder: Path | None = None
    timeout_seconds: float = 60.0
    memory_bytes: int = 500_000_000
    name: str = "espeak-ng"
    holds_pitch: bool = True

    @property
    def usage(self) -> Usage:
        """Nothing: it runs on this machine."""
        return Usage()

    def choose_voice(self, language: str, voice: str | None, middle_pitch: float) -> str:
        """A singer's name ("alto"), a variant ("linda") or espeak-ng's own spelling ("en-us+linda"), made whole."""
        codes = self._ask([], "")[0]["languages"]
        return espeak_voices.choose(codes, self._variants(), language, voice, middle_pitch)

    def speak(self, utterances: Sequence[Utterance], voice: str) -> list[Speech]:
        """One Speech an utterance. Raises UnknownVoice, SpeechEngineMissing, SpeechFailed."""
        batch = [_within_limits(utterance) for utterance in utterances]
        voices, answers = self._ask(batch, voice)
        rate = int(voices["sample_rate"])
        return [
            _speech(utterance, events, samples, rate)
            for utterance, (events, samples) in zip(batch, answers, strict=True)
        ]

    def _variants(self) -> list[str]:
        folder = self._folder() / "espeak-ng-data" / "voices" / "!v"
        return sorted(path.name for path in folder.iterdir() if path.is_file())

    def _folder(self) -> Path:
        if self.folder is not None:
            return self.folder
        spec = importlib.util.find_spec("espeakng_loader")
        if spec is None or spec.origin is None:
            raise SpeechEngineMissing(
                "espeak-ng is not installed, so nothing can be sung. Install it with "
                "`pip install bandmate-vocal[espeak]` (the espeakng-loader package, GPL-3.0, kept in a process of its "
                "own), or ask for a song without lyrics."
            )
        return Path(spec.origin).parent

    def _ask(self, batch: list[Utterance], voice: str) -> tuple[dict[str, Any], list[tuple[list[list[Any]], bytes]]]:
        """What espeak-ng says of its voices, and the events and samples of each utterance."""
        folder = self._folder()
        libraries = sorted([*folder.glob("libespeak-ng.so*"), *folder.glob("libespeak-ng*.dylib")])
        if not libraries:
            raise SpeechEngineMissing(f"there is no libespeak-ng in {folder}; reinstall `bandmate-vocal[espeak]`")
        request = {
            "library": str(libraries[0]),
            "data": str(folder / "espeak-ng-data"),
            "voice": voice,
            "utterances": [
                {"text": utterance.text, "rate": utterance.rate, "pitch": utterance.pitch} for utterance in batch
            ],
            "cpu_seconds": max(1, round(self.timeout_seconds)),
            "memory_bytes": self.memory_bytes,
        }
        deadline = time.monotonic() + self.timeout_seconds
        child = ChildProcess("bandmate_vocal.speech.espeak.child", max_frame_bytes=_MAX_ANSWER_BYTES, site=False)
        try:
            child.send(b"R", json.dumps(request).encode(), deadline)
            voices = json.loads(self._answer(child, deadline, voice))
            answers = []
            for _ in batch:
                answer = self._answer(child, deadline, voice)
                start = 4 + int.from_bytes(answer[:4], "big")
                answers.append((json.loads(answer[4:start]), answer[start:]))
            return voices, answers
        except TimeoutError as error:
            raise SpeechFailed(f"espeak-ng did not finish within {self.timeout_seconds:g} seconds") from error
        except ChildDied as death:
            status = death.status
            raise SpeechFailed(f"espeak-ng's process ended with status {status} before it had finished") from death
        except FrameTooLong as error:
            raise SpeechFailed("espeak-ng gave more sound than an utterance may have") from error
        finally:
            child.close()

    def _answer(self, child: ChildProcess, deadline: float, voice: str) -> bytes:
        """The payload of the next answer. Raises UnknownVoice, SpeechFailed for an error, and as `receive` does."""
        kind, payload = child.receive(deadline)
        if kind == b"E":
            error = json.loads(payload)
            if error["error"] == "unknown-voice":
                raise UnknownVoice(f"espeak-ng has no voice {voice!r}; it has {', '.join(error['languages'])}")
            raise SpeechFailed(f"espeak-ng {error['error']}")
        return payload


def _within_limits(utterance: Utterance) -> Utterance:
    low, high = _PITCH_LIMITS
    if utterance.pitch is None:
        return utterance
    return Utterance(utterance.text, utterance.rate, float(round(min(max(utterance.pitch, low), high))))


def _speech(utterance: Utterance, events: list[list[Any]], samples: bytes, sample_rate: int) -> Speech:
    """Words and phones from the events: each phone lasts until the next event, and belongs to the word before it."""
    pcm = np.frombuffer(samples, dtype="<i2").astype(np.float32) / 32768.0
    ends = [event[3] for event in events[1:]] + [len(pcm)]
    starts: list[tuple[int, int, float]] = []
    phones: list[Phone] = []
    for index, (kind, position, length, sample, symbol) in enumerate(events):
        if kind == _EVENT_WORD:
            starts.append((position, position + length, sample / sample_rate))
        elif kind == _EVENT_PHONEME and starts and ipa.bare(symbol):
            # A word event may stand between a phone and the next: skip to the next phoneme event.
            following = next((other[3] for other in events[index + 1 :] if other[0] == _EVENT_PHONEME), ends[index])
            t0, t1 = sample / sample_rate, min(following, len(pcm)) / sample_rate
            if t1 > t0:
                phones.append(Phone(symbol, t0, t1, ipa.nuclei(symbol) > 0, len(starts) - 1))
    visemes = tuple(Viseme(ipa.viseme(phone.ipa), phone.t0) for phone in phones)
    return Speech(pcm, sample_rate, utterance.pitch, spoken_words(starts, phones), tuple(phones), visemes)
