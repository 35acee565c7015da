"""Amazon Polly as a SpeechEngine: spoken once, kept in the store, and brought to the sung pitch afterwards."""

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import numpy as np
from bandmate_shared.storage import Storage

from bandmate_vocal import polly_voices
from bandmate_vocal.espeak_process import EspeakEngine
from bandmate_vocal.polly_cache import SpeechCache
from bandmate_vocal.polly_client import PollyClient, Spoken, decoded
from bandmate_vocal.polly_marks import read_marks
from bandmate_vocal.polly_phones import phones_from
from bandmate_vocal.polly_ssml import Markup, markup, pieces
from bandmate_vocal.pronunciation import pronounce
from bandmate_vocal.speech import (
    FloatArray,
    Phone,
    Speech,
    SpokenWord,
    UnknownVoice,
    Usage,
    Utterance,
    Viseme,
    spoken_words,
)

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
    ) -> None:
        """`singers` gives singers ("alto") voices of one's own choice; at most `concurrency` calls run at once."""
        self.name = f"polly-{client.engine}"
        self.usage = Usage()
        self._client = client
        self._cache = SpeechCache(storage, client.engine)
        self._singers = dict(singers or {})
        self._concurrency = concurrency
        self._espeak = espeak

    def choose_voice(self, language: str, voice: str | None, middle_pitch: float) -> str:
        """A singer's name ("alto") or one of Polly's voices ("Joanna"), as Polly spells it. Raises UnknownVoice."""
        return polly_voices.choose(
            self._client.voices(), self._client.engine, self._singers, language, voice, middle_pitch
        )

    def speak(self, utterances: Sequence[Utterance], voice: str) -> list[Speech]:
        """One Speech an utterance, without a pitch of its own.

        Raises UnknownVoice, LimitExceeded (a word of thousands of letters), and what `polly_errors` names.
        """
        language = self._language(voice)
        plans = [_plan(utterance) for utterance in utterances]
        wanted = list(dict.fromkeys(piece.markup for plan in plans for piece in plan))
        with ThreadPoolExecutor(self._concurrency, thread_name_prefix="polly") as pool:
            spoken = dict(zip(wanted, pool.map(lambda each: self._recorded(each, voice), wanted), strict=True))
        texts = list(dict.fromkeys(piece.markup.text for plan in plans for piece in plan))
        known = pronounce(texts, language, self._espeak) if self._espeak and texts else [()] * len(texts)
        pronunciations = dict(zip(texts, known, strict=True))
        fresh = [each for each in spoken.values() if each.billed_characters]
        self.usage = Usage(
            self.usage.billed_characters + sum(each.billed_characters for each in fresh),
            self.usage.requests + 2 * len(fresh),
            self.usage.from_cache + len(spoken) - len(fresh),
        )
        return [
            _joined([(piece, _speech(spoken[piece.markup], piece, pronunciations)) for piece in plan]) for plan in plans
        ]

    def _recorded(self, wanted: Markup, voice: str) -> Spoken:
        """From the cache, or asked for and put there if it can be read."""
        kept = self._cache.get(wanted.ssml, voice)
        if kept is not None:
            return kept
        spoken = self._client.speak(wanted.ssml, voice)
        decoded(spoken.audio)
        read_marks(spoken.marks, wanted, 0.0)
        return self._cache.put(wanted.ssml, voice, spoken)

    def _language(self, voice: str) -> str:
        voices = self._client.voices()
        for each in voices:
            if each.name == voice:
                return each.languages[0]
        names = ", ".join(each.name for each in voices)
        raise UnknownVoice(f"Amazon Polly's engine {self._client.engine} has no voice {voice!r}; it has {names}")


def _plan(utterance: Utterance) -> list[_Piece]:
    """What to ask for; nothing where there is nothing to say."""
    if not any(character.isalnum() for character in utterance.text):
        return []
    return [
        _Piece(offset, markup(text, utterance.rate))
        for offset, text in pieces(utterance.text)
        if any(character.isalnum() for character in text)
    ]


def _speech(spoken: Spoken, piece: _Piece, pronunciations: Mapping[str, Sequence[str]]) -> Speech:
    pcm, rate = decoded(spoken.audio)
    marks = read_marks(spoken.marks, piece.markup, _last_sound(pcm, rate))
    length = len(pcm) / rate
    sounds = [replace(each, t1=min(each.t1, length)) for each in marks.sounds if each.t0 < length]
    texts = [piece.markup.text[start:end] for start, end, _ in marks.words]
    phones = phones_from(sounds, texts, pronunciations[piece.markup.text])
    return Speech(pcm, rate, None, spoken_words(marks.words, phones), phones, marks.visemes)


def _last_sound(pcm: FloatArray, rate: int) -> float:
    """Seconds at which the recording falls silent."""
    loud = np.flatnonzero(np.abs(pcm) > _AUDIBLE * float(np.abs(pcm).max(initial=1e-9)))
    return float(loud[-1] + 1) / rate if len(loud) else len(pcm) / rate


def _joined(parts: Sequence[tuple[_Piece, Speech]]) -> Speech:
    """One after the other, with times, offsets and words counted on."""
    if not parts:
        return Speech(np.zeros(0, dtype=np.float32), 24000, None, (), (), ())
    if len(parts) == 1 and parts[0][0].offset == 0:
        return parts[0][1]
    words: list[SpokenWord] = []
    phones: list[Phone] = []
    visemes: list[Viseme] = []
    at = 0.0
    for piece, speech in parts:
        first = len(words)
        for word in speech.words:
            start, end = word.char_start + piece.offset, word.char_end + piece.offset
            words.append(replace(word, char_start=start, char_end=end, t0=word.t0 + at, t1=word.t1 + at))
        phones += [replace(each, t0=each.t0 + at, t1=each.t1 + at, word=each.word + first) for each in speech.phones]
        visemes += [replace(each, t=each.t + at) for each in speech.visemes]
        at += len(speech.pcm) / speech.sample_rate
    pcm = np.concatenate([speech.pcm for _, speech in parts])
    return Speech(pcm, parts[0][1].sample_rate, None, tuple(words), tuple(phones), tuple(visemes))
