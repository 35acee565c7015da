"""What a song request says, and what its report answers."""

from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints, field_validator, model_validator

from bandmate_shared.contracts.base import Contract
from bandmate_shared.contracts.wishes import (
    MAX_TRACKS,
    AddedTrack,
    Density,
    InfillWish,
    InstrumentName,
    Polyphony,
    TrackWish,
)
from bandmate_shared.music.chord_symbols import LONGEST_PROGRESSION, parse_progression
from bandmate_shared.music.keys import parse_key
from bandmate_shared.music.metre import parse_metre

MAX_LYRIC_LINES = 200
MAX_LYRIC_CHARACTERS = 20_000
MAX_PROMPT_CHARACTERS = 1_400_000
"""Base64 of about 1 MiB of MIDI."""
SONG_SOURCE = "song:"
"""What a prompt begins with that names a finished song of the tenant's: `song:<job id>`, `song:<job id>/take-2`."""

_KEPT = {
    "bars": "length", "tempo": "tempo", "metre": "metre", "lyrics": "words", "instruments": "tracks", "tracks": "tracks"
}  # fmt: skip

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
        None,
        max_length=MAX_PROMPT_CHARACTERS,
        description="MIDI to continue from or to work on: as Base64, `upload:ID`, or `song:ID` of a song of yours.",
    )
    instruments: list[InstrumentName] | None = Field(
        None, min_length=1, max_length=MAX_TRACKS, description="Exactly those play: ['Violin', 'guitar', 'drums']."
    )
    tracks: list[TrackWish] | None = Field(
        None, min_length=1, max_length=MAX_TRACKS, description="The line-up track by track, instead of `instruments`."
    )
    density: Density | None = Field(None, description="How many notes every part plays: 1 to 5, or sparse … full.")
    polyphony: Polyphony | None = Field(None, description="The most notes that may sound at once in any one track.")
    chords: str | None = Field(
        None,
        max_length=LONGEST_PROGRESSION,
        description="'Dm7 G7 | Cmaj7 | %': bars by |; repeated until the song ends. Begins where composing begins.",
    )
    infill: InfillWish | None = Field(None, description="Bars of the prompt to be composed anew, the rest untouched.")
    add: list[AddedTrack] | None = Field(
        None, min_length=1, max_length=MAX_TRACKS, description="New tracks over those of the prompt: ['bass', 'drums']."
    )
    variation: float | None = Field(
        None, ge=0, le=1, description="The share of the prompt's bars, track by track, that is composed anew."
    )
    temperature: float | None = Field(None, gt=0, le=4, description="Above 1 more daring; None: the style's.")
    top_p: float | None = Field(None, gt=0, le=1, description="Choose among the likeliest that make up this share.")
    top_k: int | None = Field(None, ge=1, description="Choose among so many of the likeliest.")
    candidates: int | None = Field(None, ge=1, le=16, description="How many are composed; the best one is kept.")
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

    @field_validator("chords")
    @classmethod
    def _known_chords(cls, value: str | None) -> str | None:
        if value is not None:
            parse_progression(value)
        return value

    @property
    def edits(self) -> bool:
        """Whether a given piece is worked on, rather than a song written or continued."""
        return self.infill is not None or self.add is not None or self.variation is not None

    @model_validator(mode="after")
    def _can_be_had_together(self) -> "SongRequest":
        if self.instruments is not None and self.tracks is not None:
            raise ValueError("name the line-up by `instruments` or by `tracks`, not by both")
        if not self.edits:
            return self
        asked = " and ".join(name for name in ("infill", "add", "variation") if getattr(self, name) is not None)
        if self.prompt is None:
            raise ValueError(f"{asked} works on a given piece; send it as `prompt` (Base64, upload:ID or song:ID)")
        if self.add is not None and (self.infill is not None or self.variation is not None):
            raise ValueError(f"{asked} cannot be asked for at once; add the tracks first, then work on that song")
        for name in ("bars", "tempo", "metre", "lyrics", "instruments", "tracks"):
            if getattr(self, name) is not None:
                raise ValueError(f"{asked} keeps the given piece's {_KEPT[name]}; leave `{name}` out")
        return self

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
    hard: bool = Field(False, description="Holds always, by construction; a song that broke it was not delivered.")
    how: str | None = Field(None, description="How it was measured, where that is not plain.")


class Match(Contract):
    """A passage of a song that stands in the training set as well, transposition ignored."""

    piece: str
    notes: int
    part: int
    onset: int = Field(description="Grid ticks, 24 a quarter.")


class Originality(Contract):
    """How near the song comes to the music its model was trained on (melody n-grams, transposition-invariant)."""

    nearest_piece: str | None = None
    longest_match_notes: int = 0
    seen_share: float = Field(0.0, ge=0, le=1, description="Share of the song's n-grams that occur in training.")
    ngram_notes: int = 0
    matches: list[Match] = Field(default_factory=list, description="Passages of 32 notes and more.")


class RankedTake(Contract):
    """One candidate as the critic saw it: each fault from 0 (none) to 1, and their weighted sum."""

    seed: int
    total: float
    faults: dict[str, float]
    refused: str | None = Field(None, description="The hard wish that it broke; such a take is never delivered.")


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
    ranking: list[RankedTake] = Field(
        default_factory=list, description="The candidates, the best, which is this, first."
    )
    vocal: dict[str, Any] | None = Field(None, description="What the vocal service measured, when sung.")
