"""evaluation.html: the measures of a model as tables, and its music to be seen and heard. One file, no network."""

from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING

from bandmate_shared.contracts.composition import ComposedTake, CompositionRequest

from bandmate_model.beeps import data_uri, render

if TYPE_CHECKING:
    from bandmate_model.evaluate import StyleEvaluation

SAMPLES = 2
"""Takes a style that can be heard."""
_COLOURS = ("#1f6feb", "#d1242f", "#1a7f37", "#9a6700", "#8250df", "#bf3989", "#57606a")
_CSS = """
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 62rem; padding: 0 1rem; color: #1f2328; }
table { border-collapse: collapse; margin: .5rem 0 1.5rem; }
td, th { padding: .15rem .9rem .15rem 0; text-align: left; }
th { border-bottom: 1px solid #d0d7de; } td.n { text-align: right; font-variant-numeric: tabular-nums; }
.off { color: #d1242f; font-weight: 600; }
svg { background: #f6f8fa; width: 100%; height: 9rem; } audio { width: 100%; }
"""


def page(model: str, styles: "Sequence[StyleEvaluation]", numbers: dict[str, float]) -> str:
    """The page of a model, by what evaluate.evaluate found."""
    whole = {name: value for name, value in numbers.items() if "." not in name}
    body = [
        f"<h1>Evaluation of {escape(model)}</h1>",
        "<p>Pieces of eight bars (fewer where the style's are short), composed on the line-ups, keys, metres and tempi "
        "of training passages, beside passages of held-out pieces. Overlaps are mgeval's (1: distributed alike); those "
        "of the training pieces show what real music reaches. A metric is marked where its mean lies outside the "
        "middle 90 % of held-out music.</p>",
        _table(("over all styles", "value"), [(name, _number(value)) for name, value in sorted(whole.items())]),
    ]
    for style in styles:
        body.append(f"<h2>{escape(style.style)}</h2>")
        body.append(
            _table(("measure", "value"), [(name, _number(value)) for name, value in sorted(style.numbers().items())])
        )
        if style.composed is not None and style.training is not None:
            body.append(
                _table(
                    ("mgeval feature", "overlap", "of training"),
                    [
                        (name, _number(each.overlap), _number(style.training.likeness[name].overlap))
                        for name, each in style.composed.likeness.items()
                    ],
                )
            )
            body.append(
                _table(
                    ("muspy metric", "model", "held out", "5 %", "95 %"),
                    [
                        (
                            name,
                            _number(each.mean, off=not each.inside),
                            *map(_number, (each.reference, each.low, each.high)),
                        )
                        for name, each in style.composed.ranges.items()
                    ],
                )
            )
        for request, take in list(zip(style.requests, style.takes, strict=True))[:SAMPLES]:
            body.append(_sample(request, take))
    return (
        f"<!doctype html>\n<html lang=en><meta charset=utf-8><title>Evaluation of {escape(model)}</title>"
        f"<style>{_CSS}</style>\n<body>\n" + "\n".join(body) + "\n</body></html>\n"
    )


def _sample(request: CompositionRequest, take: ComposedTake) -> str:
    key = f"{('C', 'D♭', 'D', 'E♭', 'E', 'F', 'F♯', 'G', 'A♭', 'A', 'B♭', 'B')[request.tonic]} {request.mode}"
    told = f"{key}, {request.numerator}/{request.denominator}, {request.tempo:g} a minute, seed {take.seed}: "
    told += ", ".join(part.name for part in request.parts)
    matches = "".join(
        f"<p class=off>{match.notes} notes from tick {match.onset} on as in {escape(match.piece)}</p>"
        for match in take.originality.matches
    )
    sound = f'<audio controls preload=none src="{data_uri(render(request, take.notes))}"></audio>'
    return f"<p>{escape(told)}</p>{_roll(request, take)}{sound}{matches}"


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
