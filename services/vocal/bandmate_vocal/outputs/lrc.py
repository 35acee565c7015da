"""Lyrics with times, as players of music show them (LRC)."""

from dataclasses import dataclass

from bandmate_shared.contracts.alignments import AlignedNote, Alignment

_REST = 1.0
"""Seconds of rest that end a line of _MIN_WORDS words, where the lyrics do not say so."""
_MIN_WORDS, _MAX_WORDS = 3, 14


@dataclass(slots=True)
class _Line:
    start: float
    end: float
    words: dict[int, str]
    is_over: bool


def lyrics_with_times(alignment: Alignment) -> str:
    """A line of LRC for each line that is sung: `[01:23.45]words`. Lines of several singers come by their times."""
    lines: list[_Line] = []
    for singer in sorted({note.singer for note in alignment.notes}):
        lines += _lines([note for note in alignment.notes if note.singer == singer])
    lines.sort(key=lambda line: line.start)
    minutes, seconds = divmod(round(alignment.seconds), 60)
    head = [f"[length:{minutes:02d}:{seconds:02d}]"]
    if alignment.language is not None:
        head.append(f"[la:{alignment.language}]")
    texts = [f"[{_stamp(line.start)}]{' '.join(line.words.values())}" for line in lines]
    return "\n".join([*head, *texts, ""])


def _lines(notes: list[AlignedNote]) -> list[_Line]:
    lines: list[_Line] = []
    for note in notes:
        if note.word is None or note.word_index is None:
            continue
        current = lines[-1] if lines else None
        begins_word = current is None or note.word_index not in current.words
        if current is not None and begins_word and not current.is_over:
            rests = note.start - current.end > _REST and len(current.words) >= _MIN_WORDS
            current.is_over = rests or len(current.words) >= _MAX_WORDS
        if current is None or (current.is_over and begins_word):
            current = _Line(note.start, note.end, {}, False)
            lines.append(current)
        current.words[note.word_index] = note.word
        current.end = note.end
        current.is_over = current.is_over or note.line_end
    return lines


def _stamp(seconds: float) -> str:
    hundredths = round(seconds * 100.0)
    return f"{hundredths // 6000:02d}:{hundredths // 100 % 60:02d}.{hundredths % 100:02d}"
