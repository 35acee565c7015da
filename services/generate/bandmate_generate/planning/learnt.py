"""What a model has learnt, by its config.json: its styles, and in which of them there were drums."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Learnt:
    """`styles` of the training pieces; `with_drums` are those with drums, None where the model does not say."""

    styles: tuple[str, ...] = ()
    with_drums: frozenset[str] | None = None

    @property
    def drums(self) -> bool:
        """Whether the model may be asked for drums."""
        return self.with_drums is None or bool(self.with_drums)


def learnt_from(config: Mapping[str, Any]) -> Learnt:
    """From a model's config.json."""
    told = {
        str(style): drums
        for style, statistics in config.get("statistics", {}).items()
        if (drums := _has_drums(statistics)) is not None
    }
    with_drums = frozenset(style for style, drums in told.items() if drums) if told else None
    return Learnt(tuple(str(style) for style in config.get("styles", [])), with_drums)


def _has_drums(statistics: Any) -> bool | None:
    """Whether a style's training pieces have drums, by its statistics; None where they do not say."""
    if isinstance(statistics, dict):
        return bool(statistics["drums"]) if "drums" in statistics else None
    tracks = [row for row in statistics if row.get("track") == "drums"] if isinstance(statistics, list) else []
    return any(row.get("share", 0) > 0 for row in tracks) if tracks else None
