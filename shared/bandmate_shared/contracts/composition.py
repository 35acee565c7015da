"""What the generate service asks of a model container (`POST /invocations`), and what it answers.

Time is in grid ticks, 24 a quarter note, from the start of the song. Rows of notes are plain integer lists,
so that a million-note answer stays small and any language can read it.
"""

from bisect import bisect_right
from typing import Annotated, Literal

from pydantic import Field, model_validator

from bandmate_shared.contracts.base import Contract
from bandmate_shared.contracts.songs import Originality
from bandmate_shared.contracts.wishes import Role as Role
from bandmate_shared.music.bars import Bars
from bandmate_shared.music.metre import Metre

GRID_TICKS_PER_QUARTER = 24

DENSITY_BOUNDS = (0.5, 1.0, 2.0, 4.0)
"""Notes a quarter note, every note of a chord counted: below the first is level 1, from the last on level 5."""

MAX_POLYPHONY = 16

PitchClass = Annotated[int, Field(ge=0, le=11)]


def density_level(notes_a_quarter: float) -> int:
    """The level 1-5 of a part that plays so many notes a quarter note on average."""
    return bisect_right(DENSITY_BOUNDS, notes_a_quarter) + 1


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
    density: int | None = Field(
        None, ge=1, le=5, description="Level of DENSITY_BOUNDS wished for; None: the request's."
    )
    polyphony: int | None = Field(
        None,
        ge=1,
        le=MAX_POLYPHONY,
        description="The most notes that may sound at once in the part, hard; not for drums.",
    )


class RhythmNote(Contract):
    """A note whose time is fixed beforehand (a syllable); the model chooses its pitch."""

    onset: int = Field(ge=0)
    duration: int = Field(gt=0)


class ChordSpan(Contract):
    """A chord wished for over a stretch of the piece. Pitch classes are absolute: 0 is C, whatever the key."""

    onset: int = Field(ge=0)
    duration: int = Field(gt=0)
    root: PitchClass
    pitch_classes: list[PitchClass] = Field(min_length=1, max_length=12)
    bass: PitchClass | None = Field(None, description="The lowest note wished for ('C/E': 4); None: any.")
    symbol: str


class Hole(Contract):
    """What is to be composed: `bars` bars of one part. Bars are counted from 0."""

    part: int = Field(ge=0)
    first_bar: int = Field(ge=0)
    bars: int = Field(ge=1)


class BarChange(Contract):
    """From `bar` (counted from 0) on, bars are of this metre."""

    bar: int = Field(ge=0)
    numerator: int = Field(ge=1, le=16)
    denominator: Literal[1, 2, 4, 8, 16]
    ticks: int | None = Field(
        None, ge=2, le=1536, multiple_of=2, description="Grid ticks of each, where the metre does not say: cut short."
    )


class CompositionRequest(Contract):
    """A piece to compose: the frame is exact, the notes are the model's.

    Without `holes` everything after `prompt_bars` is composed. With them everything outside is given: its notes are in
    `prompt`, anywhere in the piece, and `prompt_bars` says nothing. A given note that began before a hole and lasts
    into it keeps sounding there. In the answer every note of `prompt` comes back as it was, and composed ones begin and
    end within the holes.
    """

    style: str
    tonic: int = Field(ge=0, le=11)
    mode: Literal["major", "minor"]
    key_wish: bool = Field(
        False, description="The key was asked for, so the piece is to be heard in it; otherwise it may wander."
    )
    numerator: int = Field(ge=1, le=16)
    denominator: Literal[1, 2, 4, 8, 16]
    bars: int = Field(ge=1, le=128)
    bar_changes: list[BarChange] = Field(
        default_factory=list, max_length=128, description="Where bars are of another metre or length, ascending."
    )
    tempo: float = Field(gt=0)
    parts: list[PartSpec] = Field(min_length=1, max_length=16)
    rhythm: dict[int, list[RhythmNote]] = Field(
        default_factory=dict, description="Part index → all the notes of that part, onsets ascending, not overlapping."
    )
    prompt: list[tuple[int, int, int, int, int]] = Field(
        default_factory=list,
        description="Given notes (part, onset, duration, pitch, velocity): of the first `prompt_bars` bars, or of "
        "everything outside the holes.",
    )
    prompt_bars: int = Field(0, ge=0)
    holes: list[Hole] | None = Field(None, max_length=16 * 128)
    density: int | None = Field(None, ge=1, le=5, description="For every part without a level of its own.")
    chords: list[ChordSpan] = Field(default_factory=list, description="Onsets ascending, not overlapping.")
    seeds: list[int] = Field(min_length=1, max_length=16, description="One candidate is composed a seed.")
    temperature: float = Field(1.0, gt=0, le=4)
    top_p: float = Field(0.95, gt=0, le=1)
    top_k: int = Field(0, ge=0, description="Choose among so many of the likeliest; 0: among all.")

    @model_validator(mode="after")
    def _consistent(self) -> "CompositionRequest":
        if any(index >= len(self.parts) or index < 0 for index in self.rhythm):
            raise ValueError("rhythm names a part that does not exist")
        for hole in self.holes or []:
            if hole.part >= len(self.parts) or hole.first_bar + hole.bars > self.bars:
                raise ValueError(
                    f"there is a hole in part {hole.part}, bars {hole.first_bar}-{hole.first_bar + hole.bars - 1}, and "
                    f"the piece has {len(self.parts)} parts and {self.bars} bars, both counted from 0"
                )
        changed = [change.bar for change in self.bar_changes]
        if changed != sorted(set(changed)) or any(bar >= self.bars for bar in changed):
            raise ValueError(f"the bar changes are at {changed}: they have to ascend, within the {self.bars} bars")
        before = 0
        for chord in self.chords:
            if chord.onset < before:
                raise ValueError(f"the chord {chord.symbol} at tick {chord.onset} begins before the last one has ended")
            before = chord.onset + chord.duration
        if self.holes is None and self.prompt_bars >= self.bars and self.prompt_bars > 0:
            raise ValueError("the prompt fills every bar asked for; ask for more bars than the prompt has")
        return self

    @property
    def frame(self) -> Bars:
        """The bars, in grid ticks."""
        changes = {change.bar: change for change in self.bar_changes}
        metre, ticks = Metre(self.numerator, self.denominator), None
        lengths = []
        for number in range(self.bars):
            if (change := changes.get(number)) is not None:
                metre, ticks = Metre(change.numerator, change.denominator), change.ticks
            lengths.append((ticks or metre.bar_ticks(GRID_TICKS_PER_QUARTER), metre))
        return Bars.of(lengths)

    @property
    def free_bars(self) -> list[list[bool]]:
        """For each part, which bars are to be composed."""
        if self.holes is None:
            return [[number >= self.prompt_bars for number in range(self.bars)] for _ in self.parts]
        free = [[False] * self.bars for _ in self.parts]
        for hole in self.holes:
            free[hole.part][hole.first_bar : hole.first_bar + hole.bars] = [True] * hole.bars
        return free


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
