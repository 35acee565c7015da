"""Calls to Amazon Polly: two for an utterance, one for its sound and one for its speech marks.

The sound comes as Ogg Vorbis: `pcm` ends at 16 kHz, which cuts off what makes an s an s, and MP3 begins with a pause
of the encoder's that the marks do not know of.
"""

import io
import time
from dataclasses import dataclass
from functools import cache
from threading import Lock
from typing import Any

import numpy as np
import soundfile
from bandmate_shared.aws import aws_client
from botocore.exceptions import BotoCoreError
from urllib3.exceptions import HTTPError

from bandmate_vocal.settings import check_polly_engine
from bandmate_vocal.speech.base import FloatArray
from bandmate_vocal.speech.errors import SpeechFailed
from bandmate_vocal.speech.polly.errors import translate_errors
from bandmate_vocal.speech.polly.rate import SharedRate
from bandmate_vocal.speech.polly.voices import PollyVoice

FORMAT = "ogg_vorbis"
MARKS = ("sentence", "ssml", "viseme", "word")
SAMPLE_RATES = {"standard": 22050, "neural": 24000}
"""The rates that the engines were recorded at, in Hz."""
_TRIES = 6
"""Attempts at a call that is throttled or fails, with exponentially longer random waits between them."""
_STREAM_TRIES = 3
"""Attempts at a call whose answer breaks off: boto3 does not repeat those."""
_VOICES_SECONDS = 3600.0
"""Seconds for which the list of voices is cached; AWS adds some a few times a year."""


@dataclass(frozen=True, slots=True)
class Spoken:
    """Polly's answers for one utterance, unparsed, and the characters that it bills for both calls."""

    audio: bytes
    marks: bytes
    billed_characters: int


class PollyClient:
    """Polly with one of its engines. May be shared by threads."""

    def __init__(self, engine: str) -> None:
        """Raises AwsMissing; ValueError for an engine that cannot be sung with."""
        check_polly_engine(engine)
        self.engine = engine
        self._polly = aws_client("polly", attempts=_TRIES)
        self._voices: tuple[PollyVoice, ...] = ()
        self._voices_at = -_VOICES_SECONDS
        self._lock = Lock()

    def speak(self, ssml: str, voice: str, rate_limit: SharedRate | None = None) -> Spoken:
        """Sound and marks, two calls of the rate. Raises what `translate_errors` raises."""
        request = {"Engine": self.engine, "Text": ssml, "TextType": "ssml", "VoiceId": voice}
        rate = str(SAMPLE_RATES[self.engine])
        sound = {**request, "OutputFormat": FORMAT, "SampleRate": rate}
        audio, billed = self._ask(sound, rate_limit)
        marks, again = self._ask({**request, "OutputFormat": "json", "SpeechMarkTypes": list(MARKS)}, rate_limit)
        return Spoken(audio, marks, billed + again)

    def voices(self) -> tuple[PollyVoice, ...]:
        """The engine's voices, asked for at most once an hour. Raises what `translate_errors` raises."""
        with self._lock:
            if time.monotonic() - self._voices_at >= _VOICES_SECONDS:
                with translate_errors(f"voices of the engine {self.engine}"):
                    pages = self._polly.get_paginator("describe_voices").paginate(Engine=self.engine)
                    self._voices = tuple(
                        PollyVoice.read(description) for page in pages for description in page["Voices"]
                    )
                self._voices_at = time.monotonic()
            return self._voices

    def _ask(self, request: dict[str, Any], rate_limit: SharedRate | None) -> tuple[bytes, int]:
        asked_for = f"voice {request['VoiceId']}, engine {self.engine}, {len(request['Text'])} characters of SSML"
        billed = 0
        with translate_errors(asked_for):
            for tries_left in reversed(range(_STREAM_TRIES)):
                if rate_limit is not None:
                    rate_limit.wait()
                answer = self._polly.synthesize_speech(**request)
                billed += int(answer["RequestCharacters"])
                try:
                    with answer["AudioStream"] as stream:
                        return stream.read(), billed
                except (BotoCoreError, HTTPError) as error:
                    if not tries_left:
                        raise SpeechFailed(f"Amazon Polly's answers break off ({asked_for}): {error}") from error
        raise AssertionError("unreachable")


def decoded(audio: bytes) -> tuple[FloatArray, int]:
    """Mono samples in -1..1 and their rate. Raises SpeechFailed."""
    try:
        samples, rate = soundfile.read(io.BytesIO(audio), dtype="float32", always_2d=True)
    except soundfile.LibsndfileError as error:
        raise SpeechFailed(f"Amazon Polly sent sound that cannot be read: {error.error_string}") from error
    return np.ascontiguousarray(samples[:, 0]), int(rate)


@cache
def shared_client(engine: str, *_location: str | None) -> PollyClient:
    """The client of this process for an engine, endpoint and region: jobs share its connections."""
    return PollyClient(engine)
