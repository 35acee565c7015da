"""Map singers ('alto') to Polly's voices, by language and gender."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bandmate_shared.singing.check import UnknownVoice

_GENDERS = {
    "soprano": "Female",
    "alto": "Female",
    "tenor": "Male",
    "bass": "Male",
    "bright": "Female",
    "dark": "Female",
    "breathy": "Female",
    "child": "Female",
}
_PREFERRED_VOICES = {
    "standard": {
        "soprano": "Salli",
        "alto": "Joanna",
        "tenor": "Joey",
        "bass": "Matthew",
        "bright": "Kendra",
        "dark": "Kimberly",
        "breathy": "Joanna",
        "child": "Ivy",
    },
    "neural": {
        "soprano": "Danielle",
        "alto": "Joanna",
        "tenor": "Stephen",
        "bass": "Gregory",
        "bright": "Kendra",
        "dark": "Ruth",
        "breathy": "Joanna",
        "child": "Ivy",
    },
}
"""For American English; for other languages the first suitable voice in alphabetical order."""
_CHILDREN = ("Ivy", "Justin", "Kevin")
_DEFAULT_REGIONS = dict(
    pair.split("=")
    for pair in [
        "ar=arb",
        "de=de-de",
        "en=en-us",
        "es=es-es",
        "fr=fr-fr",
        "nb=nb-no",
        "no=nb-no",
        "pt=pt-br",
        "zh=cmn-cn",
    ]
)
_ALTO_FROM_PITCH = 60.0
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
        other_languages = answer.get("AdditionalLanguageCodes", ())
        return cls(answer["Id"], answer.get("Gender", ""), (answer["LanguageCode"], *other_languages))


def choose(
    voices: Sequence[PollyVoice],
    engine: str,
    mapping: Mapping[str, str],
    language: str,
    voice: str | None,
    middle_pitch: float,
) -> str:
    """The voice's id. Raises UnknownVoice with a list of those that exist.

    `voice` may be a singer ("alto") or one of Polly's names in any case; None chooses a singer by the melody's
    `middle_pitch`. `mapping` gives singers the voices that the settings name.
    """
    by_name = {candidate.name.lower(): candidate.name for candidate in voices}
    if voice is not None and voice.lower() in by_name:
        return by_name[voice.lower()]
    singer = (voice or ("alto" if middle_pitch >= _ALTO_FROM_PITCH else "tenor")).lower()
    if singer not in _GENDERS:
        raise UnknownVoice(
            f"there is no voice {voice!r}; there are the singers {', '.join(_GENDERS)}, and of Amazon Polly's voices "
            f"those of the engine {engine}: {_describe(voices)}"
        )
    speakers = _speakers(voices, language)
    if not speakers:
        codes = sorted({code for candidate in voices for code in candidate.languages})
        raise UnknownVoice(
            f"no voice of Amazon Polly's engine {engine} speaks {language!r}; it speaks {', '.join(codes)}"
        )
    for name in (mapping.get(singer), _PREFERRED_VOICES[engine][singer]):
        if name is not None and any(candidate.name.lower() == name.lower() for candidate in speakers):
            return by_name[name.lower()]
    adults = [candidate for candidate in speakers if candidate.name not in _CHILDREN] or speakers
    suited = [candidate for candidate in adults if candidate.gender == _GENDERS[singer]] or adults
    return min(candidate.name for candidate in suited)


def _speakers(voices: Sequence[PollyVoice], language: str) -> list[PollyVoice]:
    """Voices of exactly this language code; else of the usual region of the language; else of any region."""
    requested = language.strip().lower().replace("_", "-")
    for code in (requested, _DEFAULT_REGIONS.get(requested, requested)):
        speakers = [voice for voice in voices if voice.languages[0].lower() == code]
        speakers = speakers or [voice for voice in voices if code in map(str.lower, voice.languages)]
        if speakers:
            return speakers
    return [voice for voice in voices if voice.languages[0].lower().startswith(requested + "-")]


def _describe(voices: Sequence[PollyVoice]) -> str:
    return ", ".join(f"{voice.name} ({voice.languages[0]})" for voice in sorted(voices, key=lambda voice: voice.name))
