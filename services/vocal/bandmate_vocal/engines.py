"""The speech engine that the settings name."""

import os

from bandmate_shared.storage import Storage

from bandmate_vocal.espeak_process import EspeakEngine
from bandmate_vocal.settings import VocalSettings
from bandmate_vocal.speech import SpeechEngine


def open_engine(settings: VocalSettings, storage: Storage) -> SpeechEngine:
    """An engine for one job: its `usage` counts from zero. `storage` keeps what a paid engine has said.

    Raises AwsMissing.
    """
    espeak = EspeakEngine(settings.espeak_folder, settings.speech_seconds, settings.speech_memory_bytes)
    if settings.speech_engine == "espeak":
        return espeak
    from bandmate_vocal.polly_client import shared_client
    from bandmate_vocal.polly_engine import PollyEngine

    place = [os.environ.get(name) for name in ("AWS_ENDPOINT_URL_POLLY", "AWS_ENDPOINT_URL", "AWS_REGION")]
    return PollyEngine(
        shared_client(settings.polly_engine, *place),
        storage,
        singers=settings.polly_voices,
        concurrency=settings.polly_concurrency,
        espeak=espeak,
    )
