"""Words that are given beside a melody, divided into syllables as lyrics of songs are."""

import re
from dataclasses import replace

from bandmate_generate.lyrics.lines import Syllable, read_lyrics, sung_lines
from bandmate_music.score import Score
from bandmate_shared.contracts.vocals import VocalRequest
from bandmate_shared.errors import InvalidRequest
from bandmate_shared.singing import melody
from bandmate_shared.singing.melody import GivenSyllable, GivenWords, Singing

_HELD = re.compile(r"(?:(?<=\s)|^)[-_](?=\s|$)")


def vocal_request(score: Score, words: str | None, singing: Singing) -> VocalRequest:
    """The request for singing a score's melody: with `words`, one syllable a note, or with the score's own lyrics.

    Raises what `bandmate_shared.singing.melody.vocal_request` raises.
    """
    if words is None:
        return melody.vocal_request(score, singing)
    given = GivenWords(sung_lines(words), lambda language: _syllables(words, language))
    return melody.vocal_request(score, singing, given)


def _syllables(words: str, language: str) -> list[GivenSyllable | None]:
    """The syllables of a text; None where "-" or "_" stands alone: the vowel before is held for a note."""
    if not _HELD.search(words):
        return [_given(syllable) for line in read_lyrics(words, language).lines for syllable in line.syllables]
    read: list[GivenSyllable | None] = []
    for line in sung_lines(words):
        pieces = _HELD.split(line)
        for number, piece in enumerate(pieces):
            found = read_lyrics(piece, language).lines if piece.strip() else ()
            syllables = [_given(syllable) for each in found for syllable in each.syllables]
            if number < len(pieces) - 1:
                syllables = [replace(syllable, line_end=False) for syllable in syllables]  # The line goes on.
            read += [*syllables, *([None] if number < len(pieces) - 1 else [])]
    if not read or read[0] is None:
        raise InvalidRequest("the words begin with a vowel that is held; write a syllable before the first - or _")
    return read


def _given(syllable: Syllable) -> GivenSyllable:
    return GivenSyllable(syllable.text, syllable.word_end, syllable.line_end)
