"""What every family of composers offers, and the one place that knows which family a model folder is of."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from bandmate_shared.contracts.composition import CompositionRequest

from bandmate_model.engine.base import ModelUnusable

__all__ = ["ARCHITECTURES", "Composer", "ModelInfo", "ModelUnusable", "Take", "open_composer", "read_info"]

NoteRow = tuple[int, int, int, int, int]
"""(part, onset, duration, pitch, velocity) in grid ticks, as in contracts/composition.py."""
REPRESENTATION = "cells-1"
"""What the token composers of this version read and write; older checkpoints say otherwise or nothing."""
TOKEN_ARCHITECTURES = ("transformer", "rnn")
ARCHITECTURES = (*TOKEN_ARCHITECTURES, "gan")


class Take(NamedTuple):
    """All notes of a piece, the given ones with them, sorted by onset, part and pitch; and how likely they were."""

    notes: list[NoteRow]
    log_likelihood: float
    """Mean natural log-likelihood of a free choice; 0 for families that have none."""
    choices: int


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """config.json, and the hash of the weights."""

    id: str
    sha256: str
    config: dict[str, Any]

    @property
    def styles(self) -> list[str]:
        return list(self.config["styles"])

    @property
    def architecture(self) -> str:
        return str(self.config["architecture"])


class Composer(Protocol):
    """A model that composes. Safe to use from many threads."""

    @property
    def info(self) -> ModelInfo: ...

    def plan(self, request: CompositionRequest) -> Any:
        """A request checked and translated, once for all its seeds.

        Raises:
            InvalidRequest: the model cannot carry the request out; the message says why.
        """
        ...

    def compose(
        self, planned: Any, seeds: Sequence[tuple[int, int]], check: Callable[[], None] | None = None
    ) -> list[Take]:
        """A take for each (seed, attempt); the same one whatever else is composed with it. `check` is called now and
        then and may raise; what it raises comes out here."""
        ...


def read_info(folder: Path) -> ModelInfo:
    """config.json of a model folder, checked, with the hash of its weights.

    Raises:
        ModelUnusable: a file is missing or cannot be read, or the architecture or representation is unknown here.
    """
    import hashlib

    config_path, weights_path = folder / "config.json", folder / "model.safetensors"
    for path in (config_path, weights_path):
        if not path.is_file():
            raise ModelUnusable(f"the model folder {folder.name} holds no {path.name}")
    try:
        config = json.loads(config_path.read_text())
        architecture, styles = config["architecture"], config["styles"]
    except (ValueError, KeyError, TypeError) as error:
        raise ModelUnusable(f"config.json of {folder.name} cannot be read: {error}") from error
    if architecture not in ARCHITECTURES:
        known = ", ".join(ARCHITECTURES)
        raise ModelUnusable(f"this container composes with {known}, not with architecture {architecture!r}")
    if architecture in TOKEN_ARCHITECTURES and config.get("representation") != REPRESENTATION:
        raise ModelUnusable(
            f"the model {folder.name} was made by an earlier version of Bandmate (representation "
            f"{config.get('representation', 'events')!r}, not {REPRESENTATION!r}); train it again"
        )
    if not isinstance(styles, list) or not styles:
        raise ModelUnusable(f"config.json of {folder.name} names no styles")
    digest = hashlib.sha256(weights_path.read_bytes()).hexdigest()
    return ModelInfo(str(config.get("id", folder.name)), digest, config)


def open_composer(folder: Path) -> Composer:
    """The composer of a model folder, by config.json's `architecture`.

    Raises:
        ModelUnusable: as read_info; or the weights cannot be read or do not fit the configuration.
    """
    info = read_info(folder)
    if info.architecture == "gan":
        from bandmate_model.gan.composer import GanComposer

        return GanComposer.load(folder, info)
    from bandmate_model.cells.composer import TokenComposer

    return TokenComposer.load(folder, info)
