"""Words that are given beside a melody, divided into syllables as lyrics of songs are."""

from bandmate_generate.lyrics.lines import as_sung, read_lyrics, sung_lines
from bandmate_music.score import Score
from bandmate_shared.contracts.vocals import VocalRequest
from bandmate_shared.singing import melody
from bandmate_shared.singing.melody import GivenSyllable, GivenWords, Singing


def vocal_request(score: Score, words: str | None, singing: Singing) -> VocalRequest:
    """The request for singing a score's melody: with `words`, one syllable a note, or with the score's own lyrics.

    Raises what `bandmate_shared.singing.melody.vocal_request` raises.
    """
    if words is None:
        return melody.vocal_request(score, singing)
    given = GivenWords(sung_lines(words), lambda language: _syllables(words, language))
    return melody.vocal_request(score, singing, given)


def _syllables(words: str, language: str) -> list[GivenSyllable | None]:
    """The syllables of a text; None where the vowel before is held for a note."""
    lines = read_lyrics(words, language).lines
    return [
        None if syllable is None else GivenSyllable(syllable.sung_text, syllable.word_end, syllable.line_end)
        for syllable in as_sung([syllable for line in lines for syllable in line.syllables])
    ]
