"""Numbers in a sentence, in figures or words."""

import re

from bandmate_generate.interpret.sentence import Sentence

_FIGURES = re.compile(r"\d{1,4}(?:[.,]\d{1,2})?")


def number_at(sentence: Sentence, index: int) -> tuple[float, int] | None:
    """The number that begins at that item, and the index behind it; None where none does.

    'ninety six', 'a hundred and ten', '90', '1,5', and of a range ('90-100', 'between 8 and 16') the middle.
    """
    first = _single(sentence, index)
    if first is None:
        return None
    value, after = first
    if sentence.has(after, "to") and (second := _single(sentence, after + 1)) and second[0] > value:
        return (value + second[0]) / 2, second[1]
    return value, after


def number_before(sentence: Sentence, index: int) -> tuple[float, int] | None:
    """The number that ends right before that item, and the index of its first item."""
    for first in range(max(0, index - 6), index):
        found = number_at(sentence, first)
        if found is not None and found[1] == index:
            return found[0], first
    return None


def _single(sentence: Sentence, index: int) -> tuple[float, int] | None:
    if not sentence.is_free(index):
        return None
    if _FIGURES.fullmatch(plain := sentence.plain(index)):
        return float(plain.replace(",", ".")), index + 1
    word = sentence.meaning(index, "number")
    if word is None:
        return None
    value, after = float(word), index + 1
    if value == 100 and sentence.has(after, "and") and sentence.has(after + 1, "number"):
        after += 1
    following = sentence.meaning(after, "number")
    if following is not None and (value == 100 or (20 <= value < 100 and value % 10 == 0 and float(following) < 10)):
        rest = _single(sentence, after)
        assert rest is not None, "a number stands there"
        return value + rest[0], rest[1]
    return value, after
