"""What a song may be asked for: the styles, the instruments, and the limits on a request."""

from pydantic import Field

from bandmate_shared.contracts.base import Contract
from bandmate_shared.contracts.wishes import Role


class StyleTrack(Contract):
    """One part of a style's usual line-up."""

    name: str
    role: Role
    instrument: str = Field(description="General MIDI's name, or 'Drums'.")
    program: int = Field(ge=0, le=127)
    is_voice: bool = Field(description="Sung where there are words.")


class StyleView(Contract):
    """A style, as `SongRequest.style` names it."""

    name: str
    description: str
    tempi: tuple[int, int] = Field(description="Slowest and fastest usual tempo, quarter notes a minute.")
    metres: list[str] = Field(description="The usual one first.")
    majors: float = Field(ge=0, le=1, description="Share of songs in a major key.")
    can_sing: bool = Field(description="Whether lyrics may be given.")
    voice: str | None = Field(None, description="The usual singer; None: the singing service's own.")
    tracks: list[StyleTrack]
    own: bool = Field(False, description="Learnt by a model of yours, from pieces of this style.")
    model: str | None = Field(
        None,
        description="What a request for it has to name as `model`; None: the model in production knows the style.",
    )


class StyleList(Contract):
    items: list[StyleView]


class InstrumentView(Contract):
    """An instrument, as `SongRequest.instruments` names it."""

    name: str
    program: int = Field(ge=0, le=127, description="General MIDI program, from 0.")
    family: str
    names: list[str] = Field(description="Other names that mean it.")
    is_drum: bool = False
    is_voice: bool = False
    low: int = Field(description="Lowest MIDI pitch at which it sounds like itself.")
    high: int


class InstrumentList(Contract):
    items: list[InstrumentView]


class LimitsView(Contract):
    """The bounds on what may be asked for and sent."""

    bars: int = Field(description="Of a song.")
    seconds: float = Field(description="Length of a song.")
    tracks: int
    takes: int
    sections: int
    lyric_characters: int
    lyric_lines: int
    tempo_min: float
    tempo_max: float
    prompt_bytes: int = Field(description="MIDI or MusicXML in a request, before Base64.")
    body_bytes: int
    upload_bytes: int
    upload_quota_bytes: int = Field(description="All uploads of a tenant together.")
    upload_days: float = Field(description="How long an upload that a request named is kept.")
    file_bytes: int = Field(description="One MIDI or MusicXML file.")
    file_notes: int
    unfinished_jobs: int = Field(description="Of a tenant; past it a request is answered with 429.")
