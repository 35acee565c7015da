"""Map singers ('alto') and languages to espeak-ng's voices."""

from collections.abc import Sequence

from bandmate_shared.singing.check import UnknownVoice

_VARIANTS = {
    "soprano": "belinda",
    "alto": "linda",
    "tenor": "",
    "bass": "m3",
    "bright": "belinda",
    "dark": "linda",
    "breathy": "linda",
    "child": "belinda",
}
"""Singer → variant ('' is the language's own voice); the last four have none of their own here. Variants with an echo
or a roughness of their own are left out, because they blur rests and put a second pitch an octave below the note."""
_DEFAULT_REGIONS = {"en": "en-us"}
_ALTO_FROM_PITCH = 60.0
"""MIDI pitch (middle C): a melody that lies around or above it is given to the alto, else to the tenor."""


def choose(codes: Sequence[str], variants: Sequence[str], language: str, voice: str | None, middle_pitch: float) -> str:
    """The voice as espeak-ng spells it. Raises UnknownVoice with a list of those that exist.

    `voice` may be a singer ("alto"), a variant ("linda"), a language code ("en-gb"), or both ("en-gb+linda"); None
    chooses a singer by the melody's `middle_pitch`.
    """
    language_code = language.strip().lower().replace("_", "-")
    base = _DEFAULT_REGIONS.get(language_code, language_code)
    if base not in codes:
        base = language_code.partition("-")[0]
        base = _DEFAULT_REGIONS.get(base, base)
    if base not in codes:
        raise UnknownVoice(f"there is no voice for the language {language!r}; espeak-ng speaks {', '.join(codes)}")
    if voice is None:
        voice = "alto" if middle_pitch >= _ALTO_FROM_PITCH else "tenor"
    if voice.lower() in _VARIANTS:
        return _with_variant(base, _VARIANTS[voice.lower()])
    if voice in variants:
        return _with_variant(base, voice)
    code, _, variant = voice.partition("+")
    code = _DEFAULT_REGIONS.get(code.lower(), code.lower())
    if code in codes and (not variant or variant in variants):
        return _with_variant(code, variant)
    raise UnknownVoice(
        f"there is no voice {voice!r}; there are the singers {', '.join(_VARIANTS)}, espeak-ng's variants "
        f"{', '.join(variants)}, and its languages {', '.join(codes)}, also together as in 'en-gb+linda'"
    )


def _with_variant(code: str, variant: str) -> str:
    return f"{code}+{variant}" if variant else code
