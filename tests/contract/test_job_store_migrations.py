"""Migrations of the schema from release to release, on SQLite and on PostgreSQL.

`released/job-store-0001.zip` is the job store of the first release, which runs old code on the new schema. A release
with a newer schema adds its own:
`git archive --format=zip -o job-store-NNNN.zip TAG shared/bandmate_shared/{jobs,contracts,…}`.
"""

import json
import re
import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from bandmate_shared.auth import KeyStore
from bandmate_shared.contracts.jobs import JobState
from bandmate_shared.errors import Unavailable
from bandmate_shared.jobs.database import migrate, versions
from bandmate_shared.jobs.database.database import Database
from bandmate_shared.jobs.database.engine import create_plain_engine
from bandmate_shared.jobs.database.schema import metadata
from bandmate_shared.jobs.model import NewJob
from bandmate_shared.jobs.store import JobStore
from bandmate_shared.settings import SharedSettings
from hatchling.builders.wheel import WheelBuilder
from sqlalchemy import inspect, text

from tests.support.spawned import Spawn

RELEASED = Path(__file__).parent / "released" / "job-store-0001.zip"
PEPPER = "p" * 32
NEWEST = int(versions.HEAD.split(".")[0])
MIGRATING_PROCESSES = 6

RELEASED_CODE = """
import json, sys
from pathlib import Path
from bandmate_shared.jobs import store as of_the_release
assert ".zip" in of_the_release.__file__, "this is not the released code"
from bandmate_shared.auth import KeyStore
from bandmate_shared.contracts.jobs import Artifact, JobError
from bandmate_shared.jobs.model import NewJob
from bandmate_shared.jobs.store import JobStore
from bandmate_shared.settings import SharedSettings

store = JobStore.open(SharedSettings(database_url=sys.argv[1]))
song = store.submit(NewJob("song", {"bars": 8}, tenant="a"), idempotency_key="k").job
assert not store.submit(NewJob("song", {"bars": 8}, tenant="a"), idempotency_key="k").created
assert song.id in [message.job_id for message in store.take_messages()]
lease = store.claim(song.id, "w")
lease = store.set_progress(lease, "compose", 0.5)
lease = store.heartbeat(lease)
[child] = store.park(lease, [NewJob("vocal", {})], "mix", {"seen": 1})
store.succeed(store.claim(child, "w"), {"sung": True})
artifact = Artifact(name="song.mid", sha256="0" * 64, size=1, media_type="audio/midi")
store.succeed(store.claim(song.id, "w"), {"bars": 8}, [artifact])
failed = store.submit(NewJob("song", {})).job.id
store.fail(store.claim(failed, "w"), JobError(type="internal", title="t", detail="d"), retryable=False)
store.redrive(failed)
store.fail(store.claim(failed, "w"), JobError(type="internal", title="t", detail="d"), retryable=False)
cancelled = store.submit(NewJob("song", {})).job.id
store.cancel(cancelled)
running = store.submit(NewJob("song", {})).job.id
store.claim(running, "w")
queued = store.submit(NewJob("song", {})).job.id
store.add_dead_letter("bandmate-submissions", "{", "not JSON")
store.sweep()
key = KeyStore(store.database, "p" * 32).create("tenant-a")
store.close()
states = {song.id: "succeeded", child: "succeeded", failed: "failed", cancelled: "cancelled"}
print(json.dumps({"song": song.id, "key": key, "states": states | {running: "running", queued: "queued"}}))
"""


@pytest.fixture(params=["sqlite", "postgres"])
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A database without tables."""
    if request.param == "postgres":
        url: str = request.getfixturevalue("empty_postgres_url")
        return url
    return f"sqlite:///{tmp_path / 'bandmate.sqlite3'}"


def _run_released_code(url: str) -> dict[str, object]:
    """Run the first release on the database: jobs in every state. Returns what it prints."""
    code = f"import sys; sys.path.insert(0, {str(RELEASED / 'shared')!r})\n" + RELEASED_CODE
    answer = subprocess.run(
        [sys.executable, "-W", "error", "-c", code, url], capture_output=True, text=True, timeout=60
    )
    assert answer.returncode == 0, answer.stderr
    record: dict[str, object] = json.loads(answer.stdout)
    return record


def _check_nothing_is_lost(url: str, record: dict[str, object]) -> None:
    store = JobStore.open(SharedSettings(database_url=url))
    states = record["states"]
    assert isinstance(states, dict)
    for job_id, state in states.items():
        job = store.get(job_id)
        assert job.state == JobState(state)
        assert job.traceparent is None
        assert [event.seq for event in store.events(job_id)] == list(range(1, len(store.events(job_id)) + 1))
    song = store.get(str(record["song"]), "a")
    assert (song.result, [artifact.name for artifact in song.artifacts]) == ({"bars": 8}, ["song.mid"])
    assert not store.submit(NewJob("song", {"bars": 8}, tenant="a"), idempotency_key="k").created
    [letter] = store.dead_letters("bandmate-submissions")
    assert letter.payload == "{"
    [queued] = [job_id for job_id, state in states.items() if state == "queued"]
    lease = store.claim(queued, "new code")
    assert lease is not None
    store.succeed(lease, {})
    assert KeyStore(store.database, PEPPER).key_of(str(record["key"])).tenant == "tenant-a"
    store.close()


def test_the_migrations_give_the_schema_of_the_tables(empty_url: str) -> None:
    engine = create_plain_engine(empty_url).execution_options(bandmate_writes=True)
    with engine.begin() as connection:
        migrate.run_migrations(connection)
    with engine.connect() as connection:
        options = {"compare_type": True, "compare_server_default": True}
        assert compare_metadata(MigrationContext.configure(connection, opts=options), metadata) == []
        assert versions.stored_version(connection) == versions.HEAD
    engine.dispose()


def test_a_new_database_has_the_schema_of_a_migrated_one(tmp_path: Path) -> None:
    urls = [f"sqlite:///{tmp_path / name}" for name in ("made", "migrated")]
    Database(urls[0]).close()
    engine = create_plain_engine(urls[1]).execution_options(bandmate_writes=True)
    with engine.begin() as connection:
        migrate.run_migrations(connection)
    engine.dispose()
    assert _columns(urls[0]) == _columns(urls[1])
    assert migrate.current(urls[0]) == migrate.current(urls[1]) == versions.HEAD


def test_the_migrations_are_linear_and_the_head_is_the_last() -> None:
    config = Config()
    config.set_main_option("script_location", str(migrate.SCRIPTS))
    scripts = ScriptDirectory.from_config(config)
    assert scripts.get_heads() == [versions.HEAD]
    names = [revision.revision for revision in scripts.walk_revisions()]
    assert sorted(names, reverse=True) == names
    for revision in scripts.walk_revisions():
        number, understood_by = revision.revision.split(".")
        assert Path(revision.path).name.startswith(f"{number}_")
        source = Path(revision.path).read_text()
        if re.search(r"drop_|alter_column|rename|DELETE|NOT NULL", source):
            assert understood_by != "0001", f"{revision.path} contracts: say since which schema nobody uses it"


def test_a_database_of_the_first_release_keeps_every_job(empty_url: str) -> None:
    record = _run_released_code(empty_url)
    assert migrate.current(empty_url) is None
    assert migrate.upgrade(empty_url) is None
    assert migrate.current(empty_url) == versions.HEAD
    assert migrate.upgrade(empty_url) == versions.HEAD, "a second time changes nothing"
    _check_nothing_is_lost(empty_url, record)


def test_the_first_release_works_on_the_newest_schema(empty_url: str) -> None:
    migrate.upgrade(empty_url)
    record = _run_released_code(empty_url)
    assert migrate.current(empty_url) == versions.HEAD
    _check_nothing_is_lost(empty_url, record)


def test_opening_an_old_home_migrates_it(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'bandmate.sqlite3'}"
    _check_nothing_is_lost(url, _run_released_code(url))
    assert migrate.current(url) == versions.HEAD


def test_concurrent_migrations_are_safe(empty_url: str, spawn: Spawn) -> None:
    record = _run_released_code(empty_url)
    code = "import sys; from bandmate_shared.jobs.database.migrate import upgrade; print(upgrade(sys.argv[1]))"
    running = [
        spawn([sys.executable, "-W", "error", "-c", code, empty_url], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        for _ in range(MIGRATING_PROCESSES)
    ]
    answers = []
    for process in running:
        output, errors = process.communicate(timeout=120)
        assert process.returncode == 0, errors
        answers.append(output.strip())
    assert set(answers) <= {"None", versions.HEAD}
    assert "None" in answers
    _check_nothing_is_lost(empty_url, record)


def test_postgres_is_migrated_by_command_only(empty_postgres_url: str) -> None:
    with pytest.raises(versions.DatabaseOutdated, match=r"has no schema yet .* run: python -m bandmate_shared"):
        Database(empty_postgres_url)
    _run_released_code(empty_postgres_url)
    with pytest.raises(versions.DatabaseOutdated):
        Database(empty_postgres_url)
    engine = create_plain_engine(empty_postgres_url)
    with engine.connect() as connection:
        columns = {column["name"] for column in inspect(connection).get_columns("jobs")}
        assert "traceparent" not in columns, "looking at it changed nothing"
    engine.dispose()


@pytest.mark.parametrize(
    ("version", "works"),
    [("0099.0001", True), (f"0099.{NEWEST:04}", True), (f"0099.{NEWEST + 1:04}", False), ("from-elsewhere", False)],
)
def test_a_newer_database_is_accepted_if_it_has_only_expanded(empty_url: str, version: str, works: bool) -> None:
    migrate.upgrade(empty_url)
    engine = create_plain_engine(empty_url).execution_options(bandmate_writes=True)
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = :version"), {"version": version})
    engine.dispose()
    if works:
        store = JobStore.open(SharedSettings(database_url=empty_url))
        assert store.submit(NewJob("song", {})).created
        store.close()
        assert migrate.upgrade(empty_url) == version
    else:
        with pytest.raises(versions.DatabaseTooNew):
            Database(empty_url)
    assert migrate.current(empty_url) == version, "code never takes a database back"


def test_a_migration_that_fails_changes_nothing(
    empty_url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    record = _run_released_code(empty_url)
    scripts = tmp_path / "migrations"
    (scripts / "versions").mkdir(parents=True)
    for source in migrate.SCRIPTS.rglob("*.py"):
        broken = source.read_text().replace("sa.String(64)))", 'sa.String(64)))\n    op.execute("SELECT nothing_such")')
        (scripts / source.relative_to(migrate.SCRIPTS)).write_text(broken)
    with monkeypatch.context() as patch:
        patch.setattr(migrate, "SCRIPTS", scripts)
        with pytest.raises(Exception, match="nothing_such"):
            migrate.upgrade(empty_url)
    assert migrate.current(empty_url) in (None, "0001.0001")
    assert "traceparent" not in _columns(empty_url)["jobs"]
    migrate.upgrade(empty_url)
    _check_nothing_is_lost(empty_url, record)


def test_a_migration_does_not_queue_up_behind_a_long_transaction(
    empty_postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every later transaction would wait behind a migration that waits for the table."""
    record = _run_released_code(empty_postgres_url)
    monkeypatch.setattr(migrate, "LOCK_SECONDS", 0.2)
    engine = create_plain_engine(empty_postgres_url)
    with engine.connect() as busy:
        busy.execute(text("SELECT count(*) FROM jobs"))
        with pytest.raises(Unavailable, match="took too long and nothing was changed"):
            migrate.upgrade(empty_postgres_url)
        assert migrate.current(empty_postgres_url) in (None, "0001.0001")
    engine.dispose()
    migrate.upgrade(empty_postgres_url)
    _check_nothing_is_lost(empty_postgres_url, record)


def test_a_server_that_does_not_answer_is_unavailable() -> None:
    with pytest.raises(Unavailable, match="did not answer"):
        migrate.upgrade("postgresql+psycopg://user:password@127.0.0.1:1/none")


def test_opening_a_home_at_the_newest_schema_does_not_import_alembic(tmp_path: Path) -> None:
    code = (
        "import sys; from bandmate_shared.jobs.database.database import Database; Database(sys.argv[1]).close();"
        "print('alembic' in sys.modules)"
    )
    url = f"sqlite:///{tmp_path / 'bandmate.sqlite3'}"
    for _ in ("a new home", "one that is there"):
        answer = subprocess.run([sys.executable, "-c", code, url], capture_output=True, text=True, check=True)
        assert answer.stdout.strip() == "False"


def test_the_migrations_are_in_the_wheel(tmp_path: Path) -> None:
    project = Path(migrate.__file__).parents[3]
    [wheel] = WheelBuilder(str(project)).build(directory=str(tmp_path), versions=["standard"])
    shipped = {name for name in ZipFile(wheel).namelist() if "/migrations/" in name}
    source_files = {str(path.relative_to(project)) for path in migrate.SCRIPTS.rglob("*.py")}
    assert shipped == source_files
    assert len(source_files) >= 3


def _columns(url: str) -> dict[str, dict[str, str]]:
    """Per table, the names and definitions of its columns and indexes."""
    engine = create_plain_engine(url)
    tables: dict[str, dict[str, str]] = {}
    with engine.connect() as connection:
        inspector = inspect(connection)
        for table in inspector.get_table_names():
            columns, indexes = inspector.get_columns(table), inspector.get_indexes(table)
            tables[table] = {column["name"]: f"{column['type']!r} {column['nullable']}" for column in columns}
            tables[table] |= {str(index["name"]): str(index["column_names"]) for index in indexes}
    engine.dispose()
    return tables
