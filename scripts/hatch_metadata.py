"""Build hook of the root distribution `bandmate`: its dependencies and extras are those of the distributions in it.

Read from their pyproject.toml files, so that a bound is written once.
"""

import tomllib
from pathlib import Path
from typing import Any

from hatchling.metadata.plugin.interface import MetadataHookInterface

PARTS = (
    "shared",
    *(f"services/{name}" for name in ("ingest", "train", "generate", "vocal", "model", "studio", "local")),
)
EXTRAS = {
    "aws": (("shared", "aws"),),
    "bench": (("services/model", "train"), ("benchmarks", None), ("benchmarks", "peers")),
    "bench-singing": (("services/model", "train"), ("benchmarks", None), ("benchmarks", "singing")),
    "espeak": (("services/vocal", "espeak"),),
    "kokoro": (("services/vocal", "kokoro"),),
    "pico": (("services/vocal", "pico"),),
    "music21": (("services/ingest", "music21"),),
    "postgres": (("shared", "postgres"),),
    "telemetry": (("shared", "telemetry"),),
    "train": (("services/model", "train"),),
}
"""Extra → (distribution, its extra; None: what it always needs)."""


def requirements(root: Path, folder: str, extra: str | None = None) -> set[str]:
    """What a distribution asks for, without Bandmate's own."""
    project = tomllib.loads((root / folder / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    dependencies = project["dependencies"] if extra is None else project["optional-dependencies"][extra]
    return {requirement for requirement in dependencies if not requirement.startswith("bandmate-")}


class CustomMetadataHook(MetadataHookInterface):
    """Fills in `dependencies` and `optional-dependencies`."""

    def update(self, metadata: dict[str, Any]) -> None:
        root = Path(self.root)
        metadata["dependencies"] = sorted(set().union(*(requirements(root, folder) for folder in PARTS)))
        metadata["optional-dependencies"] = {
            name: sorted(set().union(*(requirements(root, *source) for source in sources)))
            for name, sources in EXTRAS.items()
        }
