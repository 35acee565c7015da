"""The history checker: reads the jobs of a platform and reports whether every accepted job ended exactly once."""

import hashlib
from pathlib import Path

from bandmate_shared.contracts.jobs import JobState
from bandmate_shared.objects.blobs import blob_key, get_manifest
from bandmate_shared.runtime import Runtime, open_runtime
from bandmate_shared.settings import SharedSettings

FINAL_EVENTS = {
    JobState.SUCCEEDED: "job.succeeded",
    JobState.FAILED: "job.failed",
    JobState.CANCELLED: "job.cancelled",
}


def faults(home: Path) -> list[str]:
    """All faults of the jobs of a home, on which no platform needs to run; [] is a clean history."""
    runtime = open_runtime(SharedSettings(home=home))
    try:
        all_faults: list[str] = []
        cursor = None
        while True:
            jobs, cursor = runtime.store.list_jobs(None, cursor=cursor, limit=200)
            for job in jobs:
                all_faults += _faults_of(runtime, job.id)
            if cursor is None:
                return all_faults
    finally:
        runtime.close()


def count(home: Path, job_id: str, event_type: str) -> int:
    """How many events of a type a job has."""
    runtime = open_runtime(SharedSettings(home=home))
    try:
        return sum(event.type == event_type for event in runtime.store.events(job_id, limit=100_000))
    finally:
        runtime.close()


def _faults_of(runtime: Runtime, job_id: str) -> list[str]:
    job = runtime.store.get(job_id)
    events = runtime.store.events(job_id, limit=100_000)
    problems = []
    if [event.seq for event in events] != list(range(1, len(events) + 1)):
        problems.append("its events are not numbered 1, 2, 3, …")
    if events[0].type != "job.queued":
        problems.append(f"its history begins with {events[0].type}")
    # An operator's redrive is the only way out of 'failed': earlier events do not count.
    redriven = max((event.seq for event in events if event.type == "job.redriven"), default=0)
    endings = [event for event in events if event.type in FINAL_EVENTS.values() and event.seq > redriven]
    if not job.state.is_final:
        problems.append(f"it has not ended: {job.state}, stage {job.stage}, attempt {job.attempt}")
    elif [event.type for event in endings] != [FINAL_EVENTS[job.state]]:
        problems.append(f"it is {job.state} and its final events are {[event.type for event in endings]}")
    elif events[-1] is not endings[0]:
        problems.append(f"after its end came {events[-1].type}")
    manifest = get_manifest(runtime.storage, job_id)
    if job.state is JobState.SUCCEEDED:
        if manifest is None:
            problems.append("it succeeded without a manifest")
        elif manifest.artifacts != job.artifacts:
            problems.append("its manifest lists other artifacts than the job")
        for artifact in job.artifacts:
            data = runtime.storage.get(blob_key(artifact.sha256))
            if len(data) != artifact.size or hashlib.sha256(data).hexdigest() != artifact.sha256:
                problems.append(f"{artifact.name} is not what its hash says")
        if any(not child.state.is_final for child in runtime.store.children(job_id)):
            problems.append("it succeeded before its children had ended")
    return [f"{job_id}: {fault}" for fault in problems]
