"""Draw a score as a piano roll (PNG): bars and beats, a colour per part, drums and lyrics below.

Sections are bands with their titles, the same colour for sections of a name; chord symbols stand above the bars. The
same score gives the same bytes.
"""

import io
import math
from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from typing import Any

from bandmate_music.analysis.bars import bars_of
from bandmate_music.general_midi import drum_name
from bandmate_music.score import Part, Score
from bandmate_music.theory.bars import Bars
from bandmate_music.theory.metrical_grid import BEAT, strength
from bandmate_shared.contracts.composition import GRID_TICKS_PER_QUARTER
from PIL import Image, ImageDraw, ImageFont

from bandmate_generate.planning.piece_sections import section_name

WIDTH = 1600
_SCALE = 2
"""Everything is drawn twice as large and scaled down: smooth edges."""
_BARS_PER_ROW, _SUNG_BARS_PER_ROW = 8, 4
"""Bars per row with lyrics: two usual lyric lines."""
_MARGIN, _LABELS, _HEADER, _GAP = 40, 70, 112, 34
_PITCH_HEIGHT, _DRUM_HEIGHT, _WORD_HEIGHT = 7, 12, 20
_MAX_DRUM_LANES = 8
_TITLE_HEIGHT, _CHORD_HEIGHT = 22, 18
_TITLE_ROOM = 40
"""Pixels of a section in a row below which its title is left out."""

_PAPER, _INK, _FAINT = "#fbfaf7", "#22252b", "#8b8f98"
_BEAT_LINE, _BAR_LINE = "#e6e3da", "#bdb9ad"
_BLACK_KEY_SHADE = 0.04
_COLOURS = ("#d1495b", "#2e86ab", "#8f6bb3", "#e09f3e", "#5c8a3a", "#457b7b")
_BASS_COLOUR, _DRUM_COLOUR = "#3d7c5f", "#6b6f78"
_SECTION_COLOURS = ("#8fb4d9", "#9cc58a", "#e3c16f", "#b79ad3", "#7cc4bd", "#d9a679", "#e5a0b4", "#a9adb5")
_SHADES = 0.14, 0.26
"""How strongly a section's colour is laid over the paper; the second one where it follows a section of its name."""

Colour = tuple[int, int, int]


def draw_pianoroll(score: Score, bars: int, subtitle: str) -> bytes:
    """A PNG WIDTH pixels wide: eight bars a row, four where there are words; bars >= 1."""
    roll = _Roll(score, bars)
    image = Image.new("RGB", (WIDTH * _SCALE, roll.height * _SCALE), _PAPER)
    draw = ImageDraw.Draw(image)
    roll.header(draw, subtitle)
    for row in range(roll.rows):
        roll.row(draw, row)
    image = image.resize((WIDTH, roll.height), Image.Resampling.BOX)
    png = io.BytesIO()
    image.save(png, "PNG", compress_level=6)
    return png.getvalue()


class _Roll:
    """The layout and the drawing of one score. Lengths in final pixels; `_box` and `_text` scale them."""

    def __init__(self, score: Score, bars: int) -> None:
        self.score = score
        self.bars = bars
        self.frame = Bars(tuple(bars_of(score, bars)))
        self.lyrics = next((part for part in score.parts if part.lyrics), None)
        self.bars_per_row = _BARS_PER_ROW if self.lyrics is None else _SUNG_BARS_PER_ROW
        self.rows = -(-bars // self.bars_per_row)
        self.pitched = [part for part in score.parts if not part.is_drum and len(part.notes)]
        pitches = [int(pitch) for part in self.pitched for pitch in part.notes.pitch.tolist()]
        self.low, self.high = (min(pitches) - 2, max(pitches) + 2) if pitches else (60, 59)
        self.drums = _drum_lanes(score.parts)
        self.roll_height = (self.high - self.low + 1) * _PITCH_HEIGHT
        self.words_height = 2 * _WORD_HEIGHT if self.lyrics is not None else 0
        self.drums_height = len(self.drums) * _DRUM_HEIGHT + (8 if self.drums else 0)
        self.titles_height = _TITLE_HEIGHT if score.sections else 0
        self.chords_height = _CHORD_HEIGHT if score.chords else 0
        self.row_height = self.titles_height + self.chords_height + self.roll_height
        self.row_height += self.words_height + self.drums_height + _GAP
        self.height = _HEADER + self.rows * self.row_height + _MARGIN // 2
        self.bar_width = (WIDTH - 2 * _MARGIN - _LABELS) / min(bars, self.bars_per_row)
        self.colours = _colours_of(score.parts)
        names = list(dict.fromkeys(section_name(mark.text) for mark in score.sections))
        self.section_colours = {name: _rgb(_SECTION_COLOURS[n % len(_SECTION_COLOURS)]) for n, name in enumerate(names)}

    def header(self, draw: ImageDraw.ImageDraw, subtitle: str) -> None:
        self._text(draw, _MARGIN, 26, self.score.title or "Untitled", 30, _INK)
        self._text(draw, _MARGIN, 68, subtitle, 16, _FAINT)
        x: float = WIDTH - _MARGIN
        for part in reversed(self.score.parts):
            x -= self._width(part.name, 16)
            self._text(draw, x, 68, part.name, 16, _INK)
            x -= 20
            self._box(draw, x, 72, x + 13, 85, self.colours[part.name], 3)
            x -= 22

    def row(self, draw: ImageDraw.ImageDraw, row: int) -> None:
        top = _HEADER + row * self.row_height + self.titles_height + self.chords_height
        first = row * self.bars_per_row
        count = min(self.bars_per_row, self.bars - first)
        self._background(draw, top, first, count)
        self._chord_symbols(draw, top - 17 - self.chords_height, first, count)
        for part in reversed(self.pitched):  # The melody comes first in the score, and lies on top here.
            self._notes(draw, part, top, first, count)
        if self.lyrics is not None:
            self._words(draw, self.lyrics, top + self.roll_height, first, count)
        if self.drums:
            self._drum_row(draw, top + self.roll_height + self.words_height + 8, first, count)

    def _background(self, draw: ImageDraw.ImageDraw, top: float, first: int, count: int) -> None:
        left, right = _MARGIN + _LABELS, _MARGIN + _LABELS + count * self.bar_width
        bottom = top + self.roll_height
        self._keys(draw, top, left, right, _rgb(_PAPER))
        self._sections(draw, top, first, count)
        for pitch in range(self.low, self.high + 1):
            y = top + (self.high - pitch) * _PITCH_HEIGHT
            if pitch % 12 == 0:
                self._box(draw, left, y + _PITCH_HEIGHT - 0.5, right, y + _PITCH_HEIGHT, _BAR_LINE)
                self._text(draw, _MARGIN, y - 5, f"C{pitch // 12 - 1}", 13, _FAINT)
        end = bottom + self.words_height + self.drums_height
        step = GRID_TICKS_PER_QUARTER // 2
        for bar in range(count):
            x, bar_frame = left + bar * self.bar_width, self.frame[first + bar]
            length = bar_frame.length * GRID_TICKS_PER_QUARTER / self.score.ticks_per_quarter
            for tick in range(step, math.ceil(length), step):
                if strength(tick, bar_frame.metre) >= BEAT:
                    beat = x + tick / length * self.bar_width
                    self._box(draw, beat, top, beat + 0.5, bottom, _BEAT_LINE)
            self._box(draw, x, top, x + 1, end, _BAR_LINE)
            self._text(draw, x + 3, top - 17, str(first + bar + 1), 12, _FAINT)
        self._box(draw, right, top, right + 1, end, _BAR_LINE)

    def _keys(self, draw: ImageDraw.ImageDraw, top: float, left: float, right: float, paper: Colour) -> None:
        """The background of the notes: the paper's colour, a little darker where the black keys are."""
        self._box(draw, left, top, right, top + self.roll_height, paper)
        dark = _mixed((0, 0, 0), paper, _BLACK_KEY_SHADE)
        for pitch in range(self.low, self.high + 1):
            if pitch % 12 in (1, 3, 6, 8, 10):
                y = top + (self.high - pitch) * _PITCH_HEIGHT
                self._box(draw, left, y, right, y + _PITCH_HEIGHT, dark)

    def _sections(self, draw: ImageDraw.ImageDraw, top: float, first: int, count: int) -> None:
        """The bands of the sections that sound in the row, and above each its title where it begins or goes on."""
        title_top = top - 17 - self.chords_height - self.titles_height
        marks = self.score.sections
        shade = 0
        for index, mark in enumerate(marks):
            is_same = index > 0 and section_name(marks[index - 1].text) == section_name(mark.text)
            shade = 1 - shade if is_same else 0
            end = marks[index + 1].onset if index + 1 < len(marks) else self.frame.end
            start, stop = self._span(mark.onset, end, first, count)
            if stop <= start:
                continue
            colour = self.section_colours[section_name(mark.text)]
            self._keys(draw, top, start, stop, _mixed(colour, _rgb(_PAPER), _SHADES[shade]))
            self._box(draw, start + 1, title_top, stop - 1, title_top + _TITLE_HEIGHT - 4, colour, 3)
            if stop - start > _TITLE_ROOM:
                begins = mark.onset >= self.frame.start(first)
                title = self._shortened(mark.text if begins else f"({mark.text})", 13, stop - start - 12)
                self._text(draw, start + 6, title_top + 1, title, 13, _INK)

    def _chord_symbols(self, draw: ImageDraw.ImageDraw, top: float, first: int, count: int) -> None:
        """Each symbol above its onset; one that has no room beside the one before it is left out."""
        free = 0.0
        for mark in self.score.chords:
            start, end = self._span(mark.onset, mark.onset + 1, first, count)
            if end <= start or start < free:
                continue
            self._text(draw, start + 2, top, mark.symbol, 13, _INK)
            free = start + self._width(mark.symbol, 13) + 6

    def _notes(self, draw: ImageDraw.ImageDraw, part: Part, top: float, first: int, count: int) -> None:
        notes = part.notes
        for onset, duration, pitch, velocity in zip(
            notes.onset.tolist(), notes.duration.tolist(), notes.pitch.tolist(), notes.velocity.tolist(), strict=True
        ):
            start, end = self._span(onset, onset + duration, first, count)
            if end <= start:
                continue
            y = top + (self.high - pitch) * _PITCH_HEIGHT
            colour = _blended(self.colours[part.name], 0.45 + 0.55 * velocity / 127)
            self._box(draw, start + 0.5, y + 0.5, max(end - 1, start + 2.5), y + _PITCH_HEIGHT - 0.5, colour, 2.5)

    def _words(self, draw: ImageDraw.ImageDraw, part: Part, top: float, first: int, count: int) -> None:
        """Each syllable under its note, on the upper of two lines that has room for it."""
        free = [0.0, 0.0]
        for lyric in part.lyrics:
            start, end = self._span(lyric.onset, lyric.onset + 1, first, count)
            if end <= start:
                continue
            text = lyric.text + ("" if lyric.word_end else "-")
            line = 0 if free[0] <= start else 1
            self._text(draw, start, top + 2 + line * _WORD_HEIGHT * 0.85, text, 13, _INK)
            free[line] = start + self._width(text, 13) + 4

    def _drum_row(self, draw: ImageDraw.ImageDraw, top: float, first: int, count: int) -> None:
        left, right = _MARGIN + _LABELS, _MARGIN + _LABELS + count * self.bar_width
        for lane, pitch in enumerate(self.drums):
            y = top + lane * _DRUM_HEIGHT
            self._box(draw, left, y + _DRUM_HEIGHT / 2, right, y + _DRUM_HEIGHT / 2 + 0.5, _BEAT_LINE)
            self._text(draw, _MARGIN, y - 1, _shortened(drum_name(pitch)), 9, _FAINT)
        for part in self.score.parts:
            if not part.is_drum:
                continue
            for onset, pitch, velocity in zip(
                part.notes.onset.tolist(), part.notes.pitch.tolist(), part.notes.velocity.tolist(), strict=True
            ):
                start, end = self._span(onset, onset + 1, first, count)
                if end <= start or pitch not in self.drums:
                    continue
                y, size = top + self.drums.index(pitch) * _DRUM_HEIGHT + _DRUM_HEIGHT / 2, 1.5 + 3 * velocity / 127
                self._box(draw, start, y - size, start + 2 * size, y + size, self.colours[part.name], size)

    def _span(self, onset: int, end: int, first: int, count: int) -> tuple[float, float]:
        """Left and right pixel of a stretch of ticks, clipped to the row; right <= left where it is not in the row."""
        begin, stop = self.frame.start(first), self.frame[first + count - 1].end
        return self._x(max(onset, begin), first), self._x(min(end, stop), first)

    def _x(self, tick: int, first: int) -> float:
        """The pixel of a tick in the row that begins with bar `first`; every bar is as wide."""
        number = self.frame.at(tick)
        bar = self.frame[number]
        return _MARGIN + _LABELS + (number - first + (tick - bar.onset) / bar.length) * self.bar_width

    def _box(
        self, draw: ImageDraw.ImageDraw, x0: float, y0: float, x1: float, y1: float, colour: Any, radius: float = 0
    ) -> None:
        box = (
            round(x0 * _SCALE),
            round(y0 * _SCALE),
            max(round(x1 * _SCALE) - 1, round(x0 * _SCALE)),
            max(round(y1 * _SCALE) - 1, round(y0 * _SCALE)),
        )
        if radius and min(box[2] - box[0], box[3] - box[1]) > 2 * radius:
            draw.rounded_rectangle(box, round(radius * _SCALE / 2), fill=colour)
        else:
            draw.rectangle(box, fill=colour)

    def _text(self, draw: ImageDraw.ImageDraw, x: float, y: float, text: str, size: int, colour: str) -> None:
        draw.text((x * _SCALE, y * _SCALE), text, font=_font(size * _SCALE), fill=colour)

    def _width(self, text: str, size: int) -> float:
        return float(_font(size * _SCALE).getlength(text)) / _SCALE

    def _shortened(self, text: str, size: int, width: float) -> str:
        """The text, cut to fit a width in pixels."""
        while len(text) > 1 and self._width(text, size) > width:
            text = text[:-2] + "."
        return text


def _drum_lanes(parts: Sequence[Part]) -> list[int]:
    """The most used drums, the highest first."""
    counts: dict[int, int] = {}
    for part in parts:
        for pitch in part.notes.pitch.tolist() if part.is_drum else ():
            counts[pitch] = counts.get(pitch, 0) + 1
    return sorted(sorted(counts, key=lambda pitch: (-counts[pitch], pitch))[:_MAX_DRUM_LANES], reverse=True)


def _colours_of(parts: Sequence[Part]) -> dict[str, Colour]:
    colours: dict[str, Colour] = {}
    fresh = iter(_COLOURS * 3)
    for part in parts:
        name = _DRUM_COLOUR if part.is_drum else _BASS_COLOUR if 32 <= part.program <= 39 else next(fresh)
        colours[part.name] = _rgb(name)
    return colours


def _rgb(name: str) -> Colour:
    return int(name[1:3], 16), int(name[3:5], 16), int(name[5:7], 16)


def _mixed(colour: Colour, paper: Colour, share: float) -> Colour:
    """A share of the colour on the paper."""
    red, green, blue = (round(share * over + (1 - share) * under) for over, under in zip(colour, paper, strict=True))
    return red, green, blue


def _blended(colour: Colour, share: float) -> Colour:
    """The colour laid over the paper."""
    red, green, blue = (round(share * value + (1 - share) * 250) for value in colour)
    return red, green, blue


def _shortened(name: str) -> str:
    return name if len(name) <= 13 else name[:12] + "."


@cache
def _font(size: int) -> ImageFont.FreeTypeFont:
    """DejaVu Sans with its Latin, Greek and Cyrillic letters and musical signs (`data/DejaVuSans.LICENSE`)."""
    return ImageFont.truetype(io.BytesIO((files("bandmate_generate") / "data" / "DejaVuSans.ttf").read_bytes()), size)
