"""The form of songs without words, drawn from how popular songs are built.

`data/song_forms.json` holds how often each section follows each other one, and how long sections are, in the annotated
songs of McGill Billboard (scripts/fit_forms.py). An order is drawn by these, and kept if its lengths can add up.
"""

import json
import random
from functools import cache
from importlib.resources import files

from bandmate_generate.form.draft import SectionDraft

_START, _END = "start", "end"
_TRIES = 400
_CHORUS_TWICE_FROM, _LONG = 32, 48
_MIN_BARS = 16
_MAX_ALIKE = {"bridge": 1, "solo": 1, "intro": 1, "outro": 1, "interlude": 2, "post-chorus": 2}


def song_form(bars: int, rng: random.Random) -> list[SectionDraft]:
    """Named sections with exactly `bars` bars together; with a chorus that returns from 32 bars on."""
    if bars < _MIN_BARS:
        return _short(bars)
    even = bars - bars % 2
    sections = next((form for _ in range(_TRIES) if (form := _drawn(even, rng))), None) or _usual(even)
    if bars != even:
        name, size = sections[-1]
        sections[-1] = (name, size + 1)
    return [SectionDraft(name, "intro" if name == "interlude" else name, size) for name, size in sections]


def _drawn(bars: int, rng: random.Random) -> list[tuple[str, int]] | None:
    """One order of sections with one length for each name; None where they are not `bars` bars, or no song."""
    order, lengths = _statistics()
    sizes: dict[str, int] = {}
    sections: list[tuple[str, int]] = []
    total, name = 0, _START
    while total < bars:
        nexts = {follower: count for follower, count in order[name].items() if _may_follow(follower, sections, bars)}
        if not nexts:
            return None
        name = rng.choices(list(nexts), list(nexts.values()))[0]
        if name == "interlude" and "intro" in sizes:
            sizes[name] = sizes["intro"]  # They are the same music.
        if name not in sizes:
            choices = {int(size): count for size, count in lengths[name].items() if _fits(name, int(size), bars)}
            sizes[name] = rng.choices(list(choices), list(choices.values()))[0]
        sections.append((name, sizes[name]))
        total += sizes[name]
    return sections if total == bars and _is_song(sections, bars) and _may_end(name, order) else None


def _may_follow(name: str, sections: list[tuple[str, int]], bars: int) -> bool:
    count = sum(other == name for other, _ in sections)
    if name == _END or count >= _MAX_ALIKE.get(name, 99):
        return False
    if name == "interlude" and (bars < _CHORUS_TWICE_FROM or (sections and sections[-1][0] == "intro")):
        return False
    if name == "chorus" and bars < _LONG and not any(other == "verse" for other, _ in sections):
        return False
    return [other for other, _ in sections[-2:]] != [name, name]


def _may_end(name: str, order: dict[str, dict[str, int]]) -> bool:
    return name in ("chorus", "outro") and _END in order[name]


def _fits(name: str, size: int, bars: int) -> bool:
    """Whether a section of this length has its place in a song of so many bars."""
    if name in ("verse", "chorus", "bridge", "solo"):
        return size <= (8 if bars < _LONG else 16) and size >= (
            8 if bars >= _LONG and name in ("verse", "chorus") else 4
        )
    return size <= (4 if bars < _LONG else 8) and (name in ("intro", "outro") or size >= 4)


def _is_song(sections: list[tuple[str, int]], bars: int) -> bool:
    """With a verse, and with a chorus of eight bars that returns in all but short songs."""
    choruses = [size for name, size in sections if name == "chorus"]
    if not any(name == "verse" for name, _ in sections):
        return False
    if bars < _CHORUS_TWICE_FROM:
        return bool(choruses)
    verse_twice = bars < _LONG or sum(name == "verse" for name, _ in sections) > 1
    return len(choruses) > 1 and choruses[0] >= 8 and verse_twice


def _short(bars: int) -> list[SectionDraft]:
    """A verse, with an ending where there is room for one."""
    if bars < 10:
        return [SectionDraft("verse", "verse", bars)]
    return [SectionDraft("verse", "verse", 8), SectionDraft("outro", "outro", bars - 8)]


def _usual(bars: int) -> list[tuple[str, int]]:
    """Verse and chorus by turns, the rest in intro and ending: where no drawn order fits."""
    rounds, rest = divmod(bars, 16)
    sections = [("verse", 8), ("chorus", 8)] * rounds
    if rest >= 8:
        return [("intro", 4), *sections, ("outro", rest - 4)]
    return [("intro", rest), *sections] if rest else sections


@cache
def _statistics() -> tuple[dict[str, dict[str, int]], dict[str, dict[str, int]]]:
    """How often each section follows each, and how often each has so many bars."""
    table = json.loads((files("bandmate_generate") / "data" / "song_forms.json").read_text(encoding="utf-8"))
    return table["order"], table["lengths"]
