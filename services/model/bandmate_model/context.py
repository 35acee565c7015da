"""What the network is told at each step, computed from the events so far.

The same class makes the training rows and follows a piece that is being composed, so the two cannot differ. Beside the
event before, the network sees where in the bar, phrase and piece it stands, what sounds now, and, as in Lookback RNN
(Waite, 2016), what happened at this place one, two, four and eight bars ago; repetition then costs one decision
instead of a feat of memory.
"""

from bandmate_model.tokens import (
    DRUM_PITCH,
    POSITION_NONE,
    START,
    TIME_BAR,
    TIME_POSITION,
    TIME_SAME,
    TIME_START,
    Event,
    Frame,
    duration_ticks,
    opening_bucket,
    remaining_bucket,
)

LAGS = (1, 2, 4, 8)
"""How many bars back the network looks."""

STEP_FEATURES = (
    "time", "slot", "duration", "pitch", "velocity", "position", "metre", "remaining", "phrase", "opening",
    *(f"lag{lag}_{field}" for lag in LAGS for field in ("time", "slot", "duration", "pitch")),
    "chroma", "lowest",
)  # fmt: skip
"""Known before an event is chosen."""

NOTE_FEATURES = (
    "last_pitch", "earlier_pitch", "note_chroma", "note_lowest", "last_duration",
    *(f"lag{lag}_note_pitch" for lag in LAGS), *(f"lag{lag}_note_duration" for lag in LAGS),
)  # fmt: skip
"""Known once the event's time and slot are chosen."""

TARGETS = ("target_time", "target_slot", "target_duration", "target_pitch", "target_velocity", "target_position")
COLUMNS = (*STEP_FEATURES, *NOTE_FEATURES, *TARGETS, "bar_ticks")
"""A training row; the bar's length is there for those who count time, not for the network."""
PHRASE_BARS = 8

_FIRST_LAG = STEP_FEATURES.index(f"lag{LAGS[0]}_time")
_NOTHING = (TIME_START, 0, 0, 0)
_BAR_OVER = (TIME_BAR, 0, 0, 0)


def without_lags(features: list[int]) -> list[int]:
    """STEP_FEATURES as the network sees them when it may not copy: as in training where a lag was dropped."""
    return [*features[:_FIRST_LAG], *_NOTHING * len(LAGS), *features[_FIRST_LAG + 4 * len(LAGS) :]]


def note_without_lags(features: list[int]) -> list[int]:
    """NOTE_FEATURES likewise."""
    return [*features[: -2 * len(LAGS)], *[0] * (2 * len(LAGS))]


class _Line:
    """What one slot played last: its present chord, and the one before."""

    __slots__ = ("chord", "duration", "previous", "tick")

    def __init__(self) -> None:
        self.tick = -1
        self.chord: list[int] = []
        self.previous: list[int] = []
        self.duration = 0


class _BarNotes:
    """The notes of one bar in order. A key packs position, slot and the number among simultaneous notes of a slot."""

    __slots__ = ("index", "keys", "notes")

    def __init__(self) -> None:
        self.keys: list[int] = []
        self.notes: list[tuple[int, int, int, int]] = []
        self.index: dict[int, int] = {}


def _key(position: int, slot: int, ordinal: int) -> int:
    return position << 12 | slot << 5 | min(ordinal, 31)


class Context:
    """The state of a piece after some events.

    `bar`, `position` and `tick` say where the last event left off; `done` is True after the last bar's end.
    """

    def __init__(self, frame: Frame) -> None:
        self.frame = frame
        self.bar = 0
        self.position = POSITION_NONE
        self.previous: Event = START
        self._bars = [_BarNotes()]
        self._here = -1
        self._pointers = [0] * len(LAGS)
        self._lines: dict[int, _Line] = {}
        self._sounding: list[tuple[int, int]] = []

    @property
    def done(self) -> bool:
        return self.bar >= len(self.frame.starts)

    @property
    def tick(self) -> int:
        return self.frame.starts[self.bar] + (0 if self.position == POSITION_NONE else self.position)

    def step_features(self) -> list[int]:
        """Values of STEP_FEATURES."""
        bars = len(self.frame.starts)
        previous = self.previous
        row = [
            previous.time, previous.slot, previous.duration, previous.pitch, previous.velocity,
            self.position, self.frame.metres[self.bar], remaining_bucket(bars - self.bar),
            self.bar % PHRASE_BARS, opening_bucket(self.bar),
        ]  # fmt: skip
        for number, lag in enumerate(LAGS):
            row.extend(self._next_in(number, lag))
        row.extend(self._sound(self.tick))
        return row

    def note_features(self, position: int, slot: int) -> list[int]:
        """Values of NOTE_FEATURES for a note of `slot` at `position` of the present bar."""
        tick = self.frame.starts[self.bar] + position
        line = self._lines.get(slot)
        ordinal = 0
        last = earlier = last_duration = 0
        if line is not None:
            last_duration = line.duration
            if line.tick == tick:
                ordinal = len(line.chord)
                last = line.chord[-1]
                earlier = line.previous[ordinal] if ordinal < len(line.previous) else 0
            else:
                last = line.chord[0]
                earlier = line.previous[0] if line.previous else 0
        key = _key(position, slot, ordinal)
        pitches, durations = [], []
        for lag in LAGS:
            pitch = duration = 0
            if self.bar >= lag:
                bar = self._bars[self.bar - lag]
                found = bar.index.get(key)
                if found is not None:
                    _, _, duration, pitch = bar.notes[found]
            pitches.append(pitch)
            durations.append(duration)
        return [last, earlier, *self._sound(tick), last_duration, *pitches, *durations]

    def bar_shape(self, bar: int) -> list[tuple[int, int, int]]:
        """(position, slot, pitch) of the notes of a bar in order: what makes two bars the same to the ear."""
        return [(position, slot, pitch) for position, slot, _, pitch in self._bars[bar].notes]

    def position_of(self, time: int) -> int:
        """The position an event with this time token has; POSITION_NONE for the end of a bar."""
        if time == TIME_SAME:
            return self.position
        return time - TIME_POSITION if time >= TIME_POSITION else POSITION_NONE

    def advance(self, event: Event) -> None:
        """Take an event in."""
        self.previous = event
        if event.time == TIME_BAR:
            self.bar += 1
            self.position = POSITION_NONE
            self._here = -1
            self._pointers = [0] * len(LAGS)
            self._bars.append(_BarNotes())
            return
        self.position = self.position_of(event.time)
        tick = self.tick
        if event.time != TIME_SAME:
            self._sounding = [note for note in self._sounding if note[0] > tick]
        line = self._lines.get(event.slot)
        if line is None:
            line = self._lines[event.slot] = _Line()
        if line.tick != tick:
            line.previous, line.chord, line.tick = line.chord, [], tick
        ordinal = len(line.chord)
        line.chord.append(event.pitch)
        line.duration = event.duration
        if event.pitch < DRUM_PITCH:
            self._sounding.append((tick + duration_ticks(event.duration), event.pitch - 1))
        self._here = _key(self.position, event.slot, ordinal)
        bar = self._bars[self.bar]
        bar.index[self._here] = len(bar.keys)
        bar.keys.append(self._here)
        bar.notes.append((self.position, event.slot, event.duration, event.pitch))

    def row(self, event: Event) -> list[int]:
        """A training row: values of COLUMNS with `event` as the target. Does not advance."""
        position = self.position_of(event.time)
        note = [0] * len(NOTE_FEATURES) if event.time == TIME_BAR else self.note_features(position, event.slot)
        return [*self.step_features(), *note, *event, position, self.frame.lengths[self.bar]]

    def _next_in(self, number: int, lag: int) -> tuple[int, int, int, int]:
        """The first note after this place in the bar `lag` bars ago, its time seen from here."""
        if self.bar < lag:
            return _NOTHING
        bar = self._bars[self.bar - lag]
        pointer, keys, here = self._pointers[number], bar.keys, self._here
        while pointer < len(keys) and keys[pointer] <= here:
            pointer += 1
        self._pointers[number] = pointer
        if pointer == len(keys):
            return _BAR_OVER
        position, slot, duration, pitch = bar.notes[pointer]
        return (TIME_SAME if position == self.position else TIME_POSITION + position, slot, duration, pitch)

    def _sound(self, tick: int) -> tuple[int, int]:
        """Pitch classes that sound at `tick` as bits, and the lowest pitch's token (0: silence)."""
        chroma, lowest = 0, 128
        for end, pitch in self._sounding:
            if end > tick:
                chroma |= 1 << pitch % 12
                if pitch < lowest:
                    lowest = pitch
        return chroma, 0 if lowest == 128 else lowest + 1
