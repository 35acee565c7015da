"""Resource limits that a child process sets on itself before it touches untrusted input. Standard library only."""

import resource
from math import ceil
from pathlib import Path


def drop_privileges(memory_bytes: int, *, threads: bool = False) -> None:
    """No more memory than allowed on top of what is in use; no new files, no core dumps, no processes.

    With `threads` new threads may still be started, and so may processes.
    """
    statm = Path("/proc/self/statm")
    used = int(statm.read_bytes().split()[0]) * resource.getpagesize() if statm.exists() else 0
    lower_limit(resource.RLIMIT_AS, used + memory_bytes)
    lower_limit(resource.RLIMIT_CORE, 0)
    lower_limit(resource.RLIMIT_FSIZE, 0)
    if not threads:
        lower_limit(resource.RLIMIT_NPROC, 0)
    lower_limit(resource.RLIMIT_NOFILE, 3)


def lower_limit(limit: int, value: int) -> None:
    """Set the soft and the hard limit to `value`, or to the hard limit where that is lower."""
    hard = resource.getrlimit(limit)[1]
    value = value if hard == resource.RLIM_INFINITY else min(value, hard)
    resource.setrlimit(limit, (value, value))


def extend_cpu_limit(seconds: float) -> None:
    """Allow so many more CPU seconds: the clock counts since the start of the process, so each task moves the limit."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    soft, hard = ceil(usage.ru_utime + usage.ru_stime + seconds), resource.getrlimit(resource.RLIMIT_CPU)[1]
    resource.setrlimit(resource.RLIMIT_CPU, (soft if hard == resource.RLIM_INFINITY else min(soft, hard), hard))
