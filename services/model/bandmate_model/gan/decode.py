"""From the generator's logits of a block to the notes of one part, under everything the request lays down.

How many notes there are comes from the logits, kept between the least and the most that the part may have; which ones,
from the greatest. What is not allowed never enters: pitches outside the range are moved by octaves, given notes keep
their room, notes end with their hole.
"""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from bandmate_model.gan.plan import GanPlan, PartPlan
from bandmate_model.gan.roll import BLOCK, DRUMS, KIT, LOWEST, PITCHES, PLANES, SLICE_STEPS, Bool
from bandmate_model.tokens import GRID_PER_TICK, TICKS_PER_QUARTER

Floats = NDArray[np.float32]

CHORD_TONE = 2.5
"""Logits added to the tones of a chord wished for, and taken from the others."""
OUTSIDE_SCALE = 1.5
LEAP = 0.1
"""Logits taken a semitone from the note before, where one note sounds at a time."""
CLOSE = 1.5
"""Logits added to the tonic's triad in the last bar."""
STROKE = 6
"""Grid ticks a drum is written to last: a sixteenth."""
_NEVER = np.float32(-1e9)
_MAJOR = np.array([1, 0, 1, 0, 1, 1, 0, 1, 0, 1, 0, 1], dtype=bool)
_MINOR = np.array([1, 0, 1, 1, 0, 1, 0, 1, 1, 0, 1, 1], dtype=bool)


@dataclass(slots=True)
class Line:
    """A part while it is composed. Notes are (onset, duration, pitch) in grid ticks."""

    part: PartPlan
    composed: list[tuple[int, int, int]] = field(default_factory=list)
    quarters: float = 0.0
    """Of free time decoded so far."""
    next_fixed: int = 0

    def previous(self, tick: int) -> int | None:
        """The pitch of the last note before a tick, given or composed."""
        before = [(onset, pitch) for onset, _, pitch in self.composed[-8:] if onset < tick]
        before += [(row[1], row[3]) for row in self.part.given if row[1] < tick]
        return max(before)[1] if before else None


@dataclass(frozen=True, slots=True)
class Block:
    """What the generator says of the block that begins with slice `first`. All (BLOCK_STEPS, CELLS)."""

    first: int
    logits: Floats
    noise: Floats
    """Added to the logits of onsets."""
    chances: Floats
    """Of a neuron to fire, as it was trained: their sum is how many notes the generator means."""

    def tick(self, plan: GanPlan, step: int) -> int:
        """The grid tick at which a step of the block begins."""
        return plan.slices.tick(self.first * SLICE_STEPS + step) * GRID_PER_TICK


@dataclass(frozen=True, slots=True)
class Scores:
    """What the block says of a part's own pitches. `pitches` (n,); `onset`, `lasting`, `chances` (steps, n)."""

    pitches: NDArray[np.int64]
    onset: Floats
    lasting: Floats
    chances: Floats


def decode(plan: GanPlan, line: Line, block: Block, *, must: bool) -> list[tuple[int, int, int]]:
    """The notes of a part in a block, also appended to the line. `must`: it has to have a note after this block."""
    part = line.part
    scores = _scores(plan, part, block)
    steps = _free_steps(plan, part, block)
    if part.rhythm is not None:
        found = _fixed(plan, line, scores, block)
    elif steps.any():
        onset = _open(plan, part, scores, steps, block)
        chances = np.where(onset > _NEVER / 2, scores.chances, 0.0)
        # One note at a time: at each step that of all its pitches that any fires, not that the best one does.
        meant = (1 - np.prod(1 - chances, axis=1)).sum() if part.mono else chances.sum()
        wanted = _wanted(line, round(float(meant)), _quarters(plan, steps, block), must=must)
        found = _lengthened(plan, line, scores, _chosen(part, scores, onset, wanted), steps, block)
    else:
        found = []
    line.composed.extend(found)
    return found


def fill(plan: GanPlan, line: Line, block: Block, bar: int) -> list[tuple[int, int, int]]:
    """One note in a bar of the block in which nothing sounds; none where the part may not play there."""
    part = line.part
    owners = np.append(plan.slices.bars, [-1] * BLOCK)[block.first : block.first + BLOCK]
    steps = _free_steps(plan, part, block) & np.repeat(owners == bar, SLICE_STEPS)
    if part.rhythm is not None or not steps.any():
        return []
    scores = _scores(plan, part, block)
    onsets = _chosen(part, scores, _open(plan, part, scores, steps, block), 1)
    found = _lengthened(plan, line, scores, onsets, steps, block)
    line.composed = sorted([*line.composed, *found])
    return found


def _scores(plan: GanPlan, part: PartPlan, block: Block) -> Scores:
    """The logits of the pitches that the part may play, with what the request wishes added to them."""
    plane = PLANES[part.track]
    onset, chances = block.logits[:, plane.onset] + block.noise[:, plane.onset], block.chances[:, plane.onset]
    if part.track == DRUMS:
        return Scores(np.array(KIT), onset, onset, chances)
    onset = onset + _leanings(plan, part, block.first)
    lasting = block.logits[:, plane.sounding]
    owners: dict[int, list[int]] = {}
    for row in range(PITCHES[part.track]):
        pitch = _into(LOWEST[part.track] + row - part.shift, part.low, part.high)
        if pitch is not None:
            owners.setdefault(pitch, []).append(row)
    pitches = sorted(owners)

    def highest(values: Floats) -> Floats:
        return np.stack([values[:, owners[pitch]].max(axis=1) for pitch in pitches], axis=1)

    either = np.stack([1 - np.prod(1 - chances[:, owners[pitch]], axis=1) for pitch in pitches], axis=1)
    return Scores(np.array(pitches), highest(onset), highest(lasting), either)


def _into(pitch: int, low: int, high: int) -> int | None:
    """The pitch, or the nearest of its octaves between the limits; None where there is none."""
    if pitch < low:
        pitch += -(-(low - pitch) // 12) * 12
    elif pitch > high:
        pitch -= -(-(pitch - high) // 12) * 12
    return pitch if low <= pitch <= high else None


def _leanings(plan: GanPlan, part: PartPlan, first: int) -> Floats:
    """(steps, rows): chord, scale and close, as logits."""
    rows = np.arange(PITCHES[part.track]) % 12
    scale = _MINOR if plan.request.mode == "minor" else _MAJOR
    bias = np.tile(np.where(scale[rows], 0.0, -OUTSIDE_SCALE), (BLOCK * SLICE_STEPS, 1))
    last = plan.slices.bars[-1]
    triad = np.isin(rows, (0, 3, 7) if plan.request.mode == "minor" else (0, 4, 7))
    for index in range(BLOCK):
        number = first + index
        if number < len(plan.slices) and plan.slices.bars[number] == last:
            bias[index * SLICE_STEPS : (index + 1) * SLICE_STEPS] += np.where(triad, CLOSE, 0.0)
    for step in range(BLOCK * SLICE_STEPS if plan.chords else 0):
        number = first * SLICE_STEPS + step
        wished = plan.chords[number] if 0 <= number < len(plan.chords) else frozenset()
        if wished:
            bias[step] = np.where(np.isin(rows, list(wished)), CHORD_TONE, -CHORD_TONE)
    return bias.astype(np.float32)


def _free_steps(plan: GanPlan, part: PartPlan, block: Block) -> Bool:
    """(steps,): where a note of the part may begin as far as bars go."""
    there = plan.slices.there(block.first, BLOCK)
    for index in range(BLOCK):
        number = block.first + index
        if number >= len(plan.slices) or not part.free[plan.slices.bars[number]]:
            there[index * SLICE_STEPS : (index + 1) * SLICE_STEPS] = False
    return there


def _open(plan: GanPlan, part: PartPlan, scores: Scores, steps: Bool, block: Block) -> Floats:
    """The scores of onsets where they are possible: in free steps, where no given note is in the way."""
    onset = np.where(steps[:, None], scores.onset, _NEVER)
    ticks = np.array([block.tick(plan, step) for step in range(len(steps))])
    for began, duration, pitch in _near_given(plan, part, block):
        held = (ticks >= began) & (ticks < began + duration)
        onset[np.ix_(held, (scores.pitches == pitch) | part.mono)] = _NEVER
    return onset


def _wanted(line: Line, meant: int, quarters: float, *, must: bool) -> int:
    """How many notes the block gets: as many as the generator means, within what the part may have so far."""
    line.quarters += quarters
    least, most = line.part.notes_a_quarter
    wanted = max(meant, int(least * line.quarters) - len(line.composed))
    wanted = min(wanted, max(0, int(most * line.quarters) - len(line.composed)))
    return max(1, wanted) if must and not line.composed else wanted


def _chosen(part: PartPlan, scores: Scores, onset: Floats, wanted: int) -> list[tuple[int, int]]:
    """(step, column) of the best onsets, ascending. No two neighbouring semitones at once in a part."""
    limit = 1 if part.mono else part.polyphony
    if part.mono:  # Only the best of each step can be chosen: there is less to look through.
        best = onset.max(axis=1, keepdims=True)
        onset = np.where(np.arange(onset.shape[1]) == onset.argmax(axis=1)[:, None], best, _NEVER)
    chosen: dict[int, list[int]] = {}
    for cell in np.argsort(-onset, axis=None, kind="stable").tolist():
        step, column = divmod(cell, onset.shape[1])
        if wanted <= 0 or onset[step, column] <= _NEVER / 2:
            break
        own = chosen.setdefault(step, [])
        apart = part.is_drum or all(abs(scores.pitches[other] - scores.pitches[column]) > 1 for other in own)
        if len(own) < limit and apart:
            own.append(column)
            wanted -= 1
    return sorted((step, column) for step, columns in chosen.items() for column in columns)


def _lengthened(
    plan: GanPlan, line: Line, scores: Scores, onsets: list[tuple[int, int]], steps: Bool, block: Block
) -> list[tuple[int, int, int]]:
    """The onsets as notes (onset, duration, pitch) in grid ticks."""
    part = line.part
    if part.mono:
        onsets = _smooth(plan, line, scores, onsets, block)
    there = plan.slices.there(block.first, BLOCK)
    found: list[tuple[int, int, int]] = []
    for index, (step, column) in enumerate(onsets):
        later = [other for other, own in onsets[index + 1 :] if other > step and (part.mono or own == column)]
        limit = later[0] if later else len(steps)
        onset = block.tick(plan, step)
        if part.is_drum:
            until = min(onset + STROKE, block.tick(plan, limit), _free_end(plan, part, onset))
        else:
            until = block.tick(plan, _end(scores.lasting[:, column] > 0, step, limit, free=steps, there=there))
        found.append((onset, max(1, until - onset), int(scores.pitches[column])))
    return found if part.is_drum else _capped(part, found, _near_given(plan, part, block))


def _end(lasts: Bool, step: int, limit: int, *, free: Bool, there: Bool) -> int:
    """The step at which a note ends that begins at `step`: it goes on while the generator says so, over steps that are
    not there, and not into bars that are given."""
    end = step + 1
    while end < limit and (not there[end] or (lasts[end] and free[end])):
        end += 1
    return end


def _near_given(plan: GanPlan, part: PartPlan, block: Block) -> list[tuple[int, int, int]]:
    """The part's given notes (onset, duration, pitch) that sound in the block."""
    low, high = block.tick(plan, 0), block.tick(plan, BLOCK * SLICE_STEPS)
    return [row[1:4] for row in part.given if row[1] < high and row[1] + row[2] > low]


def _capped(
    part: PartPlan, notes: list[tuple[int, int, int]], near: list[tuple[int, int, int]]
) -> list[tuple[int, int, int]]:
    """No more notes at once than the part may have: older ones end, and where given ones fill it, new ones go."""
    kept: list[tuple[int, int, int]] = []
    for onset, duration, pitch in notes:
        given = sum(began <= onset < began + length for began, length, _ in near)
        sounding = [k for k, (began, length, _) in enumerate(kept) if began + length > onset]
        fresh = [k for k in sounding if kept[k][0] == onset]
        if given + len(fresh) >= part.polyphony:
            continue
        older = sorted(set(sounding) - set(fresh), key=lambda k: kept[k][0])
        for k in older[: max(0, given + len(sounding) + 1 - part.polyphony)]:
            kept[k] = (kept[k][0], onset - kept[k][0], kept[k][2])
        kept.append((onset, duration, pitch))
    return kept


def _smooth(
    plan: GanPlan, line: Line, scores: Scores, onsets: list[tuple[int, int]], block: Block
) -> list[tuple[int, int]]:
    """The pitches of a melody chosen again in order, with great leaps made dearer."""
    before = line.previous(block.tick(plan, onsets[0][0])) if onsets else None
    found = []
    for step, _ in onsets:
        column = int((scores.onset[step] + _near(scores, before)).argmax())
        before = int(scores.pitches[column])
        found.append((step, column))
    return found


def _near(scores: Scores, before: int | None) -> Floats:
    if before is None:
        return np.zeros(len(scores.pitches), dtype=np.float32)
    return (-LEAP * np.abs(scores.pitches - before)).astype(np.float32)


def _fixed(plan: GanPlan, line: Line, scores: Scores, block: Block) -> list[tuple[int, int, int]]:
    """The fixed notes that begin in the block, with the pitches that the logits like best there."""
    part = line.part
    assert part.rhythm is not None, "only then"
    end = block.tick(plan, BLOCK * SLICE_STEPS)
    found: list[tuple[int, int, int]] = []
    while line.next_fixed < len(part.rhythm) and part.rhythm[line.next_fixed][0] < end:
        onset, duration = part.rhythm[line.next_fixed]
        line.next_fixed += 1
        step = int(plan.slices.onset_steps(np.array([onset // GRID_PER_TICK]))[0]) - block.first * SLICE_STEPS
        step = min(max(step, 0), len(scores.onset) - 1)
        before = found[-1][2] if found else line.previous(onset)
        wishes = scores.onset[step] if part.is_drum else scores.onset[step] + _near(scores, before)
        found.append((onset, duration, int(scores.pitches[int(wishes.argmax())])))
    return found


def _quarters(plan: GanPlan, steps: Bool, block: Block) -> float:
    """How long the slices with free steps last."""
    used = block.first + np.flatnonzero(steps.reshape(BLOCK, SLICE_STEPS).any(axis=1))
    return float(plan.slices.lengths[used].sum()) / TICKS_PER_QUARTER


def _free_end(plan: GanPlan, part: PartPlan, tick: int) -> int:
    """The grid tick at which the run of free bars that holds `tick` ends."""
    bar = plan.request.numerator * TICKS_PER_QUARTER * 4 // plan.request.denominator * GRID_PER_TICK
    number = tick // bar
    while number < len(part.free) and part.free[number]:
        number += 1
    return number * bar
