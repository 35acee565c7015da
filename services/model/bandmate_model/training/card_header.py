"""The YAML header of a model card, as model hubs read it."""

import json
import math
from collections.abc import Mapping
from typing import Any

_MEASURED = {
    "valid_loss": "held-out loss, nats per note",
    "generated_valid_share": "share of generated takes that are valid",
    "overlap": "mean overlapping area of generated with held-out music",
}


def card_header(config: Mapping[str, Any], metrics: Mapping[str, float]) -> str:
    """The header with its fences. JSON strings are YAML strings, so that no name can break it."""
    library = "transformers" if config["architecture"] == "transformer" else "bandmate"
    lines = [
        "---",
        f"library_name: {library}",
        "tags:",
        *(f"- {tag}" for tag in ("music", "midi", "symbolic-music-generation", str(config["architecture"]))),
        "model-index:",
        f"- name: {json.dumps(str(config['id']))}",
        "  results:",
        "  - task:",
        "      type: symbolic-music-generation",
        "    dataset:",
        f"      name: {json.dumps(str(config['dataset_sha256'])[:12] or 'unknown')}",
        "      type: bandmate-dataset",
        "      split: valid",
        "    metrics:",
    ]
    measured = {name: metrics[name] for name in _MEASURED if math.isfinite(metrics.get(name, math.nan))}
    if not measured:
        lines = lines[: lines.index("model-index:")]
    for name, value in measured.items():
        lines += [f"    - type: {name}", f"      name: {json.dumps(_MEASURED[name])}", f"      value: {value:.6g}"]
    return "\n".join([*lines, "---"]) + "\n"
