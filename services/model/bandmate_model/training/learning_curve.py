"""Plot the losses of a training run."""

from pathlib import Path

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

_STYLE = "valid_loss_"


def draw_losses(
    history: list[dict[str, float]],
    path: Path,
    *,
    training: str = "training",
    validation: str = "validation",
    unit: str = "loss, nats per note",
) -> None:
    """Save `train_loss` and, where they were measured, `valid_loss` and `valid_loss_<style>` over the steps as a
    PNG."""
    figure = Figure(figsize=(7, 4), dpi=120, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    trained = [row for row in history if "train_loss" in row]
    axes.plot([row["step"] for row in trained], [row["train_loss"] for row in trained], label=training)
    measured = [row for row in history if "valid_loss" in row]
    axes.plot([row["step"] for row in measured], [row["valid_loss"] for row in measured], "o-", label=validation)
    for name in sorted({name for row in measured for name in row if name.startswith(_STYLE)}):
        with_style = [row for row in measured if name in row]
        axes.plot(
            [row["step"] for row in with_style],
            [row[name] for row in with_style],
            linewidth=1,
            label=name.removeprefix(_STYLE),
        )
    axes.set_xlabel("step")
    axes.set_ylabel(unit)
    axes.legend(fontsize="small", ncols=2)
    axes.grid(alpha=0.3)
    figure.savefig(path)
