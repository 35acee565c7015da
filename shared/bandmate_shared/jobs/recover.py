"""Rebuilds a lost job database from the object store: `python -m bandmate_shared.jobs.recover`.

Every job that succeeded left a manifest beside its files. From these come the jobs, as succeeded, with their requests,
results and files. Whatever is in the database already stays as it is, so recovering twice, or after restoring an older
backup, is safe, also while the platform runs. What only the database knew is lost: see `LOST`.
"""

import argparse
import json
import re
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any, get_args

from pydantic import ValidationError
from sqlalchemy import Connection, insert, select
from sqlalchemy.exc import IntegrityError
from ulid import ULID

from bandmate_shared.contracts.jobs import JobKind, JobRecord, JobState, Manifest
from bandmate_shared.errors import BandmateError
from bandmate_shared.jobs.database.database import Database
from bandmate_shared.jobs.database.schema import job_events, jobs
from bandmate_shared.jobs.model import START_PHASE, Job, utc_now
from bandmate_shared.jobs.records import NewEvent
from bandmate_shared.objects.base import Storage
from bandmate_shared.objects.blobs import blob_key, get_manifest
from bandmate_shared.objects.open import open_storage
from bandmate_shared.settings import shared_settings

LOST = (
    "jobs that were queued or running, or had failed or been cancelled: submit them again",
    "the histories of the jobs, the dead letters and the idempotency keys",
    "API keys: make new ones with: python -m bandmate_shared.auth create TENANT",
)
"""What manifests do not contain."""

CHILD_KINDS: frozenset[JobKind] = frozenset({"take"})
"""Kinds that are always children. A manifest of the first release does not say whose."""

BATCH = 100
_KEY = re.compile(r"jobs/([a-z]+_[0-9a-z]{26})/manifest\.json")


@dataclass
class Recovered:
    """How many manifests there are, and what became of each; the lists name the jobs left out, by reason."""

    manifests: int = 0
    recovered: int = 0
    existing: int = 0
    without_record: int = 0
    """Of the recovered: those of the first release, whose manifests tell neither request nor result nor tenant."""
    unreadable: list[str] = field(default_factory=list)
    files_missing: list[str] = field(default_factory=list)
    without_parent: list[str] = field(default_factory=list)
    """Parts of jobs that did not succeed themselves."""


def record_of(job: Job, result: dict[str, Any], finished_at: datetime) -> JobRecord:
    """What the manifest of a job that is about to succeed tells of it."""
    return JobRecord(
        kind=job.kind,
        tenant=job.tenant,
        parent_id=job.parent_id,
        request=job.request,
        result=result,
        created_at=job.created_at,
        started_at=job.started_at,
        finished_at=finished_at,
        traceparent=job.traceparent,
    )


def recover(database: Database, storage: Storage, *, tenant: str = "local", dry_run: bool = False) -> Recovered:
    """Add every job that left a manifest and is not in the database; with `dry_run` only count them.

    `tenant` gets the jobs of the first release, whose manifests do not name theirs. Raises Unavailable where database
    or store do not answer; what was added by then stays, and another call continues.
    """
    outcome = Recovered()
    known_ids: set[str] = set()  # Of those asked for: what the database has, or would have after a dry run.
    orphans: list[str] = []
    for ids in _batches(sorted(_ids(storage), key=_age)):
        existing = database.read(_existing, ids)
        known_ids |= existing
        outcome.manifests += len(ids)
        outcome.existing += len(existing)
        missing = [job_id for job_id in ids if job_id not in existing]
        manifests = [manifest for job_id in missing if (manifest := _read(storage, job_id, outcome))]
        known_ids |= database.read(_existing, [parent for manifest in manifests if (parent := _parent_of(manifest))])
        orphans += _add(database, manifests, known_ids, outcome, tenant, dry_run)
    while orphans:  # Parents come before their children, unless two hosts disagreed about the time.
        manifests = [manifest for job_id in orphans if (manifest := _read(storage, job_id, outcome))]
        left = _add(database, manifests, known_ids, outcome, tenant, dry_run)
        if left == orphans:
            break
        orphans = left
    outcome.without_parent = orphans
    return outcome


def _ids(storage: Storage) -> Iterator[str]:
    for key in storage.keys("jobs/"):
        match = _KEY.fullmatch(key)
        if match is not None:
            yield match[1]


def _age(job_id: str) -> str:
    return job_id.rpartition("_")[2]


def _batches(ids: list[str]) -> Iterator[list[str]]:
    for start in range(0, len(ids), BATCH):
        yield ids[start : start + BATCH]


def _existing(connection: Connection, ids: list[str]) -> set[str]:
    return set(connection.scalars(select(jobs.c.id).where(jobs.c.id.in_(ids))))


def _read(storage: Storage, job_id: str, outcome: Recovered) -> Manifest | None:
    """The manifest, if it can be read and all its files exist; else the outcome records why not."""
    try:
        manifest = get_manifest(storage, job_id)
    except ValidationError:
        manifest = None
    if manifest is None or manifest.job_id != job_id or _kind_of(manifest) is None:
        outcome.unreadable.append(job_id)
        return None
    if not all(storage.exists(blob_key(artifact.sha256)) for artifact in manifest.artifacts):
        outcome.files_missing.append(job_id)
        return None
    return manifest


def _add(
    database: Database, manifests: list[Manifest], known_ids: set[str], outcome: Recovered, tenant: str, dry_run: bool
) -> list[str]:
    """Add the jobs whose parent is known, and their ids to `known_ids`; returns the ids of the others."""
    added: list[Manifest] = []
    orphans: list[str] = []
    for manifest in manifests:
        parent = _parent_of(manifest)
        is_child = parent is not None or _kind_of(manifest) in CHILD_KINDS
        if not is_child or parent in known_ids:
            added.append(manifest)
            known_ids.add(manifest.job_id)
        else:
            orphans.append(manifest.job_id)
    if added and not dry_run:
        try:
            new = database.write(_insert, added, tenant)
        except IntegrityError:  # Somebody else recovers at the same time, and was quicker with some of these.
            new = database.write(_insert, added, tenant)
        outcome.existing += len(added) - len(new)
        added = new
    outcome.recovered += len(added)
    outcome.without_record += sum(manifest.job is None for manifest in added)
    return orphans


def _insert(connection: Connection, manifests: list[Manifest], tenant: str) -> list[Manifest]:
    """Write the jobs that are still missing; returns their manifests."""
    existing = _existing(connection, [manifest.job_id for manifest in manifests])
    new = [manifest for manifest in manifests if manifest.job_id not in existing]
    now = utc_now()
    for manifest in new:
        connection.execute(insert(jobs), _row(manifest, tenant))
        new_events: list[NewEvent] = [("job.recovered", {"from": "manifest"}), ("job.succeeded", {})]
        events = [
            {"job_id": manifest.job_id, "seq": seq, "type": name, "time": now, "data": data}
            for seq, (name, data) in enumerate(new_events, start=1)
        ]
        connection.execute(insert(job_events), events)
    return new


def _row(manifest: Manifest, tenant: str) -> dict[str, Any]:
    created_at = ULID.from_str(_age(manifest.job_id).upper()).datetime
    record = manifest.job or JobRecord(
        kind=_kind_of(manifest) or "song",
        tenant=tenant,
        request={},
        result={},
        created_at=created_at,
        finished_at=created_at,
    )
    row = record.model_dump(exclude={"result"})
    row |= {"id": manifest.job_id, "state": JobState.SUCCEEDED.value, "phase": START_PHASE, "fraction": 1.0}
    row |= {"attempt": 1, "fence": 1, "last_seq": 2, "saved": {}, "result": record.result if manifest.job else None}
    return row | {"artifacts": [artifact.model_dump() for artifact in manifest.artifacts]}


def _parent_of(manifest: Manifest) -> str | None:
    return None if manifest.job is None else manifest.job.parent_id


def _kind_of(manifest: Manifest) -> JobKind | None:
    """The job's kind, by its record or by its id, which begins with it."""
    named = manifest.job_id.rpartition("_")[0] if manifest.job is None else manifest.job.kind
    return next((kind for kind in get_args(JobKind) if kind == named), None)


def report_of(outcome: Recovered, *, dry_run: bool = False) -> str:
    """The report as text."""
    lines = [
        f"{outcome.manifests} manifests of finished jobs in the store",
        f"{outcome.recovered} jobs {'would be recovered' if dry_run else 'recovered'} as succeeded",
        f"{outcome.existing} were in the database already and stay as they are",
    ]
    for count, text in (
        (outcome.without_record, "of the recovered are of the first release: without request and result"),
        (len(outcome.without_parent), "are parts of jobs that did not finish; left out"),
        (len(outcome.files_missing), "miss files in the store; left out"),
        (len(outcome.unreadable), "have manifests that cannot be read; left out"),
    ):
        if count:
            lines.append(f"{count} {text}")
    for job_id in [*outcome.without_parent, *outcome.files_missing, *outcome.unreadable][:20]:
        lines.append(f"  {job_id}")
    return "\n".join([*lines, "What cannot be recovered:", *(f"  - {loss}" for loss in LOST)])


def as_json(outcome: Recovered) -> dict[str, Any]:
    """The report as JSON."""
    return {**asdict(outcome), "lost": list(LOST)}


def main(arguments: list[str]) -> int:
    """`[--dry-run] [--json] [--tenant NAME]`; returns the exit status, 1 where a manifest or a file is broken."""
    parser = argparse.ArgumentParser(prog="python -m bandmate_shared.jobs.recover", description=__doc__)
    parser.add_argument("--dry-run", action="store_true", help="change nothing, say what would be recovered")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--tenant", default="local", help="gets the jobs whose manifests name no tenant")
    options = parser.parse_args(arguments)
    settings = shared_settings()
    try:
        database = Database(settings.resolved_database_url)
        storage = open_storage(settings.resolved_storage_url)
        outcome = recover(database, storage, tenant=options.tenant, dry_run=options.dry_run)
        database.close()
    except BandmateError as error:
        sys.stderr.write(f"{error.title}: {error.detail}\n")
        return 1
    text = json.dumps(as_json(outcome), indent=1) if options.json else report_of(outcome, dry_run=options.dry_run)
    sys.stdout.write(text + "\n")
    return 1 if outcome.files_missing or outcome.unreadable else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
