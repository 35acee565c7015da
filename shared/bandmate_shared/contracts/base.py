"""The base of every contract: immutable, and strict about unknown fields."""

from pydantic import BaseModel, ConfigDict


class Contract(BaseModel):
    """A value that crosses a service boundary. Unknown fields are refused, so a typo is an error at the door."""

    model_config = ConfigDict(frozen=True, extra="forbid")
