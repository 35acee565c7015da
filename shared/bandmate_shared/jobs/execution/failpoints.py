"""Places where a test may have a process die as by `kill -9`, to prove that no job is lost there.

`BANDMATE_FAILPOINT="song.render,vocal.sing"` kills the process that reaches such a stage on the first attempt of the
phase; `song.render*` does so on every attempt, `song.render#3` on the third. Besides stages there are
`<kind>.@claimed` (nothing done yet), `<kind>.@manifest` (the manifest is written, the job not yet finished), and
`<kind>.@finished` (finished, the message not yet acknowledged). Unset, as it is outside tests, this costs one look at
a frozen set.
"""

import os
import signal

VARIABLE = "BANDMATE_FAILPOINT"

_armed = frozenset(filter(None, os.environ.get(VARIABLE, "").split(",")))


def reach(name: str, attempt: int) -> None:
    """Die here if a test asked for it."""
    if _armed and ((name in _armed and attempt == 1) or not _armed.isdisjoint((f"{name}*", f"{name}#{attempt}"))):
        os.kill(os.getpid(), signal.SIGKILL)
