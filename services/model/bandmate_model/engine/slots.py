"""The slots of an engine: which are free, and how many tokens each sequence holds."""

from collections.abc import Sequence

from bandmate_model.engine.base import Feed


class Slots:
    """The part of base.Engine that is the same for all."""

    def __init__(self, *, vocabulary: int, window: int, slots: int) -> None:
        self.vocabulary, self.window, self.slots = vocabulary, window, slots
        self._free = list(range(slots))[::-1]
        self._lengths = [0] * slots

    def open(self) -> int:
        """See base.Engine."""
        if not self._free:
            raise RuntimeError(f"all {self.slots} slots are taken")
        slot = self._free.pop()
        self._lengths[slot] = 0
        return slot

    def close(self, slot: int) -> None:
        """See base.Engine."""
        self._free.append(slot)

    def _starts(self, feeds: Sequence[tuple[int, Feed]]) -> list[int]:
        """How many tokens each sequence keeps before it takes in its feed. Raises ValueError: see base.Engine.feed."""
        starts = []
        for slot, feed in feeds:
            length = self._lengths[slot]
            tokens, keep = feed
            if keep is None and len(tokens) == 1 and 0 <= tokens[0] < self.vocabulary and length < self.window:
                starts.append(length)
                continue
            start = length if keep is None else keep
            if not 0 <= start <= length:
                raise ValueError(f"a sequence of {length} tokens cannot keep {start}")
            if not tokens or not 0 <= min(tokens) <= max(tokens) < self.vocabulary:
                raise ValueError(f"a feed is one token or more, each of 0..{self.vocabulary - 1}")
            if start + len(tokens) > self.window:
                raise ValueError(f"{start} tokens and {len(tokens)} more; the window holds {self.window}")
            starts.append(start)
        return starts
