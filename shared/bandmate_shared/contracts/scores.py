"""Where a score's bars and notes stand on its engraved pages."""

from typing import Annotated

from pydantic import Field

from bandmate_shared.contracts.base import Contract

Share = Annotated[float, Field(ge=0, le=1)]


class BarPosition(Contract):
    """A bar on its page: the box around its staves, and where in it the notes stand."""

    bar: int = Field(ge=1, description="Counted from 1, as in `timemap.json`.")
    page: int = Field(ge=1, description="As `score.svg?page=` counts them.")
    left: Share = Field(description="Of the page's width.")
    right: Share
    top: Share = Field(description="Of the page's height.")
    bottom: Share
    onsets: list[tuple[Share, Share]] = Field(
        description="The share of the bar that is over, and where the notes and rests that begin then stand, of the "
        "page's width; in order."
    )


class ScorePositions(Contract):
    """Every bar of a score, in order."""

    pages: int = Field(ge=1)
    bars: list[BarPosition]
