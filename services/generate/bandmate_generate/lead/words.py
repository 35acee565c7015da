"""Fit other words to a tune: the rules by which a second verse is sung to the notes of the first.

A syllable too many divides a note that carries on over several pitches, or a long note into two of one pitch, or adds a
pick-up; one too few joins two notes under one syllable (a slur, or one longer note), or drops the pick-up. Each time
the change is made after which the stresses fall best.
"""

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import NamedTuple

from bandmate_generate.lead.rhythm import stress_class
from bandmate_generate.lyrics.lines import Syllable

_MAX_CHANGES = 4
_LONG, _HELD = 48, 200
"""A syllable inside a line that is held for more ticks, and what it costs to make one."""
_MAX_RUN = 4
"""One pitch is not sung more often in a row."""


class TuneNote(NamedTuple):
    """A note of a phrase, its onset counted in ticks from the start of its section."""

    onset: int
    duration: int
    pitch: int

    @property
    def end(self) -> int:
        return self.onset + self.duration


Sung = tuple[TuneNote, ...]
"""The notes of one syllable."""


class WordFit(NamedTuple):
    """What fitting may do. `stress_costs[stress][level]`, `level` of an onset; `finest` the shortest note; `earliest`
    the first tick free for a pick-up before `downbeat`."""

    stress_costs: Sequence[Sequence[int]]
    level: Callable[[int], int]
    finest: int
    earliest: int
    downbeat: int


def fit_words(tune: Sequence[Sung], syllables: Sequence[Syllable], fit: WordFit) -> list[Sung] | None:
    """The tune with a group of notes for each syllable; None where too many changes would be needed."""
    groups = list(tune)
    if abs(len(syllables) - len(groups)) > min(_MAX_CHANGES, max(1, len(groups) // 2)):
        return None
    while len(groups) != len(syllables):
        longer = len(syllables) > len(groups)
        options = list(_longer(groups, syllables, fit) if longer else _shorter(groups, syllables, fit))
        if not options:
            return None
        groups = min(options, key=lambda option: (option[0] + _misfit(option[1], syllables, fit), option[1]))[1]
    return groups


def _misfit(groups: Sequence[Sung], syllables: Sequence[Syllable], fit: WordFit) -> int:
    """Cost of the stresses where they fall; while counts differ, those of the end count from the end."""
    head = min(len(groups), len(syllables))
    forward = [fit.stress_costs[stress_class(syllables[i].stress)][fit.level(groups[i][0].onset)] for i in range(head)]
    if len(groups) == len(syllables):
        return sum(forward)
    backward = [
        fit.stress_costs[stress_class(syllables[-1 - i].stress)][fit.level(groups[-1 - i][0].onset)]
        for i in range(head)
    ][::-1]
    return min(sum(forward[:cut]) + sum(backward[cut:]) for cut in range(head + 1))


def _longer(groups: list[Sung], syllables: Sequence[Syllable], fit: WordFit) -> list[tuple[int, list[Sung]]]:
    options: list[tuple[int, list[Sung]]] = []
    for index, group in enumerate(groups):
        if len(group) > 1:
            options.append((0, [*groups[:index], group[:1], group[1:], *groups[index + 1 :]]))
            continue
        note = group[0]
        cuts = list(range(fit.finest, note.duration - fit.finest + 1, fit.finest))
        if not cuts:
            continue
        cut = min(cuts, key=lambda cut: (fit.level(note.onset + cut), abs(2 * cut - note.duration), cut))
        halves = ((note._replace(duration=cut),), (TuneNote(note.onset + cut, note.duration - cut, note.pitch),))
        changed = [*groups[:index], *halves, *groups[index + 1 :]]
        if _longest_run(changed) <= max(_MAX_RUN, _longest_run(groups)):
            short = min(cut, note.duration - cut)
            options.append((60 + (80 if short < 12 else 0) + (120 if index + 1 == len(groups) else 0), changed))
    first = groups[0][0]
    step = 12 if 12 % fit.finest == 0 else fit.finest
    if first.onset - step >= fit.earliest and first.onset <= fit.downbeat and syllables[0].stress < 0.5:
        pickup = (TuneNote(first.onset - step, step, first.pitch),)
        changed = [pickup, *groups]
        if _longest_run(changed) <= max(_MAX_RUN, _longest_run(groups)):
            options.append((20, changed))
    return options


def _shorter(groups: list[Sung], syllables: Sequence[Syllable], fit: WordFit) -> list[tuple[int, list[Sung]]]:
    options: list[tuple[int, list[Sung]]] = []
    for index, (group, following) in enumerate(pairwise(groups)):
        last, next_note = group[-1], following[0]
        if last.pitch == next_note.pitch:
            joined = (*group[:-1], TuneNote(last.onset, next_note.end - last.onset, last.pitch), *following[1:])
            cost = 30
        else:
            joined = (*group[:-1], last._replace(duration=next_note.onset - last.onset), *following)
            cost = 70 + 60 * (len(group) + len(following) - 2) + (40 if abs(last.pitch - next_note.pitch) > 4 else 0)
        if index + 2 < len(groups) and joined[-1].end - joined[0].onset > _LONG:
            cost += _HELD
        options.append((cost, [*groups[:index], joined, *groups[index + 2 :]]))
    if groups[0][0].onset < fit.downbeat and syllables[0].stress >= 0.5 and len(groups) > 1:
        options.append((10, groups[1:]))
    return options


def _longest_run(groups: Sequence[Sung]) -> int:
    longest = run = 0
    before = -1
    for pitch in (note.pitch for group in groups for note in group):
        run = run + 1 if pitch == before else 1
        before, longest = pitch, max(longest, run)
    return longest
