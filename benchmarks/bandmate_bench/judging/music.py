"""Generated music beside held-out music, style by style, and beside what the training pieces themselves reach."""

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from bandmate_model.data.excerpt import Excerpt
from bandmate_model.evaluation.compose_all import compose_all, excerpt_of
from bandmate_model.evaluation.metrics.sets import SetComparison, compare_sets
from bandmate_model.evaluation.passages import Passage, draw
from bandmate_model.serving.loaded import LoadedModel
from bandmate_shared.errors import InvalidRequest

from bandmate_bench.judging.packs import read_pack

SHARE_ASKED = 0.90
"""Of the training pieces' mean overlapping area."""

Progress = Callable[[str, int, int], None]
"""Called with a label, the number done, and the total."""


@dataclass(frozen=True, slots=True)
class StyleJudgement:
    """One style: the model's music, and the training pieces', each against the held-out split."""

    style: str
    composed: SetComparison
    training: SetComparison
    held_out: SetComparison
    """The split compared with itself: how often real music breaks the rules."""
    seconds: float

    @property
    def share(self) -> float:
        return self.composed.overlap / self.training.overlap

    @property
    def passed(self) -> bool:
        faults = self.composed.empty + self.composed.repeated + len(self.composed.outside)
        return self.share >= SHARE_ASKED and faults == 0

    def as_json(self) -> dict[str, Any]:
        return {
            "mean_overlap": self.composed.overlap,
            "mean_overlap_of_training": self.training.overlap,
            "share": self.share,
            "features": {
                name: {
                    "overlap": likeness.overlap,
                    "overlap_of_training": self.training.likeness[name].overlap,
                    "divergence": likeness.divergence,
                    "divergence_of_training": self.training.likeness[name].divergence,
                }
                for name, likeness in self.composed.likeness.items()
            },
            "muspy": {
                name: {
                    **asdict(feature_range),
                    "inside": feature_range.inside,
                    "training_mean": self.training.ranges[name].mean,
                }
                for name, feature_range in self.composed.ranges.items()
            },
            "empty": self.composed.empty,
            "repeated": self.composed.repeated,
            "held_out_empty": self.held_out.empty,
            "held_out_repeated": self.held_out.repeated,
            "samples": self.composed.pieces,
            "seconds": round(self.seconds, 1),
            "passed": self.passed,
        }


@dataclass(frozen=True, slots=True)
class Sampling:
    """How the model's samples are made: sampling options, and the length in bars of the pieces they are cut from."""

    temperature: float = 1.0
    top_p: float = 1.0
    cut_from: int = 0
    """0: a piece of the sample's own length."""


def judge_style(
    model: LoadedModel,
    pack: Path,
    style: str,
    split: str,
    *,
    samples: int,
    bars: int,
    seed: int,
    progress: Progress,
    sampling: Sampling = Sampling(),
) -> StyleJudgement:
    """Compose `samples` pieces on the frames of training passages, and compare.

    Where a sample is cut out of a longer piece it is from the same place as the passage: beginning, middle or end.

    Raises:
        InvalidRequest: the pack holds too little music of that length.
    """
    started = time.monotonic()
    held_out = passages(pack, style, split, samples, bars, seed, progress)
    training = passages(pack, style, "train", samples, bars, seed + 1, progress)
    total_bars = max(bars, sampling.cut_from)
    manner = {"temperature": sampling.temperature, "top_p": sampling.top_p, "bars": total_bars}
    requests = [passage.request(seed + number).model_copy(update=manner) for number, passage in enumerate(training)]
    takes = compose_all(model, requests, lambda done: progress(f"{style}: composing", done, len(requests)))
    composed = [
        excerpt_of(request, take, first_bar=_excerpt_start(passage, total_bars), bars=bars)
        for request, take, passage in zip(requests, takes, training, strict=True)
    ]
    reference, real = _excerpts(held_out), _excerpts(training)
    return StyleJudgement(
        style,
        compare_sets(composed, reference),
        compare_sets(real, reference),
        compare_sets(reference, reference),
        time.monotonic() - started,
    )


def passages(pack: Path, style: str, split: str, count: int, bars: int, seed: int, progress: Progress) -> list[Passage]:
    """`count` passages of a split, of as many of its pieces as can be.

    Raises:
        InvalidRequest: there is no passage of that length.
    """
    pieces = read_pack(
        pack,
        style,
        split,
        most=count,
        seed=seed,
        progress=lambda done, all_files: progress(f"{style}: reading {split}", done, all_files),
    )
    drawn = draw(pieces, count, bars, seed)
    if len(drawn) < 2:
        raise InvalidRequest(f"no piece in {pack / split} has {bars} bars of one metre; ask for fewer --bars")
    return drawn


def _excerpt_start(passage: Passage, total_bars: int) -> int:
    """The bar of a piece of `total_bars` bars that lies where the passage begins in its own."""
    rest = len(passage.piece.bars) - passage.bars
    return round((total_bars - passage.bars) * passage.first_bar / rest) if rest else 0


def _excerpts(drawn: list[Passage]) -> list[Excerpt]:
    return [passage.excerpt() for passage in drawn]
