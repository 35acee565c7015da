"""What the generate service asks of a model container (`POST /invocations`), and what it answers.

Time is in grid ticks, 24 a quarter note, from the start of the song. Rows of notes are plain integer lists,
so that a million-note answer stays small and any language can read it.
"""

from typing import Literal

from pydantic import Field, model_validator

from bandmate_shared.contracts.base import Contract
from bandmate_shared.contracts.songs import Originality

GRID_TICKS_PER_QUARTER = 24

Role = Literal["melody", "harmony", "bass", "drums"]


class PartSpec(Contract):
    """One part to compose for. `low`..`high` are hard limits on MIDI pitch (ignored for drums)."""

    name: str
    role: Role
    program: int = Field(ge=0, le=127, description="General MIDI program, 0-based.")
    is_drum: bool = False
    is_voice: bool = Field(False, description="A singing line: one note at a time.")
    low: int = Field(21, ge=0, le=127)
    high: int = Field(108, ge=0, le=127)
    monophonic: bool = False


class RhythmNote(Contract):
    """A note whose time is fixed beforehand (a syllable); the model chooses its pitch."""

    onset: int = Field(ge=0)
    duration: int = Field(gt=0)


class CompositionRequest(Contract):
    """A piece to compose: the frame is exact, the notes are the model's."""

    style: str
    tonic: int = Field(ge=0, le=11)
    mode: Literal["major", "minor"]
    numerator: int = Field(ge=1, le=16)
    denominator: Literal[1, 2, 4, 8, 16]
    bars: int = Field(ge=1, le=128)
    tempo: float = Field(gt=0)
    parts: list[PartSpec] = Field(min_length=1, max_length=16)
    rhythm: dict[int, list[RhythmNote]] = Field(
        default_factory=dict, description="Part index → all the notes of that part, onsets ascending, not overlapping."
    )
    prompt: list[tuple[int, int, int, int, int]] = Field(
        default_factory=list,
        description="Given notes (part, onset, duration, pitch, velocity) that fill the first `prompt_bars` bars.",
    )
    prompt_bars: int = Field(0, ge=0)
    seeds: list[int] = Field(min_length=1, max_length=16, description="One candidate is composed a seed.")
    temperature: float = Field(1.0, gt=0, le=4)
    top_p: float = Field(0.95, gt=0, le=1)

    @model_validator(mode="after")
    def _consistent(self) -> "CompositionRequest":
        if any(index >= len(self.parts) or index < 0 for index in self.rhythm):
            raise ValueError("rhythm names a part that does not exist")
        if self.prompt_bars >= self.bars and self.prompt_bars > 0:
            raise ValueError("the prompt fills every bar asked for; ask for more bars than the prompt has")
        return self


class ComposedTake(Contract):
    """One candidate. `notes` rows are (part, onset, duration, pitch, velocity), sorted by onset, part, pitch."""

    seed: int
    notes: list[tuple[int, int, int, int, int]]
    log_likelihood: float = Field(description="Mean natural log-likelihood a free token under the model.")
    tokens: int
    originality: Originality


class CompositionAnswer(Contract):
    """The candidates in the order of the seeds."""

    takes: list[ComposedTake]
    model: dict[str, str] = Field(description="id, sha256, architecture.")
    seconds: float
