"""The piano roll of a song as SVG: its notes by part, its bars, sections and chords, a lane for drums, and a cursor."""

from collections.abc import Iterator, Mapping, Sequence
from html import escape
from typing import Any

WIDTH = 1000
CURSOR = "bandmate-cursor"
_ROLL_HEIGHT = 220
_DRUM_HEIGHT = 36
_HEAD_HEIGHT = 34
_LEGEND_HEIGHT = 22
_MARGIN_PITCHES = 2
_DRUM_LANES = 11
_COLOURS = ("#c2485a", "#1f7a8c", "#b9770e", "#5b5fc7", "#3f8f4f", "#a3489e", "#7a6a3a", "#4c6a85")
_CHORD_WIDTH = 34
"""Below this a chord's symbol would run into the next."""


def roll_svg(notes: Mapping[str, Any], timemap: Mapping[str, Any], seconds: float, onclick: str) -> str:
    """`notes` and `timemap` as in `notes.json` and `timemap.json`; `onclick` is a handler as an attribute holds it."""
    parts = [part for part in notes["parts"] if part["notes"]]
    tuned = [note[2] for part in parts if not part["is_drum"] for note in part["notes"]]
    low, high = min(tuned, default=60) - _MARGIN_PITCHES, max(tuned, default=60) + _MARGIN_PITCHES
    has_drums = any(part["is_drum"] for part in parts)
    bottom = _HEAD_HEIGHT + _ROLL_HEIGHT + (_DRUM_HEIGHT if has_drums else 0)
    scale = WIDTH / seconds
    count = sum(len(part["notes"]) for part in parts)
    drawn = [
        *_bars(timemap, scale, bottom),
        *_marks(timemap, scale),
        *(shape for number, part in enumerate(parts) for shape in _notes(part, _colour(number), scale, low, high)),
        *_legend(parts, bottom),
    ]
    return (
        f'<svg viewBox="0 0 {WIDTH} {bottom + _LEGEND_HEIGHT}" role="img" aria-label="Piano roll, {count} notes" '
        f'style="width:100%;cursor:pointer;color:inherit;font:11px system-ui,sans-serif" onclick="{onclick}">'
        f'{"".join(drawn)}<line class="{CURSOR}" x1="0" x2="0" y1="0" y2="{bottom}" stroke="currentColor" '
        f'stroke-width="1.5"/></svg>'
    )


def _bars(timemap: Mapping[str, Any], scale: float, bottom: int) -> Iterator[str]:
    for bar in timemap["bars"]:
        x = bar["seconds"] * scale
        yield (
            f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{_HEAD_HEIGHT}" y2="{bottom}" stroke="currentColor" opacity=".15"/>'
        )


def _marks(timemap: Mapping[str, Any], scale: float) -> Iterator[str]:
    """Sections in the first line; in the second the chords that have room."""
    for section in timemap["sections"]:
        yield _text(section["seconds"] * scale + 2, 12, section["title"], 'font-weight="600"')
    free = 0.0
    for chord in timemap["chords"]:
        x = chord["seconds"] * scale
        if x >= free:
            yield _text(x + 2, 28, chord["symbol"], 'opacity=".75"')
            free = x + _CHORD_WIDTH


def _notes(part: Mapping[str, Any], colour: str, scale: float, low: int, high: int) -> Iterator[str]:
    row = _ROLL_HEIGHT / (high - low + 1)
    for _tick, _ticks, pitch, velocity, start, length in part["notes"]:
        x, strength = start * scale, 0.45 + 0.55 * velocity / 127
        if part["is_drum"]:
            lane = pitch * 7 % _DRUM_LANES
            y = _HEAD_HEIGHT + _ROLL_HEIGHT + 4 + lane * (_DRUM_HEIGHT - 8) / _DRUM_LANES
            width, height = 3.0, 3.0
        else:
            y = _HEAD_HEIGHT + (high - pitch) * row
            width, height = max(1.5, length * scale - 0.7), max(1.5, row - 0.5)
        yield (
            f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}" rx="1" fill="{colour}" '
            f'opacity="{strength:.2f}"/>'
        )


def _legend(parts: Sequence[Mapping[str, Any]], bottom: int) -> Iterator[str]:
    step = WIDTH / max(len(parts), 6)
    for number, part in enumerate(parts):
        x = number * step
        yield f'<circle cx="{x + 6:.1f}" cy="{bottom + 12}" r="4" fill="{_colour(number)}"/>'
        yield _text(x + 14, bottom + 16, part["name"], "")


def _colour(number: int) -> str:
    return _COLOURS[number % len(_COLOURS)]


def _text(x: float, y: float, text: str, attributes: str) -> str:
    return f'<text x="{x:.1f}" y="{y:g}" fill="currentColor" {attributes}>{escape(text)}</text>'
