"""`alignment.json`: which syllable is sung when and at which pitch; it can be edited and sung again."""

from typing import Final, Literal

from pydantic import Field

from bandmate_shared.contracts.base import Contract
from bandmate_shared.contracts.vocals import Ensemble, SungNote, Vibrato, VocalRequest

ALIGNMENT_FILE = "alignment.json"
ALIGNMENT_KIND: Final = "alignment"


class AlignedNote(Contract):
    """A note as it is sung."""

    start: float = Field(ge=0, description="Seconds from the start of the song.")
    end: float = Field(gt=0, description="Seconds.")
    pitch: int = Field(ge=24, le=96, description="MIDI pitch.")
    velocity: int | None = Field(None, ge=1, le=127, description="How loud the score has it, as in MIDI.")
    syllable: str | None = Field(None, max_length=64, description="None: the vowel before goes on.")
    word: str | None = Field(None, description="The whole word that is being sung.")
    word_index: int | None = Field(None, ge=0, description="Counts the words from 0, one singer after the other.")
    word_end: bool = True
    line_end: bool = False
    vowel_onset: float | None = Field(
        None, ge=0, description="When the syllable's vowel begins, in seconds; None where no syllable begins."
    )
    singer: int = Field(0, ge=0)
    vibrato: Vibrato | None = Field(None, description="None: the singer's own.")
    breath: float = Field(0.0, ge=0, le=1, description="Air in the voice, beyond the singer's own.")
    loudness: float = Field(0.0, ge=-40, le=12, description="Louder or softer than it would be, in dB.")
    pitch_curve: list[float] | None = Field(
        None, description="Cents above `pitch`, evenly spread from `start` to `end`, without the vibrato."
    )

    def sung(self) -> SungNote:
        """The note as a request has it."""
        return SungNote(
            onset=self.start,
            duration=round(self.end - self.start, 6),
            pitch=self.pitch,
            velocity=self.velocity,
            syllable=self.syllable,
            word_end=self.word_end,
            line_end=self.line_end,
            singer=self.singer,
            vibrato=self.vibrato,
            breath=self.breath,
            loudness=self.loudness,
            pitch_curve=self.pitch_curve,
        )


class Alignment(Contract):
    """`alignment.json`. `request()` sings it again; `word`, `word_index` and `vowel_onset` are then made anew."""

    kind: Literal["alignment"] = ALIGNMENT_KIND
    language: str | None = Field(None, description="Of the words, as a tag.")
    engine: str | None = None
    voice: str | None = None
    voices: list[str] | None = None
    ensemble: Ensemble = "solo"
    seconds: float = Field(gt=0, description="Length of the song.")
    seed: int = Field(0, ge=0)
    notes: list[AlignedNote] = Field(min_length=1, max_length=10_000)

    def text(self) -> str:
        """As JSON, a note a line, so that a person finds the one to change."""
        head = self.model_dump_json(exclude={"notes"})[:-1]
        notes = ",\n ".join(note.model_dump_json() for note in self.notes)
        return f'{head},\n"notes":[\n {notes}\n]}}\n'

    def request(self) -> VocalRequest:
        """The request to sing this. Raises pydantic's ValidationError where edits contradict each other."""
        return VocalRequest(
            notes=[note.sung() for note in self.notes],
            language=self.language,
            engine=self.engine,
            voice=self.voice,
            voices=self.voices,
            ensemble=self.ensemble,
            seconds=self.seconds,
            seed=self.seed,
        )
