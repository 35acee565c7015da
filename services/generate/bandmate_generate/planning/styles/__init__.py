"""The styles that a song may be requested in.

A style is a table entry: to add one, write a `Style` in one of these modules and add it to `STYLES`. Several may share
a model style (`model_style`), which serves the parts that have no figure.
"""

from bandmate_shared.errors import InvalidRequest
from bandmate_shared.faults import nearest_names

from bandmate_generate.planning.styles import bands, dances, songs
from bandmate_generate.planning.styles.style import VOICE_PROGRAM as VOICE_PROGRAM
from bandmate_generate.planning.styles.style import Style as Style
from bandmate_generate.planning.styles.style import StylePart as StylePart

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


def find_style(name: str) -> Style:
    """The style of that name.

    Raises:
        UnknownStyle: naming the nearest three, and all there are.
    """
    try:
        return STYLES[name]
    except KeyError:
        described = {style.name: style.description for style in STYLES.values()}
        raise UnknownStyle(
            f"there is no style {name!r}; the nearest are {', '.join(nearest_names(name, described))}"
            f" (all: {', '.join(STYLES)})"
        ) from None


class UnknownStyle(InvalidRequest):
    type = "unknown-style"
    title = "Style not found"
