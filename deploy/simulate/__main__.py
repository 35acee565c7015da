"""`make simulate`: every scenario, the table and the plots of docs/reference/scaling.md."""

import json
import sys
import time
from collections.abc import Sequence

from deploy.simulate import figures
from deploy.simulate.assumptions import Prices, task_hour
from deploy.simulate.policy import ROOT, Tracking
from deploy.simulate.scenario import Result, policies_of, run
from deploy.simulate.songs import FILE, GENERATE, VOCAL, WEIGHTS, Catalogue

PAGE = ROOT / "docs" / "reference" / "scaling.md"
IMAGES = ROOT / "docs" / "images"
LOADS: dict[str, tuple[float, ...]] = {
    "dev": (10, 100, 1000),
    "small": (10, 100, 1000, 5000),
    "large": (100, 1000, 10_000, 50_000, 100_000),
    "large-gpu": (10, 100, 1000, 10_000),
}
"""Songs an hour that a variant is tried with."""
BURSTS_UP_TO: dict[str, float] = {"dev": 100, "small": 1000, "large": 10_000, "large-gpu": 1000}
"""A burst is six times the mean; past this the most tasks a variant may have cannot work it off in time."""


def main() -> None:
    catalogue, prices = Catalogue.read(), Prices()
    results = []
    for variant, rates in LOADS.items():
        for pattern in ("steady", "bursty", "daily"):
            for rate in rates:
                if (pattern == "bursty" and rate > BURSTS_UP_TO[variant]) or (pattern == "daily" and rate > 1000):
                    continue
                started = time.monotonic()
                results.append(run(variant, pattern, rate, catalogue=catalogue, prices=prices))
                sys.stdout.write(
                    f"{variant:10} {pattern:7} {rate:>7,.0f} an hour: {time.monotonic() - started:.0f} s\n"
                )
                sys.stdout.flush()
    IMAGES.mkdir(exist_ok=True)
    figures.waiting(results, IMAGES / "scaling-waiting.png")
    figures.cost(results, IMAGES / "scaling-cost.png")
    bursts = [result for result in results if result.pattern == "bursty" and result.per_hour == 1000]
    cpu, gpu = (next(result for result in bursts if result.variant == name) for name in ("large", "large-gpu"))
    figures.burst(cpu, gpu, IMAGES / "scaling-burst.png")
    PAGE.write_text(page(results, catalogue, prices))
    sys.stdout.write(f"wrote {PAGE.relative_to(ROOT)} and three plots in {IMAGES.relative_to(ROOT)}\n")


def page(results: Sequence[Result], catalogue: Catalogue, prices: Prices) -> str:
    """The reference page."""
    return "\n".join(
        [
            "# How the workers scale",
            "",
            "Written by `make simulate`; change `deploy/simulate`, not this page. The policies are read out of the "
            "synthesised templates; what songs cost was measured; how AWS behaves and its prices are assumed "
            "(`deploy/simulate/assumptions.py`). Nothing here was seen on AWS.",
            "",
            *_measured(catalogue),
            *_policies(),
            "## What comes of it",
            "",
            "Each run begins with the fewest tasks, so a high rate shows what its first minutes are like too. ",
            "Waiting is a song's time in all its queues. Dollars are the workers' time at list prices, a share of "
            "it on "
            "spot as the size says; APIs, database, network and Polly are in [the how-to](../howto/deploy.md). "
            "*Busy* is the share of the paid time that is work.",
            "",
            *_table(results),
            "",
            "![Waiting](../images/scaling-waiting.png)",
            "",
            "![Cost](../images/scaling-cost.png)",
            "",
            "![A burst](../images/scaling-burst.png)",
            "",
            *_gpu(results, catalogue, prices),
        ]
    )


def _measured(catalogue: Catalogue) -> list[str]:
    data = json.loads(FILE.read_text())
    lengths = ", ".join(f"{share:.0%} have {bars}" for bars, share in WEIGHTS.items())
    rows = []
    for bars in WEIGHTS:
        for sung in (False, True):
            songs = [song for song in data["songs"] if (song["bars"], song["sung"]) == (bars, sung)]
            cells = [_mean(songs, name) for name in ("compose", "render", "sing")]
            rows.append(f"| {bars} | {'yes' if sung else 'no'} | {' | '.join(cells)} |")
    return [
        "## What a song takes",
        "",
        f"Core seconds, measured on {data['machine']} with {data['model']} and {data['candidates']} candidates a "
        f"song, by "
        "`python -m deploy.simulate.measure`; means of two styles. The machine had other work to do meanwhile, "
        "which "
        "makes CPU seconds longer than on an idle one, never shorter.",
        "",
        "| bars | sung | compose (model) | score, render, mix | sing |",
        "| ---: | --- | ---: | ---: | ---: |",
        *rows,
        "",
        f"Of the songs asked for, {lengths} bars and half of each are sung; that is a guess. It makes "
        f"{catalogue.mean(GENERATE):.1f} s of generate a song ({catalogue.mean(GENERATE, compose=True):.1f} s of "
        f"them in the "
        f"model) and {catalogue.mean(VOCAL):.1f} s of vocal.",
        "",
    ]


def _mean(songs: Sequence[dict[str, float]], name: str) -> str:
    values = [song[name] for song in songs if name in song]
    return f"{sum(values) / len(values):.2f}" if values else ""


def _policies() -> list[str]:
    lines = [
        "## The policies",
        "",
        "| variant | service | tasks | a task | messages per task | cooldown out, in | from zero |",
        "| --- | --- | --- | --- | --- | ---: | --- |",
    ]
    for variant in LOADS:
        for policy in policies_of(variant):
            targets = ", ".join(_target(tracking) for tracking in policy.trackings)
            machine = (
                f"{policy.cores:g} vCPU, {policy.memory_gib:g} GiB" if not policy.gpu else "an instance with a GPU"
            )
            steps = (
                ", ".join(
                    f"{tasks} from {lower_bound + policy.step_threshold:.0f}" for lower_bound, tasks in policy.steps
                )
                or "never there"
            )
            lines.append(
                f"| {variant} | {policy.service} | {policy.fewest} to {policy.most} | {machine} | {targets} | "
                f"{policy.out_cooldown:.0f} s, {policy.in_cooldown:.0f} s | {steps} |"
            )
    return [*lines, ""]


def _target(tracking: Tracking) -> str:
    counted = " and ".join(name for name in ("waiting", "working") if getattr(tracking, name))
    return f"{tracking.target:g} {counted}{'' if tracking.scales_in else ' (adds only)'}"


def _table(results: Sequence[Result]) -> list[str]:
    lines = [
        "| variant | pattern | songs an hour | wait p50 | p95 | p99 | most tasks (generate, vocal) | busy | $ for "
        "1,000 |",
        "| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    return lines + [
        f"| {row.variant} | {row.pattern} | {row.per_hour:,.0f} | {row.wait_p50:.0f} s | {row.wait_p95:.0f} s | "
        f"{row.wait_p99:.0f} s | {row.most_generate}, {row.most_vocal} | {row.busy:.0%} | {row.dollars_per_1000:.2f} |"
        for row in results
    ]


def _gpu(results: Sequence[Result], catalogue: Catalogue, prices: Prices) -> list[str]:
    cpu = task_hour(1, 4, gpu=False, spot_share=0, prices=prices)
    gpu = task_hour(0, 0, gpu=True, spot_share=0, prices=prices)
    compose = catalogue.mean(GENERATE, compose=True)
    rest = catalogue.mean(GENERATE) - compose
    pays = (gpu / cpu - 1) * rest
    shares = [result.compose_share for result in results if result.variant == "large-gpu"]
    return [
        "## Is a GPU worth it?",
        "",
        f"Not for this model. An hour of g6.xlarge costs {gpu / cpu:.1f} times an hour of the Fargate task that "
        f"does the same "
        f"work, and a song spends {rest:.1f} s in score, render and mix, where a GPU does nothing. Even one that "
        f"composed in no "
        f"time at all would pay only for a model that takes more than {pays:.0f} s of a core a song; the starter takes "
        f"{compose:.1f} s. Besides, the starter is composed in numpy, which no GPU speeds up: the rows `large-gpu` "
        f"take the same "
        f"time for a song as the others, their GPU would at best be in use for {min(shares):.0%} to "
        f"{max(shares):.0%} of the "
        "time that is paid, and their first song waits for an instance. So no size has GPUs by default; `-c "
        "hardware=gpu` puts "
        "them under any size, for a model that needs them.",
        "",
    ]


if __name__ == "__main__":
    main()
