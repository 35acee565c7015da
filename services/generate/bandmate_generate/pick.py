"""The take that is delivered: the best by the critic of those that break no hard wish."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bandmate_shared.contracts.composition import ComposedTake
from bandmate_shared.contracts.songs import RankedTake, SongRequest
from bandmate_shared.errors import BandmateError
from bandmate_shared.music.midi_write import write_midi
from bandmate_shared.music.score import Score

from bandmate_generate.critic import choose
from bandmate_generate.edited import edited_midi
from bandmate_generate.measured import broken, measure
from bandmate_generate.plan import SongPlan
from bandmate_generate.score import BadComposition, to_score


@dataclass(frozen=True, slots=True)
class Picked:
    """Index of the take, its file, the score of that, and all takes as ranked: this one first, refused ones last."""

    take: int
    midi: bytes
    score: Score
    ranking: list[RankedTake]


class HardWishBroken(BandmateError):
    """Every candidate breaks a hard wish, so there is nothing that may be delivered."""

    type = "hard-wish-broken"
    title = "The model did not keep to what was asked"
    status = 502
    retryable = True


def pick(request: SongRequest, plan: SongPlan, takes: Sequence[ComposedTake], read: Callable[[bytes], Score]) -> Picked:
    """The delivered take. `read` gives the score of a file.

    Raises:
        NothingComposed: no take holds a note.
        BadComposition, HardWishBroken: each take breaks the frame, or a hard wish; the detail says which.
    """
    picked: tuple[int, bytes, Score] | None = None
    ranking: list[RankedTake] = []
    refused: list[RankedTake] = []
    frame_broken: BadComposition | None = None
    for verdict in choose(plan, takes):
        take = takes[verdict.take]
        entry = RankedTake(
            seed=take.seed,
            total=round(verdict.total, 4),
            faults={name: round(fault, 4) for name, fault in verdict.faults.items()},
        )
        try:
            midi, score = song_file(plan, take)
            heard = read(midi)
            faults = broken(measure(request, plan, midi, heard))
        except BadComposition as error:
            frame_broken, faults = error, [error.detail]
        if faults:
            refused.append(entry.model_copy(update={"refused": "; ".join(faults)}))
            continue
        ranking.append(entry)
        if picked is None:
            picked = verdict.take, midi, score or heard
    if picked is None:
        if frame_broken is not None and len(refused) == 1:
            raise frame_broken
        raise HardWishBroken(f"none of {len(takes)} candidates may be delivered; the best one: {refused[0].refused}")
    return Picked(*picked, ranking + refused)


def song_file(plan: SongPlan, take: ComposedTake) -> tuple[bytes, Score | None]:
    """The take as a file, and its score where the file was made of one. Raises BadComposition."""
    if plan.edit is not None:
        return edited_midi(plan, take), None
    score = to_score(plan, take)
    return write_midi(score), score
