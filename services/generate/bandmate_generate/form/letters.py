"""The form of music without words in sections called by letters: the strains of a dance, the phrases of a hymn."""

import random
from collections.abc import Iterator

from bandmate_generate.form.draft import SectionDraft
from bandmate_generate.form.form_style import FormStyle

_MANY = 12
"""With more sections than that, they are twice as long."""


def letters_form(bars: int, style: FormStyle, rng: random.Random) -> list[SectionDraft]:
    """Sections of equal length in the order of one of the style's patterns, exactly `bars` bars together.

    What is left over goes to an intro and an ending where it is two bars or more, else to the last section.
    """
    pattern = rng.choice(style.patterns)
    unit = _unit(bars, style)
    count = max(1, bars // unit)
    spare = bars - count * unit if bars >= unit else 0
    size = min(unit, bars)
    order = _order(pattern, count)
    sections = [SectionDraft(letter, letter, size) for letter in order]
    if bars % 4 == 0 and style.frames and spare >= 8:
        return [SectionDraft("intro", "intro", 4), *sections, SectionDraft("outro", "outro", spare - 4)]
    if spare >= 4:
        return [SectionDraft("intro", "intro", 2), *sections, SectionDraft("outro", "outro", spare - 2)]
    if spare >= 2:
        return [*sections, SectionDraft("outro", "outro", spare)]
    if spare:
        sections[-1] = SectionDraft(order[-1], order[-1], size + spare)
    return sections


def _unit(bars: int, style: FormStyle) -> int:
    """The style's own unit; half of it where that would leave fewer than four sections, twice where too many."""
    if style.stanza_bars is not None:
        return min(style.unit, bars)
    if bars > _MANY * style.unit:
        return 2 * style.unit
    return style.unit if bars >= 4 * style.unit else _half(bars)


def _half(bars: int) -> int:
    return 4 if bars >= 8 else bars


def _order(pattern: str, count: int) -> str:
    """`count` letters: the pattern as often as it takes; of a last, incomplete one the end, so that it closes.

    Every second time it is other music that comes back to the first at its end, since a song that only repeats four
    sections has said everything half-way.
    """
    whole, rest = divmod(count, len(pattern))
    if whole:
        rounds = [pattern if number % 2 == 0 else _contrast(pattern) for number in range(whole)]
        return "".join(rounds) + (pattern[-rest:] if rest else "")
    return next(_short(pattern, count))


def _contrast(pattern: str) -> str:
    """The pattern in new letters, but for its last section: AABA becomes CCDA."""
    new = {letter: chr(ord(letter) + len(set(pattern))) for letter in pattern}
    return "".join(new[letter] for letter in pattern[:-1]) + pattern[-1]


def _short(pattern: str, count: int) -> Iterator[str]:
    """A pattern of fewer letters: with a return where there is room for one."""
    if count == 1:
        yield "A"
    if count == 2:
        yield "AB" if pattern[:2] == "AB" else "AA"
    if count == 3:
        yield "ABA"
    yield pattern[: count - 1] + "A"
