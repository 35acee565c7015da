"""What a song request says, and what its report answers."""

from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints, field_validator

from bandmate_shared.contracts.base import Contract
from bandmate_shared.music.keys import parse_key
from bandmate_shared.music.metre import parse_metre

MAX_LYRIC_LINES = 200
MAX_LYRIC_CHARACTERS = 20_000
MAX_PROMPT_CHARACTERS = 1_400_000
"""Base64 of about 1 MiB of MIDI."""

StyleName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{0,31}$")]
ModelName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$")]


class SongRequest(Contract):
    """A song as asked for. What is None is chosen from the style and the seed, and named in the report."""

    style: StyleName = "song"
    key: str | None = Field(None, description="'D', 'F# minor', 'Bbm'.")
    bars: int | None = Field(None, ge=1, le=128, description="None: two bars a lyric line, or 16 without lyrics.")
    tempo: float | None = Field(None, ge=20, le=300, description="Quarter notes a minute.")
    metre: str | None = Field(None, description="'4/4', '3/4', '6/8', …")
    seed: int | None = Field(None, ge=0, lt=2**53)
    lyrics: str | None = Field(None, max_length=MAX_LYRIC_CHARACTERS, description="One phrase a line.")
    voice: str | None = Field(None, max_length=32, description="The singer; None: the style's.")
    prompt: str | None = Field(
        None, max_length=MAX_PROMPT_CHARACTERS, description="MIDI to continue from: the file as Base64, or `upload:ID`."
    )
    takes: int = Field(1, ge=1, le=8)
    model: ModelName | None = Field(None, description="A model id or alias; None: the one in production.")

    @field_validator("key")
    @classmethod
    def _known_key(cls, value: str | None) -> str | None:
        return None if value is None else parse_key(value).name

    @field_validator("metre")
    @classmethod
    def _known_metre(cls, value: str | None) -> str | None:
        return None if value is None else parse_metre(value).name

    @field_validator("lyrics")
    @classmethod
    def _singable(cls, value: str | None) -> str | None:
        if value is None:
            return None
        lines = [line for line in value.splitlines() if line.strip()]
        if not lines:
            raise ValueError("the lyrics are empty; leave them out for an instrumental song")
        if len(lines) > MAX_LYRIC_LINES:
            raise ValueError(f"the lyrics have {len(lines)} lines; at most {MAX_LYRIC_LINES} can be sung in one song")
        if not any(character.isalpha() for line in lines for character in line):
            raise ValueError("the lyrics hold no syllables: not one letter was found in them")
        return value


class Measured(Contract):
    """One property of the song: what was asked, what came out, and whether they agree."""

    requested: Any = None
    measured: Any = None
    met: bool = True


class Originality(Contract):
    """How near the song comes to the music its model was trained on (melody n-grams, transposition-invariant)."""

    nearest_piece: str | None = None
    longest_match_notes: int = 0
    seen_share: float = Field(0.0, ge=0, le=1, description="Share of the song's n-grams that occur in training.")
    ngram_notes: int = 0


class SongReport(Contract):
    """`report.json`: the song explains itself."""

    kind: Literal["song"] = "song"
    job_id: str
    seed: int
    style: str
    model: dict[str, str] = Field(description="id, sha256, architecture.")
    properties: dict[str, Measured] = Field(description="key, tempo, metre, bars, range, instruments, lyrics, …")
    originality: Originality
    loudness: dict[str, float] = Field(description="integrated_lufs and true_peak_dbtp of song.wav.")
    soundfont: dict[str, str] = Field(description="name, path, licence.")
    timings: dict[str, float] = Field(description="Seconds a stage.")
    notes: int
    seconds: float
    vocal: dict[str, Any] | None = Field(None, description="What the vocal service measured, when sung.")
