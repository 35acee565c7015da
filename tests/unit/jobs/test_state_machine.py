"""The promise itself, under every interleaving that Hypothesis can think of.

Workers claim, report, finish, crash and wake again too late; messages come twice, late or never; time jumps; operators
cancel and redrive. An accepted job ends exactly once all the same, and a stale attempt changes nothing.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from bandmate_shared.contracts.jobs import Artifact, JobError, JobState
from bandmate_shared.errors import Conflict
from bandmate_shared.jobs.database.schema import job_events, jobs, metadata, outbox
from bandmate_shared.jobs.model import Lease, Message, NewJob, StaleLease
from bandmate_shared.jobs.queries import FINAL_EVENTS
from bandmate_shared.jobs.store import JobStore
from bandmate_shared.settings import SharedSettings
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import delete, select

LEASE_SECONDS = 10.0
ERROR = JobError(type="internal", title="t", detail="d")
CHILDREN = st.lists(st.sampled_from(["take", "vocal"]), max_size=3)


@dataclass
class Attempt:
    """What a worker in this test believes to hold; `until` is the truth about its lease."""

    lease: Lease
    until: datetime


class JobLife(RuleBasedStateMachine):
    def __init__(self, database_url: str) -> None:
        super().__init__()
        self.now = datetime(2026, 1, 1, tzinfo=UTC)
        chosen = SharedSettings(
            database_url=database_url, lease_seconds=LEASE_SECONDS, heartbeat_seconds=3, queue_quota=10_000
        )
        self.store = JobStore.open(chosen, lambda: self.now)
        with self.store.database.writing() as connection:
            for table in reversed(metadata.sorted_tables):
                connection.execute(delete(table))
        self.accepted: list[str] = []
        self.keys: dict[str, tuple[str, str]] = {}
        self.broker: list[str] = []
        self.unsent: list[Message] = []
        self.attempts: list[Attempt] = []
        self.current: dict[str, Attempt] = {}
        self.ended: dict[str, tuple[object, ...]] = {}
        self.fences: dict[str, int] = {}
        self.redriven: Counter[str] = Counter()
        self.deaths: Counter[str] = Counter()
        self.successes: Counter[str] = Counter()

    # The world outside

    @initialize()
    def begin(self) -> None:
        self.submit("song")

    @rule(kind=st.sampled_from(["song", "training"]))
    def submit(self, kind: str) -> None:
        self.accepted.append(self.store.submit(NewJob(kind, {})).job.id)

    @rule(key=st.sampled_from("ab"), style=st.sampled_from(["folk", "jazz"]))
    def submit_with_key(self, key: str, style: str) -> None:
        try:
            submitted = self.store.submit(NewJob("song", {"style": style}), idempotency_key=key)
        except Conflict:
            assert self.keys[key][0] != style
            return
        assert submitted.created == (key not in self.keys)
        if submitted.created:
            self.keys[key] = style, submitted.job.id
            self.accepted.append(submitted.job.id)
        assert self.keys[key] == (style, submitted.job.id)

    @rule(seconds=st.sampled_from([0.5, 4.0, LEASE_SECONDS, 700.0]))
    def time_passes(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)

    @rule()
    def relay(self) -> None:
        self.broker += [message.job_id for message in self.store.take_messages()]

    @rule()
    def relay_that_dies_before_sending(self) -> None:
        self.unsent = self.store.take_messages()

    @rule()
    def relay_that_gives_back_late(self) -> None:
        self.store.give_back_messages(self.unsent)

    @precondition(lambda self: self.broker)
    @rule(data=st.data())
    def broker_loses_a_message(self, data: st.DataObject) -> None:
        self.broker.remove(data.draw(st.sampled_from(self.broker)))

    @rule()
    def sweep(self) -> None:
        self.store.sweep()
        for job_id in [job_id for job_id, attempt in self.current.items() if attempt.until <= self.now]:
            self.deaths[job_id] += 1
            del self.current[job_id]

    @precondition(lambda self: self.accepted)
    @rule(data=st.data())
    def cancel(self, data: st.DataObject) -> None:
        self.store.cancel(data.draw(st.sampled_from(self.accepted)))

    @precondition(lambda self: self.ended)
    @rule(data=st.data())
    def redrive(self, data: st.DataObject) -> None:
        job_id = data.draw(st.sampled_from(sorted(self.ended)))
        failed = {id_: self.store.get(id_).state == JobState.FAILED for id_ in self.accepted}
        try:
            self.store.redrive(job_id)
        except Conflict:  # It has not failed, or it failed because its parts were cancelled.
            return
        assert failed[job_id]
        for id_ in self.accepted:
            if failed[id_] and self.store.get(id_).state != JobState.FAILED:
                self.redriven[id_] += 1
                del self.ended[id_]

    # The workers

    @precondition(lambda self: self.broker)
    @rule(data=st.data())
    def deliver(self, data: st.DataObject) -> None:
        job_id = data.draw(st.sampled_from(self.broker))
        self.broker.remove(job_id)
        self._claim(job_id)

    @precondition(lambda self: self.accepted)
    @rule(data=st.data())
    def deliver_once_more(self, data: st.DataObject) -> None:
        self._claim(data.draw(st.sampled_from(self.accepted)))

    @precondition(lambda self: self.attempts)
    @rule(data=st.data(), rescued=st.booleans())
    def fall_asleep(self, data: st.DataObject, rescued: bool) -> None:
        """A worker sleeps through its lease, and another one takes over; the sleeper is heard of again."""
        attempt = data.draw(st.sampled_from(self.attempts))
        self.time_passes(LEASE_SECONDS)
        if rescued:
            self.sweep()
        self._claim(attempt.lease.job_id)

    @precondition(lambda self: self.attempts)
    @rule(data=st.data())
    def crash(self, data: st.DataObject) -> None:
        self.attempts.remove(data.draw(st.sampled_from(self.attempts)))

    @precondition(lambda self: self.attempts)
    @rule(data=st.data(), action=st.sampled_from(["heartbeat", "event", "progress"]))
    def report(self, data: st.DataObject, action: str) -> None:
        attempt = data.draw(st.sampled_from(self.attempts))
        with self._fenced(attempt) as still_holds:
            if action == "heartbeat":
                attempt.until = self.store.heartbeat(attempt.lease).until
            elif action == "event":
                self.store.append_event(attempt.lease, "x", {})
            else:
                self.store.set_progress(attempt.lease, "compose", 0.5)
            assert still_holds

    @precondition(lambda self: self.attempts)
    @rule(data=st.data(), action=st.sampled_from(["succeed", "succeed", "fail", "try again", "cancelled", "release"]))
    def finish(self, data: st.DataObject, action: str) -> None:
        attempt = data.draw(st.sampled_from(self.attempts))
        lease = attempt.lease
        with self._fenced(attempt) as still_holds:
            if action == "succeed":
                made = Artifact(name="song.mid", sha256=f"{lease.fence:064x}", size=1, media_type="audio/midi")
                self.store.succeed(lease, {"fence": lease.fence}, [made])
                self.successes[lease.job_id] += 1
            elif action == "cancelled":
                self.store.cancelled(lease)
            elif action == "release":
                self.store.release(lease)
            else:
                self.store.fail(lease, ERROR, retryable=action == "try again")
            assert still_holds
            del self.current[lease.job_id]

    @precondition(lambda self: self.attempts)
    @rule(data=st.data(), kinds=CHILDREN)
    def park(self, data: st.DataObject, kinds: list[str]) -> None:
        attempt = data.draw(st.sampled_from(self.attempts))
        with self._fenced(attempt) as still_holds:
            self.accepted += self.store.park(attempt.lease, [NewJob(kind, {}) for kind in kinds], "next")
            assert still_holds
            del self.current[attempt.lease.job_id]

    # What must hold at every moment

    @invariant()
    def histories_have_no_gaps(self) -> None:
        with self.store.database.reading() as connection:
            rows = connection.execute(select(job_events.c.job_id, job_events.c.seq).order_by(*job_events.primary_key))
            seqs: dict[str, list[int]] = {}
            for row in rows:
                seqs.setdefault(row.job_id, []).append(row.seq)
            last = {row.id: row.last_seq for row in connection.execute(select(jobs.c.id, jobs.c.last_seq))}
        assert {job_id: list(range(1, count + 1)) for job_id, count in last.items()} == seqs

    @invariant()
    def a_queued_job_has_one_message_and_any_other_none(self) -> None:
        with self.store.database.reading() as connection:
            queued = connection.scalars(select(jobs.c.id).where(jobs.c.state == "queued")).all()
            messages = connection.scalars(select(outbox.c.job_id)).all()
        assert sorted(queued) == sorted(messages)

    @invariant()
    def a_waiting_job_has_somebody_to_wait_for(self) -> None:
        for job in map(self.store.get, self.accepted):
            assert job.attempt <= 3
            if job.waiting:
                assert (job.state, job.lease_until, job.worker) == (JobState.RUNNING, None, None)
                children = self.store.children(job.id, newest_batch=True)
                assert not all(child.state.is_final for child in children)

    @invariant()
    def the_end_is_the_end(self) -> None:
        for job in map(self.store.get, self.accepted):
            assert job.fence >= self.fences.get(job.id, 0)
            self.fences[job.id] = job.fence
            if job.state.is_final:
                whole = (job, tuple(event.type for event in self.store.events(job.id)))
                assert self.ended.setdefault(job.id, whole) == whole

    def teardown(self) -> None:
        """However bad it was: workers that live and time that passes are enough for every job to end, once."""
        try:
            for _ in range(200):
                if all(self.store.get(job_id).state.is_final for job_id in self.accepted):
                    break
                self.time_passes(700.0)
                self.sweep()
                self.relay()
                for job_id in self.broker:
                    lease = self.store.claim(job_id, "the last worker")
                    if lease is not None:
                        self.store.succeed(lease, {"fence": lease.fence})
                        self.successes[job_id] += 1
                self.broker = []
            for job_id in self.accepted:
                self._check_its_one_end(job_id)
        finally:
            self.store.close()

    def _check_its_one_end(self, job_id: str) -> None:
        job = self.store.get(job_id)
        assert job.state.is_final, f"{job_id} was lost as {job.state}"
        types = Counter(event.type for event in self.store.events(job_id))
        assert sum(types[name] for name in FINAL_EVENTS) == 1 + self.redriven[job_id]
        assert types["job.redriven"] == self.redriven[job_id]
        assert types["job.lease-expired"] == self.deaths[job_id], "each lease that ran out is told of once"
        assert self.successes[job_id] == types["job.succeeded"] == (job.state == JobState.SUCCEEDED)
        if job.state == JobState.SUCCEEDED:
            assert job.result == {"fence": job.fence}, "the result is of the attempt that held the job last"

    def _claim(self, job_id: str) -> None:
        lease = self.store.claim(job_id, f"worker {len(self.attempts)}")
        if lease is not None:
            holder = self.current.get(job_id)
            assert holder is None or holder.until <= self.now, "two attempts hold the job at once"
            self.deaths[job_id] += holder is not None
            self.current[job_id] = Attempt(lease, lease.until)
            self.attempts.append(self.current[job_id])

    def _fenced(self, attempt: Attempt) -> "_Fence":
        return _Fence(self, attempt)


class _Fence:
    """Checks what a write under a lease does: it works if the lease is good, else raises and changes nothing."""

    def __init__(self, life: JobLife, attempt: Attempt) -> None:
        self.life, self.attempt = life, attempt

    def __enter__(self) -> bool:
        self.before = self._database()
        self.good = self.life.current.get(self.attempt.lease.job_id) is self.attempt
        self.good = self.good and self.attempt.until > self.life.now
        return self.good

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> bool:
        if kind is not None and issubclass(kind, StaleLease):
            assert not self.good
            assert self._database() == self.before
            return True
        return False

    def _database(self) -> list[object]:
        with self.life.store.database.reading() as connection:
            return [connection.execute(select(table)).all() for table in (jobs, job_events, outbox)]


def test_an_accepted_job_ends_exactly_once(new_database_url: Callable[[], str]) -> None:
    url = new_database_url()
    some = settings(
        max_examples=40 if url.startswith("sqlite") else 15,
        stateful_step_count=40,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    run_state_machine_as_test(lambda: JobLife(url), settings=some)
