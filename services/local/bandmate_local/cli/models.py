"""`bandmate models`: list and show models; promote one to production, and roll back."""

from typing import Annotated, Any

import typer
from rich.table import Table

from bandmate_local.cli.job_runner import platform_session
from bandmate_local.cli.output import console, json_anywhere, print_json

app = typer.Typer(help="List, show, promote and roll back models.", invoke_without_command=True)
AsJson = Annotated[bool, typer.Option("--json", callback=json_anywhere, help="Print JSON.")]


@app.callback()
def default(context: typer.Context, as_json: AsJson = False) -> None:
    """List, show, promote and roll back models. Without a subcommand: list."""
    if context.invoked_subcommand is None:
        list_models(as_json)


@app.command("list")
def list_models(as_json: AsJson = False) -> None:
    """Every registered model, with the aliases that name it."""
    with platform_session() as session:
        answer = session.api.call("GET", "/v1/models")
    if as_json:
        print_json(answer)
        return
    table = Table("id", "architecture", "dataset", "from", "held-out loss", "in use as", "created", box=None)
    for model in answer["items"]:
        loss = model["metrics"].get("valid_loss")
        table.add_row(
            model["id"],
            model["architecture"],
            model["dataset"].get("name", ""),
            model.get("initial") or "",
            "" if loss is None else f"{loss:.3f}",
            ", ".join(model.get("aliases", ())),
            model["created"][:16].replace("T", " "),
        )
    console.print(table)


@app.command("show")
def show(model: str, as_json: AsJson = False) -> None:
    """One model's lineage: its files, dataset, hyperparameters and metrics."""
    with platform_session() as session:
        answer = session.api.call("GET", f"/v1/models/{model}")
    _print(answer, as_json)


@app.command("promote")
def promote(
    model: str,
    force: Annotated[bool, typer.Option("--force", help="Also when it is worse or not comparable.")] = False,
    as_json: AsJson = False,
) -> None:
    """Write songs with this model from now on."""
    with platform_session() as session:
        answer = session.api.call("POST", f"/v1/models/{model}/promote", {"force": force})
    _print(answer, as_json)


@app.command("rollback")
def rollback(as_json: AsJson = False) -> None:
    """Go back to the model that was in production before."""
    with platform_session() as session:
        answer = session.api.call("POST", "/v1/models/rollback")
    _print(answer, as_json)


def _print(answer: dict[str, Any], as_json: bool) -> None:
    if as_json:
        print_json(answer)
        return
    for key, value in answer.items():
        console.print(f"{key:<16} {value}", markup=False)
