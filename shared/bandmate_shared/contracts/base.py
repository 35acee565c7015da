"""The base of every contract: immutable, and strict about unknown fields."""

from pydantic import BaseModel, ConfigDict


class Contract(BaseModel):
    """A value that crosses a service boundary. Unknown fields are refused, so that a typo is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")
