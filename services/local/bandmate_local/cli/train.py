"""`bandmate train`: train a model on a dataset."""

import json
from collections.abc import Mapping
from typing import Annotated, Any

import typer
from bandmate_shared.contracts.trainings import Architecture, TrainingRequest
from bandmate_shared.errors import InvalidRequest
from bandmate_shared.registry.models import STARTER
from bandmate_train.settings import train_settings
from bandmate_train.trainers.subprocess import require_torch

from bandmate_local.cli.job_runner import platform_session, run_job
from bandmate_local.cli.output import console, json_anywhere, print_json
from bandmate_local.cli.progress import StageDisplay

_SIZES = frozenset({"hidden", "layers", "heads", "key_heads", "feedforward"})
"""Hyperparameters with which a network no longer has the starter's sizes."""


def train(
    dataset: Annotated[str, typer.Option(help="Name of a dataset made by `bandmate ingest`.")],
    model: Annotated[Architecture, typer.Option(help="What to train.")] = "transformer",
    name: Annotated[str | None, typer.Option(help="The model's id; without it one is made up.")] = None,
    hyperparameters: Annotated[
        list[str] | None, typer.Option("--set", metavar="NAME=VALUE", help="A hyperparameter; may be repeated.")
    ] = None,
    initial: Annotated[
        str | None,
        typer.Option(
            help="A model, by id or alias, to start from; 'none' to start from nothing. "
            "[default: starter, where the model has its sizes]"
        ),
    ] = None,
    promote: Annotated[bool, typer.Option(help="Put the model in production when it passes the gate.")] = False,
    as_json: Annotated[
        bool, typer.Option("--json", callback=json_anywhere, help="Print the finished job as JSON.")
    ] = False,
) -> None:
    """Train a model on a dataset and register it."""
    values = dict(_assignment(text) for text in hyperparameters or ())
    settings = train_settings()
    if settings.trainer == "subprocess":
        require_torch(settings.trainer_arguments)
    request = TrainingRequest.model_validate(
        {
            "dataset": dataset,
            "architecture": model,
            "name": name,
            "hyperparameters": values,
            "initial": _initial(initial, model, values),
            "promote": promote,
        }
    )
    with platform_session("train") as session, StageDisplay() as display:
        job = run_job(session, "trainings", request.model_dump(mode="json", exclude_none=True), display)
    if as_json:
        print_json(json.loads(job.model_dump_json()))
        return
    result = job.result or {}
    metrics = result.get("metrics") or {}
    shown_metrics = [
        f"{name} {metrics[name]:.3g}" for name in ("valid_loss", "generated_valid_share") if name in metrics
    ]
    console.print(f"[green]✓[/] trained {result.get('model')}: {', '.join(shown_metrics)}", markup=True)
    alias = result.get("promoted_to")
    console.print(f"  in use as {alias}" if alias else f"  try it: bandmate song --model {result.get('model')}")
    if started := result.get("initial"):
        console.print(f"  it started from the weights of {started}", markup=False)
    for note in result.get("notes", ()):
        console.print(f"  note: {note}", markup=False)
    if refused := result.get("not_promoted"):
        console.print(f"  not promoted: {refused}", markup=False)


def _initial(asked: str | None, model: str, values: Mapping[str, Any]) -> str | None:
    """The model to start from: the one asked for, else the starter where its weights fit; None for nothing."""
    if asked is not None:
        return None if asked == "none" else asked
    return STARTER if model == "transformer" and not _SIZES & values.keys() else None


def _assignment(text: str) -> tuple[str, Any]:
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise InvalidRequest(f"--set {text}: write NAME=VALUE, for instance --set epochs=3")
    try:
        return name, json.loads(value)
    except ValueError:
        return name, value
