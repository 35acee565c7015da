"""`bandmate benchmark music`: generated music compared with held-out music."""

from pathlib import Path
from typing import Annotated, Any

import typer
from bandmate_shared.errors import InvalidRequest

from bandmate_bench.cli.results import met, table, write_results
from bandmate_bench.judging.music import SHARE_ASKED, Sampling, judge_style
from bandmate_bench.judging.open_model import open_model
from bandmate_bench.judging.packs import SPLITS, find_packs
from bandmate_bench.progress_bar import ProgressBar


def music(
    data: Annotated[Path, typer.Option(help="Folder of unpacked packs: DIR/<pack>/{train,valid,test}.")],
    split: Annotated[str, typer.Option(help="What to compare with: valid, or test once at the end.")] = "valid",
    model: Annotated[str | None, typer.Option(help="A model's folder, id or alias. [default: the starter]")] = None,
    samples: Annotated[int, typer.Option(min=8, max=10_000, help="Pieces per style, and passages compared.")] = 256,
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
    if split not in SPLITS:
        raise InvalidRequest(f"there is no split {split!r}; there are {', '.join(SPLITS)}")
    packs = find_packs(data, split)
    loaded_model = open_model(model)
    known = list(loaded_model.info.config["styles"])
    judged_styles = styles.split(",") if styles else [style for style in packs if style in known]
    if strange := [style for style in judged_styles if style not in packs or style not in known]:
        raise InvalidRequest(
            f"cannot judge {', '.join(strange)}: there are packs of {', '.join(packs)}, and the model writes "
            f"{', '.join(known)}"
        )
    sampling = Sampling(temperature, top_p, cut_from)
    with ProgressBar() as progress:
        judgements = [
            judge_style(
                loaded_model,
                packs[style],
                style,
                split,
                samples=samples,
                bars=bars,
                seed=seed,
                progress=progress.show,
                sampling=sampling,
            )
            for style in judged_styles
        ]
    overlaps = table("style", "samples", "overlap", "of train", "share", "asked", "met", "empty", "repeated", "seconds")
    for judgement in judgements:
        overlaps.add_row(
            judgement.style,
            str(judgement.composed.pieces),
            f"{judgement.composed.overlap:.3f}",
            f"{judgement.training.overlap:.3f}",
            f"{judgement.share:.3f}",
            f">= {SHARE_ASKED:.2f}",
            met(judgement.share >= SHARE_ASKED),
            str(judgement.composed.empty),
            str(judgement.composed.repeated),
            f"{judgement.seconds:.0f}",
        )
    features = table("mgeval feature", *(judgement.style for judgement in judgements))
    for name in judgements[0].composed.likeness:
        cells = [
            f"{judgement.composed.likeness[name].overlap:.2f} / {judgement.training.likeness[name].overlap:.2f}"
            for judgement in judgements
        ]
        features.add_row(name, *cells)
    metrics = table("muspy metric", "style", "model", split, "5-95 %", "inside")
    for judgement in judgements:
        for name, feature_range in judgement.composed.ranges.items():
            metrics.add_row(
                name,
                judgement.style,
                f"{feature_range.mean:.3f}",
                f"{feature_range.reference:.3f}",
                f"{feature_range.low:.3f}-{feature_range.high:.3f}",
                met(feature_range.inside),
            )
    result: dict[str, Any] = {
        "benchmark": "music",
        "split": split,
        "samples": samples,
        "bars": bars,
        "seed": seed,
        "cut_from": cut_from or bars,
        "temperature": temperature,
        "top_p": top_p,
        "model": {"id": loaded_model.info.id, "sha256": loaded_model.info.sha256},
        "asked": {"share": SHARE_ASKED, "muspy": "mean inside the 5-95 % range of the split", "faults": 0},
        "styles": {judgement.style: judgement.as_json() for judgement in judgements},
        "passed": all(judgement.passed for judgement in judgements),
    }
    write_results(result, as_json, overlaps, features, metrics)
