"""A plan becomes notes: frame and parts to the grammar, the prompt through the network, then event by event until the
last bar is full. Everything random comes from one generator a seed, so a seed's take is the same
whichever other seeds were asked for with it.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from bandmate_model.context import NOTE_FEATURES, note_without_lags, without_lags
from bandmate_model.expression import velocity
from bandmate_model.grammar import Grammar, Mask
from bandmate_model.plan import Plan
from bandmate_model.runtime import Network
from bandmate_model.sampling import Array, Draw, Temperatures, draw
from bandmate_model.taste import PitchLeanings, Taste, closing_duration_bias, closing_time_bias, opening_time_bias
from bandmate_model.tokens import (
    DRUM_PITCH,
    GRID_PER_TICK,
    SLOT_SIZE,
    TIME_BAR,
    TIME_SAME,
    TIME_SIZE,
    Event,
    duration_ticks,
    is_drum_slot,
    tempo_token,
)

MODES = ("major", "minor")
_LAG_FOUR = NOTE_FEATURES.index("lag4_note_pitch")
ALIKE = 0.6
"""Two bars whose accompaniments share more than this of their notes are much alike."""
NoteRow = tuple[int, int, int, int, int]


class Take(NamedTuple):
    """Notes as the contract wants them (part, onset, duration, pitch, velocity), and how likely they were."""

    notes: list[NoteRow]
    log_likelihood: float
    choices: int


def compose(
    plan: Plan,
    network: Network,
    seed: int,
    *,
    taste: Taste,
    temperatures: Temperatures,
    attempt: int = 0,
    check: Callable[[], None] | None = None,
) -> Take:
    """One take; another `attempt` gives another one of the same seed. `check` is called once a bar and may raise."""
    request = plan.request
    generator = np.random.default_rng([seed, attempt])
    grammar = Grammar(plan.frame, plan.lines)
    state = network.start(
        style=plan.style, mode=MODES.index(request.mode), tempo=tempo_token(request.tempo), slots=plan.slots
    )
    for event in plan.given:
        network.step(state, grammar.context.step_features())
        grammar.accept(event)
    composer = _Composer(plan, network, grammar, generator, taste, temperatures)
    composed: list[tuple[int, Event]] = []
    while not grammar.done:
        features = composer.features()
        event = composer.next_event(network.step(state, features), features)
        if event.time == TIME_BAR and check is not None:
            check()
        grammar.accept(event)
        if event.slot:
            composed.append((grammar.context.tick, event))
    notes = [*request.prompt, *_notes(plan, composed, generator)]
    notes.sort(key=lambda row: (row[1], row[0], row[3]))
    return Take(notes, composer.log_likelihood / max(1, composer.choices), composer.choices)


class _Composer:
    """Chooses events one by one and keeps account of their likelihood."""

    def __init__(
        self, plan: Plan, network: Network, grammar: Grammar, generator: np.random.Generator, taste: Taste,
        temperatures: Temperatures,
    ) -> None:  # fmt: skip
        self.log_likelihood = 0.0
        self.choices = 0
        self._plan = plan
        self._network = network
        self._grammar = grammar
        self._generator = generator
        self._taste = taste
        self._temperatures = temperatures
        self._leanings = PitchLeanings(taste, plan.request.mode)
        parts = dict(zip(plan.slots, plan.request.parts, strict=True))
        self._parts = parts
        self._melodies: dict[int, list[int]] = {
            slot: [event.pitch for event in plan.given if event.slot == slot]
            for slot, part in parts.items()
            if part.role == "melody" and not is_drum_slot(slot)
        }
        self._rested = dict.fromkeys(plan.slots, 0)
        self._closing = {line.slot for line in plan.lines if line.fixed is None and not is_drum_slot(line.slot)}
        self._free = frozenset(self._closing)
        self._bar_notes: set[tuple[int, int, int]] = set()
        self._opening = set() if plan.given else self._closing - self._melodies.keys()
        self._alike = 0

    def features(self) -> list[int]:
        """The context's, without what could be copied where the music has gone in circles."""
        features = self._grammar.context.step_features()
        return without_lags(features) if self._circling else features

    @property
    def _circling(self) -> bool:
        return 0 < self._taste.monotony <= self._alike

    def next_event(self, output: Array, features: list[int]) -> Event:
        network, grammar, context = self._network, self._grammar, self._grammar.context
        closing = context.bar == len(self._plan.frame.starts) - 1
        bias = np.zeros(TIME_SIZE, dtype=np.float32)
        if context.bar == 0 and self._opening:
            bias = opening_time_bias(self._taste)
        if closing:
            due = min(voice.due() for voice in grammar.voices.values()) - self._plan.frame.starts[context.bar]
            bias = closing_time_bias(self._taste, missing=bool(self._closing), due=due)
        bias[TIME_SAME] -= self._thickness()
        time = self._draw(network.time_logits(output, features), grammar.time_mask(), self._temperatures.time, bias)
        if time == TIME_BAR:
            self._end_bar()
            return Event(TIME_BAR)
        position = context.position_of(time)
        tick = self._plan.frame.starts[context.bar] + position
        heads = network.heads(output)
        slot = self._draw(
            network.slot_logits(heads, features, time, position), grammar.slot_mask(time), self._temperatures.slot,
            self._slot_bias(closing),
        )  # fmt: skip
        note = context.note_features(position, slot)
        note = note_without_lags(note) if self._circling else note
        left = self._plan.frame.end - tick
        bias = closing_duration_bias(self._taste, left=left, in_last_bar=self._plan.frame.lengths[-1])
        duration = self._draw(
            network.duration_logits(heads, note, position, slot), grammar.duration_mask(time, slot),
            self._temperatures.duration, bias,
        )  # fmt: skip
        pitch = self._draw(
            network.pitch_logits(heads, note, position, slot, duration), grammar.pitch_mask(time, slot),
            self._temperatures.pitch, self._pitch_bias(slot, note, tick, closing, left <= duration_ticks(duration)),
        )  # fmt: skip
        loud = 0
        if is_drum_slot(slot):
            logits = network.velocity_logits(heads, position, pitch)
            mask = np.ones(len(logits), dtype=np.bool_)
            mask[0] = False
            loud = self._draw(logits, mask, self._temperatures.velocity, None)
        self._rested[slot] = 0
        self._opening.discard(slot)
        if closing:
            self._closing.discard(slot)
        if slot in self._melodies:
            self._melodies[slot].append(pitch)
        return Event(time, slot, duration, pitch, loud)

    def _draw(self, logits: Array, mask: Mask, temperature: float, bias: Array | None) -> int:
        request = self._plan.request
        drawn: Draw = draw(
            logits, mask, temperature=temperature * request.temperature, top_p=request.top_p,
            generator=self._generator, bias=bias,
        )  # fmt: skip
        if drawn.free:
            self.log_likelihood += drawn.log_likelihood
            self.choices += 1
        return drawn.value

    def _end_bar(self) -> None:
        for slot in self._rested:
            self._rested[slot] += 1
        before, self._bar_notes = self._bar_notes, self._accompaniment()
        shared, all_ = len(before & self._bar_notes), len(before | self._bar_notes)
        self._alike = self._alike + 1 if shared > ALIKE * all_ else 0

    def _accompaniment(self) -> set[tuple[int, int, int]]:
        """(position, slot, pitch) of the present bar's notes in the free pitched parts."""
        context = self._grammar.context
        return {note for note in context.bar_shape(context.bar) if note[1] in self._free}

    def _first_before(self, slot: int) -> int:
        """The pitch token with which a part began the last bar, if it begins the present one now; else 0."""
        context = self._grammar.context
        if any(note[1] == slot for note in context.bar_shape(context.bar)):
            return 0
        return next((pitch for _, each, pitch in context.bar_shape(context.bar - 1) if each == slot), 0)

    def _slot_bias(self, closing: bool) -> Array:
        """Towards parts that have rested; in the first and last bar towards those that have not struck in it."""
        bias = np.zeros(SLOT_SIZE, dtype=np.float32)
        for slot, bars in self._rested.items():
            bias[slot] = self._taste.silence * bars
        if self._grammar.context.bar == 0:
            bias[list(self._opening)] += self._taste.entry
        if closing:
            bias[list(self._closing)] += self._taste.together
        bias[self._grammar.context.previous.slot] -= self._thickness()
        return bias

    def _thickness(self) -> float:
        """How much the chord just written counts against one more note in it."""
        slot = self._grammar.context.previous.slot
        if not slot or is_drum_slot(slot):
            return 0.0
        return self._taste.thick * max(0, self._grammar.voices[slot].struck - 3)

    def _pitch_bias(self, slot: int, note: list[int], tick: int, closing: bool, to_the_end: bool) -> Array | None:
        if is_drum_slot(slot):
            return None
        if slot not in self._melodies:
            is_bass = self._parts[slot].role == "bass"
            bias = self._leanings.harmony(last_bar=closing, to_the_end=to_the_end, is_bass=is_bass)
            first = self._first_before(slot) if self._circling and not closing else 0
            return bias + self._leanings.elsewhere(first) if first else bias
        ends = self._plan.phrase_ends.get(slot)
        voice = self._grammar.voices[slot]
        last = closing if voice.fixed is None else voice.following == len(voice.fixed) - 1
        recalled = [] if voice.fixed is None else self._recalled(note)
        return self._leanings.melody(
            self._melodies[slot], recalled=recalled, phrase_end=ends is not None and tick in ends, last_note=last,
            last_bar=closing,
        )  # fmt: skip

    def _recalled(self, note: list[int]) -> list[int]:
        """Pitches that stood here four and eight bars ago, where the form likes to come back to them."""
        bar, (four, eight) = self._grammar.context.bar, note[_LAG_FOUR : _LAG_FOUR + 2]
        return [pitch for pitch, wanted in ((four, bar % 4 < 2), (eight, bar % 8 < 6)) if pitch and wanted]


def _notes(plan: Plan, composed: list[tuple[int, Event]], generator: np.random.Generator) -> list[NoteRow]:
    """Composed events as notes of the key asked for, fixed ones with their exact times."""
    request = plan.request
    parts = {slot: index for index, slot in enumerate(plan.slots)}
    exact = {
        index: iter([note for note in notes if note.onset >= request.prompt_bars * plan.bar_ticks * GRID_PER_TICK])
        for index, notes in request.rhythm.items()
    }
    result = []
    before = (-1, -1)
    for tick, event in composed:
        index = parts[event.slot]
        part = request.parts[index]
        drum = is_drum_slot(event.slot)
        pitch = event.pitch - DRUM_PITCH if drum else event.pitch - 1 - plan.shifts[index]
        loud = velocity(
            part, tick=tick, bar_ticks=plan.bar_ticks, metre=(request.numerator, request.denominator),
            end=plan.frame.end, drum_token=event.velocity, lowest_of_chord=(tick, event.slot) != before,
            generator=generator,
        )  # fmt: skip
        before = (tick, event.slot)
        if index in exact:
            note = next(exact[index])
            result.append((index, note.onset, note.duration, pitch, loud))
        else:
            ticks = min(duration_ticks(event.duration), plan.frame.end - tick)
            result.append((index, tick * GRID_PER_TICK, ticks * GRID_PER_TICK, pitch, loud))
    return result
