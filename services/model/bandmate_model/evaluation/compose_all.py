"""Answer many requests with one model, with as many at once as its engine has slots."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

from bandmate_shared.contracts.composition import ComposedTake, CompositionRequest

from bandmate_model.data.excerpt import Excerpt, excerpt
from bandmate_model.serving.loaded import LoadedModel

CONCURRENT_REQUESTS = 16


def compose_all(
    model: LoadedModel, requests: Sequence[CompositionRequest], progress: Callable[[int], None] | None = None
) -> list[ComposedTake]:
    """The first take of each request. `progress` gets the number of finished requests and may raise to abort.

    Raises:
        InvalidRequest: the model cannot carry one out.
    """
    takes: list[ComposedTake] = []
    with ThreadPoolExecutor(CONCURRENT_REQUESTS) as pool:
        jobs = [pool.submit(model.answer, request) for request in requests]
        try:
            for done_count, job in enumerate(jobs, 1):
                takes.append(job.result().takes[0])
                if progress is not None:
                    progress(done_count)
        finally:
            for job in jobs:
                job.cancel()
    return takes


def excerpt_of(
    request: CompositionRequest, take: ComposedTake, *, first_bar: int = 0, bars: int | None = None
) -> Excerpt:
    """A take for the metrics, or `bars` bars of it from `first_bar` on."""
    bar = request.numerator * 96 // request.denominator
    drums = [index for index, part in enumerate(request.parts) if part.is_drum]
    first_tick, bars = first_bar * bar, bars or request.bars
    return excerpt(take.notes, drums, bar, bars, first_tick=first_tick, tonic=request.tonic, mode=request.mode)
