"""The names of sections: the usual ones, their synonyms in several languages, and letters."""

from difflib import get_close_matches

from bandmate_shared.errors import InvalidRequest

from bandmate_generate.lyrics.sections import kind_of_name, known_names

SUNG = frozenset({"verse", "pre-chorus", "chorus", "post-chorus", "bridge"})
"""Sections that have words where a song has words."""
NAMES = ("intro", "verse", "pre-chorus", "chorus", "post-chorus", "bridge", "solo", "interlude", "outro")


def section_name(written: str) -> tuple[str, int | None]:
    """The section that a name means, and the number in it: 'Verse 2' → ('verse', 2); 'b' → ('B', None).

    Raises:
        InvalidRequest: no section is called so; the three nearest names are given.
    """
    text = written.strip()
    if len(text) == 1 and text.upper() in "ABCDEFGH":
        return text.upper(), None
    found = kind_of_name(text)
    if found is not None:
        return found
    nearest = get_close_matches(text.lower(), sorted({*NAMES, *known_names()}), n=3, cutoff=0.0)
    raise InvalidRequest(
        f"there is no section {written[:40]!r}; the nearest are {', '.join(nearest)}. "
        f"Sections are {', '.join(NAMES)}, or letters from A to H"
    )
