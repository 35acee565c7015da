"""Builds the Alignment of a sung request: words, and when each vowel begins."""

from collections.abc import Mapping, Sequence

from bandmate_shared.contracts.alignments import AlignedNote, Alignment
from bandmate_shared.contracts.vocals import SungNote, VocalRequest

from bandmate_vocal.alignment.timing import Phrase

_DIGITS = 6
"""Times are rounded to microseconds."""


def align_request(
    request: VocalRequest,
    language: str,
    singers: Mapping[int, Sequence[SungNote]],
    phrases: Mapping[int, Sequence[Phrase]],
) -> Alignment:
    """The alignment of a request sung in `language`.

    `singers`: the notes of each, as they were sung; `phrases`: those of each, laid out in time.
    """
    notes: list[AlignedNote] = []
    first_word = 0
    for singer, sung in singers.items():
        onsets = {
            round(vowel.beat, _DIGITS): round(max(vowel.t0, 0.0), _DIGITS)
            for phrase in phrases.get(singer, ())
            for vowel in phrase.vowels
        }
        words, indices = words_of(sung)
        for note, index in zip(sung, indices, strict=True):
            begins = note.syllable is not None and note.syllable.strip() != ""
            notes.append(
                AlignedNote(
                    start=round(note.onset, _DIGITS),
                    end=round(note.onset + note.duration, _DIGITS),
                    pitch=note.pitch,
                    velocity=note.velocity,
                    syllable=note.syllable if begins else None,
                    word=None if index is None else words[index],
                    word_index=None if index is None else first_word + index,
                    word_end=note.word_end,
                    line_end=note.line_end,
                    vowel_onset=onsets.get(round(note.onset, _DIGITS)) if begins else None,
                    singer=singer,
                    vibrato=note.vibrato,
                    breath=note.breath,
                    loudness=note.loudness,
                    pitch_curve=note.pitch_curve,
                )
            )
        first_word += len(words)
    notes.sort(key=lambda note: (note.start, note.singer))
    return Alignment(
        language=language,
        engine=request.engine,
        voice=request.voice,
        voices=request.voices,
        ensemble=request.ensemble,
        seconds=request.seconds,
        seed=request.seed,
        notes=notes,
    )


def words_of(notes: Sequence[SungNote]) -> tuple[list[str], list[int | None]]:
    """One singer's words, and for each note the number of the word that begins or goes on there; None before the first.

    Where words meet on one note ("de a" of "grande amor") it is the first of them.
    """
    words: list[str] = []
    indices: list[int | None] = []
    is_over = True
    for note in notes:
        parts = (note.syllable or "").split()
        if not parts:
            indices.append(len(words) - 1 if words else None)
            continue
        for number, part in enumerate(parts):
            if is_over or number > 0:
                words.append("")
            words[-1] += part
            is_over = False
            if number == 0:
                indices.append(len(words) - 1)
        is_over = note.word_end
    return words, indices
