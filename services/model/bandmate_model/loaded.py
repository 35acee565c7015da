"""A model folder in memory, and a request answered with it."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from bandmate_shared.contracts.composition import ComposedTake, CompositionAnswer, CompositionRequest
from bandmate_shared.contracts.songs import Originality

from bandmate_model.compose import Take, compose
from bandmate_model.originality import Lines, OriginalityIndex, top_line
from bandmate_model.plan import Plan, plan
from bandmate_model.runtime import ModelUnusable, Network
from bandmate_model.sampling import Temperatures
from bandmate_model.taste import Taste
from bandmate_model.tokens import GRID_PER_TICK, slot_class

LONGEST_COPY = 20
"""A take that shares a longer passage (in notes) with a training piece is composed again."""
ATTEMPTS = 3


@dataclass(frozen=True, slots=True)
class LoadedModel:
    """Everything a request needs. Immutable and shared by threads."""

    network: Network
    originality: OriginalityIndex | None
    taste: Taste
    temperatures: Temperatures
    folder: Path

    @staticmethod
    def load(folder: Path) -> "LoadedModel":
        """Raises ModelUnusable."""
        network = Network.load(folder)
        sampling = network.info.config.get("sampling", {})
        try:
            index = OriginalityIndex.load(folder)
            taste = Taste.off() if sampling.get("taste") == "off" else Taste.from_config(sampling.get("taste", {}))
            temperatures = Temperatures(**sampling.get("temperatures", {}))
        except (ValueError, TypeError) as error:
            raise ModelUnusable(str(error)) from error
        return LoadedModel(network, index, taste, temperatures, folder)

    def answer(self, request: CompositionRequest, check: Callable[[], None] | None = None) -> CompositionAnswer:
        """Compose one take a seed.

        Raises:
            InvalidRequest: the model cannot carry the request out (compose.plan).
            Whatever `check` raises; it is called once a bar.
        """
        started = time.monotonic()
        planned = plan(request, self.network)
        takes = [self._take(planned, seed, check) for seed in request.seeds]
        info = self.network.info
        model = {"id": info.id, "sha256": info.sha256, "architecture": str(info.config["architecture"])}
        return CompositionAnswer(takes=takes, model=model, seconds=round(time.monotonic() - started, 4))

    def _take(self, planned: Plan, seed: int, check: Callable[[], None] | None) -> ComposedTake:
        """A take that copies no long passage; after ATTEMPTS the most original one."""
        best: tuple[Take, Originality] | None = None
        for attempt in range(ATTEMPTS):
            take = compose(
                planned, self.network, seed, attempt=attempt, taste=self.taste, temperatures=self.temperatures,
                check=check,
            )  # fmt: skip
            measured = self._originality(planned, take)
            if best is None or measured.longest_match_notes < best[1].longest_match_notes:
                best = (take, measured)
            if measured.longest_match_notes <= LONGEST_COPY:
                break
        assert best is not None, "there is at least one attempt"
        take, measured = best
        return ComposedTake(
            seed=seed, notes=take.notes, log_likelihood=take.log_likelihood, tokens=take.choices, originality=measured
        )

    def _originality(self, planned: Plan, take: Take) -> Originality:
        return Originality() if self.originality is None else self.originality.compare(_lines(planned, take))


def _lines(planned: Plan, take: Take) -> Lines:
    """The top lines of the melodic parts of a take, in model ticks, without the prompt."""
    rows = np.array(take.notes, dtype=np.int64).reshape(-1, 5)
    rows = rows[rows[:, 1] >= planned.prompt_end * GRID_PER_TICK]
    for index, slot in enumerate(planned.slots):
        if slot_class(slot) not in {"drums", "bass", "pad"}:
            mine = rows[rows[:, 0] == index]
            yield top_line(mine[:, 1] // GRID_PER_TICK, mine[:, 3])
