"""`bandmate benchmark speed`: tokens per second on one core, beside Hugging Face's generate in the same run."""

import os
import time
from pathlib import Path
from typing import Annotated, Any

import typer
from bandmate_local.cli.output import err_console
from bandmate_model.engine.batcher import Batcher
from bandmate_model.model_files import ModelUnusable
from bandmate_shared.errors import InvalidRequest

from bandmate_bench.cli.results import met, table, write_results
from bandmate_bench.engine_speed import measure, peak_memory, raw_song
from bandmate_bench.judging.open_model import open_model

ONE_ASKED, IN_FLIGHT_ASKED, FIRST_BAR_ASKED = 10.0, 30.0, 1.0
PEER_MISSING = (
    "torch and transformers are not installed, so there is nothing to compare with: pip install "
    "'bandmate-bench[peers]', or --no-peer"
)


def speed(
    model: Annotated[str | None, typer.Option(help="A model's folder, id or alias. [default: the starter]")] = None,
    folder: Annotated[Path | None, typer.Option(help="A model's folder.")] = None,
    songs: Annotated[int, typer.Option(min=1, max=16, help="How many songs in flight.")] = 16,
    rounds: Annotated[int, typer.Option(min=1, max=100, help="Of which the median counts.")] = 5,
    peer: Annotated[bool, typer.Option(help="Measure Hugging Face's generate as well.")] = True,
    as_json: Annotated[Path | None, typer.Option("--json", help="Write the numbers to this file; '-': print.")] = None,
) -> None:
    """One song and many in flight, with bare sampling and with the musical grammar; prompts, first bar, memory."""
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[name] = "1"

    before, started = peak_memory(), time.perf_counter()
    loaded_model = open_model(str(folder) if folder else model)
    opened = time.perf_counter() - started
    alone = measure_memory(loaded_model, songs, before)
    try:
        figures = measure(loaded_model, songs=songs, rounds=rounds, peer=peer)
    except ModuleNotFoundError as error:
        if error.name not in {"torch", "transformers"}:
            raise
        raise InvalidRequest(PEER_MISSING) from error
    except ModelUnusable as error:
        raise InvalidRequest(str(error)) from error
    result: dict[str, Any] = {
        "benchmark": "speed",
        "model": {"id": loaded_model.info.id, "sha256": loaded_model.info.sha256},
        "rounds": rounds,
        "asked": {"one": ONE_ASKED, "in_flight": IN_FLIGHT_ASKED, "first_bar_seconds": FIRST_BAR_ASKED},
        "seconds_to_load": round(opened, 3),
        "memory_mib": round(alone, 1),
        **figures,
    }
    rates = table(
        "tokens per second, one core", "wall", "processor", "peer, wall", "peer, processor", "times", "asked", "met"
    )
    reached = []
    for label, name, peer_key, required_ratio in (
        ("one song, bare sampling", "one", "one", ONE_ASKED),
        (f"{songs} songs in flight, bare sampling", "in_flight", "one", IN_FLIGHT_ASKED),
        (f"… beside {songs} songs at once in generate", "in_flight", "batch", None),
        ("one prompt of 960 tokens", "prompt", "prompt", None),
        ("one song with the musical grammar", "composed_one", None, None),
        (f"{songs} songs in flight with the musical grammar", "composed_in_flight", None, None),
    ):
        own_figures, peer_figures = figures[name], figures.get("peer", {}).get(peer_key)
        row = [label, f"{own_figures['tokens_per_second']:,.0f}", f"{own_figures['tokens_per_processor_second']:,.0f}"]
        if peer_figures is None:
            rates.add_row(*row)
            continue
        times = [
            own_figures[clock] / peer_figures[clock] for clock in ("tokens_per_second", "tokens_per_processor_second")
        ]
        row += [f"{peer_figures[clock]:,.0f}" for clock in ("tokens_per_second", "tokens_per_processor_second")]
        row += [f"{times[0]:.1f} / {times[1]:.1f}"]
        if required_ratio is not None:
            reached.append(min(times) >= required_ratio)
            row += [f">= {required_ratio:.0f}", met(reached[-1])]
        rates.add_row(*row)
    others_too = table("", "measured", "asked", "met")
    first = figures["first_bar_seconds"]
    others_too.add_row("first bar, s", f"{first:.3f}", f"<= {FIRST_BAR_ASKED:g}", met(first <= FIRST_BAR_ASKED))
    others_too.add_row("model opened, s", f"{opened:.2f}")
    others_too.add_row(f"memory for the model and {songs} songs, MiB", f"{alone:.0f}")
    if "furthest_logit" in figures:
        others_too.add_row("furthest logit from the peer's", f"{figures['furthest_logit']:.1e}")
    result["passed"] = all(reached) and first <= FIRST_BAR_ASKED
    if "peer" in figures:
        err_console.print(f"peer: {figures['peer']['name']}", markup=False)
    write_results(result, as_json, rates, others_too)


def measure_memory(loaded_model: Any, songs: int, before: float) -> float:
    """MiB that opening the model took and composing `songs` songs at once takes, above what was there before."""

    batcher = getattr(loaded_model.composer, "batcher", None)
    if isinstance(batcher, Batcher):
        length = min(900, batcher.engine.window)
        batcher.run([raw_song([1] * (length - 1), 1, seed) for seed in range(songs)])
    return peak_memory() - before
