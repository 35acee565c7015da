"""The words of a sung song that goes on: those of its own bars stay, and new bars repeat them where none are given."""

from collections.abc import Sequence

from bandmate_shared.contracts.songs import SongWords

from bandmate_generate.lyrics.lines import Syllable
from bandmate_generate.lyrics.prosody import SungSyllable
from bandmate_generate.planning.prompt import Opening
from bandmate_generate.planning.styles import StylePart

_MAX_LINES = 4
"""Of the old words that are sung again: eight bars."""


def old_words(words: SongWords, bars: int | None) -> str | None:
    """The first lines of the words as text; with a wish for bars one line, so that it fits any. None without any."""
    lines: list[str] = []
    text = ""
    for note in words.notes:
        if note.syllable is not None:
            text += note.syllable + (" " if note.word_end else "")
        if note.line_end and text.strip():
            lines.append(text.strip())
            text = ""
    if text.strip():
        lines.append(text.strip())
    return "\n".join(lines[: _MAX_LINES if bars is None else 1]) or None


def words_from(words: SongWords, tick: int) -> SongWords:
    """The words of the notes from that tick on, which then is the first."""
    later = [note.model_copy(update={"tick": note.tick - tick}) for note in words.notes if note.tick >= tick]
    return words.model_copy(update={"notes": later})


def kept_syllables(words: SongWords, opening: Opening, parts: Sequence[StylePart]) -> list[SungSyllable]:
    """The sung notes of the prompt's bars, with their syllables."""
    melody = next(index for index, part in enumerate(parts) if part.role == "melody")
    by_onset = {opening.grid_onset(note.tick): note for note in words.notes}
    syllables = []
    for row in sorted(opening.rows, key=lambda row: row.onset):
        if row.part != melody:
            continue
        note = by_onset.get(row.onset)
        text = None if note is None else note.syllable
        syllable = None
        if note is not None and text is not None:
            syllable = Syllable.from_sung(text, 0.5, word_end=note.word_end, line_end=note.line_end)
        syllables.append(SungSyllable(row.onset, row.duration, syllable))
    return syllables if any(note.syllable is not None for note in syllables) else []
