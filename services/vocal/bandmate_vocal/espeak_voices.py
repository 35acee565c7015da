"""Which of espeak-ng's voices sings: names a musician knows, onto its languages and variants."""

from collections.abc import Sequence

from bandmate_vocal.speech import UnknownVoice

SINGERS = {"soprano": "belinda", "alto": "linda", "tenor": "", "bass": "m3"}
"""Singer → variant ('' is the language's own voice). Variants with an echo or a roughness of their own are left out,
because they blur rests and put a second pitch an octave below the note."""
_PREFERRED = {"en": "en-us"}
_HIGH_VOICES_FROM = 60.0
"""MIDI pitch (middle C): a melody that lies around or above it is given to the alto, else to the tenor."""


def choose(codes: Sequence[str], variants: Sequence[str], language: str, voice: str | None, middle_pitch: float) -> str:
    """The voice as espeak-ng spells it. Raises UnknownVoice with a list of what there is.

    `voice` may be a singer ("alto"), a variant ("linda"), a language code ("en-gb"), or both ("en-gb+linda"); None
    chooses a singer by the melody's `middle_pitch`.
    """
    wanted = language.strip().lower().replace("_", "-")
    base = _PREFERRED.get(wanted, wanted)
    if base not in codes:
        raise UnknownVoice(f"there is no voice for the language {language!r}; espeak-ng speaks {', '.join(codes)}")
    if voice is None:
        voice = "alto" if middle_pitch >= _HIGH_VOICES_FROM else "tenor"
    if voice.lower() in SINGERS:
        return _joined(base, SINGERS[voice.lower()])
    if voice in variants:
        return _joined(base, voice)
    code, _, variant = voice.partition("+")
    code = _PREFERRED.get(code.lower(), code.lower())
    if code in codes and (not variant or variant in variants):
        return _joined(code, variant)
    raise UnknownVoice(
        f"there is no voice {voice!r}; there are the singers {', '.join(SINGERS)}, espeak-ng's variants "
        f"{', '.join(variants)}, and its languages {', '.join(codes)}, also together as in 'en-gb+linda'"
    )


def _joined(code: str, variant: str) -> str:
    return f"{code}+{variant}" if variant else code
