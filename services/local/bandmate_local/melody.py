"""A melody that someone brings, with words, as notes to be sung."""

from bandmate_generate.lyrics import read_lyrics
from bandmate_shared.contracts.vocals import SungNote, VocalRequest
from bandmate_shared.errors import InvalidRequest
from bandmate_shared.music.score import Part, Score

_TAIL_SECONDS = 0.5
Word = tuple[str, bool, bool]
"""A syllable's text, whether its word ends with it, and whether its line does."""


def vocal_request(score: Score, words: str | None, voice: str | None) -> VocalRequest:
    """The request for singing a score's melody: with `words`, one syllable a note, or with the score's own lyrics.

    Raises:
        InvalidRequest: there are no words, no notes, or more syllables than notes.
    """
    part = _melody(score, needs_lyrics=words is None)
    line = _one_voice(part)
    starts = score.seconds_at([onset for onset, _, _ in line])
    ends = score.seconds_at([end for _, end, _ in line])
    sung = _own_words(part) if words is None else _given_words(words, [onset for onset, _, _ in line])
    notes = []
    for (onset, _, pitch), start, end in zip(line, starts, ends, strict=True):
        text, word_end, line_end = sung.get(onset, (None, True, False))
        notes.append(
            SungNote(
                onset=round(float(start), 6),
                duration=round(float(end - start), 6),
                pitch=pitch,
                syllable=text,
                word_end=word_end,
                line_end=line_end,
            )
        )
    return VocalRequest(notes=notes, voice=voice, seconds=score.seconds + _TAIL_SECONDS)


def _melody(score: Score, needs_lyrics: bool) -> Part:
    """The part that carries lyrics; where words are given, else the highest of the pitched parts."""
    pitched = [part for part in score.parts if not part.is_drum and len(part.notes)]
    with_lyrics = [part for part in pitched if part.lyrics]
    if with_lyrics:
        return with_lyrics[0]
    if not pitched:
        raise InvalidRequest("the melody has no notes with a pitch")
    if needs_lyrics:
        raise InvalidRequest("the melody carries no words; give them with --lyrics")
    return max(pitched, key=lambda part: float(part.notes.pitch.mean()))


def _one_voice(part: Part) -> list[tuple[int, int, int]]:
    """(onset, end, pitch) in ticks: of notes that begin together the highest, each ended where the next begins."""
    highest: dict[int, tuple[int, int]] = {}
    for onset, duration, pitch in zip(part.notes.onset, part.notes.duration, part.notes.pitch, strict=True):
        highest[int(onset)] = (int(onset + duration), int(pitch))  # Sorted by onset, then pitch: the last is highest.
    onsets = sorted(highest)
    following = [*onsets[1:], highest[onsets[-1]][0]]
    return [
        (onset, min(highest[onset][0], after), highest[onset][1])
        for onset, after in zip(onsets, following, strict=True)
    ]


def _own_words(part: Part) -> dict[int, Word]:
    return {lyric.onset: (lyric.text, lyric.word_end, False) for lyric in part.lyrics}


def _given_words(words: str, onsets: list[int]) -> dict[int, Word]:
    syllables = [syllable for line in read_lyrics(words) for syllable in line.syllables]
    if len(syllables) > len(onsets):
        raise InvalidRequest(f"the words have {len(syllables)} syllables and the melody only {len(onsets)} notes")
    return {
        onset: (syllable.text, syllable.word_end, syllable.line_end)
        for onset, syllable in zip(onsets, syllables, strict=False)
    }
