"""What an engine is: it holds a network and some slots, and says what may come next in each.

An engine keeps one running sequence a slot. Whoever composes feeds it tokens and gets logits; sampling, grammar and
music are not its business, so that one engine can be put in another's place.
"""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]


class ModelUnusable(ValueError):
    """A model folder that cannot be served; the message says what is missing or wrong."""


class Feed(NamedTuple):
    """Tokens that a sequence takes in."""

    tokens: list[int]
    """At least one."""
    keep: int | None = None
    """Forget the positions from here on first (0: begin anew). None: forget nothing."""


class Engine(Protocol):
    """One network in memory. Not safe for several threads at once: a Batcher gives it one.

    The logits of a slot depend on what was fed to this slot alone, to the last bit: not on the slot's number, not on
    what is in the batch beside it, not on how its tokens were cut into feeds.
    """

    @property
    def vocabulary(self) -> int: ...

    @property
    def window(self) -> int:
        """The most tokens a sequence may hold."""
        ...

    @property
    def slots(self) -> int:
        """The most sequences at once."""
        ...

    def open(self) -> int:
        """A free slot with an empty sequence. Raises RuntimeError: none is free."""
        ...

    def close(self, slot: int) -> None:
        """Give the slot back."""
        ...

    def feed(self, feeds: Sequence[tuple[int, Feed]]) -> Array:
        """Take in tokens, for each slot its own; a slot stands in `feeds` once at most.

        Returns:
            Logits after the last token of each feed, (len(feeds), vocabulary). The caller may change them.

        Raises:
            ValueError: no tokens, unknown ones, or more than the window holds; nothing has been taken in.
        """
        ...
