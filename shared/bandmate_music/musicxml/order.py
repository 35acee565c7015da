"""The order in which measures are played: repeats, endings, D.C., D.S., Fine and coda, unfolded.

After a jump (D.C., D.S.) repeats are not taken again and the last ending is played, as musicians do, unless the file
says otherwise (`after-jump`).
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from bandmate_music.limits import Limits

_MAX_TIMES = 20


@dataclass(slots=True)
class Jumps:
    """What a measure says about the order. `backward`: how often the section that ends here is played, 0 for none.

    `endings`: the passes of the ending that begins here; `ending_stops`: the ending stops with this measure.
    """

    forward: bool = False
    backward: int = 0
    after_jump: bool = False
    endings: tuple[int, ...] = ()
    ending_stops: bool = False
    segno: bool = False
    coda: bool = False
    to_coda: bool = False
    fine: bool = False
    da_capo: bool = False
    dal_segno: bool = False
    segno_name: str = ""
    """Of the sign here, or of the one that is jumped to; files with several signs name them."""
    coda_name: str = ""

    def add(self, other: "Jumps") -> None:
        """What another part says of the same measure holds as well."""
        self.forward |= other.forward
        self.backward = max(self.backward, other.backward)
        self.after_jump |= other.after_jump
        self.endings = self.endings or other.endings
        self.ending_stops |= other.ending_stops
        self.segno |= other.segno
        self.coda |= other.coda
        self.to_coda |= other.to_coda
        self.fine |= other.fine
        self.da_capo |= other.da_capo
        self.dal_segno |= other.dal_segno
        self.segno_name = self.segno_name or other.segno_name
        self.coda_name = self.coda_name or other.coda_name


@dataclass(frozen=True, slots=True)
class PlayedMeasure:
    """A measure by its place in the file, and the verse that is sung there, counted from 1."""

    measure: int
    verse: int


@dataclass(slots=True)
class _Section:
    """A repeated section: measures `first`..`last`, endings included."""

    first: int
    last: int
    times: int
    played: int = 0
    """Passes begun since the section was last entered."""


@dataclass(slots=True)
class _Plan:
    jumps: Sequence[Jumps]
    section: list[_Section | None]
    endings: list[tuple[int, ...]]
    ending_ends: list[int]
    """For each measure of an ending the measure after it."""
    visits: Counter[int] = field(default_factory=Counter)


def playing_order(jumps: Sequence[Jumps], limits: Limits) -> list[PlayedMeasure]:
    """The measures as they are played. A verse is counted for each time that its section begins anew.

    Raises:
        LimitExceeded: they are more than `limits` allow.
    """
    plan = _plan(jumps)
    order: list[PlayedMeasure] = []
    jumped = False
    taken: set[int] = set()
    index = 0
    while index < len(jumps):
        here, section = jumps[index], plan.section[index]
        if section is not None and index == section.first:
            section.played += 1
        if plan.endings[index] and not _takes_ending(plan, index, jumped):
            index = plan.ending_ends[index]
            continue
        order.append(PlayedMeasure(index, _verse(plan, index, section, order)))
        limits.check_bars(len(order))
        if jumped and here.fine:
            break
        if jumped and here.to_coda and (target := _coda_after(jumps, index)) is not None:
            index = target
            continue
        if here.backward and section is not None and (not jumped or here.after_jump) and section.played < section.times:
            index = section.first
            continue
        if section is not None and (index == section.last or (here.backward and not plan.endings[index])):
            section.played = 0
        if (here.da_capo or here.dal_segno) and index not in taken:
            taken.add(index)
            jumped = True
            for each in plan.section:
                if each is not None:
                    each.played = 0
            index = _segno_before(jumps, index) if here.dal_segno else 0
            continue
        index += 1
    return order


def _verse(plan: _Plan, index: int, section: _Section | None, order: Sequence[PlayedMeasure]) -> int:
    """How often the section of the measure, or the measure itself, has begun."""
    first = index if section is None else section.first
    entered = not order or order[-1].measure + 1 != index or plan.section[order[-1].measure] is not section
    if index == first or (section is not None and entered and not plan.endings[index]):
        plan.visits[first] += 1
    return max(1, plan.visits[first])


def _takes_ending(plan: _Plan, index: int, jumped: bool) -> bool:
    section, numbers = plan.section[index], plan.endings[index]
    if section is None:
        return True
    return section.times in numbers if jumped else max(1, section.played) in numbers


def _plan(jumps: Sequence[Jumps]) -> _Plan:
    count = len(jumps)
    endings: list[tuple[int, ...]] = [()] * count
    ending_ends = list(range(1, count + 1))
    index = 0
    while index < count:
        if not jumps[index].endings:
            index += 1
            continue
        last = index
        while (
            not (jumps[last].ending_stops or jumps[last].backward) and last + 1 < count and not jumps[last + 1].endings
        ):
            last += 1
        for inside in range(index, last + 1):
            endings[inside], ending_ends[inside] = jumps[index].endings, last + 1
        index = last + 1
    sections: list[_Section | None] = [None] * count
    first = 0
    for index in range(count):
        if jumps[index].forward:
            first = index
        if not jumps[index].backward or sections[index] is not None:
            continue
        last, numbers, times = index, set(endings[index]), jumps[index].backward
        while last + 1 < count and endings[last + 1] and not jumps[last + 1].forward:
            last = ending_ends[last + 1] - 1
            numbers |= set(endings[last])
        if numbers:
            times = max(*numbers, 2)
        section = _Section(first, last, min(times, _MAX_TIMES))
        sections[first : last + 1] = [section] * (last + 1 - first)
        first = last + 1
    return _Plan(jumps, sections, endings, ending_ends)


def _coda_after(jumps: Sequence[Jumps], index: int) -> int | None:
    """The next coda; with a name, the one that has it, where there is one."""
    later = [place for place in range(index + 1, len(jumps)) if jumps[place].coda]
    named = [place for place in later if jumps[index].coda_name and jumps[place].coda_name == jumps[index].coda_name]
    return next(iter(named or later), None)


def _segno_before(jumps: Sequence[Jumps], index: int) -> int:
    """The sign before; with a name, the one that has it, where there is one."""
    before = [place for place in range(index, -1, -1) if jumps[place].segno]
    name = jumps[index].segno_name
    named = [place for place in before if name and jumps[place].segno_name == name]
    return next(iter(named or before), 0)
