"""What every family of composers offers."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, Protocol

from bandmate_music.note_rows import NoteRow
from bandmate_shared.contracts.composition import CompositionRequest

from bandmate_model.model_files import ModelInfo


class Take(NamedTuple):
    """All notes of a piece, the given ones with them, sorted by onset, part and pitch; and their likelihood."""

    notes: list[NoteRow]
    log_likelihood: float
    """Mean natural log-likelihood of a free choice; 0 for families that have none."""
    choices: int


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
        """A take for each (seed, attempt), independent of what else is composed with it. `check` is called regularly
        and may raise; its exception is passed on."""
        ...
