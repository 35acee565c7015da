"""Write the melody of a song with words where its singer is understood best."""

from dataclasses import replace

from bandmate_shared.singing.singers import DEFAULT_SINGER, singer_named

from bandmate_generate.planning.styles import StylePart

_NARROWEST = 12
"""Semitones that a tune needs at least."""


def in_singers_range(part: StylePart, voice: str | None) -> StylePart:
    """The part with the range of the singer that `voice` names; without a voice, that of the usual singer.

    A voice that is no singer (one of a speech engine's own) keeps the style's range, as does a part that is not sung.
    """
    singer = singer_named(voice or DEFAULT_SINGER)
    if singer is None or not part.is_voice or part.role != "melody":
        return part
    return replace(part, low=singer.lowest, high=max(singer.highest, singer.lowest + _NARROWEST))
