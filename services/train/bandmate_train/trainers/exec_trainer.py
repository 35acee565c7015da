"""Exec the trainer in this process: `python -m bandmate_train.trainers.exec_trainer LOCK_FD PARENT_PID COMMAND…`.

A worker that is killed cannot stop the trainer it started. So before the exec this process

- writes its id into the inherited lock file and keeps the lock as long as it lives: the next attempt finds a trainer
  that is still running, and stops it, instead of letting two write the same checkpoints;
- asks the kernel, on Linux, for a SIGTERM when the worker dies, on which the trainer saves and stops.
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def main(lock_fd: int, parent: int, command: list[str]) -> None:
    """Write the lock file, arm the parent-death signal and exec the command; exits when it cannot be started."""
    os.ftruncate(lock_fd, 0)
    os.pwrite(lock_fd, str(os.getpid()).encode(), 0)
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != parent:
            sys.exit("the worker is gone")
    try:
        os.execvp(command[0], command)  # noqa: S606 - an argument list, never a shell
    except OSError as error:
        sys.exit(f"cannot start {command[0]}: {error.strerror}")


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3:])
