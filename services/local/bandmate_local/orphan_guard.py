"""A small process that kills the platform's processes when the supervisor dies, even by `kill -9`.

The supervisor holds the other end of its standard input and writes `+<pgid>` for each process group it starts
and `-<pgid>` for each that has ended. When the supervisor ends for any reason, the kernel closes that end, and every
group still listed is killed. Unlike Linux's PR_SET_PDEATHSIG this reaches grandchildren (a Celery pool, a training run)
and works on other systems. Jobs of the killed workers are run again after the next start.
"""

import os
import signal
import sys


def guard() -> None:
    """Read standard input until the supervisor is gone, then kill the process groups it left."""
    for name in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(name, signal.SIG_IGN)  # Only the end of the supervisor ends this process.
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
    guard()
