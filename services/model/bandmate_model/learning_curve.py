"""The curves of a training run, as a picture beside its numbers."""

from pathlib import Path


def draw_losses(
    history: list[dict[str, float]],
    path: Path,
    *,
    training: str = "training",
    validation: str = "validation",
    unit: str = "loss, nats a note",
) -> None:
    """`train_loss` at every step of the history and `valid_loss` where it was measured, over the steps, as a PNG."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 4), dpi=120, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    axes.plot([row["step"] for row in history], [row["train_loss"] for row in history], label=training)
    measured = [row for row in history if "valid_loss" in row]
    axes.plot([row["step"] for row in measured], [row["valid_loss"] for row in measured], "o-", label=validation)
    axes.set_xlabel("step")
    axes.set_ylabel(unit)
    axes.legend()
    axes.grid(alpha=0.3)
    figure.savefig(path)
