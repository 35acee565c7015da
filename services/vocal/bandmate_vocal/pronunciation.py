"""How a line is pronounced, in IPA: asked of espeak-ng where it is installed, for engines that give no phones."""

from collections.abc import Sequence

import structlog

from bandmate_vocal.alignment import phones_of
from bandmate_vocal.espeak_process import EspeakEngine
from bandmate_vocal.speech import SpeechEngineMissing, SpeechFailed, UnknownVoice, Utterance

_log = structlog.get_logger(__name__)
_ANY_RATE, _ANY_PITCH = 175, 200.0


def pronounce(texts: Sequence[str], language: str, espeak: EspeakEngine) -> list[tuple[str, ...]]:
    """The phones of each text, with at most one syllable a phone; empty where espeak-ng cannot say.

    `language` as in "en-US"; where espeak-ng does not know the region, the language alone decides.
    """
    try:
        voice = _voice(language, espeak)
        spoken = espeak.speak([Utterance(text, _ANY_RATE, _ANY_PITCH) for text in texts], voice)
    except (SpeechEngineMissing, UnknownVoice):
        return [() for _ in texts]
    except SpeechFailed as error:
        _log.warning("no pronunciation", reason=error.detail)
        return [() for _ in texts]
    return [tuple(phone.ipa for phone in phones_of(speech)) for speech in spoken]


def _voice(language: str, espeak: EspeakEngine) -> str:
    try:
        return espeak.choose_voice(language, None, 0.0)
    except UnknownVoice:
        return espeak.choose_voice(language.partition("-")[0], None, 0.0)
