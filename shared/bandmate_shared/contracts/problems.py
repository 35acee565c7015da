"""The body of every HTTP error response: RFC 9457, `application/problem+json`."""

from pydantic import Field

from bandmate_shared.contracts.base import Contract

PROBLEM_TYPE_PREFIX = "urn:bandmate:problem:"


class FieldError(Contract):
    """One invalid field of a request."""

    field: str = Field(description="'bars', 'notes[3].pitch', the name of a header or query parameter, or 'body'.")
    message: str


class Problem(Contract):
    """A problem detail. `type` ends in the error's stable name, e.g. `urn:bandmate:problem:unknown-style`."""

    type: str
    title: str
    status: int
    detail: str = Field(description="What was wrong and what would be right, for a person.")
    instance: str = Field(description="The path that was asked for.")
    request_id: str | None = None
    errors: list[FieldError] = Field(default_factory=list)
