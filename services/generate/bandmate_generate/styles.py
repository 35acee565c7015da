"""The styles a song may be asked for in: which model style composes, for which line-up, how fast, how it is mixed.

A style is a table entry: to add one, add a `Style` to `STYLES`. Several may share a model style (`model_style`):
folk is the model's band of voice, chords and bass, played by guitar and double bass.
"""

from dataclasses import dataclass, field

from bandmate_shared.contracts.composition import PartSpec, Role
from bandmate_shared.errors import InvalidRequest
from bandmate_shared.music.metre import Metre

from bandmate_generate.prosody import Feel

VOICE_PROGRAM = 52
"""Choir Aahs: what a sung line is called in MIDI, and how it sounds where no words are sung."""


@dataclass(frozen=True, slots=True)
class StylePart:
    """One part of a line-up. `low`..`high` in MIDI pitch; `level` in LU beside the melody; `pan` -1 (left) to 1.

    `lead` is the instrument that plays a singer's line in a song without words. `four_four_only` parts are left out
    in other metres.
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
    four_four_only: bool = False
    density: int | None = None
    polyphony: int | None = None

    def spec(self, sung: bool) -> PartSpec:
        """What the model is told of it."""
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
    there often; `majors` is the share of major keys; `singer` None is the vocal service's default."""

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

    @property
    def melody(self) -> int | None:
        """Index of the part that sings where there are words; None for drums alone."""
        return next((index for index, part in enumerate(self.parts) if part.role == "melody"), None)

    def line_up(self, metre: Metre) -> tuple[StylePart, ...]:
        """The parts that play in this metre.

        Raises:
            InvalidRequest: none does.
        """
        parts = tuple(
            part for part in self.parts if not part.four_four_only or (metre.numerator, metre.denominator) == (4, 4)
        )
        if not parts:
            raise InvalidRequest(f"the style {self.name!r} plays in 4/4 only, not in {metre.name}")
        return parts


def _voice(lead: str, program: int, low: int = 57, high: int = 76, pan: float = 0.0) -> StylePart:
    return StylePart(
        "Voice",
        "melody",
        VOICE_PROGRAM,
        low,
        high,
        monophonic=True,
        is_voice=True,
        lead=(lead, program),
        pan=pan,
        room=0.3,
    )


def _choir(name: str, role: Role, low: int, high: int, pan: float, level: float) -> StylePart:
    return StylePart(
        name, role, VOICE_PROGRAM, low, high, monophonic=True, is_voice=True, level=level, pan=pan, room=0.5
    )


def _drums(level: float, only_four: bool = True) -> StylePart:
    return StylePart("Drums", "drums", 0, is_drum=True, level=level, room=0.12, four_four_only=only_four)


_44, _34, _24, _68 = Metre(4, 4), Metre(3, 4), Metre(2, 4), Metre(6, 8)

STYLES: dict[str, Style] = {
    style.name: style
    for style in (
        Style(
            "song",
            "an art song: a voice and a piano",
            "song",
            (
                _voice("Flute", 73, 60, 79),
                StylePart("Piano", "harmony", 0, 28, 96, level=-4.0, room=0.22),
            ),
            (72, 108),
            (_44, _44, _34, _68),
        ),
        Style(
            "folk",
            "a folk song: a voice, a steel-string guitar and a double bass",
            "pop",
            (
                _voice("Fiddle", 40),
                StylePart("Guitar", "harmony", 25, 40, 74, level=-4.0, pan=-0.2, room=0.18),
                StylePart("Double bass", "bass", 32, 28, 55, monophonic=True, level=-6.0, pan=0.1, room=0.08),
            ),
            (84, 120),
            (_44, _44, _34, _68),
            majors=0.7,
            feel=Feel(dotting=0.15),
        ),
        Style(
            "pop",
            "a band: a voice, electric piano, bass and drums",
            "pop",
            (
                _voice("Electric guitar", 27),
                StylePart("Electric piano", "harmony", 4, 40, 77, level=-4.5, pan=-0.2, room=0.2),
                StylePart("Bass", "bass", 33, 28, 55, monophonic=True, level=-5.0, room=0.03),
                _drums(-5.0),
            ),
            (88, 124),
            (_44,),
            feel=Feel(syncopation=0.5, dotting=0.2),
        ),
        Style(
            "chorale",
            "a hymn for four voices",
            "chorale",
            (
                _choir("Soprano", "melody", 60, 79, -0.15, 0.0),
                _choir("Alto", "harmony", 55, 74, 0.25, -3.0),
                _choir("Tenor", "harmony", 48, 69, -0.3, -3.0),
                _choir("Bass", "bass", 40, 62, 0.2, -2.5),
            ),
            (66, 92),
            (_44,),
            majors=0.55,
        ),
        Style(
            "quartet",
            "a string quartet",
            "quartet",
            (
                StylePart("Violin I", "melody", 40, 55, 96, pan=-0.45, room=0.35),
                StylePart("Violin II", "harmony", 40, 55, 88, level=-2.5, pan=-0.15, room=0.35),
                StylePart("Viola", "harmony", 41, 48, 79, level=-2.5, pan=0.2, room=0.35),
                StylePart("Cello", "bass", 42, 36, 67, level=-1.5, pan=0.45, room=0.35),
            ),
            (84, 126),
            (_44, _44, _34, _24),
        ),
        Style(
            "rock",
            "a rock band: lead, two guitars, bass and drums",
            "rock",
            (
                StylePart("Lead", "melody", 29, 55, 84, monophonic=True, pan=0.05, room=0.25),
                StylePart("Guitar left", "harmony", 30, 40, 71, level=-5.0, pan=-0.6, room=0.08),
                StylePart("Guitar right", "harmony", 29, 40, 76, level=-6.0, pan=0.6, room=0.08),
                StylePart("Bass", "bass", 34, 28, 55, monophonic=True, level=-4.0, room=0.02),
                _drums(-2.5),
            ),
            (112, 152),
            (_44,),
            majors=0.3,
            feel=Feel(syncopation=0.6, dotting=0.2),
        ),
        Style("drums", "a drummer alone", "groove", (_drums(0.0),), (84, 124), (_44,), majors=1.0),
    )
}


def find_style(name: str) -> Style:
    """The style of that name.

    Raises:
        UnknownStyle: listing those there are.
    """
    try:
        return STYLES[name]
    except KeyError:
        raise UnknownStyle(f"there is no style {name!r}; the styles are {', '.join(STYLES)}") from None


class UnknownStyle(InvalidRequest):
    type = "unknown-style"
    title = "There is no such style"
