"""A picture of the sung pitch over the notes, with their syllables, as SVG."""

from collections.abc import Iterator, Mapping
from xml.sax.saxutils import escape

import numpy as np
from bandmate_shared.contracts.alignments import Alignment
from numpy.typing import NDArray

Track = tuple[NDArray[np.float64], NDArray[np.float64]]
"""Seconds, and the fundamental in Hz at each of them (nan: not voiced)."""

_PIXELS_PER_SECOND, _MAX_WIDTH = 90.0, 24_000.0
_PIXELS_PER_SEMITONE = 12.0
_LEFT, _TOP, _BOTTOM = 44.0, 14.0, 26.0
_MARGIN_SEMITONES = 3
_COLOURS = ("#c2410c", "#1d4ed8", "#15803d", "#7e22ce", "#b91c1c", "#0f766e")
_NAMES = ("C", "C♯", "D", "E♭", "E", "F", "F♯", "G", "A♭", "A", "B♭", "B")
_BLACK = (1, 3, 6, 8, 10)


def draw_pitch(alignment: Alignment, tracks: Mapping[int, Track]) -> str:
    """The notes as boxes with their syllables, and over them the pitch that each singer was measured at."""
    pitches = [note.pitch for note in alignment.notes]
    low, high = min(pitches) - _MARGIN_SEMITONES, max(pitches) + _MARGIN_SEMITONES
    scale = min(_PIXELS_PER_SECOND, _MAX_WIDTH / alignment.seconds)
    width, height = _LEFT + scale * alignment.seconds, _TOP + _BOTTOM + _PIXELS_PER_SEMITONE * (high - low + 1)

    def x(second: float) -> float:
        return _LEFT + scale * second

    def y(pitch: float) -> float:
        return _TOP + _PIXELS_PER_SEMITONE * (high - pitch + 0.5)

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0f}" height="{height:.0f}" '
        f'viewBox="0 0 {width:.0f} {height:.0f}" font-family="sans-serif" font-size="10">',
        "<title>Sung pitch over the notes</title>",
        f'<rect width="{width:.0f}" height="{height:.0f}" fill="#ffffff"/>',
    ]
    for pitch in range(low, high + 1):
        if pitch % 12 in _BLACK:
            parts.append(
                f'<rect x="{_LEFT:.0f}" y="{y(pitch + 0.5):.1f}" width="{width - _LEFT:.0f}" '
                f'height="{_PIXELS_PER_SEMITONE:.0f}" fill="#f3f4f6"/>'
            )
        parts.append(
            f'<text x="4" y="{y(pitch) + 3.5:.1f}" fill="#6b7280">{_NAMES[pitch % 12]}{pitch // 12 - 1}</text>'
        )
    for second in range(int(alignment.seconds) + 1):
        parts.append(
            f'<path d="M{x(second):.1f} {_TOP:.0f}V{height - _BOTTOM:.0f}" stroke="#e5e7eb"/>'
            f'<text x="{x(second):.1f}" y="{height - 10:.0f}" fill="#6b7280">{second // 60}:{second % 60:02d}</text>'
        )
    for note in alignment.notes:
        colour = _COLOURS[note.singer % len(_COLOURS)]
        parts.append(
            f'<rect x="{x(note.start):.1f}" y="{y(note.pitch + 0.5):.1f}" '
            f'width="{scale * (note.end - note.start):.1f}" '
            f'height="{_PIXELS_PER_SEMITONE:.0f}" rx="2" fill="{colour}" fill-opacity="0.18" stroke="{colour}" '
            'stroke-opacity="0.5"/>'
        )
        text = note.syllable or "–"
        parts.append(f'<text x="{x(note.start) + 2:.1f}" y="{y(note.pitch - 1) + 4:.1f}">{escape(text)}</text>')
    for singer, track in tracks.items():
        colour = _COLOURS[singer % len(_COLOURS)]
        for points in _curves(track, low, high):
            path = " ".join(f"{x(second):.1f},{y(pitch):.1f}" for second, pitch in points)
            parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="1.4"/>')
    parts.append("</svg>")
    return "\n".join(parts) + "\n"


def _curves(track: Track, low: int, high: int) -> Iterator[list[tuple[float, float]]]:
    """Runs of voiced frames as (second, MIDI pitch); what lies outside of the picture is left out."""
    run: list[tuple[float, float]] = []
    for second, hertz in zip(*track, strict=True):
        pitch = 69.0 + 12.0 * float(np.log2(hertz / 440.0)) if hertz > 0 else float("nan")
        if low - 0.5 <= pitch <= high + 0.5:
            run.append((float(second), pitch))
        elif run:
            yield run
            run = []
    if run:
        yield run
