"""Which code made a model."""

import json
from importlib import metadata
from pathlib import Path


def code_version(model: Path) -> str:
    """`bandmate-model <version>`: what the model's config.json says of itself, else what is installed beside us.

    The container that trained may be another version than this service; only it knows.
    """
    try:
        stated = json.loads((model / "config.json").read_text()).get("code_version")
    except (OSError, ValueError, AttributeError):
        stated = None
    if isinstance(stated, str) and stated:
        return stated
    for distribution in ("bandmate-model", "bandmate-train"):
        try:
            return f"{distribution} {metadata.version(distribution)}"
        except metadata.PackageNotFoundError:
            continue
    return "unknown"
