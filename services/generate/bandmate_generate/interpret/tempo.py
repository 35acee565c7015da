"""Tempo in a sentence: a number ('around 90 bpm'), a term ('allegro'), or a speed in words ('not too fast').

A speed in words depends on the style, whose range of tempi is what people are used to:

  very slow    50        slow   85 % of the style's slowest, 56 to 76       slowish   84
  not too fast 96        medium 104                                         not too slow 104
  fastish      120       fast   115 % of the style's fastest, 132 to 200    very fast  at least 168
"""

from dataclasses import dataclass

from bandmate_generate.interpret.numbers import number_at
from bandmate_generate.interpret.sentence import Sentence

_MIN_TEMPO, _MAX_TEMPO = 20.0, 300.0
_USUAL_NUMBERS = (30.0, 300.0)
"""A number after 'at' is a tempo within these."""
_FIXED = {
    "very-slow": 50.0,
    "slowish": 84.0,
    "not-too-fast": 96.0,
    "medium": 104.0,
    "not-too-slow": 104.0,
    "fastish": 120.0,
}
_SLOWER = {"very": "very-slow", "rather": "slowish"}
_FASTER = {"very": "very-fast", "rather": "fastish"}
_NEGATION_REACH = 4
"""'don't make it too fast': how far before 'too' the 'not' may stand."""


@dataclass(frozen=True, slots=True)
class Speed:
    """A tempo as it was asked for: quarter notes a minute, or a name of the table above."""

    number: float | None = None
    name: str | None = None


def tempo_of(speed: Speed, style_tempi: tuple[int, int]) -> float:
    """Quarter notes a minute for a speed in a style whose usual tempi are those."""
    if speed.number is not None:
        return speed.number
    assert speed.name is not None, "a speed has a number or a name"
    slowest, fastest = style_tempi
    if speed.name == "slow":
        return float(min(76, max(56, round(0.85 * slowest))))
    if speed.name in ("fast", "very-fast"):
        fast = min(200, max(132, round(1.15 * fastest)))
        return float(fast if speed.name == "fast" else min(220, max(168, round(1.15 * fast))))
    return _FIXED[speed.name]


def read_tempo_number(sentence: Sentence) -> Speed | None:
    """A tempo in numbers or by a term with a usual number, taken as `tempo`."""
    for index in range(len(sentence)):
        number = number_at(sentence, index)
        if number is None or not _MIN_TEMPO <= number[0] <= _MAX_TEMPO:
            continue
        value, after = number
        first = index
        while sentence.has(first - 1, "approximate", "at", "tempo-word", "to") or sentence.plain(first - 1) in "=:":
            if first == 0:
                break
            first -= 1
        is_introduced = _is_introduced(sentence, first, index)
        if sentence.has(after, "bpm"):
            after += 1
        elif not is_introduced or not _USUAL_NUMBERS[0] <= value or _has_unit(sentence, after):
            continue
        if sentence.has(after, "tempo-word"):
            after += 1
        sentence.take(range(first, after), "tempo")
        return Speed(number=value)
    for index in range(len(sentence)):
        term = sentence.meaning(index, "tempo-number")
        if term is not None and not sentence.is_negated(index):
            sentence.take([index], "tempo")
            return Speed(number=float(term))
    return None


def _is_introduced(sentence: Sentence, first: int, index: int) -> bool:
    """Whether 'at', 'tempo' or '=' stands before the number."""
    before = range(first, index)
    return any(
        sentence.has(at, "tempo-word")
        or sentence.plain(at) == "="
        or (sentence.has(at, "at") and sentence.language in ("en", "de"))
        for at in before
    )


def _has_unit(sentence: Sentence, after: int) -> bool:
    return sentence.has(after, "bars", "minutes", "seconds", "half", "and-half", "metre-unit", "section", "instrument")


def read_speed(sentence: Sentence) -> Speed | None:
    """A tempo in words, taken as `tempo`. Without effect: 'too fast', 'not slow'."""
    for index in range(len(sentence)):
        speed = sentence.meaning(index, "tempo")
        if speed is None:
            continue
        before = index - 1
        if sentence.has(before, "too", "very"):
            negation = _negation_before(sentence, before)
            is_excess = sentence.has(before, "too") and not sentence.has(before, "very")
            if negation is None and not is_excess:
                pass  # "very fast"
            elif negation is None or speed not in ("slow", "fast"):
                continue
            else:
                sentence.take([*range(negation, index + 1)], "tempo")
                return Speed(name=f"not-too-{speed}")
        if sentence.is_negated(index):
            continue
        degrees = _SLOWER if speed == "slow" else _FASTER if speed == "fast" else {}
        degree = next((kind for kind in degrees if sentence.has(before, kind)), None)
        first = before if degree is not None else index
        end = index + 1
        if sentence.has(end, "tempo-word"):
            end += 1
        sentence.take(range(first, end), "tempo")
        return Speed(name=degrees[degree] if degree is not None else speed)
    return None


def _negation_before(sentence: Sentence, index: int) -> int | None:
    for at in range(index - 1, max(-1, index - 1 - _NEGATION_REACH), -1):
        if sentence.has(at, "no"):
            return at
        if sentence.is_mark(at):
            return None
    return None
