"""The sung words with times: LRC for players of music, SRT for players of videos. A line of words is a line of text."""

from bandmate_music.language.hints import without_hints
from bandmate_shared.contracts.songs import SongWords


def lines_of(words: SongWords) -> list[tuple[float, float, str]]:
    """Begin and end in seconds, and the text of each line."""
    lines: list[tuple[float, float, str]] = []
    text, begin, end = "", None, 0.0
    for note in words.notes:
        if note.syllable is not None:
            begin = note.onset if begin is None else begin
            text += without_hints(note.syllable) + (" " if note.word_end else "")
        end = note.onset + note.duration
        if note.line_end and begin is not None:
            lines.append((begin, end, text.strip()))
            text, begin = "", None
    if begin is not None:
        lines.append((begin, end, text.strip()))
    return lines


def lrc(words: SongWords, title: str = "") -> str:
    """`[01:02.50]words`, a line each."""
    head = [f"[ti:{title}]"] if title else []
    return "\n".join([*head, *(f"[{_minutes(begin)}]{text}" for begin, _, text in lines_of(words))]) + "\n"


def srt(words: SongWords) -> str:
    """SubRip: number, times, words, an empty line."""
    blocks = [
        f"{number}\n{_clock(begin)} --> {_clock(end)}\n{text}\n"
        for number, (begin, end, text) in enumerate(lines_of(words), start=1)
    ]
    return "\n".join(blocks)


def _minutes(seconds: float) -> str:
    hundredths = round(seconds * 100)
    return f"{hundredths // 6000:02d}:{hundredths // 100 % 60:02d}.{hundredths % 100:02d}"


def _clock(seconds: float) -> str:
    milliseconds = round(seconds * 1000)
    whole = milliseconds // 1000
    return f"{whole // 3600:02d}:{whole // 60 % 60:02d}:{whole % 60:02d},{milliseconds % 1000:03d}"
