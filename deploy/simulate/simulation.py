"""The event loop: songs arrive, wait, are worked on, move on to their next stop; once a minute the scalers look."""

import heapq
import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from deploy.simulate.assumptions import Behaviour
from deploy.simulate.policy import Policy
from deploy.simulate.scaler import Scaler
from deploy.simulate.songs import Song
from deploy.simulate.station import Station, Task, Visit

ARRIVE, READY, DONE, LOOK = range(4)
DRAIN_SECONDS = 6 * 3600.0
"""How long after the last arrival the last song may take, before it counts as lost."""


@dataclass
class Outcome:
    """Seconds. `waits`: of each finished song, in all its queues together; `totals`: from the request to the end.

    `starts`: (service, arrival at the queue, start of work) in the order of starts; `samples`: a line a minute.
    """

    waits: list[float] = field(default_factory=list)
    totals: list[float] = field(default_factory=list)
    starts: list[tuple[str, float, float]] = field(default_factory=list)
    samples: list[tuple[float, dict[str, tuple[int, int, int]]]] = field(default_factory=list)
    stations: dict[str, Station] = field(default_factory=dict)
    seconds: float = 0.0

    @property
    def finished(self) -> int:
        return len(self.totals)


def simulate(
    policies: Sequence[Policy],
    times: Sequence[float],
    songs: Sequence[Song],
    *,
    seed: int = 0,
    behaviour: Behaviour | None = None,
    scaling: bool = True,
    keep_starts: bool = False,
) -> Outcome:
    """Run until every song is finished, and at least to the last arrival.

    `times`, ascending: when each song is asked for. Without `scaling` every service keeps its fewest tasks, and they
    are there from the beginning. Raises RuntimeError if songs are still waiting DRAIN_SECONDS after the last arrival.
    """
    chance = random.Random(seed)  # noqa: S311 - a simulation
    behaviour = behaviour or Behaviour()
    out = Outcome(stations={policy.service: Station(policy, behaviour, chance) for policy in policies})
    scalers = {name: Scaler(station) for name, station in out.stations.items()}
    tasks: dict[str, list[Task]] = {name: [] for name in out.stations}
    waited = [0.0] * len(songs)
    events: list[tuple[float, int, int, Any]] = []
    order = count()

    def push(when: float, kind: int, payload: Any) -> None:
        heapq.heappush(events, (when, next(order), kind, payload))

    def begin(name: str, now: float) -> None:
        station = out.stations[name]
        while station.waiting and station.idle:
            task, visit = station.idle.pop(), station.waiting.popleft()
            task.busy = True
            station.working += 1
            station.busy_seconds += visit.seconds
            waited[visit.song] += now - visit.came
            if keep_starts:
                out.starts.append((name, visit.came, now))
            push(now + visit.seconds, DONE, (name, task, visit))

    def want(name: str, number: int, now: float) -> None:
        for when, task in out.stations[name].order(number, now):
            tasks[name].append(task)
            push(when, READY, (name, task))

    def join(song: int, stop: int, now: float) -> None:
        station_stop = songs[song][stop]
        out.stations[station_stop.service].waiting.append(Visit(song, stop, now, station_stop.seconds))
        begin(station_stop.service, now)

    for name, station in out.stations.items():
        station.desired = station.policy.fewest
        station.idle = [Task(0.0) for _ in range(station.policy.fewest)]
        tasks[name] += station.idle
    for song, when in enumerate(times):
        push(when, ARRIVE, song)
    if scaling:
        push(behaviour.metric_period, LOOK, None)
    last = times[-1] if times else 0.0
    now = 0.0
    while events and (out.finished < len(songs) or now < last):
        now, _, kind, payload = heapq.heappop(events)
        if kind == ARRIVE:
            join(payload, 0, now)
        elif kind == READY:
            name, task = payload
            if not task.stopped:
                station = out.stations[name]
                station.starting.remove(task)
                station.idle.append(task)
                begin(name, now)
        elif kind == DONE:
            name, task, visit = payload
            station = out.stations[name]
            station.working -= 1
            task.busy = False
            # More tasks than desired: this one was only protected by its work.
            if station.running + len(station.starting) >= station.desired:
                station.stop(task, now)
            else:
                station.idle.append(task)
            if visit.stop + 1 < len(songs[visit.song]):
                join(visit.song, visit.stop + 1, now)
            else:
                out.waits.append(waited[visit.song])
                out.totals.append(now - times[visit.song])
            begin(name, now)
        else:
            if now > last + DRAIN_SECONDS:
                raise RuntimeError(
                    f"{len(songs) - out.finished} songs are still waiting {DRAIN_SECONDS:.0f} s after the last"
                )
            for name, scaler in scalers.items():
                task_count = scaler.look(now)
                if task_count is not None:
                    want(name, task_count, now)
            out.samples.append(
                (
                    now,
                    {
                        name: (station.backlog, station.desired, station.running)
                        for name, station in out.stations.items()
                    },
                )
            )
            push(now + behaviour.metric_period, LOOK, None)
    out.seconds = now
    for name, station in out.stations.items():
        station.end(now, tasks[name])
    return out
