"""Choose the take that is delivered: the critic's best of those that break no hard wish."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bandmate_music.score import Score
from bandmate_shared.contracts.composition import ComposedTake
from bandmate_shared.contracts.songs import Measured, Originality, RankedTake, SongRequest
from bandmate_shared.errors import BandmateError

from bandmate_generate.planning.song_plan import EditPlan, WritePlan
from bandmate_generate.scoring.check import BadComposition
from bandmate_generate.scoring.song_file import song_file, with_initial_metre
from bandmate_generate.selection.critic import rank
from bandmate_generate.selection.measure import measure, unmet_hard_wishes


@dataclass(frozen=True, slots=True)
class Chosen:
    """The delivered take: its file, its score, what the file reads back as, and its properties measured on that.

    `score` is what is engraved, `performance` what is played. `ranking` are all takes, this one first, refused ones
    last; empty where nothing was composed.
    """

    midi: bytes
    score: Score
    performance: Score
    read_back: Score
    properties: dict[str, Measured]
    originality: Originality
    ranking: list[RankedTake]


class HardWishBroken(BandmateError):
    """Every candidate breaks a hard wish, so there is nothing that may be delivered."""

    type = "hard-wish-broken"
    title = "The model did not keep to what was asked"
    status = 502
    retryable = True


def choose(
    request: SongRequest,
    plan: WritePlan | EditPlan,
    takes: Sequence[ComposedTake],
    read: Callable[[bytes], Score],
    broken: Sequence[RankedTake] = (),
) -> Chosen:
    """The best take, measured on its file as `read` reads it back; `broken` takes are listed as refused.

    Raises:
        NothingComposed: no take holds a note.
        BadComposition, HardWishBroken: each take breaks the frame, or a hard wish; the detail says which.
    """
    chosen: Chosen | None = None
    ranking: list[RankedTake] = []
    refused: list[RankedTake] = []
    frame_broken: BadComposition | None = None
    for verdict in rank(plan, takes):
        take = takes[verdict.take]
        entry = RankedTake(
            seed=take.seed,
            total=round(verdict.total, 4),
            faults={name: round(fault, 4) for name, fault in verdict.faults.items()},
        )
        try:
            file = song_file(plan, take)
            as_read = read(file.midi)
            properties = measure(request, plan, file.midi, as_read)
            unmet = unmet_hard_wishes(properties)
        except BadComposition as error:
            frame_broken, unmet = error, [error.detail]
        if unmet:
            refused.append(entry.model_copy(update={"refused": "; ".join(unmet)}))
            continue
        ranking.append(entry)
        if chosen is None:
            chosen = Chosen(
                file.midi,
                file.score or as_read,
                file.performance or as_read,
                as_read,
                properties,
                take.originality,
                [],
            )
    if chosen is None:
        if frame_broken is not None and len(refused) == 1:
            raise frame_broken
        raise HardWishBroken(f"none of {len(takes)} candidates may be delivered; the best one: {refused[0].refused}")
    chosen.ranking.extend([*ranking, *refused, *broken])
    return chosen


def given_piece(request: SongRequest, plan: EditPlan) -> Chosen:
    """The given piece itself, where nothing is to be composed (a variation of strength 0)."""
    score = with_initial_metre(plan.given.score)
    properties = measure(request, plan, plan.given.data, score)
    return Chosen(plan.given.data, score, score, score, properties, Originality(), [])
