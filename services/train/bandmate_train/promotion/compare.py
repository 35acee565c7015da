"""Compare a model with the one that serves now: it must be no worse by the metrics that both were measured by."""

import math
from dataclasses import dataclass

from bandmate_shared.contracts.trainings import ModelManifest
from bandmate_shared.errors import Conflict

from bandmate_train.promotion.gate import VALID_SHARE

_NATS_PER_NOTE = frozenset({"rnn", "transformer"})
"""Architectures whose `valid_loss` is the same metric: nats per note of the held-out pieces."""
LOSS_TOLERANCE = 0.01
"""Relative increase of the held-out loss that lies within the spread of two seeds."""
OVERLAP_TOLERANCE = 0.05
"""Spread of the mean overlapping area (0-1) of generated with held-out music, over some dozens of takes."""
_OVERLAP_NAMES = {"overlap_share": "share of the training music's overlap", "overlap": "mean overlap"}
VALID_TOLERANCE = 0.02
"""Spread of the share of generated takes that are valid."""


class PromotionRefused(Conflict):
    """The metrics do not support the promotion; `force` promotes nevertheless."""


class WorseModel(PromotionRefused):
    """The model is measurably worse than the one whose place it would take."""

    type = "worse-model"
    title = "The model is worse than the current one"


class IncomparableModel(PromotionRefused):
    """The two models share no metric of how good their music is."""

    type = "incomparable-model"
    title = "The model cannot be compared with the current one"


@dataclass(frozen=True, slots=True)
class Comparison:
    """One metric of both models; `limit` is the worst value of the candidate that passes."""

    name: str
    current: float
    candidate: float
    limit: float
    higher_is_better: bool
    measures_quality: bool = True
    """False: it measures that the music keeps the rules of its request, which decoding enforces anyway."""

    @property
    def passed(self) -> bool:
        if not math.isfinite(self.candidate):
            return False
        return self.candidate >= self.limit if self.higher_is_better else self.candidate <= self.limit

    def __str__(self) -> str:
        bound = "at least" if self.higher_is_better else "at most"
        return f"{self.name} {self.candidate:.4g}, needed {bound} {self.limit:.4g} (now {self.current:.4g})"


def compare(current: ModelManifest, candidate: ModelManifest) -> list[Comparison]:
    """Compare by the metrics that mean the same for both models; empty where there are none.

    On the same version of a dataset: held-out losses of the same kind. Otherwise, where both have it, the overlap of
    generated with held-out music: as a share of what the dataset's own training music reaches, which a small or varied
    dataset lowers as well. The share of valid takes in any case.
    """
    comparisons = []
    now, new = current.metrics, candidate.metrics
    if _same_test(current, candidate) and math.isfinite(now.get("valid_loss", math.nan)):
        loss = now["valid_loss"]
        limit = loss + abs(loss) * LOSS_TOLERANCE
        comparisons.append(Comparison("held-out loss", loss, new.get("valid_loss", math.nan), limit, False))
    elif overlap := next((name for name in ("overlap_share", "overlap") if name in now and name in new), None):
        limit = now[overlap] - OVERLAP_TOLERANCE
        comparisons.append(Comparison(_OVERLAP_NAMES[overlap], now[overlap], new[overlap], limit, True))
    if VALID_SHARE in now and VALID_SHARE in new:
        limit = now[VALID_SHARE] - VALID_TOLERANCE
        comparisons.append(Comparison("valid takes", now[VALID_SHARE], new[VALID_SHARE], limit, True, False))
    return comparisons


def require_no_worse(current: ModelManifest, candidate: ModelManifest) -> None:
    """Raise WorseModel with every metric that fell short, or IncomparableModel where no shared metric is of quality."""
    comparisons = compare(current, candidate)
    failed = [str(comparison) for comparison in comparisons if not comparison.passed]
    if failed:
        raise WorseModel(
            f"{candidate.id} is worse than {current.id}: {'; '.join(failed)}. Promote it all the same with force."
        )
    if not any(comparison.measures_quality for comparison in comparisons):
        raise IncomparableModel(
            f"{candidate.id} ({candidate.architecture}) cannot be compared with {current.id} ({current.architecture}): "
            "they have neither a held-out loss of the same kind on the same dataset nor, both of them, the overlap of "
            "generated with held-out music. Listen to its songs; promote it all the same with force."
        )


def _same_test(current: ModelManifest, candidate: ModelManifest) -> bool:
    sha256 = current.dataset.get("sha256")
    architectures = {current.architecture, candidate.architecture}
    same_kind = len(architectures) == 1 or architectures <= _NATS_PER_NOTE
    return bool(sha256) and sha256 == candidate.dataset.get("sha256") and same_kind
