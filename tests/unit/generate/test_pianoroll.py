"""The picture: its size, its bytes, and that notes are where they should be."""

import io

import numpy as np
from bandmate_generate.pianoroll import WIDTH, draw_pianoroll
from bandmate_shared.music.metre import Metre
from bandmate_shared.music.score import Lyric, MetreChange, Notes, Part, Score
from PIL import Image


def score(pitch: int = 60, bar: int = 0, lyrics: tuple[Lyric, ...] = ()) -> Score:
    voice = Part("Voice", 52, Notes.from_rows([(bar * 1920, 1920, pitch, 127), (0, 120, 48, 1)]), False, lyrics)
    drums = Part("Drums", 0, Notes.from_rows([(0, 100, 36, 100), (960, 100, 38, 100)]), True)
    return Score((voice, drums), 480, (), (MetreChange(0, Metre(4, 4)),), (), "Été à Ljubljana ♭")


def pixels(png: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(png)).convert("RGB")).astype(int)


def red(image: np.ndarray) -> np.ndarray:
    """Where the first part's colour is, below the header."""
    return np.argwhere((np.abs(image - (209, 73, 91)).sum(axis=2) < 25) & (np.arange(len(image))[:, None] > 110))


def test_equal_scores_are_equal_bytes() -> None:
    assert draw_pianoroll(score(), 4, "sub") == draw_pianoroll(score(), 4, "sub")


def test_a_later_note_lies_further_right_and_a_higher_one_further_up() -> None:
    early, late = red(pixels(draw_pianoroll(score(72, 0), 4, ""))), red(pixels(draw_pianoroll(score(72, 2), 4, "")))
    assert len(early) > 500
    assert late[:, 1].min() - early[:, 1].min() > 0.4 * WIDTH
    two = Score(
        (Part("Voice", 52, Notes.from_rows([(0, 960, 60, 127), (960, 960, 72, 127)])),),
        480, (), (MetreChange(0, Metre(4, 4)),),
    )  # fmt: skip
    found = red(pixels(draw_pianoroll(two, 1, "")))
    left, right = found[found[:, 1] < WIDTH * 0.5], found[found[:, 1] > WIDTH * 0.6]
    assert right[:, 0].mean() < left[:, 0].mean() - 50


def test_more_bars_take_more_rows() -> None:
    short, long = pixels(draw_pianoroll(score(), 8, "")), pixels(draw_pianoroll(score(), 9, ""))
    assert short.shape[1] == long.shape[1] == WIDTH
    assert long.shape[0] > short.shape[0] + 100
    sung = pixels(draw_pianoroll(score(lyrics=(Lyric(0, "la"),)), 8, ""))
    assert sung.shape[0] > short.shape[0] + 100


def test_drums_alone_and_one_bar_can_be_drawn() -> None:
    alone = Score(score().parts[1:], 480, (), (MetreChange(0, Metre(4, 4)),))
    assert pixels(draw_pianoroll(alone, 1, "")).shape[1] == WIDTH
