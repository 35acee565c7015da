"""The form that a sentence asks for: 'two verses and a chorus', 'intro, verse, chorus, outro', 'AABA'."""

import re
from collections import Counter
from typing import Any

from bandmate_shared.contracts.wishes import MAX_SECTIONS

from bandmate_generate.interpret.numbers import number_at, number_before
from bandmate_generate.interpret.sentence import Sentence

_LETTERS = re.compile(r"(?=.*A)(?=.*B)[A-H]{2,12}")
_MAX_REPEATS = 8
_FULL_SECTIONS = frozenset({"verse", "chorus"})


def read_form(sentence: Sentence) -> list[dict[str, Any]] | None:
    """The sections asked for, as `sections` of a song request, taken as `sections`; None where no form is named."""
    letters = _letters(sentence)
    if letters is not None:
        return letters
    groups = _groups(sentence)
    best = max(groups, key=len, default=[])
    if not _is_form(sentence, best):
        return None
    sections = []
    for index in best:
        name = sentence.meaning(index, "section")
        assert name is not None, "a section stands there"
        first, times, bars = _numbers_before(sentence, index)
        end = index + 1
        if bars is None and (bars_after := _bars_after(sentence, index)) is not None:
            bars, end = bars_after
        sections += [{"name": name} | ({"bars": bars} if bars is not None else {})] * times
        sentence.take(range(first, end), "sections")
    if (after_each := _after_each(sentence)) is not None:
        sentence.take([after_each], "sections")
        sections = _interleaved(sections)
    return sections[:MAX_SECTIONS]


def _letters(sentence: Sentence) -> list[dict[str, Any]] | None:
    """A form in letters: 'AABA', 'ABA form'."""
    for index, item in enumerate(sentence.items):
        text = item.text
        if item.meanings or not _LETTERS.fullmatch(text):
            continue
        if len(text) < 3 and not sentence.has(index + 1, "letters-word"):
            continue
        has_word = sentence.has(index + 1, "letters-word")
        sentence.take([index, *([index + 1] if has_word else [])], "sections")
        return [{"name": letter} for letter in text]
    return None


def _groups(sentence: Sentence) -> list[list[int]]:
    """The indices of sections that are named together, with nothing but numbers, commas and small words between."""
    groups: list[list[int]] = []
    for index in range(len(sentence)):
        if not sentence.has(index, "section") or sentence.is_negated(index):
            continue
        between = range(groups[-1][-1] + 1, index) if groups else ()
        if groups and all(_is_between(sentence, at) for at in between):
            groups[-1].append(index)
        else:
            groups.append([index])
    return groups


def _is_between(sentence: Sentence, index: int) -> bool:
    if not sentence.is_free(index):
        return False
    if sentence.items[index].is_mark:
        return sentence.plain(index) in (",", ";", ":")
    is_number = sentence.plain(index).isdigit()
    return is_number or sentence.has(index, "filler", "and", "number", "bars", "with", "to", "after-each")


def _is_form(sentence: Sentence, group: list[int]) -> bool:
    """Whether what is named is a form: a verse or chorus among several sections, not just 'with an intro'."""
    times = sum(_numbers_before(sentence, index)[1] for index in group)
    return times >= 2 and any(sentence.meaning(index, "section") in _FULL_SECTIONS for index in group)


def _numbers_before(sentence: Sentence, index: int) -> tuple[int, int, int | None]:
    """For the section at that index: the first index of its numbers, how often it comes, and its bars."""
    first, times, bars = index, 1, None
    before = index - 1
    if sentence.has(before, "bars") and (found := number_before(sentence, before)) is not None:
        bars, first = int(found[0]), found[1]
    number = number_before(sentence, first)
    if number is not None and number[0].is_integer() and 1 <= number[0] <= _MAX_REPEATS:
        times, first = int(number[0]), number[1]
    return first, times, bars


def _bars_after(sentence: Sentence, index: int) -> tuple[int, int] | None:
    """The bars in 'an intro of 4 bars', and the index behind them."""
    number = number_at(sentence, index + 2) if sentence.plain(index + 1) in ("of", "with", "von", "de") else None
    if number is None or not number[0].is_integer() or not sentence.has(number[1], "bars"):
        return None
    return int(number[0]), number[1] + 1


def _after_each(sentence: Sentence) -> int | None:
    return next((index for index in range(len(sentence)) if sentence.has(index, "after-each")), None)


def _interleaved(sections: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Verse, chorus, verse, chorus: the chorus after each verse."""
    count = Counter(section["name"] for section in sections)["verse"]
    chorus = next((section for section in sections if section["name"] == "chorus"), None)
    if chorus is None or not count:
        return sections
    result: list[dict[str, Any]] = []
    for section in sections:
        if section["name"] == "verse":
            result += [section, chorus]
        elif section["name"] != "chorus":
            result.append(section)
    return result
