"""What a style settles: its parts and what each plays, tempi, metres, form, harmony, tune, groove and mix."""

from dataclasses import dataclass, field

from bandmate_music.theory.metre import Metre
from bandmate_shared.contracts.composition import PartSpec, Role

from bandmate_generate.lyrics.prosody import Feel

VOICE_PROGRAM = 52
"""Choir Aahs: what a sung line is called in MIDI, and how it sounds where no words are sung."""


@dataclass(frozen=True, slots=True)
class StylePart:
    """One part of a line-up. `low`..`high` in MIDI pitch; `level` in LU beside the melody; `pan` -1 (left) to 1.

    `lead` is the instrument that plays a singer's line in a song without words. `figure` names what the part plays
    (`bandmate_generate.band.figures`, for drums "drums"); None: the network composes it. `enters` is the energy of a
    section from which on the part plays.
    """

    name: str
    role: Role
    program: int
    low: int = 21
    high: int = 108
    monophonic: bool = False
    is_voice: bool = False
    is_drum: bool = False
    lead: tuple[str, int] | None = None
    level: float = 0.0
    pan: float = 0.0
    room: float = 0.2
    density: int | None = None
    polyphony: int | None = None
    figure: str | None = None
    enters: float = 0.0

    def spec(self, sung: bool) -> PartSpec:
        """The part as the model's request describes it."""
        name, program = (self.name, self.program) if sung or self.lead is None else self.lead
        return PartSpec(
            name=name,
            role=self.role,
            program=program,
            is_drum=self.is_drum,
            is_voice=self.is_voice,
            low=self.low,
            high=self.high,
            monophonic=self.monophonic,
            density=self.density,
            polyphony=self.polyphony,
        )


@dataclass(frozen=True, slots=True)
class Style:
    """A preset. `tempi` in quarter notes a minute; of `metres` the first is the usual one, each as likely as it stands
    there often; `majors` is the share of major keys; `singer` None is the vocal service's default.

    `form` names a preset of the form, `harmony` a vocabulary of chords, `idiom` a kind of tune, `groove` a family of
    drum patterns (None: no drums are usual). `swing` is the share of a beat that the first of two eighths takes: .5 is
    even, .66 a triplet; the score is written in even eighths. `kit` is a General MIDI drum kit (0 standard, 8 room, 16
    power, 25 analogue, 32 jazz, 40 brushes), `loose` how far the players' timing strays, 0 to 1.
    """

    name: str
    description: str
    model_style: str
    parts: tuple[StylePart, ...]
    tempi: tuple[int, int]
    metres: tuple[Metre, ...]
    majors: float = 0.65
    feel: Feel = field(default_factory=Feel)
    singer: str | None = None
    temperature: float = 1.0
    top_p: float = 0.95
    form: str = "verse-chorus"
    harmony: str = "pop"
    idiom: str = "pop"
    swing: float = 0.5
    groove: str | None = None
    kit: int = 0
    loose: float = 0.5

    @property
    def melody(self) -> int | None:
        """Index of the part that sings where there are words; None for drums alone."""
        return next((index for index, part in enumerate(self.parts) if part.role == "melody"), None)
