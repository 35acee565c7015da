"""`bandmate benchmark controls`: does the model do what it is asked?"""

from pathlib import Path
from typing import Annotated

import typer

from bandmate_local.cli.benchmark.counting import Counting
from bandmate_local.cli.benchmark.results import give, met, table

_NAMES = {
    "hard": "hard wishes kept", "key": "key right", "chords": "chord-tone share", "density": "density level exact",
    "density_near": "density level within one",
}  # fmt: skip


def controls(
    requests: Annotated[int, typer.Option(min=4, max=100_000, help="How many random requests.")] = 500,
    seed: Annotated[int, typer.Option(help="Of the requests and of the music.")] = 1,
    candidates: Annotated[int, typer.Option(min=1, max=16, help="Takes a song; the critic's choice is measured.")] = 3,
    model: Annotated[str | None, typer.Option(help="A model's folder, id or alias. [default: the starter]")] = None,
    as_json: Annotated[Path | None, typer.Option("--json", help="Write the numbers to this file; '-': print.")] = None,
) -> None:
    """Random requests over all wishes: hard ones kept, soft ones met, beside the same model without the control."""
    from bandmate_local.judging.controls import ASKED, PUBLISHED, judge_controls
    from bandmate_local.judging.opening import open_model

    judged = open_model(model)
    with Counting() as counting:
        found = judge_controls(judged, requests, seed, candidates=candidates, progress=counting.show)
    rows = table("wish", "measured", "asked", "met", "without the control", "published")
    for name, title in _NAMES.items():
        value, without = found["with"][name], found["without"].get(name)
        rows.add_row(
            title, "-" if value is None else f"{value:.1%}", f">= {ASKED[name]:.0%}",
            met((value or 0.0) >= ASKED[name]), "-" if without is None else f"{without:.1%}", PUBLISHED.get(name, "-"),
        )  # fmt: skip
    result = {
        "benchmark": "controls", "model": {"id": judged.info.id, "sha256": judged.info.sha256}, "seed": seed,
        "candidates": candidates, **found,
    }  # fmt: skip
    give(result, as_json, rows)
