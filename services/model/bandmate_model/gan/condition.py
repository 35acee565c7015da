"""The network's inputs besides the notes: style, mode, tempo, metre, which tracks play, and the piece's ends."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bandmate_model.data.tokens import METRES, TEMPO_BOUNDS
from bandmate_model.gan.roll import TRACKS

MODES = ("major", "minor")


@dataclass(frozen=True, slots=True)
class Condition:
    """Rows of zeros and ones: styles, modes, classes of tempo, metres, tracks that play, first block, last block."""

    styles: tuple[str, ...]

    @property
    def size(self) -> int:
        return len(self.styles) + len(MODES) + len(TEMPO_BOUNDS) + 1 + len(METRES) + len(TRACKS) + 2

    def row(
        self,
        *,
        style: str,
        mode: str,
        tempo: int,
        metre: int,
        active: Sequence[bool] | NDArray[np.bool_],
        begins: bool,
        ends: bool,
    ) -> NDArray[np.float32]:
        """(size,). `tempo` and `metre` are the tokens of tokens.py; an unknown mode sets neither."""
        parts = (
            [style == name for name in self.styles],
            [mode == name for name in MODES],
            [tempo == number for number in range(len(TEMPO_BOUNDS) + 1)],
            [metre == number for number in range(len(METRES))],
            list(active),
            [begins, ends],
        )
        return np.array([value for part in parts for value in part], dtype=np.float32)
