"""The form that words have: by the markers in them, else by what repeats in them."""

from collections.abc import Sequence

from bandmate_shared.errors import InvalidRequest

from bandmate_generate.form.draft import SectionDraft, WordRoom, equal_lengths
from bandmate_generate.form.repeats import by_blank_lines, find_stanzas, same_shape
from bandmate_generate.form.section_names import SUNG
from bandmate_generate.lyrics.lines import Line, Lyrics
from bandmate_generate.lyrics.sections import Section


def form_of_words(lyrics: Lyrics, room: WordRoom) -> tuple[list[SectionDraft], list[str]]:
    """The sections of the words, each with its lines and usual bars, and notes on what had to be chosen.

    Raises:
        InvalidRequest: a marker stands without words, and no other place gives them.
    """
    if not lyrics.sections:
        return equal_lengths([room.draft(s.name, s.music, s.lines) for s in find_stanzas(lyrics.lines)]), []
    return _by_markers(lyrics, room)


def _by_markers(lyrics: Lyrics, room: WordRoom) -> tuple[list[SectionDraft], list[str]]:
    sections, notes = lyrics.sections, list[str]()
    whole = _texts(lyrics)
    shapes = [text for section, text in zip(sections, whole, strict=True) if section.kind == "verse" and text]
    divided = [_unmarked_verses(section.kind, text, shapes) for section, text in zip(sections, whole, strict=True)]
    texts = [own for own, _ in divided]
    drafts = []
    if sections[0].first_line > 0:
        before = find_stanzas(lyrics.lines[: sections[0].first_line])
        drafts += [room.draft(s.name, "verse" if s.name == "verse" else s.music, s.lines) for s in before]
    for section, (own_lines, verses) in zip(sections, divided, strict=True):
        lines = own_lines
        if not lines and section.kind in SUNG:
            lines = _elsewhere(section, sections, texts)
            if not lines and section.kind != "bridge":
                raise InvalidRequest(
                    f"{section.header} has no words, and no other {section.kind} has any that it could repeat; write "
                    f"the words under it once, or leave the marker out"
                )
            if not lines:
                notes.append(f"{section.header} has no words: it is played without singing")
            elif section.kind == "verse":
                notes.append(f"{section.header} has no words of its own: it repeats those of another verse")
        drafts += [room.draft(section.kind, section.kind, lines)] * section.times
        drafts += [room.draft("verse", "verse", verse) for verse in verses]
        if verses:
            notes.append(
                f"what follows {section.header} after a blank line has the shape of a verse: it is sung as one"
            )
    return equal_lengths(drafts), notes


def _texts(lyrics: Lyrics) -> list[tuple[Line, ...]]:
    """The lines below each marker."""
    firsts = [section.first_line for section in lyrics.sections]
    return [tuple(lyrics.lines[start:end]) for start, end in zip(firsts, [*firsts[1:], None], strict=True)]


def _unmarked_verses(
    kind: str, lines: tuple[Line, ...], verses: Sequence[tuple[Line, ...]]
) -> tuple[tuple[Line, ...], list[tuple[Line, ...]]]:
    """The lines of a chorus, and those below it that are verses without a marker: after a blank line, in the shape of
    a verse and not in the chorus's."""
    stanzas = by_blank_lines(lines)
    if kind != "chorus" or len(stanzas) < 2:
        return lines, []
    found = next(
        (
            number
            for number, stanza in enumerate(stanzas)
            if number and any(same_shape(verse, stanza) for verse in verses) and not same_shape(stanzas[0], stanza)
        ),
        len(stanzas),
    )
    return tuple(line for stanza in stanzas[:found] for line in stanza), stanzas[found:]


def _elsewhere(section: Section, sections: Sequence[Section], texts: Sequence[tuple[Line, ...]]) -> tuple[Line, ...]:
    """The words of the nearest section of the kind: of the same number, else one before, else one after."""
    at = next(index for index, other in enumerate(sections) if other is section)
    candidates = [
        (section.number is None or other.number != section.number, index > at, abs(index - at), index)
        for index, other in enumerate(sections)
        if other.kind == section.kind and texts[index]
    ]
    return texts[min(candidates)[3]] if candidates else ()
