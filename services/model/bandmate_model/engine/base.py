"""The interface of an inference engine: a network with several slots, each holding one running sequence.

A caller feeds tokens and gets logits. Sampling, grammar and music are not part of it, so engines are interchangeable.
"""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]


class Feed(NamedTuple):
    """Tokens to append to a sequence."""

    tokens: list[int]
    """At least one."""
    keep: int | None = None
    """Truncate the sequence to so many positions first (0: begin anew). None: keep all."""


class Engine(Protocol):
    """One network in memory. Not safe for several threads at once: a Batcher gives it one.

    The logits of a slot depend on what was fed to this slot alone, to the last bit: not on the slot's number, not on
    what is in the batch beside it, not on how its tokens were cut into feeds.
    """

    @property
    def vocabulary(self) -> int: ...

    @property
    def window(self) -> int:
        """Maximum number of tokens in a sequence."""
        ...

    @property
    def slots(self) -> int:
        """Maximum number of sequences at once."""
        ...

    def open(self) -> int:
        """A free slot with an empty sequence. Raises RuntimeError: none is free."""
        ...

    def close(self, slot: int) -> None:
        """Free the slot."""
        ...

    def feed(self, feeds: Sequence[tuple[int, Feed]]) -> Array:
        """Append tokens to the sequences; each slot may occur in `feeds` only once.

        Returns:
            Logits after the last token of each feed, (len(feeds), vocabulary). The caller may change them.

        Raises:
            ValueError: no tokens, unknown ones, or more than the window holds; no sequence has changed.
        """
        ...
