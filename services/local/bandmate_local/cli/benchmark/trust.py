"""`bandmate benchmark trust`: may one rely on it?"""

from pathlib import Path
from typing import Annotated, Any

import typer

from bandmate_local.cli.benchmark.counting import Counting
from bandmate_local.cli.benchmark.results import give, met, table
from bandmate_local.cli.output import notes


def trust(
    data: Annotated[
        Path | None, typer.Option(help="Folder of unpacked packs, for the passages; without it they are left out.")
    ] = None,
    split: Annotated[str, typer.Option(help="The held-out music: valid, or test once at the end.")] = "valid",
    model: Annotated[str | None, typer.Option(help="A model's folder, id or alias. [default: the starter]")] = None,
    requests: Annotated[int, typer.Option(min=1, max=100_000, help="Fuzzed requests.")] = 1000,
    replays: Annotated[int, typer.Option(min=2, max=10_000, help="Songs written three times.")] = 24,
    infills: Annotated[int, typer.Option(min=1, max=10_000, help="Pieces with bars composed anew.")] = 100,
    samples: Annotated[int, typer.Option(min=2, max=10_000, help="Pieces a style whose passages are sought.")] = 48,
    bars: Annotated[int, typer.Option(min=4, max=64, help="Length of these.")] = 16,
    seed: Annotated[int, typer.Option(help="Of the requests and of the music.")] = 1,
    as_json: Annotated[Path | None, typer.Option("--json", help="Write the numbers to this file; '-': print.")] = None,
) -> None:
    """Fuzzed requests, exact replay, bars outside an infill, passages of 32 notes that stand in the training set."""
    from bandmate_local.judging.copying import judge_copying
    from bandmate_local.judging.opening import open_model
    from bandmate_local.judging.packs import find_packs
    from bandmate_local.judging.trust import judge_fuzz, judge_infill, judge_replay, worst_outcomes

    packs = find_packs(data, split) if data is not None else {}
    judged = open_model(model)
    packs = {style: pack for style, pack in packs.items() if style in judged.info.styles}
    result: dict[str, Any] = {"benchmark": "trust", "model": {"id": judged.info.id, "sha256": judged.info.sha256}}
    result |= {"seed": seed, "split": split}
    rows = table("promise", "measured", "asked", "met")
    with Counting() as counting:
        fuzz = judge_fuzz(judged, requests, seed, counting.show)
        replay = judge_replay(judged, model, replays, seed, counting.show)
        infill = judge_infill(judged, infills, seed, counting.show)
        result |= {"fuzz": fuzz, "replay": replay, "infill": infill}
        if packs:
            copying = judge_copying(judged, packs, split, samples=samples, bars=bars, seed=seed, progress=counting.show)
            result["copying"] = copying
    made = fuzz["outcomes"].get("a song", 0)
    rows.add_row(
        f"{requests} fuzzed requests", f"{made} songs, {requests - made - len(fuzz['failures'])} refused, "
        f"{len(fuzz['failures'])} faults", "0 faults", met(fuzz["passed"]),
    )  # fmt: skip
    rows.add_row(
        "replay, the same bytes", f"{replay['same_alone']}/{replay['songs']} alone, "
        f"{replay['same_in_another_process']}/{replay['songs']} in another process", "all", met(replay["passed"]),
    )  # fmt: skip
    rows.add_row("infill, the rest unchanged", f"{infill['unchanged']}/{infill['cases']}", "all", met(infill["passed"]))
    tables = [rows]
    if packs:
        rows.add_row(
            "passages of 32 notes in the training set", f"{copying['generated']['share']:.3%}, {copying['unnamed']} of "
            "them not named", f"<= {copying['held_out']['share']:.3%} ({split}), all named", met(copying["passed"]),
        )  # fmt: skip
        passages = table("style", "generated", "pieces", f"{split}", "pieces", "not named")
        for style, found in copying["styles"].items():
            own, real = found["generated"], found["held_out"]
            passages.add_row(
                style, f"{own['matching']}/{own['passages']}", f"{own['pieces']}/{own['of']}",
                f"{real['matching']}/{real['passages']}", f"{real['pieces']}/{real['of']}", str(found["unnamed"]),
            )  # fmt: skip
        tables.append(passages)
    result["passed"] = all(result[name]["passed"] for name in ("fuzz", "replay", "infill", "copying") if name in result)
    give(result, as_json, *tables)
    for line in worst_outcomes(fuzz["failures"]):
        notes.print(f"  {line}", markup=False)
