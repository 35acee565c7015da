"""Whether a model may take another's place: it must not be worse by the numbers that both were measured by."""

import math
from dataclasses import dataclass

from bandmate_shared.contracts.trainings import ModelManifest
from bandmate_shared.errors import Conflict

NATS_A_NOTE = frozenset({"rnn", "transformer"})
"""Architectures whose `valid_loss` is the same thing: nats a note of the held-out pieces."""
LOSS_TOLERANCE = 0.01
"""A held-out loss so much higher, relatively, is within what two seeds differ by."""
OVERLAP_TOLERANCE = 0.05
"""The same for the mean overlapping area (0-1) of generated with held-out music: some dozens of takes scatter so."""
VALID_TOLERANCE = 0.02
"""The same for the share of generated takes that are valid."""


class WorseModel(Conflict):
    """The model is measurably worse than the one whose place it would take."""

    type = "worse-model"
    title = "The model is worse than the current one"


@dataclass(frozen=True, slots=True)
class Standard:
    """One number to compare by. `least` is the worst that would do."""

    name: str
    current: float
    candidate: float
    limit: float
    higher_is_better: bool

    @property
    def met(self) -> bool:
        if not math.isfinite(self.candidate):
            return False
        return self.candidate >= self.limit if self.higher_is_better else self.candidate <= self.limit

    def told(self) -> str:
        word = "at least" if self.higher_is_better else "at most"
        return f"{self.name} {self.candidate:.4g}, and {word} {self.limit:.4g} would do ({self.current:.4g} now)"


def standards(current: ModelManifest, candidate: ModelManifest) -> list[Standard]:
    """What the two can be compared by; empty where they have nothing in common.

    On the same version of a dataset, held-out losses of the same kind; else what both wrote is compared. Valid takes
    count in any case.
    """
    found = []
    now, then = current.metrics, candidate.metrics
    if _same_test(current, candidate) and math.isfinite(now.get("valid_loss", math.nan)):
        loss = now["valid_loss"]
        limit = loss + abs(loss) * LOSS_TOLERANCE
        found.append(Standard("held-out loss", loss, then.get("valid_loss", math.nan), limit, False))
    elif "overlap" in now and "overlap" in then:
        found.append(
            Standard("mean overlap", now["overlap"], then["overlap"], now["overlap"] - OVERLAP_TOLERANCE, True)
        )
    share = "generated_valid_share"
    if share in now and share in then:
        found.append(Standard("valid takes", now[share], then[share], now[share] - VALID_TOLERANCE, True))
    return found


def require_no_worse(current: ModelManifest, candidate: ModelManifest) -> None:
    """Raise WorseModel, naming every number that fell short."""
    short = [standard.told() for standard in standards(current, candidate) if not standard.met]
    if short:
        raise WorseModel(
            f"{candidate.id} is worse than {current.id}: {'; '.join(short)}. Promote it all the same with force."
        )


def _same_test(current: ModelManifest, candidate: ModelManifest) -> bool:
    sha256 = current.dataset.get("sha256")
    same_kind = current.architecture == candidate.architecture or {
        current.architecture, candidate.architecture
    } <= NATS_A_NOTE  # fmt: skip
    return bool(sha256) and sha256 == candidate.dataset.get("sha256") and same_kind
