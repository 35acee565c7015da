"""A measured figure: what it is, how to measure it again, and what it is compared with."""

import os
import platform
from dataclasses import dataclass


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
        """Ours to the peer's."""
        return self.value / self.peer_value if self.peer_value else None


def machine() -> str:
    """The machine in a few words."""
    return f"{os.cpu_count()} cores, {platform.machine()}, {platform.system()}, Python {platform.python_version()}"


def as_markdown(groups: dict[str, list[Figure]]) -> str:
    """The report: a table for each group of figures."""
    lines = ["# Figures", "", f"Measured on: {machine()}.", ""]
    for title, figures in groups.items():
        lines += [f"## {title}", "", "| figure | value | peer | ratio | command |", "| --- | ---: | --- | ---: | --- |"]
        for one in figures:
            peer = f"{one.peer}: {one.peer_value:.4g} {one.unit}" if one.peer_value is not None else one.peer
            ratio = "" if one.ratio is None else f"{one.ratio:.3g}"
            note = f" ({one.note})" if one.note else ""
            lines.append(f"| {one.name}{note} | {one.value:.4g} {one.unit} | {peer} | {ratio} | `{one.command}` |")
        lines.append("")
    return "\n".join(lines)
