"""Open Amazon Polly as the engine of a job."""

import os

from bandmate_shared.objects.base import Storage

from bandmate_vocal.settings import VocalSettings
from bandmate_vocal.speech.espeak.engine import EspeakEngine
from bandmate_vocal.speech.polly.client import shared_client
from bandmate_vocal.speech.polly.engine import PollyEngine
from bandmate_vocal.speech.polly.rate import QUOTAS, Reserve, SharedRate


def open_polly(settings: VocalSettings, storage: Storage, espeak: EspeakEngine, reserve: Reserve | None) -> PollyEngine:
    """Polly's engine of the settings; its calls keep the rate that all workers share where `reserve` is given.

    `storage` caches its recordings, `espeak` pronounces where it is installed. Raises AwsMissing.
    """
    per_second = settings.polly_calls_per_second or QUOTAS[settings.polly_engine]
    location = [os.environ.get(name) for name in ("AWS_ENDPOINT_URL_POLLY", "AWS_ENDPOINT_URL", "AWS_REGION")]
    return PollyEngine(
        shared_client(settings.polly_engine, *location),
        storage,
        singers=settings.polly_voices,
        concurrency=settings.polly_concurrency,
        espeak=espeak,
        rate_limit=None if reserve is None else SharedRate(reserve, settings.polly_engine, per_second),
    )
