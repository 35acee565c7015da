"""What the generate service asks of a model container (`POST /invocations`), and what it answers.

Time is in grid ticks, 24 a quarter note, from the start of the song. Rows of notes are plain integer lists,
so that a million-note answer stays small and any language can read it.
"""

from bisect import bisect_right
from typing import Annotated, Literal

from bandmate_music.theory.bars import Bars
from bandmate_music.theory.metre import Metre
from pydantic import Field, model_validator

from bandmate_shared.contracts.base import Contract
from bandmate_shared.contracts.songs import Originality
from bandmate_shared.contracts.wishes import MAX_BARS
from bandmate_shared.contracts.wishes import Role as Role

GRID_TICKS_PER_QUARTER = 24

DENSITY_BOUNDS = (0.5, 1.0, 2.0, 4.0)
"""Notes per quarter, every note of a chord counted: below the first is level 1, from the last on level 5."""

MAX_POLYPHONY = 16

_NoteRow = tuple[
    Annotated[int, Field(ge=0)],
    Annotated[int, Field(ge=0)],
    Annotated[int, Field(gt=0)],
    Annotated[int, Field(ge=0, le=127)],
    Annotated[int, Field(ge=1, le=127)],
]
PitchClass = Annotated[int, Field(ge=0, le=11)]


def density_level(notes_per_quarter: float) -> int:
    """The density level, 1-5, of a part with this mean number of notes per quarter."""
    return bisect_right(DENSITY_BOUNDS, notes_per_quarter) + 1


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

    @property
    def plays_drums(self) -> bool:
        return self.is_drum or self.role == "drums"

    @model_validator(mode="after")
    def _check_range(self) -> "PartSpec":
        if not self.plays_drums and self.low > self.high:
            raise ValueError(f"part {self.name!r} has no pitch between {self.low} and {self.high}")
        return self


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


def holes_from(first_bar: int, bars: int, parts: int) -> list[Hole]:
    """The holes of a continuation: every bar from `first_bar` on, in each part of a piece of `bars` bars."""
    return [Hole(part=part, first_bar=first_bar, bars=bars - first_bar) for part in range(parts)]


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

    `holes` say what is composed; without them it is every bar of every part. Everything outside the holes is given: its
    notes are in `prompt`. A given note that begins before a hole and lasts into it keeps sounding there. In the answer
    every note of `prompt` comes back unchanged, and composed notes begin and end within the holes.
    """

    style: str
    tonic: int = Field(ge=0, le=11)
    mode: Literal["major", "minor"]
    key_wish: bool = Field(
        False, description="The key was asked for, so the piece is to be heard in it; otherwise it may wander."
    )
    numerator: int = Field(ge=1, le=16)
    denominator: Literal[1, 2, 4, 8, 16]
    bars: int = Field(ge=1, le=MAX_BARS)
    bar_changes: list[BarChange] = Field(
        default_factory=list, max_length=MAX_BARS, description="Where bars are of another metre or length, ascending."
    )
    tempo: float = Field(gt=0)
    parts: list[PartSpec] = Field(min_length=1, max_length=16)
    rhythm: dict[int, list[RhythmNote]] = Field(
        default_factory=dict, description="Part index → all the notes of that part, onsets ascending, not overlapping."
    )
    prompt: list[_NoteRow] = Field(
        default_factory=list, description="Given notes (part, onset, duration, pitch, velocity), all outside the holes."
    )
    holes: list[Hole] | None = Field(
        None, max_length=16 * MAX_BARS, description="What is to be composed; null: every bar of every part."
    )
    density: int | None = Field(None, ge=1, le=5, description="For every part without a level of its own.")
    chords: list[ChordSpan] = Field(default_factory=list, description="Onsets ascending, not overlapping.")
    seeds: list[int] = Field(min_length=1, max_length=16, description="One candidate is composed a seed.")
    temperature: float = Field(1.0, gt=0, le=4)
    top_p: float = Field(0.95, gt=0, le=1)
    top_k: int = Field(0, ge=0, description="Choose among so many of the likeliest; 0: among all.")

    @model_validator(mode="after")
    def _check_consistency(self) -> "CompositionRequest":
        self._check_bars()
        self._check_rhythm()
        self._check_chords()
        self._check_prompt()
        return self

    def _check_bars(self) -> None:
        for hole in self.holes or []:
            if hole.part >= len(self.parts) or hole.first_bar + hole.bars > self.bars:
                raise ValueError(
                    f"there is a hole in part {hole.part}, bars {hole.first_bar}-{hole.first_bar + hole.bars - 1}, and "
                    f"the piece has {len(self.parts)} parts and {self.bars} bars, both counted from 0"
                )
        changed = [change.bar for change in self.bar_changes]
        if changed != sorted(set(changed)) or any(bar >= self.bars for bar in changed):
            raise ValueError(f"the bar changes are at {changed}: they have to ascend, within the {self.bars} bars")

    def _check_rhythm(self) -> None:
        end = self.frame.end
        for part, notes in self.rhythm.items():
            if not 0 <= part < len(self.parts):
                raise ValueError("rhythm names a part that does not exist")
            previous_end = 0
            for note in notes:
                if note.onset < previous_end:
                    raise ValueError(f"the rhythm of part {part} overlaps itself at tick {note.onset}")
                previous_end = note.onset + note.duration
            if previous_end > end:
                raise ValueError(f"the rhythm of part {part} runs past the last bar: {previous_end} of {end} ticks")

    def _check_chords(self) -> None:
        previous_end = 0
        for chord in self.chords:
            if chord.onset < previous_end:
                raise ValueError(f"the chord {chord.symbol} at tick {chord.onset} begins before the last one has ended")
            previous_end = chord.onset + chord.duration

    def _check_prompt(self) -> None:
        if not self.prompt:
            return
        frame, free = self.frame, self.free_bars
        for part, onset, duration, _, _ in self.prompt:
            if part >= len(self.parts):
                raise ValueError(f"the prompt names part {part}, which does not exist")
            if onset + duration > frame.end:
                raise ValueError(f"the prompt's note at tick {onset} lasts past the end of the piece, tick {frame.end}")
            if free[part][bar := frame.at(onset)]:
                name = self.parts[part].name
                raise ValueError(
                    f"the prompt's note at tick {onset} of {name!r} lies in bar {bar + 1}, which is to be composed"
                )

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
            return [[True] * self.bars for _ in self.parts]
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
