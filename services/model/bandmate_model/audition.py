"""Many requests answered by one model, as many at once as its engine steps together."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

from bandmate_shared.contracts.composition import ComposedTake, CompositionRequest

from bandmate_model.loaded import LoadedModel
from bandmate_model.metrics.excerpt import Excerpt, excerpt

AT_ONCE = 16


def compose_all(
    model: LoadedModel, requests: Sequence[CompositionRequest], progress: Callable[[int], None] | None = None
) -> list[ComposedTake]:
    """The first take of each request. `progress` is told how many are done, and may raise to give up.

    Raises:
        InvalidRequest: the model cannot carry one out.
    """
    takes: list[ComposedTake] = []
    with ThreadPoolExecutor(AT_ONCE) as pool:
        jobs = [pool.submit(model.answer, request) for request in requests]
        try:
            for done, job in enumerate(jobs, 1):
                takes.append(job.result().takes[0])
                if progress is not None:
                    progress(done)
        finally:
            for job in jobs:
                job.cancel()
    return takes


def excerpt_of(
    request: CompositionRequest, take: ComposedTake, *, first_bar: int = 0, bars: int | None = None
) -> Excerpt:
    """A take as the measures want it, or `bars` bars of it from `first_bar` on."""
    bar = request.numerator * 96 // request.denominator
    drums = [index for index, part in enumerate(request.parts) if part.is_drum]
    return excerpt(
        take.notes, drums, bar, bars or request.bars,
        first_tick=first_bar * bar, tonic=request.tonic, mode=request.mode,
    )  # fmt: skip
