"""The GAN as a composer: a request block by block, and in each block layer by layer."""

import bisect
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from bandmate_music.note_rows import NoteRow, sorted_rows
from bandmate_shared.contracts.composition import CompositionRequest
from numpy.typing import NDArray

from bandmate_model.checks.validity import MAX_REPEATED_BARS
from bandmate_model.composer import Take
from bandmate_model.data.expression import velocity
from bandmate_model.data.tokens import GRID_PER_TICK, TICKS_PER_QUARTER, metre_token, tempo_token
from bandmate_model.gan.decode import Block, Line, decode, fill
from bandmate_model.gan.plan import GanPlan, PartPlan, plan
from bandmate_model.gan.roll import (
    BLOCK,
    BLOCK_STEPS,
    CELLS,
    SLICE_STEPS,
    TRACKS,
    WINDOW_STEPS,
    Bool,
    Slices,
    paint,
    row_of,
)
from bandmate_model.gan.runtime import Floats, Runtime
from bandmate_model.gan.statistics import StyleTracks
from bandmate_model.model_files import ModelInfo, ModelUnusable

FORM = (0, 0, 1, 0)
"""Blocks of a song with the same number start from the same noise, so that phrases return."""
SHARED_SONG_NOISE = 0.5
"""The share of the noise that all blocks of a song have in common."""
SHARED_BAR_NOISE = 0.3
"""The share of the noise of the neurons for onsets that the bars of a phrase have in common, so that rhythms return."""
LOGISTIC = 1.7
"""Factor that makes normal noise nearly logistic, which the neurons were trained with."""


@dataclass(frozen=True, slots=True)
class GanComposer:
    """A trained generator. Immutable and shared by threads; a take depends on request, seed and attempt alone."""

    info: ModelInfo
    runtime: Runtime
    styles: dict[str, StyleTracks]
    noise: float
    """Spread of the logistic noise on onsets at temperature 1."""
    trained_noise: float
    """The same in training; it relates a logit to a probability."""

    @staticmethod
    def load(folder: Path, info: ModelInfo) -> "GanComposer":
        """
        Raises:
            ModelUnusable: the weights or the configuration cannot be read, or do not fit each other.
        """
        runtime = Runtime.load(folder, info.config)
        try:
            styles = {name: StyleTracks.from_config(info.config["statistics"][name]) for name in info.styles}
            noise, trained = (float(info.config["sampling"][name]) for name in ("noise", "trained_noise"))
        except (KeyError, TypeError, ValueError) as error:
            raise ModelUnusable(f"config.json of {folder.name} cannot be used: {error!r}") from error
        return GanComposer(info, runtime, styles, noise, trained)

    def plan(self, request: CompositionRequest) -> GanPlan:
        """Raises InvalidRequest: see plan.py."""
        return plan(request, self.styles)

    def compose(
        self, planned: Any, seeds: Sequence[tuple[int, int]], check: Callable[[], None] | None = None
    ) -> list[Take]:
        """A take for each (seed, attempt). `check` is called once a block."""
        return [_Composing(self, planned, seed, attempt).take(check) for seed, attempt in seeds]


class _Composing:
    """One take while it is composed."""

    def __init__(self, composer: GanComposer, planned: GanPlan, seed: int, attempt: int) -> None:
        self._composer, self._plan = composer, planned
        self._generator = np.random.default_rng([seed, attempt])
        self._lines = [Line(part) for part in planned.parts]
        self._context = [as_steps(planned.slices, part, [row[1:4] for row in part.given]) for part in planned.parts]
        widths = composer.runtime.widths
        count = max(FORM) + 1
        self._song = self._generator.standard_normal((planned.layers, widths.noise + BLOCK * widths.bar_noise))
        self._phrases = self._generator.standard_normal((count, planned.layers, self._song.shape[1]))
        self._bars = self._generator.standard_normal((count, planned.layers, SLICE_STEPS, CELLS))

    def take(self, check: Callable[[], None] | None) -> Take:
        free = np.array([part.free for part in self._plan.parts])[:, self._plan.slices.bars]
        free_slices = np.flatnonzero(free.any(axis=0))
        if len(free_slices):
            # A short hole lies in the middle of its block, so that what follows it is known as well.
            first_slice = max(0, int(free_slices[0]) - (1 if free_slices[-1] - free_slices[0] < 2 else 0))
            last_block = [self._last(free[index], first_slice) for index in range(len(free))]
            for number, start in enumerate(range(first_slice, int(free_slices[-1]) + 1, BLOCK)):
                if check is not None:
                    check()
                blocks = [self._block(number, start, layer, last_block) for layer in range(self._plan.layers)]
                self._sound_everywhere(start, blocks)
        self._vary()
        return self._finished()

    def _last(self, free: Bool, first_slice: int) -> int:
        """The start of the last block in which a part has anything to compose; -1: none."""
        free_slices = np.flatnonzero(free)
        return first_slice + (int(free_slices[-1]) - first_slice) // BLOCK * BLOCK if len(free_slices) else -1

    def _block(self, number: int, start: int, layer: int, last_block: list[int]) -> Block:
        """One layer of one block, decoded for each of its parts."""
        composer = self._composer
        part_numbers = [index for index, part in enumerate(self._plan.parts) if part.layer == layer]
        logits = self._logits(number, start, layer, part_numbers)
        noise = self._dice(number, layer) * np.float32(composer.noise * self._plan.request.temperature)
        chances = 1 / (1 + np.exp(-np.clip(logits / max(composer.trained_noise, 0.05), -60, 60)))
        block = Block(start, logits, noise, chances)
        for index in part_numbers:
            self._add(index, decode(self._plan, self._lines[index], block, needs_note=start == last_block[index]))
        return block

    def _dice(self, number: int, layer: int) -> Floats:
        """(BLOCK_STEPS, CELLS): noise for the neurons of a block, partly the same in all bars of its phrase."""
        fresh = self._generator.standard_normal((BLOCK, SLICE_STEPS, CELLS))
        mixed = (
            SHARED_BAR_NOISE**0.5 * self._bars[FORM[number % len(FORM)], layer] + (1 - SHARED_BAR_NOISE) ** 0.5 * fresh
        )
        return np.asarray(LOGISTIC * mixed, dtype=np.float32).reshape(BLOCK_STEPS, CELLS)

    def _add(self, index: int, notes: list[tuple[int, int, int]]) -> None:
        fresh = as_steps(self._plan.slices, self._plan.parts[index], notes)
        self._context[index] = np.concatenate([self._context[index], fresh])

    def _sound_everywhere(self, start: int, blocks: list[Block]) -> None:
        """Add a note to every bar that ends in the block and would be silent, where one is allowed, and where nothing
        was composed for so long that it would count as a repetition."""
        slices, request = self._plan.slices, self._plan.request
        bar_ticks = request.numerator * TICKS_PER_QUARTER * 4 // request.denominator * GRID_PER_TICK
        block_bars = slices.bars[start : start + BLOCK]
        later = slices.bars[start + BLOCK] if start + BLOCK < len(slices) else -1
        for bar in dict.fromkeys(block_bars.tolist()):
            low, high = bar * bar_ticks, (bar + 1) * bar_ticks
            sounding = (
                onset < high and onset + duration > low
                for line in self._lines
                for onset, duration in (*((row[1], row[2]) for row in line.part.given), *(n[:2] for n in line.composed))
            )
            since = (bar - MAX_REPEATED_BARS + 1) * bar_ticks
            recent = any(since <= note[0] < high for line in self._lines for note in line.composed)
            if bar == later or (any(sounding) and recent):
                continue
            for index, part in sorted(enumerate(self._plan.parts), key=lambda entry: entry[1].layer):
                if part.layer >= 0 and part.free[bar]:
                    notes = fill(self._plan, self._lines[index], blocks[part.layer], bar)
                    self._add(index, notes)
                    if notes:
                        break

    def _vary(self) -> None:
        """Remove a note, or shorten the only one, where bars would repeat for longer than validity.py allows."""
        request = self._plan.request
        bar_ticks = request.numerator * TICKS_PER_QUARTER * 4 // request.denominator * GRID_PER_TICK
        lines = [line for line in self._lines if line.part.rhythm is None]
        repeated_bars = 0
        shapes: list[list[tuple[int, int, int]]] = []
        for bar in range(request.bars):
            before, shapes = shapes, [self._shape(line, bar, bar_ticks) for line in lines]
            free = [k for k, line in enumerate(lines) if line.part.free[bar]]
            repeated_bars = repeated_bars + 1 if bar and free and all(shapes[k] == before[k] for k in free) else 0
            if repeated_bars < MAX_REPEATED_BARS:
                continue
            fullest = max(free, key=lambda k: len(shapes[k]))
            bar_notes = [note for note in lines[fullest].composed if note[0] // bar_ticks == bar]
            if bar_notes:
                onset, duration, pitch = bar_notes[-1]
                lines[fullest].composed.remove(bar_notes[-1])
                if len(bar_notes) == 1:
                    bisect.insort(lines[fullest].composed, (onset, max(1, duration // 2), pitch))
                shapes[fullest] = self._shape(lines[fullest], bar, bar_ticks)
                repeated_bars = 0

    def _shape(self, line: Line, bar: int, bar_ticks: int) -> list[tuple[int, int, int]]:
        given_notes = [(row[1], row[2], row[3]) for row in line.part.given]
        return sorted(
            (onset % bar_ticks, duration // GRID_PER_TICK, pitch)
            for onset, duration, pitch in (*given_notes, *line.composed)
            if onset // bar_ticks == bar
        )

    def _logits(self, number: int, start: int, layer: int, part_numbers: list[int]) -> Floats:
        parts, slices, request = self._plan.parts, self._plan.slices, self._plan.request
        composed = {parts[index].track: index for index in part_numbers}
        known = np.ones((2 * BLOCK, len(TRACKS)), dtype=bool)
        active = np.zeros(len(TRACKS), dtype=bool)
        rows = []
        for index, part in enumerate(parts):
            if composed.get(part.track, index) != index or part.layer > layer:
                continue
            active[part.track] = True
            rows.append(self._context[index])
            if part.track in composed:
                for inside in range(BLOCK):
                    if start + inside < len(slices) and part.free[slices.bars[start + inside]]:
                        known[BLOCK + inside, part.track] = False
        low = (start - BLOCK) * SLICE_STEPS
        notes = np.concatenate(rows) - np.array([low, low, 0, 0])
        notes = notes[(notes[:, 0] >= 0) & (notes[:, 0] < WINDOW_STEPS)]
        present = slices.present(start - BLOCK, 2 * BLOCK)
        roll = paint(notes, np.zeros(len(notes), dtype=np.int64), 1, WINDOW_STEPS)[0] & present[:, None]
        condition = self._composer.runtime.condition.row(
            style=parts[part_numbers[0]].style,
            mode=request.mode,
            tempo=tempo_token(request.tempo),
            metre=metre_token(request.numerator, request.denominator),
            active=active,
            begins=start == 0,
            ends=start + BLOCK >= len(slices),
        )
        widths = self._composer.runtime.widths
        phrase_noise = self._phrases[FORM[number % len(FORM)], layer]
        noise = (SHARED_SONG_NOISE**0.5 * self._song[layer] + (1 - SHARED_SONG_NOISE) ** 0.5 * phrase_noise).astype(
            np.float32
        )
        noise *= np.float32(min(1.0, request.temperature))
        bars = noise[widths.noise :].reshape(BLOCK, widths.bar_noise)
        return self._composer.runtime.logits(roll, known, present, condition, noise[: widths.noise], bars)

    def _finished(self) -> Take:
        """The notes of all parts with their loudness, the given ones as they came."""
        request = self._plan.request
        bar = request.numerator * TICKS_PER_QUARTER * 4 // request.denominator
        notes = [NoteRow._make(row) for row in request.prompt]
        composed = 0
        for index, line in enumerate(self._lines):
            before = -1
            for onset, duration, pitch in sorted(line.composed, key=lambda note: (note[0], note[2])):
                loud = velocity(
                    line.part.spec,
                    tick=onset // GRID_PER_TICK,
                    bar_ticks=bar,
                    metre=(request.numerator, request.denominator),
                    end=self._plan.slices.end,
                    drum_token=0,
                    lowest_of_chord=onset != before,
                    generator=self._generator,
                )
                before = onset
                notes.append(NoteRow(index, onset, duration, pitch, loud))
                composed += 1
        return Take(sorted_rows(notes), 0.0, composed)


def as_steps(slices: Slices, part: PartPlan, notes: Sequence[Sequence[int]]) -> NDArray[np.int64]:
    """Notes (onset, duration, pitch) in grid ticks as rows of the roll: start step, end step, track, row."""
    rows = []
    for onset, duration, pitch in notes:
        row = row_of(part.track, pitch + part.shift)
        if row >= 0:
            ticks = np.array([onset // GRID_PER_TICK]), np.array([(onset + duration) // GRID_PER_TICK])
            start, end = int(slices.onset_steps(ticks[0])[0]), int(slices.end_steps(ticks[1])[0])
            rows.append((start, max(start + 1, end), part.track, row))
    return np.array(rows, dtype=np.int64).reshape(-1, 4)
