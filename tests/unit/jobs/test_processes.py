"""Many processes on one database: no errors, no locked database, and each job is claimed once."""

import json
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from bandmate_shared.errors import Unavailable
from bandmate_shared.jobs.database import sqlite
from bandmate_shared.jobs.model import NewJob
from bandmate_shared.jobs.store import JobStore
from bandmate_shared.settings import SharedSettings

from tests.support.spawned import Spawn

PROCESSES = 4
JOBS = 60

HAMMER = """
import json, sys
from pathlib import Path
from bandmate_shared.jobs.model import NewJob
from bandmate_shared.jobs.store import JobStore
from bandmate_shared.settings import SharedSettings

home, number, url = Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
store = JobStore.open(SharedSettings(database_url=url))
claimed = []
last_key = 0
ids = json.loads((home / "ids.json").read_text())
for job_id in ids[number:] + ids[:number]:
    lease = store.claim(job_id, f"process {number}")
    last_key = len(claimed)
    store.submit(NewJob("song", {}), idempotency_key=f"key {last_key}")
    if lease is not None:
        claimed.append(job_id)
        store.set_progress(lease, "compose", 0.5)
        store.heartbeat(lease)
        store.succeed(lease, {"by": number})
    store.give_back_messages(store.take_messages(10)[:5])
    store.sweep()
store.close()
print(json.dumps([claimed, last_key]))
"""


def test_each_job_is_claimed_by_one_of_several_processes(
    tmp_path: Path, new_database_url: Callable[[], str], spawn: Spawn
) -> None:
    url = new_database_url()
    store = JobStore.open(SharedSettings(database_url=url))
    ids = [store.submit(NewJob("song", {})).job.id for _ in range(JOBS)]
    (tmp_path / "ids.json").write_text(json.dumps(ids))

    arguments = [[sys.executable, "-W", "error", "-c", HAMMER, str(tmp_path), str(n), url] for n in range(PROCESSES)]
    running = [spawn(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE) for words in arguments]
    claimed: list[str] = []
    keys = 0
    for number, process in enumerate(running):
        output, errors = process.communicate(timeout=120)
        assert process.returncode == 0, errors
        its_jobs, last_key = json.loads(output)
        claimed += its_jobs
        keys = max(keys, last_key + 1)
        assert {store.get(job_id).result["by"] for job_id in its_jobs} <= {number}

    assert sorted(claimed) == sorted(ids)
    for job_id in ids:
        assert [event.seq for event in store.events(job_id)] == [1, 2, 3, 4, 5]
    job_count = len(store.list_jobs("local", limit=200)[0]) - JOBS
    assert job_count == keys, "a key is one job, whichever process comes with it"
    store.close()


def test_a_lock_that_is_never_let_go_is_an_error_and_not_a_hang(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(sqlite, "BUSY_SECONDS", 0.1)
    store = JobStore.open(SharedSettings(home=tmp_path))
    path = store.database.engine.url.database
    assert path is not None
    with closing(sqlite3.connect(path)) as stuck:
        stuck.execute("BEGIN IMMEDIATE")
        with pytest.raises(Unavailable, match="locked by another process"):
            store.submit(NewJob("song", {}))
        assert store.list_jobs("local") == ([], None), "reading goes on"
        stuck.execute("ROLLBACK")
    assert store.submit(NewJob("song", {})).created
    store.close()


def test_several_processes_may_make_the_tables_at_once(tmp_path: Path, spawn: Spawn) -> None:
    code = (
        "import sys; from pathlib import Path; from bandmate_shared.settings import SharedSettings;"
        "from bandmate_shared.jobs.store import JobStore;"
        "s = JobStore.open(SharedSettings(home=Path(sys.argv[1]))); s.backlog(); s.close()"
    )
    running = [
        spawn([sys.executable, "-W", "error", "-c", code, str(tmp_path)], stderr=subprocess.PIPE)
        for _ in range(PROCESSES)
    ]
    for process in running:
        _, errors = process.communicate(timeout=120)
        assert process.returncode == 0, errors
