"""Retention: what is deleted with age and what stays; and the operator's command."""

import json
import os
import subprocess
import sys
from datetime import timedelta

import pytest
from bandmate_shared.contracts.jobs import JobError, JobState
from bandmate_shared.errors import InvalidRequest
from bandmate_shared.jobs import prune as prune_module
from bandmate_shared.jobs.__main__ import main
from bandmate_shared.jobs.model import NewJob
from bandmate_shared.jobs.prune import days, prune
from bandmate_shared.jobs.store import JobStore
from bandmate_shared.settings import SharedSettings


def _job(store: JobStore, *, end: bool = True) -> str:
    lease = store.claim(store.submit(NewJob("song", {})).job.id, "w")
    assert lease is not None
    for number in range(3):
        store.set_progress(lease, "compose", number / 3, type="stage" if number == 0 else "progress")
    if end:
        store.succeed(lease, {"bars": 8})
    return lease.job_id


def test_only_the_progress_of_jobs_that_ended_long_ago_goes(store: JobStore, clock, monkeypatch) -> None:
    monkeypatch.setattr(prune_module, "BATCH", 2)
    old = [_job(store) for _ in range(5)]
    unfinished = _job(store, end=False)
    clock.advance(91 * 24 * 3600)
    young = _job(store)
    before = {job_id: store.get(job_id) for job_id in [*old, unfinished, young]}

    assert prune(store.database, timedelta(days=90), clock.now) == 15
    assert prune(store.database, timedelta(days=90), clock.now) == 0

    assert {job_id: store.get(job_id) for job_id in before} == before
    for job_id in old:
        types = [event.type for event in store.events(job_id)]
        assert types == ["job.queued", "job.running", "bandmate.song.completed", "job.succeeded"]
    for job_id in (unfinished, young):
        assert [event.type for event in store.events(job_id)].count("progress") == 2


@pytest.mark.parametrize("text", ["90", "0d", "-1d", "d", "1.5d", "90 days", ""])
def test_an_invalid_age_is_refused(text: str) -> None:
    with pytest.raises(InvalidRequest, match="such as 90d"):
        days(text)


def test_the_operators_command(settings: SharedSettings, capsys: pytest.CaptureFixture[str]) -> None:
    settings = settings.model_copy(update={"lease_seconds": 3600.0})
    store = JobStore.open(settings)
    failed = store.submit(NewJob("song", {})).job.id
    for _ in range(settings.max_attempts):
        lease = store.claim(failed, "w")
        assert lease is not None
        store.fail(lease, JobError(type="internal", title="t", detail="a disk \0 broke"), retryable=True)
    waiting = store.submit(NewJob("training", {}, tenant="a")).job.id
    assert store.take_messages()
    environment = {**os.environ, "BANDMATE_DATABASE_URL": settings.resolved_database_url}
    command = [sys.executable, "-W", "error", "-m", "bandmate_shared.jobs", "backlog"]
    answer = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)
    assert (answer.returncode, json.loads(answer.stdout)) == (0, {"bandmate-train": 1})

    def call(*words: str, status: int = 0) -> list[dict[str, object]]:
        assert main(list(words), settings) == status
        return [json.loads(line) for line in capsys.readouterr().out.splitlines()]

    assert call("backlog") == [{"bandmate-train": 1}]
    assert {line["id"]: line["state"] for line in call("list")} == {failed: "failed", waiting: "queued"}
    [letter] = call("dead-letters", "--queue", "bandmate-generate-dlq")
    assert letter["job_id"] == failed
    job, *events = call("show", failed)
    assert (job["id"], events[0]["type"], events[-1]["type"]) == (failed, "job.queued", "job.failed")
    assert call("redrive", str(letter["id"]))[0]["state"] == "queued"
    assert call("resend") == [{"due": 1}]
    assert call("cancel", waiting)[0]["state"] == "cancelled"
    assert call("prune", "--older-than", "1d") == [{"events_deleted": 0, "webhooks_deleted": 0}]
    assert call("show", "song_x", status=1) == []
    assert call("redrive", waiting, status=1) == []
    assert store.get(waiting).state == JobState.CANCELLED
    store.close()
