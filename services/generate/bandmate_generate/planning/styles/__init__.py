"""The styles that a song may be requested in.

A style is a table entry: to add one, write a `Style` in one of these modules and add it to `STYLES`. Several may share
a model style (`model_style`), which serves the parts that have no figure.
"""

from dataclasses import replace

from bandmate_shared.errors import InvalidRequest
from bandmate_shared.faults import nearest_names

from bandmate_generate.planning.learnt import Learnt
from bandmate_generate.planning.styles import bands, dances, songs
from bandmate_generate.planning.styles.style import VOICE_PROGRAM as VOICE_PROGRAM
from bandmate_generate.planning.styles.style import Style as Style
from bandmate_generate.planning.styles.style import StylePart as StylePart

NOTHING_LEARNT = Learnt()

STYLES: dict[str, Style] = {
    style.name: style
    for style in (
        songs.SONG,
        songs.FOLK,
        bands.POP,
        songs.CHORALE,
        songs.QUARTET,
        bands.ROCK,
        bands.DRUMS,
        songs.BALLAD,
        bands.PUNK,
        bands.FUNK,
        bands.DISCO,
        dances.REGGAE,
        dances.BOSSA,
        dances.BLUES,
        dances.SWING,
        dances.JAZZ_WALTZ,
        songs.COUNTRY,
        songs.MARCH,
        songs.HYMN,
        songs.WALTZ,
        dances.LATIN,
        bands.SOUL,
        bands.HIPHOP,
    )
}


def find_style(name: str, learnt: Learnt = NOTHING_LEARNT) -> Style:
    """The style of that name: one of the table, else one that the model has learnt, with a line-up of the table.

    Raises:
        UnknownStyle: naming the nearest three, and all there are.
    """
    if name in STYLES:
        return STYLES[name]
    if name in learnt.styles:
        has_drums = learnt.with_drums is None or name in learnt.with_drums
        base = bands.POP if has_drums else songs.SONG
        return replace(base, name=name, description="a style of one's own", model_style=name)
    described = {style.name: style.description for style in STYLES.values()}
    described |= {style: "a style of one's own" for style in learnt.styles if style not in described}
    raise UnknownStyle(
        f"there is no style {name!r}; the nearest are {', '.join(nearest_names(name, described))}"
        f" (all: {', '.join(described)})"
    )


class UnknownStyle(InvalidRequest):
    type = "unknown-style"
    title = "Style not found"
