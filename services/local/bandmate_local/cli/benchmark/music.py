"""`bandmate benchmark music`: the model's music beside music it has never seen."""

from pathlib import Path
from typing import Annotated, Any

import typer
from bandmate_shared.errors import InvalidRequest

from bandmate_local.cli.benchmark.counting import Counting
from bandmate_local.cli.benchmark.results import give, met, table


def music(
    data: Annotated[Path, typer.Option(help="Folder of unpacked packs: DIR/<pack>/{train,valid,test}.")],
    split: Annotated[str, typer.Option(help="What to compare with: valid, or test once at the end.")] = "valid",
    model: Annotated[str | None, typer.Option(help="A model's folder, id or alias. [default: the starter]")] = None,
    samples: Annotated[int, typer.Option(min=8, max=10_000, help="Pieces composed a style, passages compared.")] = 256,
    bars: Annotated[int, typer.Option(min=2, max=64, help="Length of each.")] = 8,
    cut_from: Annotated[
        int,
        typer.Option(min=0, max=64, help="Compose pieces of so many bars and cut the samples out. 0: of --bars."),
    ] = 0,
    temperature: Annotated[float, typer.Option(min=0.1, max=4, help="Of the choice among what the model likes.")] = 1.0,
    top_p: Annotated[float, typer.Option(min=0.01, max=1, help="1: the model's own distribution.")] = 1.0,
    styles: Annotated[str | None, typer.Option(help="'song,rock'. [default: all that model and packs have]")] = None,
    seed: Annotated[int, typer.Option(help="Of the draw and of the music.")] = 1,
    as_json: Annotated[Path | None, typer.Option("--json", help="Write the numbers to this file; '-': print.")] = None,
) -> None:
    """Overlapping areas of mgeval's nine features, muspy's metrics, empty and endlessly repeating pieces."""
    from bandmate_local.judging.music import SHARE_ASKED, Sampling, judge_style
    from bandmate_local.judging.opening import open_model
    from bandmate_local.judging.packs import SPLITS, find_packs

    if split not in SPLITS:
        raise InvalidRequest(f"there is no split {split!r}; there are {', '.join(SPLITS)}")
    packs = find_packs(data, split)
    judged = open_model(model)
    known = list(judged.info.config["styles"])
    wanted = styles.split(",") if styles else [style for style in packs if style in known]
    if strange := [style for style in wanted if style not in packs or style not in known]:
        raise InvalidRequest(
            f"cannot judge {', '.join(strange)}: there are packs of {', '.join(packs)}, and the model writes "
            f"{', '.join(known)}"
        )
    sampling = Sampling(temperature, top_p, cut_from)
    with Counting() as counting:
        found = [
            judge_style(
                judged,
                packs[style],
                style,
                split,
                samples=samples,
                bars=bars,
                seed=seed,
                progress=counting.show,
                sampling=sampling,
            )
            for style in wanted
        ]
    overlaps = table("style", "samples", "overlap", "of train", "share", "asked", "met", "empty", "repeated", "seconds")
    for one in found:
        overlaps.add_row(
            one.style, str(one.composed.pieces), f"{one.composed.overlap:.3f}", f"{one.training.overlap:.3f}",
            f"{one.share:.3f}", f">= {SHARE_ASKED:.2f}", met(one.share >= SHARE_ASKED), str(one.composed.empty),
            str(one.composed.repeated), f"{one.seconds:.0f}",
        )  # fmt: skip
    features = table("mgeval feature", *(one.style for one in found))
    for name in found[0].composed.likeness:
        cells = [
            f"{one.composed.likeness[name].overlap:.2f} / {one.training.likeness[name].overlap:.2f}" for one in found
        ]
        features.add_row(name, *cells)
    metrics = table("muspy metric", "style", "model", split, "5-95 %", "inside")
    for one in found:
        for name, each in one.composed.ranges.items():
            metrics.add_row(
                name, one.style, f"{each.mean:.3f}", f"{each.reference:.3f}", f"{each.low:.3f}-{each.high:.3f}",
                met(each.inside),
            )  # fmt: skip
    result: dict[str, Any] = {
        "benchmark": "music", "split": split, "samples": samples, "bars": bars, "seed": seed,
        "cut_from": cut_from or bars, "temperature": temperature, "top_p": top_p,
        "model": {"id": judged.info.id, "sha256": judged.info.sha256},
        "asked": {"share": SHARE_ASKED, "muspy": "mean inside the 5-95 % range of the split", "faults": 0},
        "styles": {one.style: one.as_json() for one in found},
        "passed": all(one.passed for one in found),
    }  # fmt: skip
    give(result, as_json, overlaps, features, metrics)
