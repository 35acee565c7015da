"""A display that moves in a terminal, as a `with` block; elsewhere there is none, and lines are printed."""

from types import TracebackType
from typing import Self

from rich.progress import Progress


class LiveDisplay:
    """`_live` is None where nothing moves."""

    _live: Progress | None = None

    def __enter__(self) -> Self:
        if self._live is not None:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._live is not None:
            self._live.stop()
