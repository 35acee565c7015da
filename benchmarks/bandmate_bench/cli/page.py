"""`bandmate benchmark page`: a model's evaluation as a page, with piano rolls and audio of its music."""

import json
from pathlib import Path
from typing import Annotated

import typer
from bandmate_local.cli.output import err_console
from bandmate_model.evaluation.compose_all import compose_all
from bandmate_model.evaluation.evaluate import JSON_NAME
from bandmate_model.evaluation.page import evaluation_page
from bandmate_shared.contracts.composition import CompositionRequest
from bandmate_shared.errors import NotFound

from bandmate_bench.judging.open_model import open_model


def page(
    model: Annotated[str | None, typer.Option(help="A model's folder, id or alias. [default: the starter]")] = None,
    out: Annotated[Path, typer.Option(help="The file to write.")] = Path("evaluation.html"),
) -> None:
    """Write the numbers of a model's evaluation.json as a page. The takes on it are composed again: the same model and
    request give the same music."""
    loaded = open_model(model)
    path = loaded.folder / JSON_NAME
    if not path.is_file():
        raise NotFound(f"the model {loaded.info.id} has no {JSON_NAME}: it was trained with evaluation_takes=0")
    evaluation = json.loads(path.read_text(encoding="utf-8"))
    samples = {}
    for style, measured in evaluation["styles"].items():
        requests = [CompositionRequest.model_validate(row) for row in measured.get("samples", ())]
        samples[style] = list(zip(requests, compose_all(loaded, requests), strict=True))
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(evaluation_page(loaded.info.id, evaluation, samples), encoding="utf-8")
    err_console.print(f"written to {out}", markup=False)
