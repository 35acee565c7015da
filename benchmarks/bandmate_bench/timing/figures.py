"""A measured figure, and how figures are printed."""

import json
import os
import platform
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Figure:
    """`value` in `unit`; `command` measures it again. `peer_value`, in the same unit, was measured in the same run."""

    name: str
    value: float
    unit: str
    command: str
    peer: str = ""
    peer_value: float | None = None
    note: str = ""

    @property
    def ratio(self) -> float | None:
        """Our value divided by the peer's."""
        return self.value / self.peer_value if self.peer_value else None

    def as_json(self) -> dict[str, Any]:
        return asdict(self) | {"ratio": self.ratio}


def machine() -> str:
    """The machine in a few words."""
    return f"{os.cpu_count()} cores, {platform.machine()}, {platform.system()}, Python {platform.python_version()}"


def as_markdown(groups: dict[str, list[Figure]]) -> str:
    """The report: a table for each group of figures."""
    lines = ["# Figures", "", f"Measured on: {machine()}.", ""]
    for title, figures in groups.items():
        lines += [f"## {title}", "", "| figure | value | peer | ratio | command |", "| --- | ---: | --- | ---: | --- |"]
        for figure in figures:
            value = f"{figure.value:.4g} {figure.unit}"
            has_peer = figure.peer_value is not None
            peer = f"{figure.peer}: {figure.peer_value:.4g} {figure.unit}" if has_peer else figure.peer
            ratio = "" if figure.ratio is None else f"{figure.ratio:.3g}"
            note = f" ({figure.note})" if figure.note else ""
            lines.append(f"| {figure.name}{note} | {value} | {peer} | {ratio} | `{figure.command}` |")
        lines.append("")
    return "\n".join(lines)


def print_figures(figures: Sequence[Figure], as_json: bool | None = None) -> None:
    """One line per figure, or one JSON array. By default JSON where the command line says --json."""
    if "--json" in sys.argv if as_json is None else as_json:
        print(json.dumps([figure.as_json() for figure in figures], indent=1))
        return
    for figure in figures:
        peer = f"; {figure.peer} {figure.peer_value:.4g}, ratio {figure.ratio:.3g}" if figure.ratio is not None else ""
        print(f"{figure.name}: {figure.value:.4g} {figure.unit}{peer}{f' ({figure.note})' if figure.note else ''}")
