"""The token composers as bandmate_model.composer.Composer: a transformer or an rnn, behind an engine that batches."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from bandmate_shared.contracts.composition import CompositionRequest

from bandmate_model.cells.bias.weights import BiasWeights
from bandmate_model.cells.compose import TEMPERATURE, Sampling, compose_take
from bandmate_model.cells.plan import Plan, plan
from bandmate_model.cells.vocabulary import MAX_STYLES, VOCABULARY_SIZE
from bandmate_model.composer import Take
from bandmate_model.engine.batcher import Batcher
from bandmate_model.engine.open import open_engine
from bandmate_model.model_files import ModelInfo, ModelUnusable


@dataclass(frozen=True, slots=True)
class TokenComposer:
    """Immutable but for its engine, and shared by threads."""

    info: ModelInfo
    batcher: Batcher
    sampling: Sampling
    without: frozenset[str] = frozenset()
    """Request fields to ignore, so that their effect can be measured: "chords", "density"."""

    @staticmethod
    def load(folder: Path, info: ModelInfo) -> "TokenComposer":
        """Raises ModelUnusable."""
        engine = open_engine(folder, info.config)
        if engine.vocabulary != VOCABULARY_SIZE:
            raise ModelUnusable(
                f"the model {info.id} has a vocabulary of {engine.vocabulary} tokens, not {VOCABULARY_SIZE}"
            )
        if len(info.styles) > MAX_STYLES:
            raise ModelUnusable(
                f"the model {info.id} names {len(info.styles)} styles; there are tokens for {MAX_STYLES}"
            )
        return TokenComposer(info, Batcher(engine), _sampling(info))

    def plan(self, request: CompositionRequest) -> Plan:
        """Raises InvalidRequest."""
        return plan(request, self.info, without=self.without)

    def compose(
        self, planned: Plan, seeds: Sequence[tuple[int, int]], check: Callable[[], None] | None = None
    ) -> list[Take]:
        """A take for each (seed, attempt), all at once. Raises what `check` raises."""
        window = self.batcher.engine.window
        tasks = [
            compose_take(planned, self.sampling, seed=seed, attempt=attempt, window=window) for seed, attempt in seeds
        ]
        return self.batcher.run(tasks, check)


def _sampling(info: ModelInfo) -> Sampling:
    values = info.config.get("sampling", {})
    try:
        weights = (
            BiasWeights.off() if values.get("taste") == "off" else BiasWeights.from_config(values.get("taste", {}))
        )
        return Sampling(weights, float(values.get("temperature", TEMPERATURE)))
    except (TypeError, ValueError, AttributeError) as error:
        raise ModelUnusable(f"config.json of {info.id}: sampling cannot be read: {error}") from error
