"""A model folder loaded into memory, which answers composition requests."""

import time
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from bandmate_music.note_rows import NoteRow
from bandmate_shared.contracts.composition import (
    ComposedTake,
    CompositionAnswer,
    CompositionRequest,
    PartSpec,
)
from bandmate_shared.contracts.songs import Originality

from bandmate_model.checks.originality import Lines, OriginalityIndex, top_line
from bandmate_model.composer import Composer, Take
from bandmate_model.data.tokens import GRID_PER_TICK, instrument_class
from bandmate_model.model_files import ModelInfo, ModelUnusable
from bandmate_model.open_composer import open_composer

MAX_COPIED_NOTES = 20
"""A take that shares a longer passage (in notes) with a training piece is composed again."""
ATTEMPTS = 3
_NON_MELODIC_CLASSES = frozenset({"drums", "bass", "pad"})


@dataclass(frozen=True, slots=True)
class LoadedModel:
    """A composer with its originality index. Shared by threads, whose requests are composed together."""

    composer: Composer
    originality: OriginalityIndex | None
    folder: Path

    @staticmethod
    def load(folder: Path) -> "LoadedModel":
        """Raises ModelUnusable."""
        composer = open_composer(folder)
        try:
            return LoadedModel(composer, OriginalityIndex.load(folder), folder)
        except ValueError as error:
            raise ModelUnusable(str(error)) from error

    @property
    def info(self) -> ModelInfo:
        return self.composer.info

    def answer(self, request: CompositionRequest, check: Callable[[], None] | None = None) -> CompositionAnswer:
        """Compose one take per seed, all at once. A take that copies a long passage is composed again; after ATTEMPTS
        the most original one is returned.

        Raises:
            InvalidRequest: the model cannot carry the request out.
            Whatever `check` raises; it is called about once a bar.
        """
        started = time.monotonic()
        planned = self.composer.plan(request)
        best: dict[int, tuple[Take, Originality]] = {}
        waiting = list(range(len(request.seeds)))
        for attempt in range(ATTEMPTS):
            takes = self.composer.compose(planned, [(request.seeds[number], attempt) for number in waiting], check)
            for number, take in zip(waiting, takes, strict=True):
                measured = self._originality(request, take)
                if number not in best or measured.longest_match_notes < best[number][1].longest_match_notes:
                    best[number] = (take, measured)
            waiting = [number for number in waiting if best[number][1].longest_match_notes > MAX_COPIED_NOTES]
            if not waiting:
                break
        answered = []
        for number, seed in enumerate(request.seeds):
            take, measured = best[number]
            answered.append(
                ComposedTake(
                    seed=seed,
                    notes=take.notes,
                    log_likelihood=take.log_likelihood,
                    tokens=take.choices,
                    originality=self._with_matches(request, take, measured),
                )
            )
        model = {"id": self.info.id, "sha256": self.info.sha256, "architecture": self.info.architecture}
        return CompositionAnswer(takes=answered, model=model, seconds=round(time.monotonic() - started, 4))

    def _originality(self, request: CompositionRequest, take: Take) -> Originality:
        """How similar the composed notes are to the training set."""
        if self.originality is None:
            return Originality()
        return self.originality.compare(_lines(request.parts, composed(request, take.notes)))

    def _with_matches(self, request: CompositionRequest, take: Take, measured: Originality) -> Originality:
        if self.originality is None:
            return measured
        drums = {index for index, part in enumerate(request.parts) if part.is_drum}
        return measured.model_copy(update={"matches": self.originality.matches(composed(request, take.notes), drums)})


def composed(request: CompositionRequest, notes: Iterable[NoteRow]) -> list[NoteRow]:
    """The notes of a take that were composed, not given."""
    bars, free = request.frame, request.free_bars
    return [row for row in notes if free[row[0]][bars.at(row[1])]]


def _lines(parts: Collection[PartSpec], notes: Iterable[NoteRow]) -> Lines:
    """The top lines of the melodic parts, in model ticks."""
    rows = np.array(list(notes), dtype=np.int64).reshape(-1, 5)
    for index, part in enumerate(parts):
        drum = part.is_drum or part.role == "drums"
        if instrument_class(program=part.program, is_drum=drum, is_voice=part.is_voice) not in _NON_MELODIC_CLASSES:
            part_rows = rows[rows[:, 0] == index]
            yield top_line(part_rows[:, 1] // GRID_PER_TICK, part_rows[:, 3])
