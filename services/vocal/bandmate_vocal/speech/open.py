"""Open the engine for a request."""

from collections.abc import Callable, Sequence

from bandmate_shared.objects.base import Storage

from bandmate_vocal.settings import VocalSettings
from bandmate_vocal.speech.base import SingingEngine, SpeechEngine
from bandmate_vocal.speech.choice import choose_engine
from bandmate_vocal.speech.espeak.engine import EspeakEngine
from bandmate_vocal.speech.neural.engine import NeuralEngine
from bandmate_vocal.speech.neural.hibari import HibariNetwork
from bandmate_vocal.speech.neural.kokoro import KokoroNetwork
from bandmate_vocal.speech.neural.speaking_engine import SpeakingEngine
from bandmate_vocal.speech.pico.engine import PicoEngine


def open_engine(
    settings: VocalSettings,
    storage: Storage,
    name: str | None = None,
    language: str = "en",
    voices: Sequence[str | None] = (),
    reserve: Callable[[str, float, int, float], float | None] | None = None,
) -> SpeechEngine | SingingEngine:
    """An engine for one job: its `usage` counts from zero. `storage` caches the recordings of a paid engine.

    It is the one of that `name`, which a request may ask for; else the one that has the voices, that of the settings,
    or the best for the language. `reserve` keeps the rate of calls to a service that all workers share
    (`JobContext.reserve_call`). Raises SpeechEngineMissing, AwsMissing.
    """
    chosen = choose_engine(settings, language, voices, name)
    espeak = EspeakEngine(settings.espeak_folder, settings.speech_seconds, settings.speech_memory_bytes)
    if chosen == "espeak":
        return espeak
    if chosen == "hibari":
        return NeuralEngine(HibariNetwork())
    if chosen == "kokoro":
        return SpeakingEngine(KokoroNetwork(espeak, settings.kokoro_archive))
    if chosen == "pico":
        return PicoEngine(espeak, settings.speech_seconds, settings.speech_memory_bytes)
    from bandmate_vocal.speech.polly.open import open_polly  # optional extra: boto3

    return open_polly(settings, storage, espeak, reserve)
