"""Application Auto Scaling as its documentation describes it: alarms on old metrics, cooldowns, bounds.

Of several policies that want more tasks the one that wants the most has its way; tasks are taken away only when every
policy that may take any agrees, and then as few as one of them would leave.
"""

import math
from collections import deque
from dataclasses import dataclass

from deploy.simulate.policy import Tracking
from deploy.simulate.station import Station


@dataclass
class _Watch:
    """One tracking and its two alarms: for how many minutes each has been over its line."""

    tracking: Tracking
    high: int = 0
    low: int = 0


class Scaler:
    """Looks once a minute. `look` returns how many tasks to want, or None to leave them be."""

    def __init__(self, station: Station) -> None:
        self._station = station
        delay = round(station.behaviour.metric_delay / station.behaviour.metric_period)
        # (waiting and working messages per task, messages that wait without a task); alarms see the oldest.
        self._seen: deque[tuple[float, float, float]] = deque(maxlen=delay + 1)
        self._watches = [_Watch(tracking) for tracking in station.policy.trackings]
        self._from_zero = 0
        self._out_until = self._in_until = -math.inf
        self._before_out = 0

    def look(self, now: float) -> int | None:
        station, policy, behaviour = self._station, self._station.policy, self._station.behaviour
        desired = station.desired
        tasks = max(station.running if behaviour.counts_running else desired, 1)
        orphans = float(len(station.waiting)) if desired < 1 else 0.0
        self._seen.append((len(station.waiting) / tasks, station.working / tasks, orphans))
        if len(self._seen) < (self._seen.maxlen or 1):
            return None
        waiting, working, orphans = self._seen[0]

        self._from_zero = self._from_zero + 1 if orphans >= policy.step_threshold else 0
        if policy.steps and desired == 0 and self._from_zero >= policy.step_periods:
            over = orphans - policy.step_threshold
            return self._scale_out(
                max(tasks for lower_bound, tasks in policy.steps if over >= lower_bound), desired, now
            )

        # What an earlier scale-out added counts as part of this one while its cooldown lasts.
        base = self._before_out if now < self._out_until else desired
        more, fewer, agreed = [], [], True
        for watch in self._watches:
            tracking = watch.tracking
            metric = waiting * tracking.waiting + working * tracking.working
            watch.high = watch.high + 1 if metric > tracking.target else 0
            watch.low = watch.low + 1 if metric < behaviour.low_share * tracking.target else 0
            if watch.high >= behaviour.high_periods:
                more.append(min(math.ceil(base * metric / tracking.target), policy.most))
            if tracking.scales_in:
                agreed = agreed and watch.low >= behaviour.low_periods
                fewer.append(max(math.ceil(desired * metric / tracking.target), policy.fewest))
        if desired and max(more, default=0) > desired:
            return self._scale_out(max(more), base, now)
        if desired and agreed and not more and now >= self._in_until and max(fewer, default=desired) < desired:
            self._in_until = now + policy.in_cooldown
            return max(fewer)
        return None

    def _scale_out(self, task_count: int, base: int, now: float) -> int:
        self._before_out = base
        self._out_until = now + self._station.policy.out_cooldown
        self._in_until = -math.inf  # A scale-out ends the wait for the next scale-in.
        return task_count
