"""Write the chords of one section, bar by bar, as degrees of the key.

A section is phrases of four bars. Some repeat one phrase throughout (as often as in the annotated songs), others
answer it: the same beginning with another ending, or a contrasting phrase between. How it ends follows from what comes
after it.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from bandmate_music.theory.keys import Mode

from bandmate_generate.harmony.bar_model import PHRASE_BARS, START, draw_bars
from bandmate_generate.harmony.blues import blues_bars
from bandmate_generate.harmony.degrees import parse_degree
from bandmate_generate.harmony.tonal_clarity import clarity
from bandmate_generate.harmony.vocabularies import Ending, Vocabulary, written_phrases

LOOP_SHARES = {"intro": 0.48, "verse": 0.32, "chorus": 0.45, "pre-chorus": 0.2, "bridge": 0.16}
"""Share of sections of eight bars and more that repeat one phrase of four bars or less (fit_harmony.py prints them)."""
_OTHER_LOOP_SHARE = 0.3
_SHORT_LOOP_SHARE = 0.4
"""Of those, the share that repeat one or two bars."""
_SHARED_BAR = 0.65
"""Factor for each bar that another section has at the same place."""
_FAVOURS = (0.2, 1.0, 1.0, 2.5)
"""How much more or less readily than usual a section takes a chord: verse and chorus share some, not all."""
_CANDIDATES = 24
_PLANS = {2: ("ab", "aa"), 3: ("aab", "aba"), 4: ("abab", "aaba", "abac")}
_CADENCE = frozenset((1, 2, 5, 7, 10))
"""Roots, in semitones above the tonic, that lead to it."""
_CLEAR = 0.06
"""A lead of the home key beyond which more makes no phrase better."""


@dataclass(frozen=True, slots=True)
class SectionTask:
    """What is known of a section before its chords: `name` as in SongSection, `ending` how it closes."""

    name: str
    bars: int
    ending: Ending


def section_bars(
    task: SectionTask, mode: Mode, vocabulary: Vocabulary, others: Sequence[Sequence[str]], rng: random.Random
) -> list[str]:
    """The chords of each bar. `others` are the bars of the sections written before, which this one should differ
    from."""
    if vocabulary.name == "blues":
        return blues_bars(task.bars, mode, task.ending, rng)
    writer = PhraseWriter(task, mode, vocabulary, others, rng)
    count, rest = divmod(task.bars, PHRASE_BARS)
    if count == 0:
        return _short(task, mode, writer.phrase(START, task.ending, "opening"))
    plan = _plan(task.name, count, rng)
    is_loop = count > 1 and set(plan) == {"a"}
    opening = writer.phrase(START, "open" if count > 1 or rest else task.ending, "opening")
    if is_loop and rng.random() < _SHORT_LOOP_SHARE:
        opening = writer.short_loop(opening)
    phrases: dict[str, tuple[str, ...]] = {"a": opening}
    bars: list[str] = []
    for number, letter in enumerate(plan):
        is_last = number == len(plan) - 1 and not rest
        if letter not in phrases:
            phrases[letter] = writer.phrase(bars[-1], "open", "inner")
        phrase = phrases[letter]
        if is_last and number and (not is_loop or task.ending == "home"):
            phrase = writer.closed(phrase, bars[-1])
        bars += phrase
    if rest:
        bars += writer.tail(bars[-1], rest)
    return bars


def with_cadence(bars: Sequence[str], count: int, mode: Mode) -> list[str]:
    """A section's bars, the first `count` of which end a song and will close with a bar of the tonic: without the
    tonic alone before it, which would end the song without a cadence."""
    closed = list(bars)
    subdominant = "IV" if mode == "major" else "iv"
    if count < 2 or _roots(closed[count - 2]) != {0}:
        return closed
    before = _roots(closed[count - 3]) if count > 2 else set[int]()
    if before == {0}:
        closed[count - 3 : count - 1] = [subdominant, "V"]
    elif not before & _CADENCE:
        closed[count - 2] = subdominant if before else "V"
    return closed


def _roots(bar: str) -> set[int]:
    """Semitones above the tonic."""
    return {parse_degree(chord).root for chord in bar.split()}


def _plan(name: str, count: int, rng: random.Random) -> str:
    """A letter for each phrase."""
    if rng.random() < LOOP_SHARES.get(name, _OTHER_LOOP_SHARE):
        return "a" * count
    return (rng.choice(_PLANS[min(max(count, 2), 4)]) * -(-count // 2))[:count]


def _short(task: SectionTask, mode: Mode, phrase: tuple[str, ...]) -> list[str]:
    """One to three bars: the end of a phrase where it leads somewhere, the tonic alone in a single bar."""
    if task.bars == 1:
        return ["I" if mode == "major" else "i"] if task.ending == "home" else [phrase[-1]]
    return [phrase[0], *phrase[len(phrase) - task.bars + 1 :]]


class PhraseWriter:
    """Draws several phrases and keeps the one that is heard in the key, moves, and is new in the song."""

    def __init__(
        self,
        task: SectionTask,
        mode: Mode,
        vocabulary: Vocabulary,
        others: Sequence[Sequence[str]],
        rng: random.Random,
    ) -> None:
        self._task, self._mode, self._vocabulary, self._others, self._rng = task, mode, vocabulary, others, rng
        self._favour = {chord: rng.choice(_FAVOURS) for chord in sorted(vocabulary.weights.get(mode, ()))}
        self._favour["I"] = self._favour["i"] = 1.0

    def phrase(self, before: str, ending: Ending, place: str) -> tuple[str, ...]:
        """Four bars after the bar `before`."""
        return self._best(self._candidates(before, ending, place), before)

    def closed(self, phrase: tuple[str, ...], before: str) -> tuple[str, ...]:
        """The phrase with the section's ending."""
        if self._task.ending == "open":
            return phrase
        if self._vocabulary.has_own_phrases(self._mode):
            options = written_phrases(self._vocabulary.name, self._mode, self._task.ending)
            alike = [option for option in options if option[0] == phrase[0]] or options
            return self._best(alike, before)
        endings = self._vocabulary.endings[self._mode, self._task.ending]
        return self._best([(*phrase[:2], *ending.split(" | ")) for ending in endings], before)

    def short_loop(self, phrase: tuple[str, ...]) -> tuple[str, ...]:
        """Its first two bars twice, where they move and are heard in the key."""
        half = phrase[:2] * 2
        return half if phrase[0] != phrase[1] and clarity(half, self._mode) > 0 else phrase

    def tail(self, before: str, count: int) -> list[str]:
        """One to three bars that end the section."""
        phrase = self.phrase(before, self._task.ending, "inner")
        return list(phrase[-count:])

    def _candidates(self, before: str, ending: Ending, place: str) -> list[tuple[str, ...]]:
        vocabulary, mode = self._vocabulary, self._mode
        if vocabulary.has_own_phrases(mode):
            starts_away = self._task.name in ("bridge", "C") and place == "opening"
            chosen = ending if ending != "open" else "inner" if starts_away else place
            return list(written_phrases(vocabulary.name, mode, chosen))
        section, table = self._task.name, vocabulary.table
        drawn = [
            draw_bars(table, section, mode, before, PHRASE_BARS, self._rng, self._weight) for _ in range(_CANDIDATES)
        ]
        if ending == "open":
            return drawn
        endings = vocabulary.endings[mode, ending]
        return [(*bars[:2], *self._rng.choice(endings).split(" | ")) for bars in drawn]

    def _weight(self, bar: str) -> float:
        value = self._vocabulary.weight(bar, self._mode)
        for chord in bar.split():
            value *= self._favour.get(chord, 1.0)
        return value

    def _best(self, candidates: Sequence[tuple[str, ...]], before: str) -> tuple[str, ...]:
        """One of the candidates, drawn by how good each is."""
        unique = list(dict.fromkeys(candidates))
        return self._rng.choices(unique, [self._quality(bars, before) * candidates.count(bars) for bars in unique])[0]

    def _quality(self, bars: tuple[str, ...], before: str) -> float:
        lead = clarity(bars, self._mode)
        quality = 1.0 if lead >= _CLEAR else 0.6 if lead > 0 else 0.05
        if before != START and clarity((before, *bars[:3]), self._mode) < 0:
            quality *= 0.5
        stays = sum(one == other for one, other in pairwise(bars))
        if not self._vocabulary.has_own_phrases(self._mode):
            quality *= self._vocabulary.static ** max(0, stays - 1)
            if stays == len(bars) - 1:
                quality *= 0.1
        for other in self._others:
            if bars == tuple(other[: len(bars)]):
                quality *= 0.1
            else:
                quality *= _SHARED_BAR ** sum(one == two for one, two in zip(bars, other, strict=False))
        return quality
