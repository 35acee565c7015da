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
from bandmate_shared.aws import aws_client

from bandmate_vocal.polly_errors import translated
from bandmate_vocal.polly_voices import PollyVoice
from bandmate_vocal.speech import FloatArray, SpeechFailed

FORMAT = "ogg_vorbis"
MARKS = ("sentence", "ssml", "viseme", "word")
SAMPLE_RATES = {"standard": 22050, "neural": 24000}
"""What the engines were recorded at; more would be made up, less would be dull."""
UNSUITABLE = {
    "generative": "it gives no speech marks, so nobody knows when which sound is spoken",
    "long-form": "it is made for pages of prose at several times the price, and a sung line is a few words",
}
_TRIES = 6
"""Attempts at a call that is throttled or fails, with exponentially longer random waits between them."""
_STREAM_TRIES = 3
"""Attempts at a call whose answer breaks off: boto3 does not repeat those."""
_VOICES_SECONDS = 3600.0
"""For so long a list of voices is believed; AWS adds some a few times a year."""


@dataclass(frozen=True, slots=True)
class Spoken:
    """What Polly sent for one utterance, as it sent it, and the characters it bills for both calls."""

    audio: bytes
    marks: bytes
    billed_characters: int


class PollyClient:
    """Polly with one of its engines. May be shared by threads."""

    def __init__(self, engine: str) -> None:
        """Raises AwsMissing; ValueError for an engine that cannot be sung with."""
        check_engine(engine)
        self.engine = engine
        self._polly = aws_client("polly", attempts=_TRIES)
        self._voices: tuple[PollyVoice, ...] = ()
        self._voices_at = -_VOICES_SECONDS
        self._lock = Lock()

    def speak(self, ssml: str, voice: str) -> Spoken:
        """Sound and marks. Raises what `polly_errors.translated` raises."""
        request = {"Engine": self.engine, "Text": ssml, "TextType": "ssml", "VoiceId": voice}
        rate = str(SAMPLE_RATES[self.engine])
        audio, billed = self._ask({**request, "OutputFormat": FORMAT, "SampleRate": rate})
        marks, again = self._ask({**request, "OutputFormat": "json", "SpeechMarkTypes": list(MARKS)})
        return Spoken(audio, marks, billed + again)

    def voices(self) -> tuple[PollyVoice, ...]:
        """The engine's voices, asked for at most once an hour. Raises what `polly_errors.translated` raises."""
        with self._lock:
            if time.monotonic() - self._voices_at >= _VOICES_SECONDS:
                with translated(f"voices of the engine {self.engine}"):
                    pages = self._polly.get_paginator("describe_voices").paginate(Engine=self.engine)
                    self._voices = tuple(PollyVoice.read(each) for page in pages for each in page["Voices"])
                self._voices_at = time.monotonic()
            return self._voices

    def _ask(self, request: dict[str, Any]) -> tuple[bytes, int]:
        from botocore.exceptions import BotoCoreError
        from urllib3.exceptions import HTTPError

        asked_for = f"voice {request['VoiceId']}, engine {self.engine}, {len(request['Text'])} characters of SSML"
        billed = 0
        with translated(asked_for):
            for tries_left in reversed(range(_STREAM_TRIES)):
                answer = self._polly.synthesize_speech(**request)
                billed += int(answer["RequestCharacters"])
                try:
                    with answer["AudioStream"] as stream:
                        return stream.read(), billed
                except (BotoCoreError, HTTPError) as error:
                    if not tries_left:
                        raise SpeechFailed(f"Amazon Polly's answers break off ({asked_for}): {error}") from error
        raise AssertionError("unreachable")


def check_engine(engine: str) -> None:
    """Raises ValueError, with the reason, for an engine of Polly's that cannot be sung with."""
    if engine not in SAMPLE_RATES:
        reason = UNSUITABLE.get(engine, "there is no such engine")
        raise ValueError(f"Amazon Polly's engine {engine!r} cannot sing: {reason}; use {' or '.join(SAMPLE_RATES)}")


def decoded(audio: bytes) -> tuple[FloatArray, int]:
    """Mono samples in -1..1 and their rate. Raises SpeechFailed."""
    import soundfile

    try:
        samples, rate = soundfile.read(io.BytesIO(audio), dtype="float32", always_2d=True)
    except soundfile.LibsndfileError as error:
        raise SpeechFailed(f"Amazon Polly sent sound that cannot be read: {error.error_string}") from error
    return np.ascontiguousarray(samples[:, 0]), int(rate)


@cache
def shared_client(engine: str, *_place: str | None) -> PollyClient:
    """The process's client for an engine and a place (endpoint, region): connections are kept from job to job."""
    return PollyClient(engine)
