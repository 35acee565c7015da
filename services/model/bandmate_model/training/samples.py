"""Compose MIDI samples during a training: at each evaluation a few bars with the current weights."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bandmate_music.midi.write import write_midi
from bandmate_music.score import KeyChange, MetreChange, Notes, Part, Score, TempoChange
from bandmate_music.theory.keys import Key
from bandmate_music.theory.metre import Metre
from bandmate_shared.contracts.composition import GRID_TICKS_PER_QUARTER, CompositionRequest
from torch import nn

from bandmate_model.cells.training_set import TrainingSet
from bandmate_model.evaluation.passages import draw, piece_of
from bandmate_model.serving.loaded import LoadedModel
from bandmate_model.training.loop import say
from bandmate_model.training.stop import Stop, Stopped
from bandmate_model.training.write_model import write_model

BARS = 8
_PIECES = 8
"""Pieces per style that are searched for a line-up."""
_SEED = 1


class Samples:
    """Composes for line-ups of the validation pieces. Errors are logged and do not end the training."""

    def __init__(
        self, training: TrainingSet, config: dict[str, Any], folder: Path, scratch: Path, count: int, stop: Stop
    ) -> None:
        """`folder` is where step-<step>-<style>.mid goes; `config` a model's config.json; `count` files at a time."""
        self._config, self._folder, self._scratch, self._count, self._stop = config, folder, scratch, count, stop
        requests = [_request(training, style) for style in training.styles]
        self._requests = [request for request in requests if request is not None]

    def __call__(self, network: nn.Module, step: int, before: int) -> None:
        """`before`: evaluations before this one; the styles take turns."""
        if not self._requests:
            return
        first_number = before * self._count
        numbers = range(first_number, first_number + min(self._count, len(self._requests)))
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
            return  # The training loop stops by itself.
        except Exception as error:  # A missing sample must not end the training.
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
        rows = [
            (onset, duration, pitch, loud)
            for part_number, onset, duration, pitch, loud in notes
            if part_number == number
        ]
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
