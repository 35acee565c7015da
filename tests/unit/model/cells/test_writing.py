"""What is told to the network while composing is exactly what it was trained on."""

from typing import Any

import numpy as np
import pytest
from bandmate_model.cells.encode import encode
from bandmate_model.cells.given import given_cells
from bandmate_model.cells.grid import CellGrid
from bandmate_model.cells.pieces import Cells, cells_of
from bandmate_model.cells.plan import plan
from bandmate_model.cells.vocabulary import AHEAD, END, RESUME, START
from bandmate_model.data.read_dataset import read_pieces
from bandmate_model.data.tokens import duration_ticks, is_drum_slot, velocity_value
from bandmate_model.model_files import ModelInfo
from bandmate_shared.contracts.composition import ChordSpan, CompositionRequest, Hole
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.composition_requests import DRUMS, part

PROGRAMS = {"voice": 52, "piano": 0, "drums": 0}


def request_of(piece: Cells, free: np.ndarray, *, chords: bool) -> CompositionRequest:
    """The request whose grid is this piece, with these (parts, bars) cells to compose."""
    bar = int(piece.lengths[0])
    prompt = []
    for number, slot, position, length, pitch in piece.notes.tolist():
        index = piece.slots.index(slot)
        if not free[index, number]:
            tick = 2 * (number * bar + position)
            drum = is_drum_slot(slot)
            ticks = 6 if drum else 2 * min(duration_ticks(length), bar * piece.bars - tick // 2)
            prompt.append((index, tick, ticks, pitch, velocity_value(length) if drum else 80))
    spans = []
    for half, value in enumerate(piece.chords.ravel().tolist() if chords else []):
        if value >= 0:
            start, end = half // 2 * bar + half % 2 * (bar // 2), half // 2 * bar + (bar if half % 2 else bar // 2)
            root, quality = divmod(value, 10)
            classes = sorted((root + step) % 12 for step in STEPS[quality])
            spans.append(
                ChordSpan(onset=2 * start, duration=2 * (end - start), root=root, pitch_classes=classes, symbol="?")
            )
    parts = [
        DRUMS if is_drum_slot(slot) else part(f"p{slot}", "harmony", 52, 0, 127, is_voice=False) for slot in piece.slots
    ]
    holes = [
        Hole(part=k, first_bar=b, bars=1)
        for k, row in enumerate(free.tolist())
        for b, is_free in enumerate(row)
        if is_free
    ]
    return CompositionRequest(
        style="chorale",
        tonic=0,
        mode="major",
        numerator=bar // 12,
        denominator=4,
        bars=piece.bars,
        tempo=90,
        parts=parts,
        prompt=prompt,
        holes=holes,
        seeds=[1],
        chords=spans,
    )


STEPS = (
    (0, 4, 7),
    (0, 3, 7),
    (0, 3, 6),
    (0, 4, 8),
    (0, 4, 7, 10),
    (0, 4, 7, 11),
    (0, 3, 7, 10),
    (0, 3, 6, 10),
    (0, 3, 6, 9),
    (0, 5, 7),
)


class Pieces(list[Cells]):
    """Hypothesis shows arguments of failing tests."""

    def __repr__(self) -> str:
        return "pieces"


@pytest.fixture(scope="session")
def pieces(tmp_path_factory: pytest.TempPathFactory, chorales: Any, write_dataset: Any) -> Pieces:
    """Chorales with bars of one length, one of them with a drum part that repeats itself."""
    whole = []
    for original in chorales:
        length, numerator, denominator = max(original["bars"], key=original["bars"].count)
        count = max(2, sum(bar[0] for bar in original["bars"]) // length)
        notes = [row for row in original["notes"] if row[1] < count * length]
        whole.append({**original, "bars": [(length, numerator, denominator)] * count, "notes": notes})
    beat = [(4, bar * 96 + 24 * k, 6, 36 + 2 * (k % 2), 60 + 20 * (bar % 5 == 4)) for bar in range(8) for k in range(4)]
    four = next(piece for piece in whole if piece["bars"][0][0] == 96)
    voices = [("", 52, False, "harmony", "voice")] * 4 + [("", 0, True, "drums", "drums")]
    notes = sorted([row for row in four["notes"] if row[1] < 768] + beat)
    whole.append({**four, "name": "beat", "bars": [(96, 4, 4)] * 8, "notes": notes, "parts": voices})
    folder = write_dataset(tmp_path_factory.mktemp("whole"), whole)
    return Pieces(cells_of(piece) for piece in read_pieces(folder))


@settings(max_examples=60, deadline=None)
@given(number=st.integers(0, 6), seed=st.integers(0, 2**32 - 1), chords=st.booleans())
def test_the_writer_writes_what_training_reads(number: int, seed: int, chords: bool, pieces: Pieces) -> None:
    """Random cells to compose in real pieces: as if they had just been composed as they stand, written from any bar."""
    piece = pieces[number]
    generator = np.random.default_rng(seed)
    first, history = generator.integers(0, piece.bars, 2).tolist()
    shape = len(piece.slots), piece.bars
    free = generator.random(shape) < generator.random()
    free[:, :history] = False
    free[0, -1] = True
    info = ModelInfo("m", "0", {"architecture": "rnn", "styles": ["chorale"]})
    ready = plan(request_of(piece, free, chords=chords), info)
    # Slots are the request's, which need not be the piece's: compare with the piece moved to them.
    order = [line.part for line in ready.lines]
    slots = {piece.slots[index]: line.slot for index, line in zip(order, ready.lines, strict=True)}
    moved = _with_slots(piece, slots, ready)
    given_cells_ = np.array(
        [bar >= ready.first and not free[_part(ready, slot), bar] for bar, slot, *_ in moved.cells.tolist()]
    )
    score = CellGrid(ready)
    for number, line in enumerate(ready.lines):
        for bar in range(piece.bars):
            bar_notes = moved.notes[(moved.notes[:, 0] == bar) & (moved.notes[:, 1] == line.slot)]
            score.cells[number][bar] = tuple(map(tuple, bar_notes[:, 2:].tolist()))
    last = piece.bars - 1
    written = [*score.context(first, last), *score.body(last), END]
    expected = encode(moved, 0, first=first, given=given_cells_, chords=chords, registers=True)
    assert written == expected.tokens.tolist()
    assert written[0] == (RESUME if first else START)
    assert (AHEAD in written) == bool(given_cells_[moved.cells[:, 0] >= first].any())


def _part(ready: Any, slot: int) -> int:
    return next(line.part for line in ready.lines if line.slot == slot)


def _with_slots(piece: Cells, slots: dict[int, int], ready: Any) -> Cells:
    from dataclasses import replace

    from bandmate_model.cells.pieces import cell_rows

    notes = piece.notes.copy()
    notes[:, 1] = [slots[slot] for slot in piece.notes[:, 1].tolist()]
    notes = notes[np.lexsort((notes[:, 4], notes[:, 2], notes[:, 1], notes[:, 0]))]
    lines = ready.lines
    return replace(
        piece,
        slots=tuple(line.slot for line in lines),
        mono=tuple(line.mono for line in lines),
        registers=tuple(line.register for line in lines),
        notes=notes,
        cells=cell_rows(notes, piece.lengths),
        mode=0,
        tempo=2,
        metres=np.full_like(piece.metres, ready.frame.metres[0]),
    )


def test_given_notes_become_the_cells_of_training(pieces: Pieces) -> None:
    """Times off the grid and durations beyond the vocabulary come to the nearest, as in cells_of."""
    ready = plan(
        request_of(pieces[0], np.arange(pieces[0].bars)[None] == [[1]] * len(pieces[0].slots), chords=False),
        ModelInfo("m", "0", {"architecture": "rnn", "styles": ["chorale"]}),
    )
    rows = [(0, 1, 47, 60, 80), (0, 1, 12, 60, 80), (0, 30, 6, 60, 80), (0, 40, 900, 62, 80), (0, 41, 1, 200, 80)]
    cells = given_cells(rows, ready.frame, 0, drum=False)
    position_60, length_60, _ = cells[0][0]
    assert position_60 == 0
    assert duration_ticks(length_60) <= 15, "struck again at 15, it ends by then"
    assert [pitch for cell in cells for _, _, pitch in cell] == [60, 60, 62]


def test_where_the_window_is_full_half_of_it_is_written_anew(pieces: Pieces) -> None:
    piece = pieces[0]
    free = np.zeros((len(piece.slots), piece.bars), bool)
    free[:, -1] = True
    ready = plan(
        request_of(piece, free, chords=False), ModelInfo("m", "0", {"architecture": "rnn", "styles": ["chorale"]})
    )
    score = CellGrid(ready)
    whole = score.context(0, ready.first)
    assert score.fitting(ready.first, [], len(whole)) == whole
    for room in (len(whole) - 1, 300, 200, 90):
        shorter = score.fitting(ready.first, [7, 7, 7], room)
        assert len(shorter) <= room
        assert shorter[0] == RESUME
        assert shorter[-3:] == [7, 7, 7]
