"""From the generator's logits of a block to the notes of one part, within all limits of the request.

How many notes there are comes from the logits, kept between the least and the most that the part may have; the notes
are those with the greatest logits. Notes that are not allowed are excluded beforehand: pitches outside the range are
moved by octaves, given notes keep their room, notes end where their hole ends."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from bandmate_model.data.tokens import GRID_PER_TICK, TICKS_PER_QUARTER
from bandmate_model.gan.plan import GanPlan, PartPlan
from bandmate_model.gan.roll import BLOCK, DRUMS, KIT, LOWEST, PITCHES, PLANES, SLICE_STEPS, Bool

Floats = NDArray[np.float32]

CHORD_TONE = 2.5
"""Logits added to the tones of a requested chord, and subtracted from the others."""
OUTSIDE_SCALE = 1.5
LEAP = 0.1
"""Logits subtracted per semitone from the previous note, in parts with one note at a time."""
CLOSE = 1.5
"""Logits added to the tonic's triad in the last bar."""
STROKE = 6
"""The written length of a drum stroke in grid ticks: a sixteenth."""
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
    """The generator's output for the block that begins with slice `first`. All (BLOCK_STEPS, CELLS)."""

    first: int
    logits: Floats
    noise: Floats
    """Added to the logits of onsets."""
    chances: Floats
    """Of a neuron to fire, as it was trained: their sum is the number of notes the generator expects."""

    def tick(self, plan: GanPlan, step: int) -> int:
        """The grid tick at which a step of the block begins."""
        return plan.slices.tick(self.first * SLICE_STEPS + step) * GRID_PER_TICK


@dataclass(frozen=True, slots=True)
class Scores:
    """The block's output for the pitches of one part. `pitches` (n,); `onset`, `lasting`, `chances` (steps, n)."""

    pitches: NDArray[np.int64]
    onset: Floats
    lasting: Floats
    chances: Floats


def decode(plan: GanPlan, line: Line, block: Block, *, needs_note: bool) -> list[tuple[int, int, int]]:
    """The notes of a part in a block, also appended to the line. `needs_note`: after this block the part must have
    one."""
    part = line.part
    scores = _scores(plan, part, block)
    steps = _free_steps(plan, part, block)
    if part.rhythm is not None:
        notes = _fixed(plan, line, scores, block)
    elif steps.any():
        onset = _open(plan, part, scores, steps, block)
        chances = np.where(onset > _NEVER / 2, scores.chances, 0.0)
        # One note at a time: at each step the chance that any of its pitches fires, not that of the best one.
        expected_count = (1 - np.prod(1 - chances, axis=1)).sum() if part.mono else chances.sum()
        count = _note_count(line, round(float(expected_count)), _quarters(plan, steps, block), needs_note=needs_note)
        notes = _lengthened(plan, line, scores, _chosen(part, scores, onset, count), steps, block)
    else:
        notes = []
    line.composed.extend(notes)
    return notes


def fill(plan: GanPlan, line: Line, block: Block, bar: int) -> list[tuple[int, int, int]]:
    """One note in a bar of the block in which nothing sounds; none where the part may not play there."""
    part = line.part
    owners = np.append(plan.slices.bars, [-1] * BLOCK)[block.first : block.first + BLOCK]
    steps = _free_steps(plan, part, block) & np.repeat(owners == bar, SLICE_STEPS)
    if part.rhythm is not None or not steps.any():
        return []
    scores = _scores(plan, part, block)
    onsets = _chosen(part, scores, _open(plan, part, scores, steps, block), 1)
    notes = _lengthened(plan, line, scores, onsets, steps, block)
    line.composed = sorted([*line.composed, *notes])
    return notes


def _scores(plan: GanPlan, part: PartPlan, block: Block) -> Scores:
    """The logits of the pitches that the part may play, with the request's biases added to them."""
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

    onset_or_sounding = np.stack([1 - np.prod(1 - chances[:, owners[pitch]], axis=1) for pitch in pitches], axis=1)
    return Scores(np.array(pitches), highest(onset), highest(lasting), onset_or_sounding)


def _into(pitch: int, low: int, high: int) -> int | None:
    """The pitch, or the nearest of its octaves between the limits; None where there is none."""
    if pitch < low:
        pitch += -(-(low - pitch) // 12) * 12
    elif pitch > high:
        pitch -= -(-(pitch - high) // 12) * 12
    return pitch if low <= pitch <= high else None


def _leanings(plan: GanPlan, part: PartPlan, first_slice: int) -> Floats:
    """(steps, rows): chord, scale and close, as logits."""
    rows = np.arange(PITCHES[part.track]) % 12
    scale = _MINOR if plan.request.mode == "minor" else _MAJOR
    bias = np.tile(np.where(scale[rows], 0.0, -OUTSIDE_SCALE), (BLOCK * SLICE_STEPS, 1))
    last_bar = plan.slices.bars[-1]
    triad = np.isin(rows, (0, 3, 7) if plan.request.mode == "minor" else (0, 4, 7))
    for index in range(BLOCK):
        number = first_slice + index
        if number < len(plan.slices) and plan.slices.bars[number] == last_bar:
            bias[index * SLICE_STEPS : (index + 1) * SLICE_STEPS] += np.where(triad, CLOSE, 0.0)
    for step in range(BLOCK * SLICE_STEPS if plan.chords else 0):
        number = first_slice * SLICE_STEPS + step
        chord_classes = plan.chords[number] if 0 <= number < len(plan.chords) else frozenset()
        if chord_classes:
            bias[step] = np.where(np.isin(rows, list(chord_classes)), CHORD_TONE, -CHORD_TONE)
    return bias.astype(np.float32)


def _free_steps(plan: GanPlan, part: PartPlan, block: Block) -> Bool:
    """(steps,): where a note of the part may begin as far as bars go."""
    free = plan.slices.present(block.first, BLOCK)
    for index in range(BLOCK):
        number = block.first + index
        if number >= len(plan.slices) or not part.free[plan.slices.bars[number]]:
            free[index * SLICE_STEPS : (index + 1) * SLICE_STEPS] = False
    return free


def _open(plan: GanPlan, part: PartPlan, scores: Scores, steps: Bool, block: Block) -> Floats:
    """The scores of onsets where they are possible: in free steps, where no given note is in the way."""
    onset = np.where(steps[:, None], scores.onset, _NEVER)
    ticks = np.array([block.tick(plan, step) for step in range(len(steps))])
    for began, duration, pitch in _near_given(plan, part, block):
        sounding = (ticks >= began) & (ticks < began + duration)
        onset[np.ix_(sounding, (scores.pitches == pitch) | part.mono)] = _NEVER
    return onset


def _note_count(line: Line, expected_count: int, quarters: float, *, needs_note: bool) -> int:
    """How many notes the block gets: the generator's number, within the part's limits so far."""
    line.quarters += quarters
    minimum, maximum = line.part.notes_per_quarter
    count = max(expected_count, int(minimum * line.quarters) - len(line.composed))
    count = min(count, max(0, int(maximum * line.quarters) - len(line.composed)))
    return max(1, count) if needs_note and not line.composed else count


def _chosen(part: PartPlan, scores: Scores, onset: Floats, count: int) -> list[tuple[int, int]]:
    """(step, column) of the best onsets, ascending. No two neighbouring semitones at once in a part."""
    limit = 1 if part.mono else part.polyphony
    if part.mono:  # Only the best of each step can be chosen: there is less to look through.
        best = onset.max(axis=1, keepdims=True)
        onset = np.where(np.arange(onset.shape[1]) == onset.argmax(axis=1)[:, None], best, _NEVER)
    chosen: dict[int, list[int]] = {}
    for cell in np.argsort(-onset, axis=None, kind="stable").tolist():
        step, column = divmod(cell, onset.shape[1])
        if count <= 0 or onset[step, column] <= _NEVER / 2:
            break
        step_columns = chosen.setdefault(step, [])
        apart = part.is_drum or all(
            abs(scores.pitches[neighbour] - scores.pitches[column]) > 1 for neighbour in step_columns
        )
        if len(step_columns) < limit and apart:
            step_columns.append(column)
            count -= 1
    return sorted((step, column) for step, columns in chosen.items() for column in columns)


def _lengthened(
    plan: GanPlan, line: Line, scores: Scores, onsets: list[tuple[int, int]], steps: Bool, block: Block
) -> list[tuple[int, int, int]]:
    """The onsets as notes (onset, duration, pitch) in grid ticks."""
    part = line.part
    if part.mono:
        onsets = _smooth(plan, line, scores, onsets, block)
    present = plan.slices.present(block.first, BLOCK)
    notes: list[tuple[int, int, int]] = []
    for index, (step, column) in enumerate(onsets):
        later = [
            later_step
            for later_step, later_column in onsets[index + 1 :]
            if later_step > step and (part.mono or later_column == column)
        ]
        limit = later[0] if later else len(steps)
        onset = block.tick(plan, step)
        if part.is_drum:
            until = min(onset + STROKE, block.tick(plan, limit), _free_end(plan, part, onset))
        else:
            until = block.tick(plan, _end(scores.lasting[:, column] > 0, step, limit, free=steps, present=present))
        notes.append((onset, max(1, until - onset), int(scores.pitches[column])))
    return notes if part.is_drum else _capped(part, notes, _near_given(plan, part, block))


def _end(lasts: Bool, step: int, limit: int, *, free: Bool, present: Bool) -> int:
    """The step at which a note ends that begins at `step`: it continues while the generator says so and over steps
    that do not exist, but not into given bars."""
    end = step + 1
    while end < limit and (not present[end] or (lasts[end] and free[end])):
        end += 1
    return end


def _near_given(plan: GanPlan, part: PartPlan, block: Block) -> list[tuple[int, int, int]]:
    """The part's given notes (onset, duration, pitch) that sound in the block."""
    low, high = block.tick(plan, 0), block.tick(plan, BLOCK * SLICE_STEPS)
    return [row[1:4] for row in part.given if row[1] < high and row[1] + row[2] > low]


def _capped(
    part: PartPlan, notes: list[tuple[int, int, int]], near: list[tuple[int, int, int]]
) -> list[tuple[int, int, int]]:
    """Limits the notes at once to the part's polyphony: older ones end, and where given ones use it up, new ones are
    dropped."""
    capped: list[tuple[int, int, int]] = []
    for onset, duration, pitch in notes:
        given_count = sum(began <= onset < began + length for began, length, _ in near)
        sounding = [k for k, (began, length, _) in enumerate(capped) if began + length > onset]
        fresh = [k for k in sounding if capped[k][0] == onset]
        if given_count + len(fresh) >= part.polyphony:
            continue
        older = sorted(set(sounding) - set(fresh), key=lambda k: capped[k][0])
        for k in older[: max(0, given_count + len(sounding) + 1 - part.polyphony)]:
            capped[k] = (capped[k][0], onset - capped[k][0], capped[k][2])
        capped.append((onset, duration, pitch))
    return capped


def _smooth(
    plan: GanPlan, line: Line, scores: Scores, onsets: list[tuple[int, int]], block: Block
) -> list[tuple[int, int]]:
    """The pitches of a melody chosen again in order, with a cost on large leaps."""
    before = line.previous(block.tick(plan, onsets[0][0])) if onsets else None
    path = []
    for step, _ in onsets:
        column = int((scores.onset[step] + _near(scores, before)).argmax())
        before = int(scores.pitches[column])
        path.append((step, column))
    return path


def _near(scores: Scores, before: int | None) -> Floats:
    if before is None:
        return np.zeros(len(scores.pitches), dtype=np.float32)
    return (-LEAP * np.abs(scores.pitches - before)).astype(np.float32)


def _fixed(plan: GanPlan, line: Line, scores: Scores, block: Block) -> list[tuple[int, int, int]]:
    """The fixed notes that begin in the block, with the pitches that have the largest logits there."""
    part = line.part
    assert part.rhythm is not None, "only then"
    end = block.tick(plan, BLOCK * SLICE_STEPS)
    notes: list[tuple[int, int, int]] = []
    while line.next_fixed < len(part.rhythm) and part.rhythm[line.next_fixed][0] < end:
        onset, duration = part.rhythm[line.next_fixed]
        line.next_fixed += 1
        step = int(plan.slices.onset_steps(np.array([onset // GRID_PER_TICK]))[0]) - block.first * SLICE_STEPS
        step = min(max(step, 0), len(scores.onset) - 1)
        before = notes[-1][2] if notes else line.previous(onset)
        wishes = scores.onset[step] if part.is_drum else scores.onset[step] + _near(scores, before)
        notes.append((onset, duration, int(scores.pitches[int(wishes.argmax())])))
    return notes


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
