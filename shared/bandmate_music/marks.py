"""Marks of a piece's form, from what a file says: titles of sections and chord symbols, each at a tick."""

from collections.abc import Sequence

from bandmate_music.score import ChordMark, SectionMark
from bandmate_music.theory.chord_symbols import BadChord

MAX_SECTION_CHARACTERS = 64
"""A longer title of a section is cut."""
MAX_CHORD_CHARACTERS = 32
"""A longer text is no chord."""


def section_marks(events: Sequence[tuple[int, str]]) -> tuple[SectionMark, ...]:
    """The sections of (tick, text) events in any order; of two at one tick the later in the file holds."""
    marks: dict[int, SectionMark] = {}
    for onset, text in events:
        title = " ".join(text.split())[:MAX_SECTION_CHARACTERS].rstrip()
        if title:
            marks[onset] = SectionMark(onset, title)
    return tuple(marks[onset] for onset in sorted(marks))


def chord_marks(events: Sequence[tuple[int, str]]) -> tuple[ChordMark, ...]:
    """The chords of (tick, text) events in order of time; none where less than half of the texts are chord symbols.

    Text events of MIDI may also hold comments and the words of karaoke files, where a syllable may look like a chord.
    """
    texts = [(onset, text) for onset, text in events if text.strip()]
    chords = [mark for onset, text in texts if (mark := read_chord(onset, text)) is not None]
    if 2 * len(chords) < len(texts):
        return ()
    return tuple({mark.onset: mark for mark in chords}.values())


def read_chord(onset: int, text: str) -> ChordMark | None:
    """The chord that a text means; None where it is none."""
    symbol = text.strip()
    if len(symbol) > MAX_CHORD_CHARACTERS:
        return None
    try:
        return ChordMark(onset, symbol)
    except BadChord:
        return None
