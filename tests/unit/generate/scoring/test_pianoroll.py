"""The piano roll picture: its size, its bytes, and the places of the notes."""

import io
from dataclasses import replace

import numpy as np
from bandmate_generate.scoring.pianoroll import WIDTH, draw_pianoroll
from bandmate_music.score import ChordMark, Lyric, MetreChange, Notes, Part, Score, SectionMark
from bandmate_music.theory.metre import Metre
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
    voice = Part("Voice", 52, Notes.from_rows([(0, 960, 60, 127), (960, 960, 72, 127)]))
    two = Score((voice,), 480, (), (MetreChange(0, Metre(4, 4)),))
    red_points = red(pixels(draw_pianoroll(two, 1, "")))
    left, right = red_points[red_points[:, 1] < WIDTH * 0.5], red_points[red_points[:, 1] > WIDTH * 0.6]
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


def band_colours(image: np.ndarray) -> list[tuple[int, ...]]:
    """The colours of the strip of titles in the first row, from left to right, each once where it begins."""
    row = [tuple(map(int, image[111, x])) for x in range(130, WIDTH - 45, 5)]
    strong = [colour for colour in row if max(colour) - min(colour) > 30]
    return [colour for n, colour in enumerate(strong) if n == 0 or colour != strong[n - 1]]


def test_sections_of_a_name_have_one_colour() -> None:
    marks = tuple(SectionMark(1920 * n, title) for n, title in enumerate(["Verse 1", "Chorus", "Verse 2", "Bridge"]))
    image = pixels(draw_pianoroll(replace(score(bar=3), sections=marks), 4, ""))
    verse, chorus, again, bridge = band_colours(image)
    assert verse == again
    assert len({verse, chorus, bridge}) == 3


def test_marks_take_room_only_where_there_are_some() -> None:
    plain = draw_pianoroll(score(bar=3), 4, "")
    marked = replace(score(bar=3), sections=(SectionMark(0, "Verse"),), chords=(ChordMark(0, "Dm7"),))
    assert pixels(draw_pianoroll(marked, 4, "")).shape[0] == pixels(plain).shape[0] + 22 + 18
    assert draw_pianoroll(replace(score(bar=3), sections=()), 4, "") == plain


def test_any_marks_can_be_drawn() -> None:
    """Very long titles, very many chords, marks behind the end and before the first note."""
    sections = (*(SectionMark(n * 97, "Ü" * 64) for n in range(60)), SectionMark(10**6, "End"))
    chords = tuple(ChordMark(n * 40, "F#m7b5/Bb") for n in range(300))
    assert pixels(draw_pianoroll(replace(score(bar=8), sections=sections, chords=chords), 9, "")).shape[1] == WIDTH
