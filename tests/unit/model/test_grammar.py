"""Whatever is drawn under the grammar's masks is valid music: random requests, random choices."""

import numpy as np
import pytest
from bandmate_model.grammar import Grammar, Line
from bandmate_model.tokens import (
    DRUM_PITCH,
    DURATIONS,
    TIME_BAR,
    Event,
    Frame,
    duration_ticks,
    duration_token,
    is_drum_slot,
)
from hypothesis import given, settings
from hypothesis import strategies as st

METRES = [(4, 4), (3, 4), (2, 4), (6, 8), (5, 8), (7, 16), (1, 16), (16, 4), (12, 8), (2, 2), (9, 1)]


@st.composite
def frames(draw: st.DrawFn) -> Frame:
    numerator, denominator = draw(st.sampled_from(METRES))
    bars = draw(st.integers(1, 4))
    return Frame.from_bars([(numerator * 48 // denominator, numerator, denominator)] * bars)


@st.composite
def line_ups(draw: st.DrawFn, frame: Frame) -> list[Line]:
    slots = draw(st.lists(st.integers(1, 56), min_size=1, max_size=5, unique=True))
    lines = []
    for slot in slots:
        low = draw(st.integers(0, 127))
        high = draw(st.integers(low, 127))
        fixed = None
        if not is_drum_slot(slot) and draw(st.booleans()):
            onsets = sorted(draw(st.lists(st.integers(0, frame.end - 1), max_size=12, unique=True)))
            ends = [*onsets[1:], frame.end][: len(onsets)]
            fixed = tuple(
                (onset, duration_token(draw(st.integers(1, end - onset))))
                for onset, end in zip(onsets, ends, strict=True)
            )
        lines.append(Line(slot, low, high, draw(st.booleans()), fixed))
    return lines


def drawn_piece(frame: Frame, lines: list[Line], seed: int) -> list[tuple[int, Event]]:
    """A piece of random legal choices, with a taste for many notes or for few."""
    generator = np.random.default_rng(seed)
    grammar = Grammar(frame, lines)
    dense = generator.random()
    events = []
    while not grammar.done:
        mask = grammar.time_mask()
        assert mask.any(), "there is always a legal next event"
        if mask[TIME_BAR] and mask.sum() > 1 and generator.random() > dense:
            time = TIME_BAR
        else:
            time = int(generator.choice(np.flatnonzero(mask)))
        if time == TIME_BAR:
            grammar.accept(Event(TIME_BAR))
            events.append((-1, Event(TIME_BAR)))
            continue
        slot = int(generator.choice(np.flatnonzero(grammar.slot_mask(time))))
        duration = int(generator.choice(np.flatnonzero(grammar.duration_mask(time, slot))))
        pitch = int(generator.choice(np.flatnonzero(grammar.pitch_mask(time, slot))))
        event = Event(time, slot, duration, pitch)
        grammar.accept(event)
        events.append((grammar.context.tick, event))
    return events


@settings(max_examples=120, deadline=None)
@given(st.data())
def test_every_legal_piece_is_valid(data: st.DataObject) -> None:
    frame = data.draw(frames())
    lines = data.draw(line_ups(frame))
    events = drawn_piece(frame, lines, data.draw(st.integers(0, 2**32 - 1)))

    assert sum(event.time == TIME_BAR for _, event in events) == len(frame.starts)
    notes = [(tick, event) for tick, event in events if event.slot]
    assert [tick for tick, _ in notes] == sorted(tick for tick, _ in notes)
    assert {event.slot for _, event in notes} <= {line.slot for line in lines}
    for line in lines:
        own = [(tick, event) for tick, event in notes if event.slot == line.slot]
        first = DRUM_PITCH if is_drum_slot(line.slot) else 1
        assert all(line.low <= event.pitch - first <= line.high for _, event in own)
        if line.fixed is not None:
            assert [(tick, event.duration) for tick, event in own] == list(line.fixed)
            continue
        until: dict[int, int] = {}
        for tick, event in own:
            ticks = duration_ticks(event.duration)
            if not is_drum_slot(line.slot):
                assert tick + ticks <= frame.end, "nothing sounds past the end"
                held = max(until.values(), default=0) if line.monophonic else until.get(event.pitch, 0)
                assert held <= tick, "a note begins only where none is held"
            elif line.monophonic:
                assert until.get(tick) is None, "one stroke at a time"
                until[tick] = tick
                continue
            else:
                assert until.get(event.pitch, -1) < tick, "a drum is struck once at a time"
                ticks = 0
            until[event.pitch] = tick + ticks


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_notes_of_one_place_are_in_order(data: st.DataObject) -> None:
    frame = data.draw(frames())
    lines = data.draw(line_ups(frame))
    fixed = {line.slot for line in lines if line.fixed is not None}
    events = drawn_piece(frame, lines, data.draw(st.integers(0, 2**32 - 1)))
    keys = [(tick, event.slot, event.pitch) for tick, event in events if event.slot and event.slot not in fixed]
    assert keys == sorted(set(keys))


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_no_bar_is_silent(seed: int) -> None:
    frame = Frame.from_bars([(48, 4, 4)] * 6)
    events = drawn_piece(frame, [Line(1, 60, 72, True), Line(25, 40, 60)], seed)
    sounding = np.zeros(frame.end, dtype=bool)
    for tick, event in events:
        if event.slot:
            sounding[tick : tick + duration_ticks(event.duration)] = True
    assert sounding.reshape(6, 48).any(axis=1).all()


def test_given_notes_may_break_the_rules_and_still_count() -> None:
    """A prompt is taken as it is; what it holds binds what follows."""
    grammar = Grammar(Frame.from_bars([(48, 4, 4)] * 2), [Line(1, 60, 72, True)])
    grammar.accept(Event(2, 1, duration_token(72), 1 + 90))
    grammar.accept(Event(TIME_BAR))
    mask = grammar.time_mask()
    assert np.flatnonzero(mask)[0] == TIME_BAR or np.flatnonzero(mask)[0] >= 2 + 24, "the given note is held until 72"
    assert not mask[2 : 2 + 24].any()


def test_a_range_without_pitches_is_refused() -> None:
    with pytest.raises(ValueError, match="no pitch lies between 70 and 60"):
        Grammar(Frame.from_bars([(48, 4, 4)]), [Line(1, 70, 60)])


@given(st.integers(1, 400))
def test_durations_go_to_the_nearest(ticks: int) -> None:
    chosen = duration_ticks(duration_token(ticks))
    assert abs(chosen - ticks) == min(abs(each - ticks) for each in DURATIONS)
