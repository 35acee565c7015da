"""Given notes in the model's terms: as cells, for the network's context, and as sounding notes, which restrict choices.

The cells are what pieces.cells_of makes of the same notes: times on the model's grid, the nearest durations, a note
struck again while it sounds ends there. The answer has the notes as they were given.
"""

from collections.abc import Sequence

from bandmate_music.note_rows import NoteRow

from bandmate_model.cells.line import Cell, Held
from bandmate_model.data.tokens import (
    DURATIONS,
    GRID_PER_TICK,
    PAD_DRUMS,
    Frame,
    duration_ticks,
    duration_token,
    velocity_token,
)


def given_cells(rows: Sequence[NoteRow], frame: Frame, shift: int, *, drum: bool) -> tuple[Cell, ...]:
    """The cell of each bar of one part, without what the vocabulary cannot hold. `shift`: semitones to the model's
    key."""
    lengths: dict[tuple[int, int], int] = {}
    pads = drum and any(row[3] in (22, 26) for row in rows)
    for _, onset, duration, pitch, loud in rows:
        moved = (PAD_DRUMS.get(pitch, pitch) if pads else pitch) + shift
        if 0 <= moved <= 127:
            key = moved, onset // GRID_PER_TICK
            value = velocity_token(loud) if drum else max(1, (duration + 1) // GRID_PER_TICK)
            lengths[key] = max(lengths.get(key, 0), value)
    cells: list[list[tuple[int, int, int]]] = [[] for _ in frame.starts]
    keys = sorted(lengths)
    for number, (pitch, tick) in enumerate(keys):
        length = lengths[pitch, tick]
        if not drum:
            again = keys[number + 1][1] if keys[number + 1 : number + 2] and keys[number + 1][0] == pitch else None
            length = _token(length, None if again is None else again - tick)
        bar = frame.bar_at(tick)
        cells[bar].append((tick - frame.starts[bar], length, pitch))
    return tuple(tuple(sorted(cell, key=lambda note: (note[0], note[2]))) for cell in cells)


def given_held(rows: Sequence[NoteRow], frame: Frame, shift: int, *, drum: bool) -> tuple[tuple[Held, ...], ...]:
    """The notes of one part as they sound, by the bar they begin in; ends rounded up."""
    bars: list[list[Held]] = [[] for _ in frame.starts]
    for _, onset, duration, pitch, _ in rows:
        tick = onset // GRID_PER_TICK
        end = tick if drum else -(-(onset + duration) // GRID_PER_TICK)
        bars[frame.bar_at(tick)].append((tick, pitch + shift, end))
    return tuple(tuple(sorted(notes)) for notes in bars)


def _token(ticks: int, gap: int | None) -> int:
    """The nearest duration, or where the pitch is struck again after `gap` ticks the longest that ends by then."""
    token = duration_token(min(ticks, 2 * DURATIONS[-1]))
    while gap is not None and token > 1 and duration_ticks(token) > gap:
        token -= 1
    return token
