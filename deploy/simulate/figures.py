"""The plots of docs/reference/scaling.md."""

from collections.abc import Sequence
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
from matplotlib.figure import Figure

from deploy.simulate.load import HOUR
from deploy.simulate.scenario import Result
from deploy.simulate.songs import GENERATE

COLOURS = {"steady": "#1b6ca8", "bursty": "#c8553d", "daily": "#5b8c5a"}
MARKERS = {"dev": "o", "small": "s", "large": "^", "large-gpu": "D"}


def waiting(results: Sequence[Result], file: Path) -> None:
    """Median and 95th percentile of the time a song spends in queues, by songs an hour."""
    figure, (left, right) = plt.subplots(1, 2, figsize=(11, 4.5), sharey=True)
    for axes, name, share in ((left, "wait_p50", "half"), (right, "wait_p95", "95 %")):
        for variant, pattern in _groups(results):
            line = [result for result in results if (result.variant, result.pattern) == (variant, pattern)]
            axes.plot(
                [result.per_hour for result in line],
                [max(getattr(result, name), 0.1) for result in line],
                color=COLOURS[pattern],
                marker=MARKERS[variant],
                linestyle="--" if variant == "large-gpu" else "-",
                label=f"{variant}, {pattern}",
            )
        axes.set(xscale="log", yscale="log", xlabel="songs an hour", title=f"{share} of the songs wait less than")
        axes.grid(alpha=0.3)
    left.set_ylabel("seconds (0.1: not at all)")
    right.legend(fontsize=7, loc="upper left", bbox_to_anchor=(1.01, 1.0))
    _save(figure, file)


def cost(results: Sequence[Result], file: Path) -> None:
    """Dollars for the workers' time, by songs an hour."""
    figure, axes = plt.subplots(figsize=(7.5, 4.5))
    for variant, pattern in _groups(results):
        line = [result for result in results if (result.variant, result.pattern) == (variant, pattern)]
        axes.plot(
            [result.per_hour for result in line],
            [result.dollars_per_1000 for result in line],
            color=COLOURS[pattern],
            marker=MARKERS[variant],
            linestyle="--" if variant == "large-gpu" else "-",
            label=f"{variant}, {pattern}",
        )
    axes.set(xscale="log", yscale="log", xlabel="songs an hour", ylabel="dollars for 1,000 songs (workers only)")
    axes.grid(alpha=0.3, which="both")
    axes.legend(fontsize=7, loc="upper left", bbox_to_anchor=(1.01, 1.0))
    _save(figure, file)


def burst(cpu: Result, gpu: Result, file: Path) -> None:
    """One burst, minute by minute: messages, tasks wanted and tasks running, of the generate service."""
    figure, panels = plt.subplots(2, 1, figsize=(9, 6), sharex=True)
    for axes, result in zip(panels, (cpu, gpu), strict=True):
        lines = [(moment, state[GENERATE]) for moment, state in result.outcome.samples if moment <= 2 * HOUR]
        minutes = [moment / 60 for moment, _ in lines]
        axes.fill_between(minutes, [state[0] for _, state in lines], color="#dddddd", step="post", label="messages")
        axes.set_ylabel("messages")
        tasks = axes.twinx()
        tasks.step(minutes, [state[1] for _, state in lines], color="#c8553d", where="post", label="tasks wanted")
        tasks.step(minutes, [state[2] for _, state in lines], color="#1b6ca8", where="post", label="tasks running")
        tasks.set_ylabel("tasks")
        tasks.set_ylim(bottom=0)
        axes.set_ylim(bottom=0)
        axes.set_title(f"{result.variant}: {result.per_hour:,.0f} songs an hour, nearly half of them in five minutes")
        handles = [*axes.get_legend_handles_labels()[0], *tasks.get_legend_handles_labels()[0]]
        axes.legend(handles=handles, fontsize=8, loc="upper right")
    panels[-1].set_xlabel("minutes")
    _save(figure, file)


def _groups(results: Sequence[Result]) -> list[tuple[str, str]]:
    return list(dict.fromkeys((result.variant, result.pattern) for result in results))


def _save(figure: Figure, file: Path) -> None:
    figure.tight_layout()
    figure.savefig(file, dpi=110, metadata={"Software": None})
    plt.close(figure)
