"""What a style's songs are built of: verses and choruses, the strains of a dance, the stanzas of a hymn.

A style of the style table names one of the presets below.
"""

from dataclasses import dataclass
from typing import Literal

Plan = Literal["song", "letters"]


@dataclass(frozen=True, slots=True)
class FormStyle:
    """The habits of a kind of music.

    `plan` says what music without words is made of: named sections of a song, or sections called by letters in the
    order of one of `patterns`, each of `unit` bars in a long piece (shorter ones in a short piece). `frames`: whether
    songs have an intro and an ending when nobody asks for a length. `stanza_bars`: what a stanza of three lines takes,
    where that is a form of its own (the twelve bars of the blues).
    """

    name: str
    plan: Plan
    patterns: tuple[str, ...] = ()
    unit: int = 8
    default_bars: int = 16
    frames: bool = True
    stanza_bars: int | None = None


_PRESETS = {
    style.name: style
    for style in (
        FormStyle("verse-chorus", "song"),
        FormStyle("strophic", "letters", ("AABA", "AABB", "ABAB")),
        FormStyle("strains", "letters", ("AABB", "AABB", "ABAB", "AABA")),
        FormStyle("aaba", "letters", ("AABA",)),
        FormStyle("blues", "letters", ("AABA", "AAAA"), unit=12, default_bars=24, stanza_bars=12),
        FormStyle("hymn", "letters", ("AABA", "ABAB", "AABC"), unit=4, frames=False),
        FormStyle("movement", "letters", ("ABACABA", "ABCAB", "ABAC"), frames=False),
        FormStyle("march", "letters", ("AABBCC", "AABB")),
        FormStyle("groove", "letters", ("ABAC", "AABA", "ABAB"), frames=False),
    )
}


def form_style(name: str) -> FormStyle:
    """The preset of that name.

    Raises:
        KeyError: there is none; the style table is wrong.
    """
    return _PRESETS[name]


def form_style_names() -> tuple[str, ...]:
    """All presets."""
    return tuple(_PRESETS)
