"""Amazon Polly as a SpeechEngine: each line is spoken once, cached in the store, and retuned afterwards."""

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import numpy as np
from bandmate_shared.objects.base import Storage
from bandmate_shared.singing.check import UnknownVoice

from bandmate_vocal.speech.base import FloatArray, Speech, Usage, Utterance, spoken_words
from bandmate_vocal.speech.concatenate import concatenate
from bandmate_vocal.speech.espeak.engine import EspeakEngine
from bandmate_vocal.speech.polly import voices as polly_voices
from bandmate_vocal.speech.polly.cache import SpeechCache
from bandmate_vocal.speech.polly.client import PollyClient, Spoken, decoded
from bandmate_vocal.speech.polly.marks import read_marks
from bandmate_vocal.speech.polly.phones import phones_from_visemes
from bandmate_vocal.speech.polly.rate import SharedRate
from bandmate_vocal.speech.polly.ssml import Markup, markup, split_text
from bandmate_vocal.speech.pronunciation import pronounce

_AUDIBLE = 0.02
"""Share of the loudest sample below which a recording counts as silent."""


@dataclass(frozen=True, slots=True)
class _Piece:
    """A part of an utterance that one pair of calls speaks; `offset` is its place in the utterance's text."""

    offset: int
    markup: Markup


class PollyEngine:
    """Speaks through Amazon Polly, which holds no pitch: a line is spoken once, whatever the notes it is sung on.

    Phones come from Polly's visemes, and from `espeak`'s pronunciation where that is given and installed.
    """

    holds_pitch = False

    def __init__(
        self,
        client: PollyClient,
        storage: Storage,
        *,
        singers: Mapping[str, str] | None = None,
        concurrency: int = 4,
        espeak: EspeakEngine | None = None,
        rate_limit: SharedRate | None = None,
    ) -> None:
        """`singers` gives singers ("alto") voices of one's own choice; at most `concurrency` calls run at once, at the
        rate that all workers share."""
        self.name = f"polly-{client.engine}"
        self.usage = Usage()
        self._client = client
        self._cache = SpeechCache(storage, client.engine)
        self._singers = dict(singers or {})
        self._concurrency = concurrency
        self._espeak = espeak
        self._rate_limit = rate_limit

    def choose_voice(self, language: str, voice: str | None, middle_pitch: float) -> str:
        """A singer's name ("alto") or one of Polly's voices ("Joanna"), as Polly spells it. Raises UnknownVoice."""
        return polly_voices.choose(
            self._client.voices(), self._client.engine, self._singers, language, voice, middle_pitch
        )

    def speak(self, utterances: Sequence[Utterance], voice: str) -> list[Speech]:
        """One Speech an utterance, without a pitch of its own.

        Raises UnknownVoice, LimitExceeded (a word of thousands of letters), and what `translate_errors` raises.
        """
        language = self._language(voice)
        plans = [_plan(utterance) for utterance in utterances]
        markups = list(dict.fromkeys(piece.markup for plan in plans for piece in plan))
        with ThreadPoolExecutor(self._concurrency, thread_name_prefix="polly") as pool:
            answers = pool.map(lambda text: self._cached_or_spoken(text, voice), markups)
            spoken = dict(zip(markups, answers, strict=True))
        texts = list(dict.fromkeys(piece.markup.text for plan in plans for piece in plan))
        known = pronounce(texts, language, self._espeak) if self._espeak and texts else [()] * len(texts)
        pronunciations = dict(zip(texts, known, strict=True))
        fresh = [answer for answer in spoken.values() if answer.billed_characters]
        self.usage = Usage(
            self.usage.billed_characters + sum(answer.billed_characters for answer in fresh),
            self.usage.requests + 2 * len(fresh),
            self.usage.from_cache + len(spoken) - len(fresh),
        )
        return [
            concatenate([(piece.offset, _speech(spoken[piece.markup], piece, pronunciations)) for piece in plan])
            for plan in plans
        ]

    def _cached_or_spoken(self, text: Markup, voice: str) -> Spoken:
        """The recording from the cache; else from Polly, checked and cached."""
        cached = self._cache.get(text.ssml, voice)
        if cached is not None:
            return cached
        spoken = self._client.speak(text.ssml, voice, self._rate_limit)
        decoded(spoken.audio)
        read_marks(spoken.marks, text, 0.0)
        return self._cache.put(text.ssml, voice, spoken)

    def _language(self, voice: str) -> str:
        voices = self._client.voices()
        for known in voices:
            if known.name == voice:
                return known.languages[0]
        names = ", ".join(known.name for known in voices)
        raise UnknownVoice(f"Amazon Polly's engine {self._client.engine} has no voice {voice!r}; it has {names}")


def _plan(utterance: Utterance) -> list[_Piece]:
    """The calls that speak an utterance; none where it has no letters or digits."""
    if not any(character.isalnum() for character in utterance.text):
        return []
    return [
        _Piece(offset, markup(text, utterance.rate))
        for offset, text in split_text(utterance.text)
        if any(character.isalnum() for character in text)
    ]


def _speech(spoken: Spoken, piece: _Piece, pronunciations: Mapping[str, Sequence[str]]) -> Speech:
    pcm, rate = decoded(spoken.audio)
    marks = read_marks(spoken.marks, piece.markup, _last_sound(pcm, rate))
    length = len(pcm) / rate
    sounds = [replace(sound, t1=min(sound.t1, length)) for sound in marks.sounds if sound.t0 < length]
    texts = [piece.markup.text[start:end] for start, end, _ in marks.words]
    phones = phones_from_visemes(sounds, texts, pronunciations[piece.markup.text])
    return Speech(pcm, rate, None, spoken_words(marks.words, phones), phones, marks.visemes)


def _last_sound(pcm: FloatArray, rate: int) -> float:
    """Seconds at which the recording falls silent."""
    loud = np.flatnonzero(np.abs(pcm) > _AUDIBLE * float(np.abs(pcm).max(initial=1e-9)))
    return float(loud[-1] + 1) / rate if len(loud) else len(pcm) / rate
