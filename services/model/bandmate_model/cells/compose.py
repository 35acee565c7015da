"""A plan becomes notes: a task that tells an engine what stands, draws what comes next, token by token, and returns the
take. Everything random comes from one generator a seed and attempt, so a take is the same whatever is composed beside
it.
"""

from dataclasses import dataclass

import numpy as np
from bandmate_shared.music.bars import Bar

from bandmate_model.cells.grammar import Grammar
from bandmate_model.cells.leanings import Leanings
from bandmate_model.cells.request import Plan
from bandmate_model.cells.taste import Taste
from bandmate_model.cells.vocabulary import VOCABULARY_SIZE
from bandmate_model.composer import NoteRow, Take
from bandmate_model.engine import Feed, Task
from bandmate_model.engine.sampling import Sampler
from bandmate_model.expression import PHRASE_BARS, velocity
from bandmate_model.tokens import GRID_PER_TICK, TICKS_PER_QUARTER, duration_ticks

TEMPERATURE = 1.0


@dataclass(frozen=True, slots=True)
class Sampling:
    """How a model is sampled, by its config.json's `sampling`."""

    taste: Taste
    temperature: float = TEMPERATURE
    """Multiplies the request's."""


def song(plan: Plan, sampling: Sampling, *, seed: int, attempt: int, window: int) -> Task[Take]:
    """One take; another `attempt` gives another one of the same seed. `window`: the most tokens the engine holds."""
    generator = np.random.default_rng([seed, attempt])
    request = plan.request
    temperature = sampling.temperature * request.temperature
    grammar = Grammar(plan)
    leanings = Leanings(grammar, sampling.taste, mood=generator.random())
    sampler = Sampler(VOCABULARY_SIZE)
    pending = grammar.score.fitting(plan.first, [], window)
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
            pending, keep = grammar.score.fitting(grammar.bar, grammar.written, window), 0
        length = len(pending) + (length if keep is None else 0)
        row = yield Feed(pending, keep)
        keep = None
        logits = row[ids].astype(np.float64)
        chosen = sampler.pick(
            logits, bias=leanings.bias(segments, logits), temperature=temperature, top_p=request.top_p,
            top_k=request.top_k, point=generator.random(),
        )  # fmt: skip
        log_likelihood += sampler.log_likelihood()
        choices += 1
        pending = grammar.accept(int(ids[chosen]))
    notes = request.prompt + _composed(grammar, generator)
    notes.sort(key=lambda note: (note[1], note[0], note[3]))
    return Take(notes, log_likelihood / max(1, choices), choices)


def _composed(grammar: Grammar, generator: np.random.Generator) -> list[NoteRow]:
    """What was composed, in the key asked for, in order of time; fixed notes with their exact times."""
    plan = grammar.plan
    request, frame = plan.request, plan.frame
    placed = []
    for number, line in enumerate(plan.lines):
        for bar, cell in enumerate(grammar.score.cells[number]):
            if line.free[bar]:
                placed += [(frame.starts[bar] + position, number, length, pitch) for position, length, pitch in cell]
    placed.sort(key=lambda note: note[:2])
    exact = {
        index: iter([
            note for note in notes
            if line.free[frame.bar_at(note.onset // GRID_PER_TICK)]
        ])
        for line in plan.lines
        for index, notes in request.rhythm.items()
        if index == line.part
    }  # fmt: skip
    rows: list[NoteRow] = []
    before = (-1, -1)
    for tick, number, length, pitch in placed:
        line = plan.lines[number]
        own, phrased, bar_ticks = _in_phrase(plan, tick)
        loud = velocity(
            request.parts[line.part], tick=phrased, bar_ticks=bar_ticks,
            metre=(own.metre.numerator, own.metre.denominator), end=frame.end - tick + phrased,
            drum_token=length if line.drum else 0, lowest_of_chord=(tick, number) != before, generator=generator,
        )  # fmt: skip
        before = (tick, number)
        onset, ticks = tick * GRID_PER_TICK, DRUM_TICKS if line.drum else duration_ticks(length)
        duration = min(ticks, line.until[frame.bar_at(tick)] - tick) * GRID_PER_TICK
        if line.part in exact:
            note = next(exact[line.part])
            onset, duration = note.onset, note.duration
        rows.append((line.part, onset, duration, pitch - line.shift, loud))
    return rows


def _in_phrase(plan: Plan, tick: int) -> tuple[Bar, int, int]:
    """The bar of the request that holds a tick; the tick from the start of a phrase of bars like this one; their
    ticks."""
    number = plan.bars.at(tick * GRID_PER_TICK)
    bar = plan.bars[number]
    ticks = bar.metre.bar_ticks(TICKS_PER_QUARTER)
    return bar, number % PHRASE_BARS * ticks + tick - bar.onset // GRID_PER_TICK, ticks


DRUM_TICKS = 3
"""Drums sound as long as they ring: every stroke is written as a sixteenth."""
