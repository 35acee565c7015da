"""A neural network as a SpeechEngine: it speaks lines on one pitch, which are retuned to the melody by overlap-add.

For networks that stretched vowels do not become: they take in the consonants beside them, and fall apart. Spoken at its
natural pace and on a steady pitch inside the range of speech, a line keeps its sounds; where its phones and its periods
lie is known exactly, as both were given to the network.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from bandmate_shared.singing.check import UnknownVoice

from bandmate_vocal.speech import ipa
from bandmate_vocal.speech.base import FloatArray, LineText, Speech, SpokenWord, Usage, Utterance, Viseme
from bandmate_vocal.speech.concatenate import concatenate
from bandmate_vocal.speech.neural import singers
from bandmate_vocal.speech.neural.frames import spoken_frames
from bandmate_vocal.speech.neural.language import language_code
from bandmate_vocal.speech.neural.network import AcousticNetwork, Timbre
from bandmate_vocal.speech.neural.reading import NetworkReading, read_line
from bandmate_vocal.speech.neural.vowel_bounds import fitted

_PITCHES = (150.0, 200.0, 262.0)
"""Fundamentals, in Hz, that lines are spoken at: the nearest is asked for. Few, as every one costs a rendering."""
_LOW_PITCHES = (98.0, 131.0, 175.0)
"""The same of singers whose formants lie below _LOW_FORMANTS."""
_LOW_FORMANTS = 0.92
_PART = re.compile(r"\s*\S+(?:\s+\S+){0,23}")
"""Words that are spoken at once."""


@dataclass(frozen=True, slots=True)
class SpeakingEngine:
    """Speaks by an AcousticNetwork. Voices are singers, with a language after an @ ("alto@nl")."""

    network: AcousticNetwork
    holds_pitch: bool = True

    @property
    def name(self) -> str:
        return self.network.name

    @property
    def usage(self) -> Usage:
        """Nothing: it runs on this machine."""
        return Usage()

    def choose_voice(self, language: str, voice: str | None, middle_pitch: float) -> str:
        """A singer's name with the language. Raises UnknownVoice."""
        return f"{singers.choose(voice, middle_pitch)}@{language_code(self.network, language)}"

    def speak(self, utterances: Sequence[Utterance], voice: str) -> list[Speech]:
        """One Speech an utterance; `pitch` is the one that it was spoken at, near the one asked for.

        Raises UnknownVoice, SpeechEngineMissing, SpeechFailed.
        """
        name, _, language = voice.partition("@")
        if language not in self.network.languages:
            raise UnknownVoice(f"{self.name} has no voice {voice!r}; it sings {', '.join(self.network.languages)}")
        timbre = singers.timbre_of(name)
        spoken: dict[tuple[str, float], Speech] = {}
        for utterance in utterances:
            key = (utterance.text, _nearest(utterance.pitch, timbre))
            if key not in spoken:
                spoken[key] = self._speak(*key, language, timbre)
        return [spoken[utterance.text, _nearest(utterance.pitch, timbre)] for utterance in utterances]

    def _speak(self, text: str, pitch: float, language: str, timbre: Timbre) -> Speech:
        parts = []
        for match in _PART.finditer(text):
            spans = [(word.start(), word.end()) for word in _words(match[0])]
            if not spans:
                continue
            words = tuple(match[0][start:end] for start, end in spans)
            reading = read_line(LineText(words), self.network, language)
            frames = spoken_frames(reading, pitch)
            pcm = self.network.render(frames, timbre, 0)
            parts.append((match.start(), _speech(reading, spans, pcm, self.network.sample_rate, pitch)))
        return replace(concatenate(parts, self.network.sample_rate), pitch=pitch)


def _words(text: str) -> Iterator[re.Match[str]]:
    return (match for match in re.finditer(r"\S+", text) if any(character.isalnum() for character in match[0]))


def _nearest(pitch: float | None, timbre: Timbre) -> float:
    pitches = _LOW_PITCHES if timbre.formants < _LOW_FORMANTS else _PITCHES
    wanted = pitch or pitches[1]
    return min(pitches, key=lambda known: abs(np.log(known / wanted)))


def _speech(
    reading: NetworkReading,
    spans: Sequence[tuple[int, int]],
    pcm: FloatArray,
    rate: int,
    pitch: float,
) -> Speech:
    """The reading as it was spoken: words at their places in the text."""
    phones = fitted(reading.phones, pcm, rate, pitch)
    words = tuple(
        SpokenWord(start, end, word.t0, word.t1) for (start, end), word in zip(spans, reading.words, strict=True)
    )
    return Speech(pcm, rate, pitch, words, phones, tuple(Viseme(ipa.viseme(phone.ipa), phone.t0) for phone in phones))
