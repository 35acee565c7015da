"""Look up pronunciations in IPA with espeak-ng, where it is installed, for engines that return no phones."""

from collections.abc import Sequence

import structlog
from bandmate_shared.singing.check import UnknownVoice

from bandmate_vocal.speech.base import Utterance, syllabic_phones
from bandmate_vocal.speech.errors import SpeechEngineMissing, SpeechFailed
from bandmate_vocal.speech.espeak.engine import EspeakEngine

_log = structlog.get_logger(__name__)
_DEFAULT_RATE, _DEFAULT_PITCH = 175, 200.0


def pronounce(texts: Sequence[str], language: str, espeak: EspeakEngine) -> list[tuple[str, ...]]:
    """The phones of each text, with at most one syllable a phone; empty where espeak-ng cannot say.

    `language` as in "en-US"; where espeak-ng does not know the region, the language alone decides.
    """
    try:
        voice = _voice(language, espeak)
        speeches = espeak.speak([Utterance(text, _DEFAULT_RATE, _DEFAULT_PITCH) for text in texts], voice)
    except (SpeechEngineMissing, UnknownVoice):
        return [() for _ in texts]
    except SpeechFailed as error:
        _log.warning("no pronunciation", reason=error.detail)
        return [() for _ in texts]
    return [tuple(phone.ipa for phone in syllabic_phones(speech)) for speech in speeches]


def _voice(language: str, espeak: EspeakEngine) -> str:
    try:
        return espeak.choose_voice(language, None, 0.0)
    except UnknownVoice:
        return espeak.choose_voice(language.partition("-")[0], None, 0.0)
