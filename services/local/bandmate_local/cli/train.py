"""`bandmate train`: a dataset becomes a model."""

import json
from typing import Annotated, Any

import typer
from bandmate_shared.contracts.trainings import Architecture, TrainingRequest
from bandmate_shared.errors import InvalidRequest

from bandmate_local.cli.output import console, print_json
from bandmate_local.cli.progress import StageDisplay
from bandmate_local.cli.working import perform, platform_session


def train(
    dataset: Annotated[str, typer.Option(help="Name of a dataset made by `bandmate ingest`.")],
    model: Annotated[Architecture, typer.Option(help="What to train.")] = "transformer",
    name: Annotated[str | None, typer.Option(help="The model's id; without it one is made up.")] = None,
    hyperparameters: Annotated[
        list[str] | None, typer.Option("--set", metavar="NAME=VALUE", help="A hyperparameter; may be repeated.")
    ] = None,
    initial: Annotated[str | None, typer.Option(help="A model, by id or alias, to start from.")] = None,
    promote: Annotated[bool, typer.Option(help="Put the model in production when it passes the gate.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the finished job as JSON.")] = False,
) -> None:
    """Train a model on a dataset and register it."""
    request = TrainingRequest.model_validate(
        {
            "dataset": dataset,
            "architecture": model,
            "name": name,
            "hyperparameters": dict(_assignment(text) for text in hyperparameters or ()),
            "initial": initial,
            "promote": promote,
        }
    )
    with platform_session("train") as session, StageDisplay(quiet=as_json) as display:
        job = perform(session, "trainings", request.model_dump(mode="json", exclude_none=True), display)
    if as_json:
        print_json(json.loads(job.model_dump_json()))
        return
    result = job.result or {}
    metrics = result.get("metrics") or {}
    told = [f"{name} {metrics[name]:.3g}" for name in ("valid_loss", "generated_valid_share") if name in metrics]
    console.print(f"[green]✓[/] trained {result.get('model')}: {', '.join(told)}", markup=True)
    alias = result.get("promoted_to")
    console.print(f"  in use as {alias}" if alias else f"  try it: bandmate song --model {result.get('model')}")
    if refused := result.get("not_promoted"):
        console.print(f"  not promoted: {refused}", markup=False)


def _assignment(text: str) -> tuple[str, Any]:
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise InvalidRequest(f"--set {text}: write NAME=VALUE, for instance --set epochs=3")
    try:
        return name, json.loads(value)
    except ValueError:
        return name, value
