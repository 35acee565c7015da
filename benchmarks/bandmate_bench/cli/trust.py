"""`bandmate benchmark trust`: invalid requests, exact replay, untouched bars, and copied passages."""

from pathlib import Path
from typing import Annotated, Any

import typer
from bandmate_local.cli.output import err_console

from bandmate_bench.cli.results import met, table, write_results
from bandmate_bench.judging.copying import judge_copying
from bandmate_bench.judging.open_model import open_model
from bandmate_bench.judging.packs import find_packs
from bandmate_bench.judging.trust import judge_fuzz, judge_infill, judge_replay, worst_outcomes
from bandmate_bench.progress_bar import ProgressBar


def trust(
    data: Annotated[
        Path | None, typer.Option(help="Folder of unpacked packs, for the passages; without it they are left out.")
    ] = None,
    split: Annotated[str, typer.Option(help="The held-out music: valid, or test once at the end.")] = "valid",
    model: Annotated[str | None, typer.Option(help="A model's folder, id or alias. [default: the starter]")] = None,
    requests: Annotated[int, typer.Option(min=1, max=100_000, help="Fuzzed requests.")] = 1000,
    replays: Annotated[int, typer.Option(min=2, max=10_000, help="Songs written three times.")] = 24,
    infills: Annotated[int, typer.Option(min=1, max=10_000, help="Pieces with bars composed anew.")] = 100,
    samples: Annotated[int, typer.Option(min=2, max=10_000, help="Pieces per style whose passages are sought.")] = 48,
    bars: Annotated[int, typer.Option(min=4, max=64, help="Length of these.")] = 16,
    seed: Annotated[int, typer.Option(help="Of the requests and of the music.")] = 1,
    as_json: Annotated[Path | None, typer.Option("--json", help="Write the numbers to this file; '-': print.")] = None,
) -> None:
    """Fuzzed requests, exact replay, bars outside an infill, passages of 32 notes that stand in the training set."""
    packs = find_packs(data, split) if data is not None else {}
    loaded_model = open_model(model)
    packs = {style: pack for style, pack in packs.items() if style in loaded_model.info.styles}
    result: dict[str, Any] = {
        "benchmark": "trust",
        "model": {"id": loaded_model.info.id, "sha256": loaded_model.info.sha256},
    }
    result |= {"seed": seed, "split": split}
    rows = table("promise", "measured", "asked", "met")
    with ProgressBar() as progress:
        fuzz = judge_fuzz(loaded_model, requests, seed, progress.show)
        replay = judge_replay(loaded_model, model, replays, seed, progress.show)
        infill = judge_infill(loaded_model, infills, seed, progress.show)
        result |= {"fuzz": fuzz, "replay": replay, "infill": infill}
        if packs:
            copying = judge_copying(
                loaded_model, packs, split, samples=samples, bars=bars, seed=seed, progress=progress.show
            )
            result["copying"] = copying
    song_count = fuzz["outcomes"].get("a song", 0)
    rows.add_row(
        f"{requests} fuzzed requests",
        f"{song_count} songs, {requests - song_count - len(fuzz['failures'])} refused, {len(fuzz['failures'])} faults",
        "0 faults",
        met(fuzz["passed"]),
    )
    rows.add_row(
        "replay, the same bytes",
        f"{replay['same_alone']}/{replay['songs']} alone, "
        f"{replay['same_in_another_process']}/{replay['songs']} in another process",
        "all",
        met(replay["passed"]),
    )
    rows.add_row("infill, the rest unchanged", f"{infill['unchanged']}/{infill['cases']}", "all", met(infill["passed"]))
    tables = [rows]
    if packs:
        rows.add_row(
            "passages of 32 notes in the training set",
            f"{copying['generated']['share']:.3%}, {copying['unnamed']} of them not named",
            f"<= {copying['held_out']['share']:.3%} ({split}), all named",
            met(copying["passed"]),
        )
        passages = table("style", "generated", "pieces", f"{split}", "pieces", "not named")
        for style, style_result in copying["styles"].items():
            generated, real = style_result["generated"], style_result["held_out"]
            passages.add_row(
                style,
                f"{generated['matching']}/{generated['passages']}",
                f"{generated['pieces']}/{generated['of']}",
                f"{real['matching']}/{real['passages']}",
                f"{real['pieces']}/{real['of']}",
                str(style_result["unnamed"]),
            )
        tables.append(passages)
    result["passed"] = all(result[name]["passed"] for name in ("fuzz", "replay", "infill", "copying") if name in result)
    write_results(result, as_json, *tables)
    for line in worst_outcomes(fuzz["failures"]):
        err_console.print(f"  {line}", markup=False)
