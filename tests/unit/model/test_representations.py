"""The benchmark of representations: every order encodes the same notes exactly."""

from collections.abc import Callable
from functools import partial

import numpy as np
import pytest
from bandmate_model.cells.encode import header
from bandmate_model.cells.from_score import piece_of
from bandmate_model.cells.pieces import Cells, cells_of
from bandmate_model.cells.vocabulary import (
    BAR,
    DRUM,
    DURATION,
    END,
    PITCH,
    POSITION,
    REPEAT,
    REPEAT_BARS,
    SLOT,
    VELOCITY,
)
from bandmate_model.data.tokens import is_drum_slot
from bandmate_music.score import Notes, Part

from tests.support.tunes import tune

pytest.importorskip("torch")

from bandmate_bench.timing.representations import (
    LENGTH,
    MAX_NOTES,
    by_cell,
    by_plain_cell,
    by_time,
    by_track,
    fits,
    stretch,
    window,
)

Rows = list[tuple[int, ...]]


@pytest.fixture(params=range(4))
def piece(request: pytest.FixtureRequest) -> Cells:
    """A tune with chords and drums beside its two parts."""
    score = tune(request.param)
    chords = [
        (bar * 1920 + 960 * half, 960, pitch, 70) for bar in range(16) for half in (0, 1) for pitch in (60, 64, 67)
    ]
    drums = [(480 * beat, 100, 36 + 2 * (beat % 2), 60 + 10 * (beat % 4)) for beat in range(60)]
    more_parts = (Part("Piano", 0, Notes.from_rows(chords)), Part("Drums", 0, Notes.from_rows(drums), is_drum=True))
    return cells_of(piece_of(score.with_parts([*score.parts, *more_parts])))


def from_time(tokens: list[int]) -> Rows:
    rows, bar, slot, position = [], -1, 0, 0
    lengths: dict[int, int] = {}
    for token in tokens:
        if token in BAR:
            bar, lengths = bar + 1, {}
        elif token in POSITION:
            position = POSITION.value(token)
        elif token in SLOT:
            slot = SLOT.value(token) + 1
        elif token in DURATION or token in VELOCITY:
            lengths[slot] = (DURATION if token in DURATION else VELOCITY).value(token) + 1
        elif token in PITCH or token in DRUM:
            rows.append((bar, slot, position, lengths[slot], (PITCH if token in PITCH else DRUM).value(token)))
    return sorted(rows)


def from_bars(tokens: list[int], *, by_part: bool) -> Rows:
    """Bar by bar, or part by part with each part's bars anew. Of repeated drums only how many bars ago is written."""
    rows: Rows = []
    bar, slot, position, length = -1, 0, 0, 0
    for token in tokens:
        if token in BAR:
            bar += 1
        elif token in SLOT:
            slot = SLOT.value(token) + 1
            if by_part:
                bar = -1
        elif token in REPEAT and is_drum_slot(slot):
            from_bar = bar - REPEAT_BARS[REPEAT.value(token)]
            rows += [(bar, *row[1:]) for row in rows if row[:2] == (from_bar, slot)]
        elif token in POSITION:
            position = POSITION.value(token)
        elif token in DURATION or token in VELOCITY:
            length = (DURATION if token in DURATION else VELOCITY).value(token) + 1
        elif token in PITCH or token in DRUM:
            rows.append((bar, slot, position, length, (PITCH if token in PITCH else DRUM).value(token)))
    return sorted(rows)


from_tracks = partial(from_bars, by_part=True)
from_cells = partial(from_bars, by_part=False)


def test_without_repeat_cells_are_written_out(piece: Cells) -> None:
    """Both are codes of the same notes; one has a choice for a cell that comes again, the other one for each note."""
    head = len(header(piece, 0, first=0, registers=False))
    written = {order: order(piece, 0) for order in (by_cell, by_plain_cell)}
    for tokens, free in written.values():
        assert from_cells(tokens[head:-1].tolist()) == sorted(map(tuple, piece.notes.tolist()))
        assert not free[:head].any()
    again = [sum(token in REPEAT for token in tokens.tolist()) for tokens, _ in written.values()]
    assert again[0] > 0
    assert again[1] == 0
    plain, free = written[by_plain_cell]
    assert free[(plain >= PITCH.first) & (plain < DRUM.end)].all()
    assert free.sum() > written[by_cell][1].sum()


@pytest.mark.parametrize(("write", "read"), [(by_time, from_time), (by_track, from_tracks)])
def test_every_order_gives_the_notes_back(
    piece: Cells, write: Callable[[Cells, int], tuple[np.ndarray, np.ndarray]], read: Callable[[list[int]], Rows]
) -> None:
    tokens, free = write(piece, 0)
    head = len(header(piece, 0, first=0, registers=False))
    assert tokens[-1] == END
    assert not free[:head].any()
    assert read(tokens[head:-1].tolist()) == sorted(map(tuple, piece.notes.tolist()))
    assert free[(tokens >= PITCH.first) & (tokens < DRUM.end)].all()


def test_windows_are_whole_bars_within_their_bounds(piece: Cells) -> None:
    first, notes = 0, 0
    while first < piece.bars:
        last = stretch(piece, first)
        assert last > first
        excerpt = window(piece, first, last)
        assert excerpt.bars == last - first
        assert len(excerpt.notes) <= MAX_NOTES
        assert fits(excerpt)
        assert len(by_time(excerpt, 0)[0]) <= LENGTH
        notes += len(excerpt.notes)
        first = last
    assert notes == len(piece.notes)
