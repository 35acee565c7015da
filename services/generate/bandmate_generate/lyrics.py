"""Lyrics as lines, words and syllables, each syllable with an estimate of its stress."""

import re
from dataclasses import dataclass

from bandmate_shared.errors import InvalidRequest

from bandmate_generate.syllables import is_function_word, split_word, strip_marks

_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*['’]?|\d+")
_UNITS = (
    "zero one two three four five six seven eight nine ten "
    "eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen"
)
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety"
MAX_SYLLABLE_CHARACTERS = 24


@dataclass(frozen=True, slots=True)
class Syllable:
    """What is sung on one note. `stress` is 0 (weak) to 1 (strong); `word_end` is False where the word goes on."""

    text: str
    stress: float
    word_end: bool
    line_end: bool = False


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the lyrics. `stanza` counts from 0; a blank line begins the next one."""

    syllables: tuple[Syllable, ...]
    stanza: int


def read_lyrics(text: str) -> list[Line]:
    """Lines of syllables. Lines without a word (punctuation, say) are left out; numbers are spoken.

    Raises:
        InvalidRequest: no line has a syllable, or a word is written in a script whose syllables are not known.
    """
    lines: list[Line] = []
    stanza, blank = 0, False
    for number, raw in enumerate(text.splitlines(), start=1):
        if not raw.strip():
            blank = True
            continue
        syllables = _syllables_of(raw, number)
        if not syllables:
            continue
        if blank and lines:
            stanza += 1
        blank = False
        lines.append(Line(tuple(syllables), stanza))
    if not lines:
        raise InvalidRequest("the lyrics hold no syllables that can be sung; write words in Latin letters")
    return lines


def _syllables_of(line: str, number: int) -> list[Syllable]:
    spoken: list[tuple[str, float, bool]] = []
    for match in _WORD.finditer(line):
        for word in _number_words(match[0]) if match[0].isdigit() else [match[0]]:
            parts, stressed = split_word(word)
            if not parts:
                raise InvalidRequest(
                    f"no syllables were found in {word[:40]!r} (lyric line {number}); write words in Latin letters"
                )
            if any(len(part) > MAX_SYLLABLE_CHARACTERS for part in parts):
                raise InvalidRequest(f"{word[:40]!r} (lyric line {number}) is not a word that can be sung")
            weak = len(parts) == 1 and is_function_word(strip_marks(word))
            for index, part in enumerate(parts):
                stress = 0.1 if weak else 1.0 if index == stressed else 0.4 if abs(index - stressed) == 2 else 0.0
                spoken.append((part, stress, index == len(parts) - 1))
    last = len(spoken) - 1
    return [Syllable(text, stress, end, index == last) for index, (text, stress, end) in enumerate(spoken)]


def _number_words(digits: str) -> list[str]:
    """A number below 10,000 as English words; a longer one digit by digit."""
    value, units, tens = int(digits[:20]), _UNITS.split(), _TENS.split()
    if len(digits) > 4 or (digits.startswith("0") and len(digits) > 1):
        return [units[int(digit)] for digit in digits]
    if value < 20:
        return [units[value]]
    words: list[str] = []
    for size, name in ((1000, "thousand"), (100, "hundred")):
        if value >= size:
            words += [units[value // size], name]
            value %= size
    if value >= 20:
        words.append(tens[value // 10 - 2])
        value %= 10
    return words + ([units[value]] if value else [])
