"""The grammar of events: at each step, the mask of values that keep the piece valid.

Whatever a network prefers, a piece sampled under these masks has exactly the bars asked for, notes inside them in order
of position, slot and pitch, only the parts asked for, every pitch within its part's range, one note at a time in
monophonic parts, no pitch struck again while the same part holds it, nothing sounding past the end, and in a part whose
rhythm is fixed exactly those notes. There is always at least one legal value: a property test holds it to that.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bandmate_model.context import Context
from bandmate_model.tokens import (
    DRUM_DURATION,
    DRUM_PITCH,
    DURATION_SIZE,
    DURATIONS,
    PITCH_SIZE,
    POSITION_NONE,
    SLOT_SIZE,
    TIME_BAR,
    TIME_POSITION,
    TIME_SAME,
    TIME_SIZE,
    Event,
    Frame,
    duration_ticks,
    is_drum_slot,
)

Mask = NDArray[np.bool_]

MAX_CHORD = 8
"""Most notes one part strikes at once."""
MAX_NOTES_A_QUARTER = 24
"""Most free notes a quarter in all parts together: a bound on the length of a piece, not a musical wish."""
NEVER = 1 << 40

_DURATION_TICKS = np.array([0, *DURATIONS])


@dataclass(frozen=True, slots=True)
class Line:
    """A part as the grammar sees it: its slot, the MIDI pitches it may use (in the model's key), and, where its rhythm
    is fixed, its notes as (tick, duration token), ticks ascending."""

    slot: int
    low: int
    high: int
    monophonic: bool = False
    fixed: tuple[tuple[int, int], ...] | None = None
    pitches: frozenset[int] | None = None
    """If given, only these (drums: the strokes the model knows)."""


class _Voice:
    """What one line is doing."""

    __slots__ = (
        "allowed",
        "ends",
        "first",
        "fixed",
        "following",
        "is_drum",
        "last_pitch",
        "last_tick",
        "line",
        "struck",
    )

    def __init__(self, line: Line) -> None:
        self.line = line
        self.is_drum = is_drum_slot(line.slot)
        self.first = DRUM_PITCH if self.is_drum else 1
        self.allowed = np.zeros(128, dtype=np.bool_)
        self.allowed[line.low : line.high + 1] = True
        if line.pitches is not None:
            known = np.zeros(128, dtype=np.bool_)
            known[list(line.pitches)] = True
            if (known & self.allowed).any():
                self.allowed &= known
        if not self.allowed.any():
            raise ValueError(f"no pitch lies between {line.low} and {line.high}")
        self.ends = np.where(self.allowed, 0, NEVER)
        self.fixed = line.fixed
        self.following = 0
        self.last_tick = -1
        self.last_pitch = -1
        self.struck = 0

    def due(self) -> int:
        """Tick of the next fixed note; NEVER if none is left or the line is free."""
        if self.fixed is None or self.following >= len(self.fixed):
            return NEVER
        return self.fixed[self.following][0]

    def free_from(self) -> int:
        """The first tick at which a free note may start; NEVER for lines with a fixed rhythm."""
        if self.fixed is not None:
            return NEVER
        if self.line.monophonic:
            return int(np.where(self.ends == NEVER, 0, self.ends).max())
        return int(self.ends.min())

    def pitches_at(self, tick: int) -> Mask:
        """Which pitches may start at `tick`; above the last one if the line has struck at this tick already."""
        if self.fixed is not None:
            return self.allowed
        mask: Mask = self.ends <= tick
        if self.last_tick == tick:
            mask = mask.copy()
            mask[: self.last_pitch + 1] = False
        return mask

    def can_add(self, tick: int) -> bool:
        """May the line, having struck at `tick`, strike another note with it?"""
        if self.fixed is not None or self.line.monophonic or self.struck >= MAX_CHORD:
            return False
        return bool(self.pitches_at(tick).any())

    def take(self, tick: int, pitch: int, duration: int) -> None:
        if self.fixed is not None and self.due() == tick:
            self.following += 1
        self.struck = self.struck + 1 if self.last_tick == tick else 1
        self.last_tick, self.last_pitch = tick, pitch
        if 0 <= pitch < 128 and self.ends[pitch] != NEVER:
            self.ends[pitch] = tick + duration
        elif self.line.monophonic:  # A given note outside the range still holds a monophonic part.
            self.ends[self.line.low] = max(int(self.ends[self.line.low]), tick + duration)


class Grammar:
    """Masks for the next event of a piece, field by field, and the piece's context.

    Call the masks in the order time, slot, duration, pitch, each with the values chosen before; then `accept`.
    """

    def __init__(self, frame: Frame, lines: Sequence[Line], *, full_bars: bool = True) -> None:
        """`full_bars`: a bar in which nothing sounds is not allowed (unless only parts of fixed rhythm play)."""
        if len({line.slot for line in lines}) != len(lines):
            raise ValueError("two parts share a slot")
        self.frame = frame
        self.context = Context(frame)
        self.voices = {line.slot: _Voice(line) for line in sorted(lines, key=lambda line: line.slot)}
        self._full_bars = full_bars and any(line.fixed is None for line in lines)
        self._in_bar = 0
        self._sound_until = 0

    @property
    def done(self) -> bool:
        return self.context.done

    def time_mask(self) -> Mask:
        """Legal values of the time field, (TIME_SIZE,)."""
        mask = np.zeros(TIME_SIZE, dtype=np.bool_)
        bar, position = self.context.bar, self.context.position
        start, length = self.frame.starts[bar], self.frame.lengths[bar]
        due = min(voice.due() for voice in self.voices.values())
        placed = position != POSITION_NONE
        if placed and due <= start + position:
            mask[TIME_SAME] = True
            return mask
        room = self._in_bar < MAX_NOTES_A_QUARTER * max(1, length // 12)
        first = position + 1 if placed else 0
        last = min(length - 1, due - start)
        if room:
            free = max(first, min(voice.free_from() for voice in self.voices.values()) - start)
            mask[TIME_POSITION + free : TIME_POSITION + last + 1] = True
            mask[TIME_SAME] = placed and self._room_here(start + position)
        if first <= due - start < length:
            mask[TIME_POSITION + due - start] = True
        silent = self._full_bars and self._in_bar == 0 and self._sound_until <= start
        mask[TIME_BAR] = due >= start + length and not (silent and mask.any())
        return mask

    def slot_mask(self, time: int) -> Mask:
        """Legal slots for a note at `time` (not the end of a bar), (SLOT_SIZE,)."""
        mask = np.zeros(SLOT_SIZE, dtype=np.bool_)
        tick = self._tick(time)
        last = self.context.previous.slot if time == TIME_SAME else 0
        due = False
        for slot, voice in self.voices.items():
            if voice.due() <= tick:
                mask[slot] = True
                due = True
                break  # Everything after it has to wait until it is written.
            if slot > last:
                mask[slot] = voice.free_from() <= tick and self._has_room()
            elif slot == last:
                mask[slot] = voice.can_add(tick) and self._has_room()
        if due and not self._has_room():
            fixed = next(slot for slot, voice in self.voices.items() if voice.due() <= tick)
            mask[:] = False
            mask[fixed] = True
        return mask

    def duration_mask(self, time: int, slot: int) -> Mask:
        """Legal durations, (DURATION_SIZE,)."""
        voice = self.voices[slot]
        tick = self._tick(time)
        if voice.fixed is not None:
            mask = np.zeros(DURATION_SIZE, dtype=np.bool_)
            mask[voice.fixed[voice.following][1]] = True
            return mask
        if voice.is_drum:
            mask = np.zeros(DURATION_SIZE, dtype=np.bool_)
            mask[DRUM_DURATION] = True
            return mask
        mask = tick + _DURATION_TICKS <= self.frame.end
        mask[0] = False
        return mask

    def pitch_mask(self, time: int, slot: int) -> Mask:
        """Legal pitches, (PITCH_SIZE,)."""
        voice = self.voices[slot]
        mask = np.zeros(PITCH_SIZE, dtype=np.bool_)
        mask[voice.first : voice.first + 128] = voice.pitches_at(self._tick(time))
        return mask

    def accept(self, event: Event) -> None:
        """Take a legal event in, or a given one that need not be legal."""
        self.context.advance(event)
        if event.time == TIME_BAR:
            self._in_bar = 0
            return
        tick = self.context.tick
        voice = self.voices[event.slot]
        duration = duration_ticks(event.duration)
        voice.take(tick, event.pitch - voice.first, 1 if voice.is_drum else duration)
        self._in_bar += 1
        self._sound_until = max(self._sound_until, tick + duration)

    def _tick(self, time: int) -> int:
        return self.frame.starts[self.context.bar] + self.context.position_of(time)

    def _has_room(self) -> bool:
        return self._in_bar < MAX_NOTES_A_QUARTER * max(1, self.frame.lengths[self.context.bar] // 12)

    def _room_here(self, tick: int) -> bool:
        """May any line still strike at `tick`, in order after the last event?"""
        last = self.context.previous.slot
        return any(
            voice.free_from() <= tick if slot > last else slot == last and voice.can_add(tick)
            for slot, voice in self.voices.items()
        )
