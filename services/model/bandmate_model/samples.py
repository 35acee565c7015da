"""Music composed while a training runs: at each evaluation a few bars by the weights of that moment, as MIDI files."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bandmate_shared.contracts.composition import GRID_TICKS_PER_QUARTER, CompositionRequest
from bandmate_shared.music.keys import Key
from bandmate_shared.music.metre import Metre
from bandmate_shared.music.midi_write import write_midi
from bandmate_shared.music.score import KeyChange, MetreChange, Notes, Part, Score, TempoChange

from bandmate_model.cells.training_set import TrainingSet
from bandmate_model.loaded import LoadedModel
from bandmate_model.model_files import write_model
from bandmate_model.passages import draw, piece_of
from bandmate_model.stop import Stop, Stopped
from bandmate_model.trainer import say

if TYPE_CHECKING:
    from torch import nn

BARS = 8
_PIECES = 8
"""Pieces of a style that line-ups are looked for in."""
_SEED = 1


class Samples:
    """Composes on line-ups of the validation pieces. What goes wrong here is said, and never ends the training."""

    def __init__(
        self, training: TrainingSet, config: dict[str, Any], folder: Path, scratch: Path, count: int, stop: Stop
    ) -> None:
        """`folder` is where step-<step>-<style>.mid goes; `config` a model's config.json; `count` files at a time."""
        self._config, self._folder, self._scratch, self._count, self._stop = config, folder, scratch, count, stop
        self._requests = [
            request for style in training.styles if (request := _request(training, style)) is not None
        ]  # fmt: skip

    def __call__(self, network: nn.Module, step: int, before: int) -> None:
        """`before`: evaluations before this one; the styles take turns."""
        if not self._requests:
            return
        first = before * self._count
        numbers = range(first, first + min(self._count, len(self._requests)))
        try:
            write_model(self._scratch, self._config, network.state_dict())
            model = LoadedModel.load(self._scratch)
            for number in numbers:
                request = self._requests[number % len(self._requests)]
                notes = model.answer(request, self._check).takes[0].notes
                path = self._folder / f"step-{step}-{_file_name(request.style)}.mid"
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(write_midi(score_of(request, notes)))
        except Stopped:
            return  # The training loop sees to it.
        except Exception as error:  # The music of one evaluation is not worth a training.
            say(f"no sample at step {step}: {type(error).__name__}: {' '.join(str(error).split())[:300]}")
        finally:
            shutil.rmtree(self._scratch, ignore_errors=True)

    def _check(self) -> None:
        if self._stop.raised:
            raise Stopped


def score_of(request: CompositionRequest, notes: Sequence[tuple[int, int, int, int, int]]) -> Score:
    """A take as a score. `notes`: rows as in contracts/composition.py."""
    parts = []
    for number, part in enumerate(request.parts):
        rows = [(onset, duration, pitch, loud) for own, onset, duration, pitch, loud in notes if own == number]
        parts.append(Part(part.name, part.program, Notes.from_rows(rows), part.is_drum))
    return Score(
        tuple(parts),
        GRID_TICKS_PER_QUARTER,
        tempi=(TempoChange(0, request.tempo),),
        metres=(MetreChange(0, Metre(request.numerator, request.denominator)),),
        keys=(KeyChange(0, Key(request.tonic, request.mode)),),
        title=request.style,
    )


def _request(training: TrainingSet, style: str) -> CompositionRequest | None:
    """A line-up of the style, with its key, metre and tempo; None where no piece is long enough."""
    indices = [index for index in training.split("valid") if training.pieces[index].style == style]
    indices = indices or [index for index in training.split("train") if training.pieces[index].style == style]
    pieces = [piece_of(training[index]) for index in indices[:_PIECES]]
    for bars in (BARS, BARS // 2, 1):
        for passage in draw(pieces, 1, bars, _SEED):
            return passage.request(_SEED)
    return None


def _file_name(style: str) -> str:
    return "".join(letter if letter.isalnum() or letter in "-_" else "-" for letter in style) or "music"
