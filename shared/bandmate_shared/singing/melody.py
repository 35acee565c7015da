"""Turns a score with words into a vocal request: its singers, one syllable a note."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from bandmate_music.language.names import UnknownLanguage, parse_language
from bandmate_music.language.spoken import written_out
from bandmate_music.score import Lyric, Score, TempoChange
from bandmate_music.singing.lines import (
    LineNote,
    SingerLine,
    VoicesAsked,
    bar_of,
    melody_part,
    one_voice,
    sung_lines,
)
from bandmate_music.theory.note_names import note_name

from bandmate_shared.contracts.vocals import HIGHEST_PITCH, LOWEST_PITCH, MAX_SINGERS, SungNote, VocalRequest
from bandmate_shared.errors import InvalidRequest
from bandmate_shared.singing.check import SungLanguage, sung_language

_TAIL_SECONDS = 0.5
_MAX_CHARACTERS = 64
"""Of a syllable in a vocal request."""
_MAX_SECONDS = 1800


@dataclass(frozen=True, slots=True)
class Singing:
    """How a score is sung: `part` by name or number, `transpose` in semitones, `tempo` in quarter notes a minute.

    `voices` names one voice a singer, in turn; None and no `language`: as the words suggest.
    """

    part: str | None = None
    lines: VoicesAsked = "own"
    transpose: int = 0
    tempo: float | None = None
    voices: tuple[str, ...] = ()
    language: str | None = None


@dataclass(frozen=True, slots=True)
class GivenSyllable:
    """A syllable of words that are given beside a melody."""

    text: str
    word_end: bool
    line_end: bool


@dataclass(frozen=True, slots=True)
class GivenWords:
    """Words that are given beside a melody: their lines, and how they divide in a language (None: a held note)."""

    lines: Sequence[str]
    divide: Callable[[str], Sequence[GivenSyllable | None]]


def vocal_request(score: Score, singing: Singing, given: GivenWords | None = None) -> VocalRequest:
    """The request for singing a score's melody: with the words given, one syllable a note, or with its own lyrics.

    Raises:
        InvalidRequest: there are no words, no notes, more syllables than notes, or notes that no voice reaches; what
            `sung_language` raises.
    """
    notices = [f"{notice.kind}: {notice.text}" for notice in score.notices]
    score = at_tempo(score, singing.tempo)
    voice = singing.voices[0] if singing.voices else None
    if given is None:
        lines, told = sung_lines(score, singing.part, singing.lines)
        notices += [f"{notice.kind}: {notice.text}" for notice in told]
        sung = _language_of(score, lines, singing.language, voice, notices)
    else:
        sung = sung_language(given.lines, singing.language, voice)
        lines = [_with_given_words(score, given.divide(sung.tag), singing.part)]
    if len(lines) > MAX_SINGERS:
        too_many = ", ".join(line.name for line in lines[MAX_SINGERS:])
        notices.append(f"singer-left-out: {too_many}: at most {MAX_SINGERS} sing at once")
        lines = lines[:MAX_SINGERS]
    notes: list[SungNote] = []
    for number, line in enumerate(lines):
        notes += _sung_notes(score, line, number, singing.transpose, sung.tag, notices)
    seconds = score.seconds + _TAIL_SECONDS
    if seconds > _MAX_SECONDS:
        raise InvalidRequest(
            f"the song lasts {seconds:,.0f} seconds; at most {_MAX_SECONDS:,} are sung at a time: give one part or one "
            f"verse of it, or a faster --tempo"
        )
    names = singing.voices
    return VocalRequest(
        notes=notes,
        voice=voice,
        voices=[names[number % len(names)] for number in range(len(lines))] if len(names) > 1 else None,
        language=sung.tag,
        language_source=sung.source,
        seconds=seconds,
        notices=notices,
    )


def _language_of(
    score: Score, lines: Sequence[SingerLine], language: str | None, voice: str | None, notices: list[str]
) -> SungLanguage:
    """The language of a score's own words: the one asked for, else what the score states, else what the words tell."""
    texts = [_text_of(line) for line in lines]
    if language is not None or not score.language:
        return sung_language(texts, language, voice)
    try:
        stated = parse_language(score.language)
    except UnknownLanguage:
        notices.append(
            f"language: the score states {score.language!r}, which nobody sings; the words tell the language"
        )
        return sung_language(texts, None, voice)
    return sung_language(texts, stated, voice, "score")


def _text_of(line: SingerLine) -> str:
    syllables = [note.syllable for note in line.notes if note.syllable is not None]
    return "".join(lyric.text + (" " if lyric.word_end else "") for lyric in syllables).strip()


def at_tempo(score: Score, tempo: float | None) -> Score:
    """The score with its first tempo at `tempo`, and all later ones in proportion."""
    if tempo is None:
        return score
    first = score.tempi[0].tempo if score.tempi and score.tempi[0].onset == 0 else 120.0
    changes = score.tempi or ()
    scaled = [replace(change, tempo=change.tempo * tempo / first) for change in changes]
    if not scaled or scaled[0].onset > 0:
        scaled.insert(0, TempoChange(0, tempo))
    return replace(score, tempi=tuple(scaled))


def _with_given_words(score: Score, syllables: Sequence[GivenSyllable | None], part: str | None) -> SingerLine:
    """The melody with words that are given, a syllable a note; the last syllable holds what notes are left."""
    melody = melody_part(score, part)
    notes = one_voice(melody)
    if len(syllables) > len(notes):
        raise InvalidRequest(f"the words have {len(syllables)} syllables and the melody only {len(notes)} notes")
    lyrics: list[Lyric | None] = [
        None if syllable is None else Lyric(onset, syllable.text, syllable.word_end, line_end=syllable.line_end)
        for (onset, _, _), syllable in zip(notes, syllables, strict=False)
    ]
    lyrics += [None] * (len(notes) - len(lyrics))
    line = [LineNote(*note, lyric) for note, lyric in zip(notes, lyrics, strict=True)]
    return SingerLine(melody.name, melody, tuple(line))


def _sung_notes(
    score: Score, line: SingerLine, singer: int, transpose: int, language: str, notices: list[str]
) -> list[SungNote]:
    """A singer's notes in seconds. Single notes that no voice reaches are left out, and told."""
    beyond = [note for note in line.notes if not LOWEST_PITCH <= note.pitch + transpose <= HIGHEST_PITCH]
    if beyond:
        notices.append(_out_of_range(score, line, beyond, transpose))
    kept = [note for note in line.notes if note not in beyond]
    # Start and end are rounded, not start and duration: notes that touch then still touch, at every tempo.
    starts = _seconds(score, [note.onset for note in kept])
    ends = _seconds(score, [note.end for note in kept])
    sung = []
    for note, start, end in zip(kept, starts, ends, strict=True):
        lyric = note.syllable
        sung.append(
            SungNote(
                onset=start,
                duration=max(round(end - start, 6), 1e-6),
                pitch=note.pitch + transpose,
                syllable=None if lyric is None else written_out(lyric.text, language)[:_MAX_CHARACTERS],
                word_end=lyric is None or lyric.word_end,
                line_end=lyric is not None and lyric.line_end,
                singer=singer,
            )
        )
    return sung


def _out_of_range(score: Score, line: SingerLine, beyond: Sequence[LineNote], transpose: int) -> str:
    """The notice of notes that were left out. Raises InvalidRequest where half of a line or more would be."""
    first = beyond[0]
    too_high = first.pitch + transpose > HIGHEST_PITCH
    high, low = note_name(HIGHEST_PITCH), note_name(LOWEST_PITCH)
    limit = f"above {high}, the highest" if too_high else f"below {low}, the lowest"
    way = f"--transpose {-12 if too_high else 12} moves the song by an octave"
    note = note_name(first.pitch + transpose)
    where = f"{line.name}, {bar_of(score, first.onset)}: {note} lies {limit} note that is sung"
    if 2 * len(beyond) >= len(line.notes):
        raise InvalidRequest(f"{where}, as {len(beyond)} of {len(line.notes)} notes do; {way}")
    return f"note-out-of-range: {where}; {len(beyond)} of {len(line.notes)} notes were left out. {way}"


def _seconds(score: Score, ticks: Sequence[int]) -> list[float]:
    return [round(float(seconds), 6) for seconds in score.seconds_at(ticks)]
