"""The leash: a small process that ends the platform's processes when the supervisor dies, even by `kill -9`.

The supervisor holds the other end of the leash's standard input and writes `+<pgid>` for each process group it starts
and `-<pgid>` for each that has ended. When the supervisor goes, however it goes, the kernel closes that end, and every
group still listed is killed. Unlike Linux's PR_SET_PDEATHSIG this reaches grandchildren (a Celery pool, a training run)
and works on other systems. Jobs in the killed workers are taken up again at the next start.
"""

import os
import signal
import sys


def hold() -> None:
    """Read until the supervisor is gone, then kill what it left."""
    for name in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(name, signal.SIG_IGN)  # Only the supervisor's end may end the leash.
    groups: set[int] = set()
    for line in sys.stdin:
        group = int(line[1:])
        if line[0] == "+":
            groups.add(group)
        else:
            groups.discard(group)
    for group in groups:
        try:
            os.killpg(group, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):
            pass


if __name__ == "__main__":
    hold()
