"""Band arrangements: the bass leaves the piano, and drums keep a pattern that returns exactly."""

from dataclasses import replace

import numpy as np
import pytest
from bandmate_model.cells.pieces import NO_REPEAT, cells_of, is_drum
from bandmate_model.data.band import (
    PHRASE_BARS,
    SECTION_BARS,
    BandRecipe,
    arrange,
    fill,
    pattern,
    split_bass,
    with_band,
)
from bandmate_model.data.pieces import PartInfo, Piece
from bandmate_model.data.tokens import slot_class
from numpy.typing import NDArray

BARS = 40


def piece(style: str, parts: list[PartInfo], rows: list[tuple[int, int, int, int, int]], **changes: object) -> Piece:
    bars = 1 + max(row[1] for row in rows) // 96
    result = Piece(
        style, style, "train", 0, "major", 100.0, ((96, 4, 4),) * bars, tuple(parts), np.array(sorted(rows), np.int32)
    )
    return replace(result, **changes)  # type: ignore[arg-type]


@pytest.fixture
def song() -> Piece:
    voice = [(0, bar * 96 + 24 * beat, 24, 67 + beat, 80) for bar in range(BARS) for beat in range(4)]
    piano = [
        (1, bar * 96 + 24 * beat, 24, pitch, 80) for bar in range(BARS) for beat in range(4) for pitch in (45, 60, 64)
    ]
    return piece(
        "song", [PartInfo(0, "Voice", 52, False, "voice"), PartInfo(1, "Piano", 0, False, "piano")], voice + piano
    )


def played(seed: int = 0, bars: int = 24, tempo: float = 100.0) -> Piece:
    """A drummer who varies every stroke: loudness wanders, strokes are left out, each eighth bar is a fill."""
    chance = np.random.default_rng(seed)
    rows = []
    for bar in range(bars):
        if bar % 8 == 7:
            rows += [
                (0, bar * 96 + 6 * k, 6, (50, 47, 45, 43)[k // 4], int(chance.integers(60, 120))) for k in range(16)
            ]
            continue
        strokes = [(12 * k, 42) for k in range(8) if chance.random() < 0.85] + [(0, 36), (48, 36), (24, 38), (72, 38)]
        rows += [(0, bar * 96 + onset, 6, drum, int(chance.integers(50, 110))) for onset, drum in strokes]
    return piece("groove", [PartInfo(0, "Drums", 0, True, "drums")], rows, tempo=tempo)


def drum_bars(arrangement: Piece) -> list[list[list[int]]]:
    part = next(part.part for part in arrangement.parts if part.is_drum)
    rows = arrangement.notes[arrangement.notes[:, 0] == part]
    return [(rows[rows[:, 1] // 96 == bar] - [0, 96 * bar, 0, 0, 0]).tolist() for bar in range(len(arrangement.bars))]


def in_bars(beat: Piece) -> list[NDArray[np.int32]]:
    return [np.array(bar, np.int32) for bar in drum_bars(beat)]


def test_the_bass_line_leaves_the_piano() -> None:
    rows = np.array([(1, 0, 24, 48, 80), (1, 0, 24, 64, 80), (1, 24, 24, 62, 80), (1, 48, 48, 43, 80)], dtype=np.int32)
    right, bass = split_bass(rows)
    assert right[:, 3].tolist() == [64, 62]
    assert bass[:, [1, 2, 3]].tolist() == [[0, 24, 48], [48, 48, 43]]


def test_a_recipe_is_checked() -> None:
    assert BandRecipe.parse("") is None
    assert BandRecipe.parse("song+groove=pop") == BandRecipe("song", "groove", "pop")
    with pytest.raises(ValueError, match=r"song\+groove=pop"):
        BandRecipe.parse("song,groove")


def test_a_band_is_voice_piano_bass_and_drums(song: Piece) -> None:
    cells = cells_of(arrange(song, played(), "pop"))
    assert [slot_class(slot) for slot in cells.slots] == ["voice", "piano", "bass", "drums"]
    assert cells_of(arrange(song, None, "pop")).slots == cells.slots[:3]


@pytest.mark.parametrize("seed", range(5))
def test_a_played_beat_returns_exactly(song: Piece, seed: int) -> None:
    arrangement = arrange(song, played(seed), "pop")
    bars = drum_bars(arrangement)
    for first in range(0, BARS - SECTION_BARS, SECTION_BARS):
        usual = [bars[first + k] for k in range(PHRASE_BARS - 1)]
        assert len({str(bar) for bar in usual}) <= 2
        assert usual[0] == usual[2]
    cells = cells_of(arrangement).cells
    drums = cells[is_drum(cells[:, 1])]
    assert (drums[:, 4] != NO_REPEAT).mean() > 0.7, "written as repeats"
    assert [onset for _, onset, *_ in bars[-1]] == [0] * len(bars[-1]), "one stroke closes"


def test_a_phrase_ends_with_the_drummers_fill(song: Piece) -> None:
    beat = played()
    bars = in_bars(beat)
    usual = pattern(bars)
    assert all(set(bar[:, 3].tolist()) == {36, 38, 42} for bar in usual)
    assert set(fill(bars, usual)[:, 3].tolist()) == {50, 47, 45, 43}
    drums = drum_bars(arrange(song, beat, "pop"))
    assert {row[3] for row in drums[PHRASE_BARS - 1]} == {50, 47, 45, 43}


@pytest.mark.parametrize("bars", [1, 2, 4])
def test_the_shortest_beats_will_do(bars: int) -> None:
    beat = in_bars(played(bars=bars))
    usual = pattern(beat)
    assert 1 <= len(usual) <= 2
    assert len(fill(beat, usual))


def test_songs_get_beats_of_their_split_near_their_tempo(song: Piece) -> None:
    slow, fast = (played(seed, tempo=tempo) for seed, tempo in ((1, 70.0), (2, 160.0)))
    other = replace(played(3, tempo=100.0), split="valid")
    recipe = BandRecipe("song", "groove", "pop")
    *_, band = with_band([slow, fast, other, replace(song, tempo=72.0)], recipe)
    assert band.style == "pop"
    assert drum_bars(band) == drum_bars(arrange(song, slow, "pop"))
    assert list(with_band([slow, song], None)) == [slow, song]
