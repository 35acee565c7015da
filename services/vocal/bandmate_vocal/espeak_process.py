"""espeak-ng as a SpeechEngine: a child process a batch, limited, timed, and fresh every time.

The library and its data come from the `espeakng-loader` wheel (GPL-3.0, optional). This process never imports that
package nor loads the library; it only finds the folder (see `espeak_child`).
"""

import importlib.util
import json
import struct
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bandmate_vocal import espeak_voices, ipa
from bandmate_vocal.speech import (
    Phone,
    Speech,
    SpeechEngineMissing,
    SpeechFailed,
    UnknownVoice,
    Usage,
    Utterance,
    Viseme,
    spoken_words,
)

_EVENT_WORD, _EVENT_PHONEME = 1, 7
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
        codes = self._frames([], "")[0][0]["languages"]
        return espeak_voices.choose(codes, self._variants(), language, voice, middle_pitch)

    def speak(self, utterances: Sequence[Utterance], voice: str) -> list[Speech]:
        """One Speech an utterance. Raises UnknownVoice, SpeechEngineMissing, SpeechFailed."""
        first, *frames = self._frames([_within_limits(utterance) for utterance in utterances], voice)
        rate = int(first[0]["sample_rate"])
        return [
            _speech(utterance, header["events"], samples, rate)
            for utterance, (header, samples) in zip(map(_within_limits, utterances), frames, strict=True)
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

    def _frames(self, batch: list[Utterance], voice: str) -> list[tuple[dict[str, Any], bytes]]:
        folder = self._folder()
        libraries = sorted([*folder.glob("libespeak-ng.so*"), *folder.glob("libespeak-ng*.dylib")])
        if not libraries:
            raise SpeechEngineMissing(f"there is no libespeak-ng in {folder}; reinstall `bandmate-vocal[espeak]`")
        request = {
            "library": str(libraries[0]),
            "data": str(folder / "espeak-ng-data"),
            "voice": voice,
            "utterances": [{"text": each.text, "rate": each.rate, "pitch": each.pitch} for each in batch],
            "cpu_seconds": max(1, round(self.timeout_seconds)),
            "memory_bytes": self.memory_bytes,
        }
        child = Path(__file__).with_name("espeak_child.py")
        try:
            finished = subprocess.run(
                [sys.executable, "-I", "-S", str(child)],
                input=json.dumps(request).encode(),
                capture_output=True,
                timeout=self.timeout_seconds,
                check=False,
                env={"LC_ALL": "C.UTF-8"},
            )
        except subprocess.TimeoutExpired as error:
            raise SpeechFailed(f"espeak-ng did not finish within {self.timeout_seconds:g} seconds") from error
        frames = _read_frames(finished.stdout)
        for header, _ in frames:
            if header.get("error") == "unknown-voice":
                raise UnknownVoice(f"espeak-ng has no voice {voice!r}; it has {', '.join(header['languages'])}")
            if "error" in header:
                raise SpeechFailed(f"espeak-ng {header['error']}")
        if finished.returncode != 0 or len(frames) != len(batch) + 1:
            raise SpeechFailed(f"espeak-ng's process ended with status {finished.returncode} before it had finished")
        return frames


def _within_limits(utterance: Utterance) -> Utterance:
    low, high = _PITCH_LIMITS
    if utterance.pitch is None:
        return utterance
    return Utterance(utterance.text, utterance.rate, float(round(min(max(utterance.pitch, low), high))))


def _read_frames(output: bytes) -> list[tuple[dict[str, Any], bytes]]:
    """Headers and samples, as far as they are whole."""
    frames = []
    at = 0
    while at + 4 <= len(output):
        (length,) = struct.unpack_from(">I", output, at)
        body = at + 4 + length
        if body > len(output):
            break
        header = json.loads(output[at + 4 : body])
        end = body + int(header["bytes"])
        if end > len(output):
            break
        frames.append((header, output[body:end]))
        at = end
    return frames


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
