"""Which of Polly's voices sings: singers onto voices, by the language and by who is male and female."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bandmate_vocal.speech import UnknownVoice

SINGERS = {"soprano": "Female", "alto": "Female", "tenor": "Male", "bass": "Male"}
_FAVOURITES = {
    "standard": {"soprano": "Salli", "alto": "Joanna", "tenor": "Joey", "bass": "Matthew"},
    "neural": {"soprano": "Danielle", "alto": "Joanna", "tenor": "Stephen", "bass": "Gregory"},
}
"""For American English; elsewhere the first of the language's voices that are named so in the alphabet."""
_CHILDREN = ("Ivy", "Justin", "Kevin")
_PREFERRED = {
    "ar": "arb", "de": "de-de", "en": "en-us", "es": "es-es", "fr": "fr-fr", "nb": "nb-no", "no": "nb-no",
    "pt": "pt-br", "zh": "cmn-cn",
}  # fmt: skip
_HIGH_VOICES_FROM = 60.0
"""MIDI pitch (middle C): a melody that lies around or above it is given to the alto, else to the tenor."""


@dataclass(frozen=True, slots=True)
class PollyVoice:
    """A voice of Polly's: its id, "Female" or "Male", and the language codes it speaks, its own first."""

    name: str
    gender: str
    languages: tuple[str, ...]

    @classmethod
    def read(cls, answer: Mapping[str, Any]) -> "PollyVoice":
        """From an entry of DescribeVoices."""
        others = answer.get("AdditionalLanguageCodes", ())
        return cls(answer["Id"], answer.get("Gender", ""), (answer["LanguageCode"], *others))


def choose(
    voices: Sequence[PollyVoice],
    engine: str,
    mapping: Mapping[str, str],
    language: str,
    voice: str | None,
    middle_pitch: float,
) -> str:
    """The voice's id. Raises UnknownVoice with a list of what there is.

    `voice` may be a singer ("alto") or one of Polly's names in any case; None chooses a singer by the melody's
    `middle_pitch`. `mapping` gives singers the voices that the settings name.
    """
    by_name = {each.name.lower(): each.name for each in voices}
    if voice is not None and voice.lower() in by_name:
        return by_name[voice.lower()]
    singer = (voice or ("alto" if middle_pitch >= _HIGH_VOICES_FROM else "tenor")).lower()
    if singer not in SINGERS:
        raise UnknownVoice(
            f"there is no voice {voice!r}; there are the singers {', '.join(SINGERS)}, and of Amazon Polly's voices "
            f"those of the engine {engine}: {_listed(voices)}"
        )
    speakers = _speakers(voices, language)
    if not speakers:
        codes = sorted({code for each in voices for code in each.languages})
        raise UnknownVoice(
            f"no voice of Amazon Polly's engine {engine} speaks {language!r}; it speaks {', '.join(codes)}"
        )
    for name in (mapping.get(singer), _FAVOURITES[engine][singer]):
        if name is not None and any(each.name.lower() == name.lower() for each in speakers):
            return by_name[name.lower()]
    grown = [each for each in speakers if each.name not in _CHILDREN] or speakers
    suited = [each for each in grown if each.gender == SINGERS[singer]] or grown
    return min(each.name for each in suited)


def _speakers(voices: Sequence[PollyVoice], language: str) -> list[PollyVoice]:
    """Voices of exactly this language code; else of the usual region of the language; else of any region."""
    wanted = language.strip().lower().replace("_", "-")
    for code in (wanted, _PREFERRED.get(wanted, wanted)):
        found = [each for each in voices if each.languages[0].lower() == code]
        found = found or [each for each in voices if code in (other.lower() for other in each.languages)]
        if found:
            return found
    return [each for each in voices if each.languages[0].lower().startswith(wanted + "-")]


def _listed(voices: Sequence[PollyVoice]) -> str:
    return ", ".join(f"{each.name} ({each.languages[0]})" for each in sorted(voices, key=lambda each: each.name))
