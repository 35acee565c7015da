"""report.html: the report as one page that needs nothing beside it."""

from collections import Counter
from collections.abc import Mapping
from html import escape
from typing import Any

from bandmate_shared.contracts.datasets import DatasetReport

from bandmate_ingest.cleaning.piece import STEPS
from bandmate_ingest.reporting.charts import bars, histogram, ranges

REJECTING = {
    "unreadable": "neither MIDI nor MusicXML, damaged, or past a limit",
    "too-short": "too few notes or bars",
    "too-long": "too many notes, bars or seconds",
    "off-grid": "no steady beat at any tempo",
    "duplicate": "the same bytes as an earlier file",
    "near-duplicate": "the music of an earlier file, in another key or at another tempo perhaps",
}
"""The steps that turn a file away."""

_STYLE = """
:root { color-scheme: light dark; --ink: #1d2330; --soft: #6b7385; --line: #d9dde6; --fill: #3d6fb6; --page: #fff; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e6e9f0; --soft: #9aa3b5; --line: #39404f; --fill: #7ba7e6; --page: #171b24; }
}
body { font: 15px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--page); max-width: 1200px;
  margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.5rem; margin: 0; } h2 { font-size: 1.05rem; margin: 0 0 .6rem; }
p.sub { color: var(--soft); margin: .2rem 0 1.5rem; overflow-wrap: anywhere; }
.cards { display: flex; flex-wrap: wrap; gap: 1rem; margin-bottom: 1.5rem; }
.card { border: 1px solid var(--line); border-radius: 8px; padding: .7rem 1.1rem; }
.card b { display: block; font-size: 1.35rem; } .card span { color: var(--soft); }
.grid { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(500px, 100%), 1fr)); gap: 1.5rem 2.5rem; }
svg { width: 100%; } svg rect { fill: var(--fill); } svg text { fill: var(--ink); font-size: 11px; }
svg line { stroke: var(--soft); } svg line.faint { stroke: var(--line); } .end { text-anchor: end; }
.mid { text-anchor: middle; }
table { border-collapse: collapse; width: 100%; } td, th { text-align: left; padding: .3rem .6rem .3rem 0;
  border-bottom: 1px solid var(--line); vertical-align: top; overflow-wrap: anywhere; } td.n { text-align: right; }
section { margin: 2rem 0; } details summary { cursor: pointer; }
"""


def render_page(report: DatasetReport) -> str:
    """The page as HTML text."""
    title = f"Dataset {report.name}"
    facts = report.statistics
    cards = {
        "files": f"{report.files:,}",
        "pieces": f"{report.accepted:,}",
        "notes": f"{facts['notes']:,}",
        "bars": f"{facts['bars']:,}",
        "hours": f"{facts['hours']:,}",
        **{split: f"{count:,}" for split, count in sorted(report.splits.items())},
    }
    return "".join(
        [
            '<!doctype html><html lang="en"><head><meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width">',
            f"<title>{escape(title)}</title><style>{_STYLE}</style></head><body>",
            f"<h1>{escape(title)}</h1>",
            f'<p class="sub">version {report.version} · manifest {report.sha256}</p>',
            '<div class="cards">',
            *(f'<div class="card"><b>{value}</b><span>{name}</span></div>' for name, value in cards.items()),
            "</div>",
            f'<div class="grid">{_charts(facts)}</div>',
            _steps(report.steps),
            _noticed(report),
            _rejected(report),
            "</body></html>\n",
        ]
    )


def _charts(facts: Mapping[str, Any]) -> str:
    octaves = {float(12 * octave): f"C{octave - 1}" for octave in range(11)}
    charts = {
        "Styles (pieces)": bars(facts["styles"]),
        "Lengths (bars)": histogram(**facts["lengths"]),
        "Keys (pieces)": bars(facts["keys"]),
        "Metres (pieces)": bars(facts["metres"], max_bars=12),
        "Tempi (quarter notes a minute)": histogram(**facts["tempi"]),
        "Instruments (parts)": bars(facts["instruments"]),
        "Roles (parts)": bars(facts["roles"]),
        "Pitches (notes, drums left out)": histogram(**facts["pitches"], marks=octaves),
        "Pitch ranges (extremes, and medians of lowest and highest)": ranges(facts["ranges"]),
        "Velocities (notes)": histogram(**facts["velocities"]),
    }
    return "".join(f"<div><h2>{escape(name)}</h2>{chart}</div>" for name, chart in charts.items())


def _steps(steps: Mapping[str, int]) -> str:
    meanings = {**REJECTING, **STEPS}
    rows = "".join(
        f'<tr><td>{name}</td><td class="n">{steps.get(name, 0):,}</td><td>{escape(meaning)}</td></tr>'
        for name, meaning in meanings.items()
    )
    return f"<section><h2>Cleaning</h2><table><tr><th>step</th><th>count</th><th>of</th></tr>{rows}</table></section>"


def _noticed(report: DatasetReport) -> str:
    if not report.notices:
        return ""
    rows = "".join(
        f"<tr><td>{escape(file.name)}</td><td>{escape(notice)}</td></tr>"
        for file in report.notices
        for notice in file.notices
    )
    details = f"<details><summary>{len(report.notices):,} files</summary><table>{rows}</table></details>"
    return f"<section><h2>Read otherwise than written</h2>{details}</section>"


def _rejected(report: DatasetReport) -> str:
    if not report.rejected:
        return "<section><h2>Rejected files</h2><p>None.</p></section>"
    counts = Counter(file.reason for file in report.rejected)
    groups = []
    for reason, count in counts.most_common():
        rows = "".join(
            f"<tr><td>{escape(file.name)}</td><td>{escape(file.detail)}</td></tr>"
            for file in report.rejected
            if file.reason == reason
        )
        groups.append(f"<details><summary>{escape(reason)}: {count:,}</summary><table>{rows}</table></details>")
    return f"<section><h2>Rejected files</h2>{''.join(groups)}</section>"
