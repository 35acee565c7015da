"""A piece as a grid of cells, in arrays: built once from a dataset's piece, encoded each time it is read."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from bandmate_model.cells.chord_estimate import half_bar_chords
from bandmate_model.cells.vocabulary import REPEAT_BARS
from bandmate_model.data.accompaniment import harmony_parts
from bandmate_model.data.pieces import Piece, part_slots, shift_to_c
from bandmate_model.data.tokens import (
    DURATIONS,
    GRID_PER_TICK,
    PAD_DRUMS,
    SLOT_SIZE,
    Frame,
    duration_token,
    is_drum_slot,
    tempo_token,
)

NO_REPEAT = -1
_LAGS = np.array(REPEAT_BARS)
_TICKS = np.array([0, *DURATIONS])
NO_CHORD = -1
_MAX_TICKS = DURATIONS[-1] * 2
_NEAREST = np.array([duration_token(max(1, ticks)) for ticks in range(_MAX_TICKS + 1)])
_AT_MOST = np.searchsorted(np.array(DURATIONS), np.arange(_MAX_TICKS + 1), side="right").clip(min=1)
_DRUM_OF_PAD = np.arange(128)
_DRUM_OF_PAD[list(PAD_DRUMS)] = list(PAD_DRUMS.values())
_IS_DRUM_SLOT = np.array([slot > 0 and is_drum_slot(slot) for slot in range(SLOT_SIZE)])

Notes = NDArray[np.int16]
"""(notes, 5): bar, slot, position, length, pitch; ascending. `length` is the duration token, of drums the velocity's
(1-8); `pitch` the MIDI pitch in tonic C, of drums the drum."""
CellRows = NDArray[np.int32]
"""(cells, 5): bar, slot, first note, number of notes, index in REPEAT_BARS or NO_REPEAT; ascending, silent ones left
out."""


@dataclass(frozen=True, slots=True)
class Cells:
    """One piece. `lengths` (ticks) and `metres` a bar; `slots` ascending, `mono` and `registers` beside them; `chords`
    (bars, 2): values of vocabulary.CHORD for the halves of each bar, or NO_CHORD."""

    name: str
    style: str
    split: str
    mode: int
    tempo: int
    lengths: NDArray[np.int16]
    metres: NDArray[np.int16]
    slots: tuple[int, ...]
    mono: tuple[bool, ...]
    registers: tuple[int, ...]
    notes: Notes = field(repr=False)
    cells: CellRows = field(repr=False)
    chords: NDArray[np.int16] = field(repr=False)

    @property
    def bars(self) -> int:
        return len(self.lengths)

    @property
    def starts(self) -> NDArray[np.int64]:
        """The first tick of each bar."""
        return np.concatenate([[0], np.cumsum(self.lengths[:-1], dtype=np.int64)])


def is_drum(slots: NDArray[np.integer]) -> NDArray[np.bool_]:
    """Which of the slot tokens are drums."""
    result: NDArray[np.bool_] = _IS_DRUM_SLOT[slots]
    return result


def cells_of(piece: Piece, *, harmony: bool = True) -> Cells:
    """A dataset's piece in tonic C, without what the vocabulary cannot hold; without `harmony` no chords."""
    frame = Frame.from_bars([(max(1, length // GRID_PER_TICK), n, d) for length, n, d in piece.bars])
    slots = part_slots(piece)
    table = _table(piece, frame, slots)
    lengths, metres = np.array(frame.lengths, np.int16), np.array(frame.metres, np.int16)
    starts = np.array(frame.starts)
    used, mono, registers = _parts(table, starts)
    return Cells(
        piece.name,
        piece.style,
        piece.split,
        int(piece.mode == "minor"),
        tempo_token(piece.tempo),
        lengths,
        metres,
        used,
        mono,
        registers,
        table.astype(np.int16),
        cell_rows(table, lengths),
        _chords(piece, table, slots, starts, lengths) if harmony else np.full((len(lengths), 2), NO_CHORD, np.int16),
    )


def _chords(
    piece: Piece,
    table: NDArray[np.int64],
    slots: dict[int, int],
    starts: NDArray[np.int64],
    lengths: NDArray[np.int16],
) -> NDArray[np.int16]:
    """Cells.chords, by the parts that tell the harmony."""
    parts = harmony_parts(piece)
    telling = [slot for part, slot in slots.items() if part in parts]
    return half_bar_chords(table[np.isin(table[:, 1], telling)], starts, lengths, mode=int(piece.mode == "minor"))


def _table(piece: Piece, frame: Frame, slots: dict[int, int]) -> NDArray[np.int64]:
    """Notes as rows of Cells.notes."""
    rows = piece.notes.astype(np.int64)
    slot_of = np.zeros(1 + max([*slots, int(rows[:, 0].max(initial=0))]), np.int64)
    slot_of[list(slots)] = list(slots.values())
    slot, tick = slot_of[rows[:, 0]], rows[:, 1] // GRID_PER_TICK
    drum = _IS_DRUM_SLOT[slot]
    pitch = np.where(drum, rows[:, 3], rows[:, 3] + shift_to_c(piece.tonic))
    for part in {part.part for part in piece.parts if part.is_drum}:
        of_part = rows[:, 0] == part
        if ((rows[of_part, 3] == 22) | (rows[of_part, 3] == 26)).any():
            pitch[of_part] = _DRUM_OF_PAD[pitch[of_part].clip(0, 127)]
    ticks = np.minimum(np.maximum((rows[:, 2] + 1) // GRID_PER_TICK, 1), _MAX_TICKS)
    loud = 1 + np.minimum(np.maximum(rows[:, 4], 0), 127) // 16
    keep = (slot > 0) & (tick >= 0) & (tick < frame.end) & (pitch >= 0) & (pitch < 128)
    if not keep.all():
        slot, tick, pitch, drum, ticks, loud = (array[keep] for array in (slot, tick, pitch, drum, ticks, loud))
    # A pitch struck twice at once in one part is one note, the longer or louder of them.
    # One key sorts several times faster than lexsort; ticks stay far below 2**32, lengths below 2**10.
    order = np.argsort((((slot << 7 | pitch) << 32 | tick) << 10) - np.where(drum, loud, ticks))
    slot, tick, pitch, drum, ticks, loud = (array[order] for array in (slot, tick, pitch, drum, ticks, loud))
    duplicate = np.zeros(len(slot), bool)
    duplicate[1:] = (slot[1:] == slot[:-1]) & (pitch[1:] == pitch[:-1]) & (tick[1:] == tick[:-1])
    if duplicate.any():
        slot, tick, pitch, drum, ticks, loud = (array[~duplicate] for array in (slot, tick, pitch, drum, ticks, loud))
    length = _NEAREST[ticks]
    # Struck again while it sounds: the first ends there.
    gap = np.full(len(slot), _MAX_TICKS)
    again = (slot[1:] == slot[:-1]) & (pitch[1:] == pitch[:-1])
    gap[:-1][again] = np.minimum((tick[1:] - tick[:-1])[again], _MAX_TICKS)
    length = np.where(drum, loud, np.minimum(length, _AT_MOST[gap]))
    starts = np.array(frame.starts)
    bar = np.searchsorted(starts, tick, side="right") - 1
    position = tick - starts[bar] if len(bar) else tick
    order = np.argsort(((bar << 6 | slot) << 7 | position) << 7 | pitch)
    return np.stack([array[order] for array in (bar, slot, position, length, pitch)], axis=1)


def cell_rows(notes: NDArray[np.integer], lengths: NDArray[np.integer]) -> CellRows:
    """The cells of ascending rows of Cells.notes."""
    if not len(notes):
        return np.zeros((0, 5), np.int32)
    values = notes.astype(np.int64)
    key = values[:, 0] * SLOT_SIZE + values[:, 1]
    first = np.flatnonzero(np.concatenate([[True], key[1:] != key[:-1]]))
    count = np.diff(np.append(first, len(key)))
    content = np.add.reduceat(_mixed((values[:, 2] << 20) | (values[:, 3] << 10) | values[:, 4]), first)
    bar, slot = values[first, 0], values[first, 1]
    # A table of all places, with room for the bars before the first: what stood there, and -1 where nothing did.
    room = REPEAT_BARS[-1]
    place = np.full((len(lengths) + room, SLOT_SIZE), -1)
    place[bar + room, slot] = np.arange(len(bar))
    before = place[bar[:, None] + room - _LAGS, slot[:, None]]
    matches = (before >= 0) & (content[before] == content[:, None])
    matches &= lengths[bar[before]] == lengths[bar][:, None]
    repeat = np.where(matches.any(axis=1), matches.argmax(axis=1), NO_REPEAT)
    return np.stack([bar, slot, first, count, repeat], axis=1).astype(np.int32)


def _mixed(values: NDArray[np.int64]) -> NDArray[np.uint64]:
    """A hash of each value (splitmix64's finaliser): sums of them tell sets of values apart."""
    mixed = values.astype(np.uint64) + np.uint64(0x9E3779B97F4A7C15)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    result: NDArray[np.uint64] = mixed ^ (mixed >> np.uint64(31))
    return result


def _parts(
    table: NDArray[np.int64], starts: NDArray[np.int64]
) -> tuple[tuple[int, ...], tuple[bool, ...], tuple[int, ...]]:
    """The slots that have notes; of each, whether no note begins while another sounds; the octave of its median."""
    if not len(table):
        return (), (), ()
    order = np.argsort(table[:, 1].astype(np.int16), kind="stable")
    bar, slot, position, length, pitch = table[order].T
    count = np.bincount(slot)
    used = np.flatnonzero(count)
    count = count[used]
    first = np.cumsum(count) - count
    onset = starts[bar] + position
    clash = (onset[1:] < onset[:-1] + _TICKS[length[:-1]]) & (slot[1:] == slot[:-1])
    poly = np.bincount(slot[1:][clash], minlength=SLOT_SIZE)[used] > 0
    heights = np.sort(((slot << 7) | pitch).astype(np.int16), kind="stable") & 127
    middle = heights[first + (count - 1) // 2] + heights[first + count // 2]
    mono = ~poly & ~_IS_DRUM_SLOT[used]
    return tuple(used.tolist()), tuple(mono.tolist()), tuple((middle // 24).tolist())
