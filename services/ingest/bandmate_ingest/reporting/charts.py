"""Small charts as inline SVG: no script, no font, no file beside the page."""

from collections.abc import Mapping, Sequence
from html import escape

_WIDTH, _BAR, _GAP = 560, 18, 6
_LABEL, _VALUE = 150, 60
_COLUMNS_HEIGHT, _BOTTOM, _TOP = 150, 26, 16


def bars(counts: Mapping[str, float], max_bars: int = 24) -> str:
    """Horizontal bars, one a name, in the order given; what is past `max_bars` is summed up in the last."""
    items = list(counts.items())
    if len(items) > max_bars:
        items = [
            *items[: max_bars - 1],
            (f"{len(items) - max_bars + 1} others", sum(value for _, value in items[max_bars - 1 :])),
        ]
    top = max((value for _, value in items), default=0) or 1
    height = len(items) * (_BAR + _GAP)
    rows = []
    for number, (name, value) in enumerate(items):
        y = number * (_BAR + _GAP)
        length = (_WIDTH - _LABEL - _VALUE) * value / top
        rows.append(
            f'<text x="{_LABEL - 8}" y="{y + 13}" class="end">{escape(name)}</text>'
            f'<rect x="{_LABEL}" y="{y}" width="{length:.1f}" height="{_BAR}"/>'
            f'<text x="{_LABEL + length + 6:.1f}" y="{y + 13}">{value:,.0f}</text>'
        )
    return _svg(height, rows)


def histogram(edges: Sequence[float], counts: Sequence[float], marks: Mapping[float, str] | None = None) -> str:
    """Columns between edges, as wide as each other whatever the edges; `marks` renames edges on the axis."""
    top = max(counts, default=0) or 1
    width = (_WIDTH - 20) / max(len(counts), 1)
    base = _TOP + _COLUMNS_HEIGHT
    rows = []
    for number, count in enumerate(counts):
        height = _COLUMNS_HEIGHT * count / top
        x = 10 + number * width
        rows.append(f'<rect x="{x + 1:.1f}" y="{base - height:.1f}" width="{width - 2:.1f}" height="{height:.1f}"/>')
        if count and width > 20:
            rows.append(f'<text x="{x + width / 2:.1f}" y="{base - height - 3:.1f}" class="mid">{_short(count)}</text>')
    for number, edge in enumerate(edges):
        label = marks.get(edge, "") if marks is not None else f"{edge:g}"
        rows.append(f'<text x="{10 + number * width:.1f}" y="{base + 14}" class="mid">{escape(label)}</text>')
    rows.append(f'<line x1="10" y1="{base}" x2="{_WIDTH - 10}" y2="{base}"/>')
    return _svg(base + _BOTTOM, rows)


def ranges(spans: Mapping[str, Sequence[int]], low: int = 12, high: int = 120) -> str:
    """One line a name on a pitch axis: thin from lowest to highest, thick between the medians of both."""
    scale = (_WIDTH - _LABEL - 20) / (high - low)
    height = len(spans) * (_BAR + _GAP) + _BOTTOM
    rows = []
    for octave in range(low, high + 1, 12):
        x = _LABEL + (octave - low) * scale
        rows.append(
            f'<line x1="{x:.1f}" y1="0" x2="{x:.1f}" y2="{height - _BOTTOM}" class="faint"/>'
            f'<text x="{x:.1f}" y="{height - 10}" class="mid">C{octave // 12 - 1}</text>'
        )
    for number, (name, span) in enumerate(spans.items()):
        lowest, usual_low, usual_high, highest = (min(max(pitch, low), high) for pitch in span)
        y = number * (_BAR + _GAP)
        rows.append(
            f'<text x="{_LABEL - 8}" y="{y + 13}" class="end">{escape(name)}</text>'
            f'<rect x="{_LABEL + (lowest - low) * scale:.1f}" y="{y + 8}" '
            f'width="{(highest - lowest) * scale:.1f}" height="2"/>'
            f'<rect x="{_LABEL + (usual_low - low) * scale:.1f}" y="{y + 3}" '
            f'width="{max((usual_high - usual_low) * scale, 2):.1f}" height="12"/>'
        )
    return _svg(height, rows)


def _short(count: float) -> str:
    return f"{count:,.0f}" if count < 10_000 else f"{count / 1000:,.0f}k"


def _svg(height: float, rows: Sequence[str]) -> str:
    return f'<svg viewBox="0 0 {_WIDTH} {max(height, 1):.0f}" role="img">{"".join(rows)}</svg>'
