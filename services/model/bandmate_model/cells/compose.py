"""Composing a take of a plan: a task for the batcher that draws token after token from the engine's logits.

Everything random comes from one generator per seed and attempt, so a take does not depend on what else is composed.
"""

from dataclasses import dataclass

import numpy as np
from bandmate_music.note_rows import NoteRow, sorted_rows
from bandmate_music.theory.bars import Bar

from bandmate_model.cells.bias.logit_bias import LogitBias
from bandmate_model.cells.bias.weights import BiasWeights
from bandmate_model.cells.grammar import Grammar
from bandmate_model.cells.plan import Plan
from bandmate_model.cells.vocabulary import VOCABULARY_SIZE
from bandmate_model.composer import Take
from bandmate_model.data.expression import PHRASE_BARS, velocity
from bandmate_model.data.tokens import GRID_PER_TICK, TICKS_PER_QUARTER, duration_ticks
from bandmate_model.engine.base import Feed
from bandmate_model.engine.batcher import Task
from bandmate_model.engine.sampling import Sampler

TEMPERATURE = 1.0


@dataclass(frozen=True, slots=True)
class Sampling:
    """How a model is sampled, by its config.json's `sampling`."""

    bias_weights: BiasWeights
    temperature: float = TEMPERATURE
    """Multiplies the request's."""


def compose_take(plan: Plan, sampling: Sampling, *, seed: int, attempt: int, window: int) -> Task[Take]:
    """One take; another `attempt` gives another one of the same seed. `window`: the most tokens the engine holds."""
    generator = np.random.default_rng([seed, attempt])
    request = plan.request
    temperature = sampling.temperature * request.temperature
    grammar = Grammar(plan)
    logit_bias = LogitBias(grammar, sampling.bias_weights, repetition_quantile=generator.random())
    sampler = Sampler(VOCABULARY_SIZE)
    pending = grammar.grid.fitting(plan.first, [], window)
    keep: int | None = 0
    length = choices = 0
    log_likelihood = 0.0
    while not grammar.done:
        segments = grammar.choices()
        ids = segments[0].ids if len(segments) == 1 else np.concatenate([segment.ids for segment in segments])
        if len(ids) == 1:
            pending += grammar.accept(int(ids[0]))
            continue
        if length + len(pending) > window:
            pending, keep = grammar.grid.fitting(grammar.bar, grammar.written, window), 0
        length = len(pending) + (length if keep is None else 0)
        row = yield Feed(pending, keep)
        keep = None
        logits = row[ids].astype(np.float64)
        chosen = sampler.pick(
            logits,
            bias=logit_bias.bias(segments, logits),
            temperature=temperature,
            top_p=request.top_p,
            top_k=request.top_k,
            point=generator.random(),
        )
        log_likelihood += sampler.log_likelihood()
        choices += 1
        pending = grammar.accept(int(ids[chosen]))
    notes = sorted_rows([*map(NoteRow._make, request.prompt), *_composed(grammar, generator)])
    return Take(notes, log_likelihood / max(1, choices), choices)


def _composed(grammar: Grammar, generator: np.random.Generator) -> list[NoteRow]:
    """The composed notes in the requested key, in order of time; notes of fixed rhythm with their exact times."""
    plan = grammar.plan
    request, frame = plan.request, plan.frame
    placed = []
    for number, line in enumerate(plan.lines):
        for bar, cell in enumerate(grammar.grid.cells[number]):
            if line.free[bar]:
                placed += [(frame.starts[bar] + position, number, length, pitch) for position, length, pitch in cell]
    placed.sort(key=lambda note: note[:2])
    exact = {
        index: iter([note for note in notes if line.free[frame.bar_at(note.onset // GRID_PER_TICK)]])
        for line in plan.lines
        for index, notes in request.rhythm.items()
        if index == line.part
    }
    rows: list[NoteRow] = []
    before = (-1, -1)
    for tick, number, length, pitch in placed:
        line = plan.lines[number]
        request_bar, phrased, bar_ticks = _in_phrase(plan, tick)
        loud = velocity(
            request.parts[line.part],
            tick=phrased,
            bar_ticks=bar_ticks,
            metre=(request_bar.metre.numerator, request_bar.metre.denominator),
            end=frame.end - tick + phrased,
            drum_token=length if line.drum else 0,
            lowest_of_chord=(tick, number) != before,
            generator=generator,
        )
        before = (tick, number)
        onset, ticks = tick * GRID_PER_TICK, DRUM_TICKS if line.drum else duration_ticks(length)
        duration = min(ticks, line.until[frame.bar_at(tick)] - tick) * GRID_PER_TICK
        if line.part in exact:
            note = next(exact[line.part])
            onset, duration = note.onset, note.duration
        rows.append(NoteRow(line.part, onset, duration, pitch - line.shift, loud))
    return rows


def _in_phrase(plan: Plan, tick: int) -> tuple[Bar, int, int]:
    """The bar of the request that holds a tick; the tick from the start of a phrase of bars like this one; their
    ticks."""
    number = plan.bars.at(tick * GRID_PER_TICK)
    bar = plan.bars[number]
    ticks = bar.metre.bar_ticks(TICKS_PER_QUARTER)
    return bar, number % PHRASE_BARS * ticks + tick - bar.onset // GRID_PER_TICK, ticks


DRUM_TICKS = 3
"""The length of a drum's sound does not depend on the note: every stroke is written as a sixteenth."""
