"""The dataset job: what the queue's worker runs."""

from bandmate_shared.contracts.datasets import DatasetRequest
from bandmate_shared.jobs.execution.context import Done, JobContext
from bandmate_shared.objects.base import tenant_space

from bandmate_ingest.build import Progress, build
from bandmate_ingest.cleaning.rules import CleaningRules
from bandmate_ingest.pool.parent import CleaningPool
from bandmate_ingest.settings import ingest_settings
from bandmate_ingest.sources.access import Access
from bandmate_ingest.sources.space import Space

MEDIA_TYPES = {
    "parquet": "application/vnd.apache.parquet",
    "json": "application/json",
    "html": "text/html",
    "md": "text/markdown",
}


class _JobProgress(Progress):
    """Passes a build's progress on to the job, which raises Cancelled when it was cancelled."""

    def __init__(self, context: JobContext) -> None:
        self._context = context

    def stage(self, name: str, message: str) -> None:
        self._context.stage(name, message)

    def fraction(self, done: int, of: int, message: str) -> None:
        self._context.progress(done / max(of, 1), message)


def build_dataset(ctx: JobContext) -> Done:
    """Clean the request's sources into the dataset of its name; the result is the report.

    Stages: collect, read, clean, write. Running it again after a crash goes on from the batches that were finished.
    """
    settings = ingest_settings()
    request = DatasetRequest.model_validate(ctx.job.request)
    limits, rules = settings.file_limits, CleaningRules(strict=request.strict, free=request.free)
    access = Access(settings, ctx.job.tenant, ctx.storage, lambda: ctx.workdir)
    space = Space(ctx.storage, tenant_space(ctx.job.tenant))
    with CleaningPool(
        limits,
        rules,
        processes=settings.ingest_processes,
        file_seconds=settings.parse_seconds,
        memory_bytes=settings.parse_memory_bytes,
    ) as pool:
        built = build(request, space, limits, rules, pool.clean, _JobProgress(ctx), settings.ingest_batch_files, access)
    for name, data in {**built.files, "manifest.json": built.written.manifest}.items():
        ctx.add(name, data, MEDIA_TYPES[name.rsplit(".", 1)[1]])
    return Done(built.report.model_dump(mode="json"))
