"""Application Auto Scaling as its documentation describes it: alarms on old metrics, cooldowns, bounds."""

import math
from collections import deque

from deploy.simulate.station import Station


class Scaler:
    """Looks once a minute. `look` returns how many tasks to want, or None to leave them be."""

    def __init__(self, station: Station) -> None:
        self._station = station
        delay = round(station.behaviour.metric_delay / station.behaviour.metric_period)
        # (backlog per desired task, messages waiting without a task); the oldest is what alarms see now.
        self._seen: deque[tuple[float, float]] = deque(maxlen=delay + 1)
        self._high = self._low = self._from_zero = 0
        self._out_until = self._in_until = -math.inf
        self._before_out = 0

    def look(self, now: float) -> int | None:
        station, policy, behaviour = self._station, self._station.policy, self._station.behaviour
        desired = station.desired
        orphans = len(station.waiting) if desired < 1 else 0
        counted = station.running if behaviour.counts_running else desired
        self._seen.append((station.backlog / max(counted, 1), orphans))
        if len(self._seen) < (self._seen.maxlen or 1):
            return None
        metric, orphans = self._seen[0]
        self._from_zero = self._from_zero + 1 if orphans >= policy.step_threshold else 0
        self._high = self._high + 1 if metric > policy.target else 0
        self._low = self._low + 1 if metric < behaviour.low_share * policy.target else 0

        if policy.steps and desired == 0 and self._from_zero >= policy.step_periods:
            over = orphans - policy.step_threshold
            wanted = max(tasks for least, tasks in policy.steps if over >= least)
            return self._out(wanted, desired, now)
        if desired and self._high >= behaviour.high_periods:
            # What an earlier scale-out added counts as part of this one while its cooldown lasts.
            base = self._before_out if now < self._out_until else desired
            wanted = min(math.ceil(base * metric / policy.target), policy.most)
            if wanted > desired:
                return self._out(wanted, base, now)
        if desired and self._low >= behaviour.low_periods and now >= self._in_until:
            wanted = max(math.ceil(desired * metric / policy.target), policy.fewest)
            if wanted < desired:
                self._in_until = now + policy.in_cooldown
                return wanted
        return None

    def _out(self, wanted: int, base: int, now: float) -> int:
        self._before_out = base
        self._out_until = now + self._station.policy.out_cooldown
        self._in_until = -math.inf  # A scale-out ends the wait for the next scale-in.
        return wanted
