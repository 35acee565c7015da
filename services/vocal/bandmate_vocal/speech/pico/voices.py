"""Map languages and singers to SVOX Pico's voices: one a language; singers differ by the size of the throat."""

from dataclasses import dataclass

from bandmate_music.language.names import base_language
from bandmate_shared.singing.catalogue import voices_of
from bandmate_shared.singing.check import UnknownVoice

ENGINE = "pico"
_REGIONS = {
    "pico-en": "en-US",
    "pico-gb": "en-GB",
    "pico-de": "de-DE",
    "pico-es": "es-ES",
    "pico-fr": "fr-FR",
    "pico-it": "it-IT",
}
"""Pico's own name of each voice."""
_SCALES = {
    "soprano": 1.06,
    "alto": 1.0,
    "tenor": 0.88,
    "bass": 0.81,
    "bright": 1.04,
    "dark": 0.95,
    "breathy": 1.0,
    "child": 1.13,
}
"""Formant scale of each singer; Pico's voices are women's."""
_ALTO_FROM_PITCH = 60.0
"""MIDI pitch (middle C): a melody that lies around or above it is given to the alto, else to the tenor."""


@dataclass(frozen=True, slots=True)
class PicoVoice:
    """A voice as Pico names it, the language its words are pronounced in, and the singer's formant scale."""

    name: str
    region: str
    scale: float


def choose(language: str, voice: str | None, middle_pitch: float) -> str:
    """The voice as `parse` reads it: "pico-de", "pico-de+tenor". Raises UnknownVoice with those that exist."""
    name, _, singer = (voice or "").lower().partition("+")
    if name in _SCALES and not singer:
        name, singer = "", name
    if (name and name not in _REGIONS) or (singer and singer not in _SCALES):
        raise UnknownVoice(
            f"SVOX Pico has no voice {voice!r}; it has {', '.join(_REGIONS)}, and of singers {', '.join(_SCALES)}"
        )
    singer = singer or ("alto" if middle_pitch >= _ALTO_FROM_PITCH else "tenor")
    if not name:
        own = {base_language(found.languages[0]): found.name for found in reversed(voices_of(ENGINE))}
        if base_language(language) not in own:
            raise UnknownVoice(f"SVOX Pico does not speak {language!r}; it speaks {', '.join(_REGIONS.values())}")
        name = "pico-gb" if language.lower() == "en-gb" else own[base_language(language)]
    return f"{name}+{singer}"


def parse(voice: str) -> PicoVoice:
    """What `choose` returned. Raises UnknownVoice."""
    name, _, singer = voice.partition("+")
    if name not in _REGIONS or (singer and singer not in _SCALES):
        raise UnknownVoice(f"SVOX Pico has no voice {voice!r}; it has {', '.join(_REGIONS)}")
    return PicoVoice(name, _REGIONS[name], _SCALES[singer or "alto"])
