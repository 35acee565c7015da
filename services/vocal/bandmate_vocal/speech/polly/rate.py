"""One rate for all workers' calls to Amazon Polly: its quota counts an account's calls, not a worker's."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from bandmate_vocal.speech.polly.errors import SpeechThrottled

QUOTAS = {"standard": 80.0, "neural": 8.0}
"""Calls a second that AWS allows an account at first, by engine."""
_MAX_WAIT = 20.0
"""Seconds that a job waits for its turn; after that it is put back."""

Reserve = Callable[[str, float, int, float], float | None]
"""(service, calls a second, calls at once, seconds to wait at most) → seconds to wait before the call; None: more."""


@dataclass(frozen=True, slots=True)
class SharedRate:
    """The rate of one of Polly's engines; `reserve` keeps it where all workers see it."""

    reserve: Reserve
    engine: str
    per_second: float

    def wait(self) -> None:
        """Return when a call may be made. Raises SpeechThrottled where that is too far off."""
        burst = max(1, round(self.per_second))
        seconds = self.reserve(f"polly-{self.engine}", self.per_second, burst, _MAX_WAIT)
        if seconds is None:
            raise SpeechThrottled(
                f"the workers ask Amazon Polly for more than {self.per_second:g} calls a second; ask AWS for a higher "
                f"quota of the engine {self.engine} and set BANDMATE_POLLY_CALLS_PER_SECOND, or wait"
            )
        if seconds > 0:
            time.sleep(seconds)
