"""evaluation.html: a model's metrics as tables, with piano rolls and audio of its music, in one file."""

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from bandmate_shared.contracts.composition import ComposedTake, CompositionRequest

from bandmate_model.evaluation.metrics.distances import Likeness
from bandmate_model.evaluation.metrics.sets import Range
from bandmate_model.evaluation.tone_synthesis import data_uri, render

_COLOURS = ("#1f6feb", "#d1242f", "#1a7f37", "#9a6700", "#8250df", "#bf3989", "#57606a")
_CSS = """
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 62rem; padding: 0 1rem; color: #1f2328; }
table { border-collapse: collapse; margin: .5rem 0 1.5rem; }
td, th { padding: .15rem .9rem .15rem 0; text-align: left; }
th { border-bottom: 1px solid #d0d7de; } td.n { text-align: right; font-variant-numeric: tabular-nums; }
.off { color: #d1242f; font-weight: 600; }
svg { background: #f6f8fa; width: 100%; height: 9rem; } audio { width: 100%; }
"""


def evaluation_page(
    model: str, evaluation: Mapping[str, Any], samples: Mapping[str, Sequence[tuple[CompositionRequest, ComposedTake]]]
) -> str:
    """The page of a model. `evaluation`: what evaluate.evaluate wrote to evaluation.json; `samples`: requests of each
    style with what the model composed for them."""
    overall = {name: value for name, value in evaluation["metrics"].items() if "." not in name}
    body = [
        f"<h1>Evaluation of {escape(model)}</h1>",
        "<p>Pieces of eight bars (fewer where the style's are short), composed on the line-ups, keys, metres and tempi "
        "of training passages, beside passages of held-out pieces. Overlaps are mgeval's (1: distributed alike); those "
        "of the training pieces show what real music reaches. A metric is marked where its mean lies outside the "
        "middle 90 % of held-out music.</p>",
        _table(("over all styles", "value"), [(name, _number(value)) for name, value in sorted(overall.items())]),
    ]
    for style, measured in evaluation["styles"].items():
        numbers = {
            name.removeprefix(f"{style}."): value
            for name, value in evaluation["metrics"].items()
            if name.startswith(f"{style}.")
        }
        body.append(f"<h2>{escape(style)}</h2>")
        body.append(_table(("measure", "value"), [(name, _number(value)) for name, value in sorted(numbers.items())]))
        if measured["composed"] is not None and measured["training"] is not None:
            body += _comparisons(measured["composed"], measured["training"])
        body += [_sample(request, take) for request, take in samples.get(style, ())]
    return (
        f"<!doctype html>\n<html lang=en><meta charset=utf-8><title>Evaluation of {escape(model)}</title>"
        f"<style>{_CSS}</style>\n<body>\n" + "\n".join(body) + "\n</body></html>\n"
    )


def _comparisons(composed: Mapping[str, Any], training: Mapping[str, Any]) -> list[str]:
    """Tables of mgeval's and muspy's numbers."""
    overlaps = [
        (name, _number(Likeness(*likeness).overlap), _number(Likeness(*training["likeness"][name]).overlap))
        for name, likeness in composed["likeness"].items()
    ]
    metrics = {name: Range(**row) for name, row in composed["ranges"].items()}
    ranges = [
        (name, _number(row.mean, off=not row.inside), *map(_number, (row.reference, row.low, row.high)))
        for name, row in metrics.items()
    ]
    return [
        _table(("mgeval feature", "overlap", "of training"), overlaps),
        _table(("muspy metric", "model", "held out", "5 %", "95 %"), ranges),
    ]


def _sample(request: CompositionRequest, take: ComposedTake) -> str:
    key = f"{('C', 'D♭', 'D', 'E♭', 'E', 'F', 'F♯', 'G', 'A♭', 'A', 'B♭', 'B')[request.tonic]} {request.mode}"
    caption = f"{key}, {request.numerator}/{request.denominator}, {request.tempo:g} a minute, seed {take.seed}: "
    caption += ", ".join(part.name for part in request.parts)
    matches = "".join(
        f"<p class=off>{match.notes} notes from tick {match.onset} on as in {escape(match.piece)}</p>"
        for match in take.originality.matches
    )
    sound = f'<audio controls preload=none src="{data_uri(render(request, take.notes))}"></audio>'
    return f"<p>{escape(caption)}</p>{_roll(request, take)}{sound}{matches}"


def _roll(request: CompositionRequest, take: ComposedTake) -> str:
    """The notes drawn: time to the right, pitch upwards, a colour a part."""
    bar = request.numerator * 96 // request.denominator
    pitches = [row[3] for row in take.notes] or [60]
    low, high = min(pitches) - 1, max(pitches) + 2
    lines = "".join(f'<path d="M{n * bar} {low}V{high}" stroke="#d0d7de"/>' for n in range(request.bars + 1))
    notes = "".join(
        f'<rect x="{onset}" y="{low + high - pitch - 1}" width="{max(2, length - 1)}" height=".9" '
        f'fill="{_COLOURS[part % len(_COLOURS)]}"/>'
        for part, onset, length, pitch, _ in take.notes
    )
    return (
        f'<svg viewBox="0 {low} {request.bars * bar} {high - low}" preserveAspectRatio="none" role="img" '
        f'aria-label="piano roll">{lines}{notes}</svg>'
    )


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """`rows`: a name, and cells made by _number."""
    top = "".join(f"<th>{escape(cell)}</th>" for cell in head)
    lines = "".join(f"<tr><td>{escape(row[0])}</td>{''.join(row[1:])}</tr>" for row in rows)
    return f"<table><tr>{top}</tr>{lines}</table>"


def _number(value: float, *, off: bool = False) -> str:
    return f'<td class="n{" off" if off else ""}">{value:.3f}</td>'
