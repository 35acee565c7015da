"""The interface of a source of submissions: a Redis stream or an SQS queue. `open.py` opens the configured one."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class Submission:
    """One submission as received. `fields` go into a dead letter; `receipt` is the source's own handle of it.

    `request` should be a SongRequest in JSON. Where it cannot be one, `problem` says why.
    """

    id: str
    request: str
    idempotency_key: str | None
    fields: Mapping[str, str]
    problem: str = ""
    receipt: str = ""


class SubmissionSource(Protocol):
    """A queue of submissions. Every method may raise one of `connection_errors`."""

    connection_errors: tuple[type[Exception], ...]

    def receive(self) -> list[Submission]:
        """New submissions, and those that another intake received and did not finish; [] after a short wait."""

    def extend(self, submissions: Iterable[Submission]) -> None:
        """Hold these for longer: no other intake may receive them meanwhile."""

    def remove(self, submission: Submission) -> None:
        """Delete a processed submission."""

    def release(self, submissions: Iterable[Submission]) -> None:
        """Let another intake receive these at once."""

    def close(self) -> None: ...
