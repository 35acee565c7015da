"""Printing how a sentence was understood, for a person or as JSON."""

import json
from typing import Any

from bandmate_shared.contracts.songs import Interpretation
from rich.console import Console

from bandmate_local.cli.output import console, err_console, print_json


def print_interpretation(interpretation: Interpretation, as_json: bool) -> None:
    """The request that a sentence makes, and what was understood of it."""
    request = _request_fields(interpretation)
    if as_json:
        print_json({**json.loads(interpretation.model_dump_json()), "request": request})
        return
    show_understood(interpretation, console)
    console.print("request", json.dumps(request, ensure_ascii=False), markup=False)


def show_understood(interpretation: Interpretation, to: Console = err_console) -> None:
    """What was understood, what was not, and what cannot be done, a line each."""
    for entry in interpretation.understood:
        to.print(f"  {entry.field:<12} {_shown(entry.value):<28} ← {entry.words}", markup=False)
    if interpretation.ignored:
        to.print(f"  not understood: {', '.join(interpretation.ignored)}", markup=False)
    for note in interpretation.notes:
        to.print(f"  {note}", markup=False)


def _request_fields(interpretation: Interpretation) -> dict[str, Any]:
    """The request without what is left open and without the sentence: what may be edited and sent."""
    fields: dict[str, Any] = json.loads(interpretation.request.model_dump_json(exclude_none=True))
    defaults = {"performance": "human", "takes": 1}
    return {name: value for name, value in fields.items() if name != "text" and defaults.get(name) != value}


def _shown(value: Any) -> str:
    if value is None:
        return "none"
    if isinstance(value, list):
        return ", ".join(str(item["name"]) if isinstance(item, dict) else str(item) for item in value)
    return f"{value:g}" if isinstance(value, float) else str(value)
