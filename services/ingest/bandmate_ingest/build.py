"""Builds a dataset, from its sources to the object store; the job handler, Glue and the tests call it."""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from bandmate_music.limits import Limits
from bandmate_shared.contracts.datasets import DatasetReport, DatasetRequest, RejectedFile
from bandmate_shared.errors import BandmateError
from bandmate_shared.objects.base import Storage
from bandmate_shared.objects.blobs import sha256_of

from bandmate_ingest.cleaning.batch import CleanedBatch, RawFile
from bandmate_ingest.cleaning.rules import CleaningRules
from bandmate_ingest.dataset.assemble import Written, assemble, describe, latest, stored, write
from bandmate_ingest.dataset.incremental import (
    Earlier,
    InventoryFile,
    joined_inventory,
    load_shard,
    save_shard,
    shard_key,
    with_published,
)
from bandmate_ingest.reporting.card import CARD, dataset_card
from bandmate_ingest.reporting.report import add_reports, finished_report, known_report
from bandmate_ingest.sources.access import Access
from bandmate_ingest.sources.collect import collect
from bandmate_ingest.sources.files import SourceFile

CleanBatches = Callable[[Iterable[Sequence[RawFile]]], Iterator[CleanedBatch]]
"""Cleans batches and gives them back in the same order: `pool.CleaningPool.clean`, or a loop in this process."""


_PROGRESS_EVERY = 500
"""Files found between two progress reports."""


class Progress:
    """Receives the progress of a build; this one ignores it."""

    def stage(self, name: str, message: str) -> None:
        """A stage begins: collect, read, clean or write."""

    def fraction(self, done: int, of: int, message: str) -> None:
        """Report the fraction of the stage."""


@dataclass(frozen=True, slots=True)
class Built:
    """A finished dataset and its report; `files` are the artifacts by name."""

    written: Written
    report: DatasetReport
    files: dict[str, bytes]


@dataclass(slots=True)
class _Offered:
    """The sources' files: all that could be read, those that must be cleaned, those that could not be read."""

    inventory: list[InventoryFile] = field(default_factory=list)
    fresh: list[SourceFile] = field(default_factory=list)
    unread: list[RejectedFile] = field(default_factory=list)


def build(
    request: DatasetRequest,
    storage: Storage,
    limits: Limits,
    rules: CleaningRules,
    clean: CleanBatches,
    progress: Progress,
    batch_files: int = 64,
    access: Access | None = None,
) -> Built:
    """Clean the request's sources into the dataset of its name, adding to what it held before.

    Only files that no earlier run has cleaned under these rules are cleaned. When nothing is new, nothing is written.
    `access` says what may be read; see `collect`.

    Raises:
        InvalidRequest, NotFound, UnreadableFile, LimitExceeded: a source that cannot be read at all.
        Unavailable: S3 did not answer.
        Overtaken: another job changed the dataset meanwhile.
    """
    started = time.monotonic()
    progress.stage("collect", f"looking through {len(request.sources)} source(s)")
    sources = _collect(request, limits, access, progress)

    progress.stage("read", f"{len(sources)} files")
    earlier = latest(storage, request.name)
    batches = known_batches(storage, earlier)
    offered = _read(sources, _known_files(batches, rules), progress)
    found = with_published(offered.inventory, request.splits)
    inventory = joined_inventory(earlier.inventory, found, relabel=request.style is not None)
    if earlier.version is not None and not offered.fresh and inventory == earlier.inventory:
        return unchanged(request.name, earlier.version, storage, offered.unread, time.monotonic() - started)

    progress.stage("clean", f"{len(offered.fresh)} new files")
    for key, batch in _clean(offered.fresh, storage, limits, rules, clean, progress, batch_files):
        batches[key] = batch

    progress.stage("write", "looking for copies among the pieces")
    return publish(
        request.name,
        storage,
        earlier,
        inventory,
        batches,
        offered.unread,
        rules,
        started=started,
        fresh=len(offered.fresh),
    )


def publish(
    name: str,
    storage: Storage,
    earlier: Earlier,
    inventory: Sequence[InventoryFile],
    batches: dict[str, CleanedBatch],
    unread: Sequence[RejectedFile],
    rules: CleaningRules,
    *,
    started: float,
    fresh: int,
) -> Built:
    """The dataset of an inventory and its cleaned batches, written. Whoever cleaned them, the bytes are the same.

    `batches` are by key, later ones after earlier ones; `started` is on the monotonic clock; `fresh` is how many files
    were cleaned for it.

    Raises:
        Overtaken: another job changed the dataset meanwhile.
    """
    assembled = assemble(inventory, list(batches.values()), earlier.splits, rules)
    written, files = describe(name, assembled, rules)
    report = finished_report(written, assembled, unread, seconds=time.monotonic() - started, processed=fresh)
    files = add_reports(files, report)
    write(storage, written, files, _used_batches(batches, inventory), earlier)
    return Built(written, report, files)


def unchanged(name: str, version: str, storage: Storage, unread: Sequence[RejectedFile], seconds: float) -> Built:
    """The dataset as it lies in the store, for a run of `seconds` that found nothing new."""
    written, files = stored(storage, name, version)
    report = known_report(files["report.json"], seconds, unread)
    return Built(written, report, {**files, CARD: dataset_card(report)})


def known_batches(storage: Storage, earlier: Earlier) -> dict[str, CleanedBatch]:
    """The cleaned batches of the earlier version, by key. A lost one is cleaned again."""
    batches = {key: load_shard(storage, key) for key in earlier.shards}
    return {key: batch for key, batch in batches.items() if batch is not None}


def _known_files(batches: dict[str, CleanedBatch], rules: CleaningRules) -> set[str]:
    """Hashes of the files that were cleaned under the current rules."""
    current = [batch for key, batch in batches.items() if key.startswith(f"ingest/{rules.version}/")]
    return {sha256 for batch in current for sha256 in batch.files["sha256"].to_pylist()}


def _collect(request: DatasetRequest, limits: Limits, access: Access | None, progress: Progress) -> list[SourceFile]:
    """The files of every source; listing a bucket takes its time, and shows how far it is."""
    files: list[SourceFile] = []
    for number, source in enumerate(request.sources):
        for file in collect(source, request.style, limits, access):
            files.append(file)
            if len(files) % _PROGRESS_EVERY == 0:
                progress.fraction(number, len(request.sources), f"{len(files)} files found")
    return files


def _read(sources: Sequence[SourceFile], known: set[str], progress: Progress) -> _Offered:
    """Hash every file. Contents are not held: new files are read again, a batch at a time, when they are cleaned."""
    offered = _Offered()
    seen_hashes = set(known)
    for number, file in enumerate(sources):
        progress.fraction(number, len(sources), file.name)
        try:
            sha256 = sha256_of(file.read())
        except (OSError, BandmateError) as error:
            if isinstance(error, BandmateError) and error.retryable:
                raise  # A temporary error, which is not the file's fault.
            detail = error.detail if isinstance(error, BandmateError) else (error.strerror or str(error))
            offered.unread.append(RejectedFile(name=file.name, reason="unreadable", detail=detail))
            continue
        offered.inventory.append(InventoryFile(file.name, file.style, sha256))
        if sha256 not in seen_hashes:
            seen_hashes.add(sha256)
            offered.fresh.append(file)
    return offered


def _clean(
    fresh: Sequence[SourceFile],
    storage: Storage,
    limits: Limits,
    rules: CleaningRules,
    clean: CleanBatches,
    progress: Progress,
    batch_files: int,
) -> Iterator[tuple[str, CleanedBatch]]:
    """Cleaned batches with their keys; those that an interrupted run had finished are taken from the store."""
    keys: list[str] = []
    ready: dict[str, CleanedBatch] = {}

    def uncleaned_batches() -> Iterator[Sequence[RawFile]]:
        for start in range(0, len(fresh), batch_files):
            items = [_content(file) for file in fresh[start : start + batch_files]]
            key = shard_key(items, limits, rules)
            stored_batch = load_shard(storage, key)
            if stored_batch is not None:
                ready[key] = stored_batch
            else:
                keys.append(key)
                yield items

    cleaned_files = 0
    for number, batch in enumerate(clean(uncleaned_batches())):
        save_shard(storage, keys[number], batch)
        cleaned_files += batch.files.num_rows
        progress.fraction(cleaned_files, len(fresh), f"{cleaned_files} of {len(fresh)} files")
        yield keys[number], batch
    yield from ready.items()


def _content(file: SourceFile) -> RawFile:
    """A file's bytes, read for the second time; none if it has gone meanwhile, which `assemble` notices by the hash."""
    try:
        return RawFile(file.name, file.read())
    except (OSError, BandmateError) as error:
        if isinstance(error, BandmateError) and error.retryable:
            raise
        return RawFile(file.name, b"")


def _used_batches(batches: dict[str, CleanedBatch], inventory: Sequence[InventoryFile]) -> list[str]:
    """Keys of the batches that the inventory's files are taken from; of two with the same file, the later one."""
    last = {sha256: key for key, batch in batches.items() for sha256 in batch.files["sha256"].to_pylist()}
    used = {last[file.sha256] for file in inventory if file.sha256 in last}
    return [key for key in batches if key in used]
