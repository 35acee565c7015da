"""Metre and length in a sentence: '3/4', 'six-eight', 'waltz time'; 'eight bars', 'a minute and a half', '1:30'."""

import re

from bandmate_music.theory.metre import parse_metre

from bandmate_generate.interpret.numbers import number_at, number_before
from bandmate_generate.interpret.sentence import Sentence

_FRACTION = re.compile(r"\d{1,2}/(?:1|2|4|8|16)")
_CLOCK = re.compile(r"(\d{1,2}):([0-5]\d)")
_BEATS = {2: "2/4", 3: "3/4", 4: "4/4", 5: "5/4", 6: "6/8", 7: "7/8", 9: "9/8", 12: "12/8"}
"""'in three' is 3/4, 'in six' 6/8."""
_LONG = frozenset({"long", "length", "lang", "langes", "langer", "lange", "large", "larga", "largo"})


def read_metre(sentence: Sentence) -> str | None:
    """The metre asked for, taken as `metre`."""
    for index in range(len(sentence)):
        found = _metre_at(sentence, index)
        if found is None:
            continue
        metre, end = found
        first = index
        if sentence.has(first - 1, "in"):
            first -= 1
        while sentence.has(end, "time-word"):
            end += 1
        sentence.take(range(first, end), "metre")
        return metre
    return None


def _metre_at(sentence: Sentence, index: int) -> tuple[str, int] | None:
    if sentence.is_free(index) and _FRACTION.fullmatch(sentence.plain(index)):
        if sentence.has(index + 1, "minutes", "seconds"):
            return None
        try:
            return parse_metre(sentence.plain(index)).name, index + 1
        except ValueError:
            return None
    if (named := sentence.meaning(index, "metre")) is not None:
        return named, index + 1
    number = number_at(sentence, index)
    if number is None or not number[0].is_integer() or not 1 <= number[0] <= 16:
        return None
    beats, after = int(number[0]), number[1]
    unit = sentence.meaning(after, "metre-unit")
    is_introduced = sentence.has(index - 1, "in")
    if unit is not None and (is_introduced or sentence.has(after + 1, "time-word") or unit == "8"):
        return f"{beats}/{unit}", after + 1
    if is_introduced and beats in _BEATS and sentence.language == "en":
        is_closed = sentence.is_mark(after) or sentence.has(after, "with", "for", "and", "at", "no", "in")
        return (_BEATS[beats], after) if is_closed else None
    return None


def read_bars(sentence: Sentence) -> int | None:
    """The length in bars, taken as `bars`; bars of a single section are read by `form`, before."""
    for index in range(len(sentence)):
        if not sentence.has(index, "bars"):
            continue
        number = number_before(sentence, index)
        if number is None or number[0] < 1:
            continue
        sentence.take(_with_approximation(sentence, number[1], index + 1), "bars")
        return round(number[0])
    return None


def read_seconds(sentence: Sentence) -> float | None:
    """The length in seconds, taken as `seconds`."""
    for index in range(len(sentence)):
        found = _seconds_at(sentence, index)
        if found is not None and found[0] > 0:
            sentence.take(_with_approximation(sentence, index, found[1]), "seconds")
            return found[0]
    return None


def _seconds_at(sentence: Sentence, index: int) -> tuple[float, int] | None:
    """The duration that begins at that item, in seconds, and the index behind it."""
    if sentence.is_free(index) and (clock := _CLOCK.fullmatch(sentence.plain(index))):
        after = index + 1
        return int(clock[1]) * 60.0 + int(clock[2]), after + 1 if sentence.has(after, "minutes") else after
    if sentence.is_free(index) and sentence.plain(index) == "1/2" and sentence.has(index + 1, "minutes"):
        return 30.0, index + 2
    if sentence.has(index, "half"):
        unit = sentence.skip(index + 1, "filler") if not sentence.has(index + 1, "minutes") else index + 1
        return (30.0, unit + 1) if sentence.has(unit, "minutes") else None
    number = number_at(sentence, index)
    if number is None and sentence.plain(index) in ("a", "an") and sentence.has(index + 1, "minutes"):
        number = 1.0, index + 1
    if number is None:
        return None
    value, after = number
    if sentence.has(after, "half") and sentence.has(after + 1, "minutes") and value == 1:  # "eine halbe Minute"
        return 30.0, after + 2
    if sentence.has(after, "and-half"):
        value, after = value + 0.5, after + 1
    if sentence.has(after, "minutes"):
        return _minutes(sentence, value, after + 1)
    if sentence.has(after, "seconds") and not (sentence.plain(after) == "s" and value < 5):
        return value, after + 1
    return None


def _minutes(sentence: Sentence, minutes: float, after: int) -> tuple[float, int]:
    """Minutes with what may follow: 'and a half', 'and ten seconds'."""
    if sentence.has(after, "and-half"):
        return (minutes + 0.5) * 60, after + 1
    more = number_at(sentence, sentence.skip(after, "and"))
    if more is not None and sentence.has(more[1], "seconds"):
        return minutes * 60 + more[0], more[1] + 1
    return minutes * 60, after


def _with_approximation(sentence: Sentence, first: int, end: int) -> range:
    """The items with an 'about' before them and a 'long' after."""
    while sentence.has(first - 1, "approximate"):
        first -= 1
    if sentence.plain(end) in _LONG:
        end += 1
    return range(first, end)
