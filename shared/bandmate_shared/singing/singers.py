"""Which singer suits a melody, and how much of a melody suits a singer."""

from collections.abc import Sequence

from bandmate_shared.singing.catalogue import SINGERS, Voice, find_voice

DEFAULT_SINGER = "alto"
"""Who sings what is written here, if nobody is named: the voice that listeners understand best."""
_BY_RANGE = ("alto", "tenor", "soprano", "bass")
"""Who is considered for a given melody, the best understood first."""


def singer_named(name: str | None) -> Voice | None:
    """The singer of that name, capitals ignored; None where it names another voice, or none."""
    voice = find_voice((name or "").strip())
    return voice if voice is not None and voice.name in SINGERS else None


def singer_for(pitches: Sequence[int]) -> Voice:
    """The singer for a melody that is given: fewest notes outside the range, then who is understood best."""
    candidates = [singer for name in _BY_RANGE if (singer := singer_named(name)) is not None]
    return min(candidates, key=lambda singer: notes_outside(singer, pitches))


def notes_outside(singer: Voice, pitches: Sequence[int]) -> int:
    """How many of the pitches lie outside the range in which the singer is understood well."""
    return sum(not singer.lowest <= pitch <= singer.highest for pitch in pitches)
