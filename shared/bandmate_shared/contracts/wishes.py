"""What a musician may wish for beyond the frame of a song: tracks, density, bars to be composed anew."""

import re
from collections.abc import Sequence
from typing import Annotated, Literal

from bandmate_music.instruments import parse_instrument
from bandmate_music.theory.chord_symbols import MAX_PROGRESSION_CHARACTERS, parse_progression
from bandmate_music.theory.note_names import parse_note
from pydantic import (
    BeforeValidator,
    Field,
    GetJsonSchemaHandler,
    StringConstraints,
    WithJsonSchema,
    field_validator,
    model_validator,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from bandmate_shared.contracts.base import Contract

Role = Literal["melody", "harmony", "bass", "drums"]

DENSITY_NAMES = ("sparse", "light", "medium", "dense", "full")
"""Levels 1 to 5 by name."""

MAX_TRACKS = 16
MAX_BARS = 200
MAX_SONG_SECONDS = 900.0
"""Of a song."""
MAX_SECTIONS = 40
MAX_LYRIC_CHARACTERS = 20_000
_MAX_NAME_LENGTH = 64
_USUAL_INSTRUMENTS = {"harmony": "piano", "melody": "flute"}
_RANGE = re.compile(r"^\s*(\d{1,4})\s*(?:[-–]\s*(\d{1,4})\s*)?$")


def _level(value: object) -> object:
    """A density's level by its name; anything else as it is."""
    if isinstance(value, str):
        if value.strip().lower() in DENSITY_NAMES:
            return DENSITY_NAMES.index(value.strip().lower()) + 1
        if value.strip() not in set("12345"):
            raise ValueError(f"unknown density {value!r}; write 1 to 5, or {', '.join(DENSITY_NAMES)}")
        return int(value)
    return value


Density = Annotated[
    int,
    Field(ge=1, le=5),
    BeforeValidator(_level),
    WithJsonSchema({"anyOf": [{"type": "integer", "minimum": 1, "maximum": 5}, {"enum": list(DENSITY_NAMES)}]}),
]
"""How many notes a part plays: 1 sparse … 5 full."""


def _pitch(value: object) -> object:
    return parse_note(value) if isinstance(value, str) else value


Pitch = Annotated[
    int,
    Field(ge=0, le=127),
    BeforeValidator(_pitch),
    WithJsonSchema(
        {"anyOf": [{"type": "integer", "minimum": 0, "maximum": 127}, {"type": "string", "pattern": r"^\s*[A-Ga-g]"}]}
    ),
]
"""A MIDI pitch, or a note's name: 'C4' is 60."""

Polyphony = Annotated[int, Field(ge=1, le=16)]


def _instrument(name: str) -> str:
    parse_instrument(name)
    return name


InstrumentName = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=_MAX_NAME_LENGTH),
    BeforeValidator(lambda value: _instrument(value) if isinstance(value, str) else value),
]
"""A General MIDI program's name, an everyday one ('guitar', 'sax'), or 'drums'."""

BarList = Annotated[str, StringConstraints(max_length=400)]


class TrackWish(Contract):
    """One track of the line-up. What is left out follows from the instrument."""

    instrument: InstrumentName = Field(description="'Violin', 'Electric Bass (finger)', 'guitar', 'drums'.")
    name: str | None = Field(None, min_length=1, max_length=_MAX_NAME_LENGTH)
    role: Role | None = None
    low: Pitch | None = Field(None, description="Lowest pitch that may be played: a note name or a MIDI number.")
    high: Pitch | None = Field(None, description="Highest pitch that may be played.")
    density: Density | None = None
    polyphony: Polyphony | None = Field(None, description="The most notes that may sound at once.")

    @model_validator(mode="after")
    def _playable(self) -> "TrackWish":
        drums = parse_instrument(self.instrument).is_drum
        if drums and (self.low is not None or self.high is not None or self.polyphony is not None):
            raise ValueError("drums have no range and no polyphony; leave low, high and polyphony out")
        if drums != (self.role == "drums") and self.role is not None:
            raise ValueError(f"the role of {self.instrument} cannot be {self.role}")
        if self.low is not None and self.high is not None and self.low > self.high:
            raise ValueError(f"the range of {self.instrument} goes from {self.low} up to {self.high}, which is lower")
        return self


def _track_of_name(value: object) -> object:
    """A plain name is a track of that instrument; 'melody' and 'harmony' are roles on a usual instrument."""
    if not isinstance(value, str):
        return value
    name = value.strip().lower()
    if name in _USUAL_INSTRUMENTS:
        return {"instrument": _USUAL_INSTRUMENTS[name], "role": name, "name": name.capitalize()}
    return {"instrument": value}


class _OrName:
    """In the JSON Schema: a plain name stands for the object."""

    def __get_pydantic_json_schema__(self, core: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return {"anyOf": [{"type": "string", "maxLength": _MAX_NAME_LENGTH}, handler(core)]}


AddedTrack = Annotated[TrackWish, BeforeValidator(_track_of_name), _OrName()]
"""A track to be added: as an object, or by name ('bass', 'drums', 'harmony', 'Violin')."""


class SectionWish(Contract):
    """One section of a song's form. What is left out follows from the name, the words and the style."""

    name: str = Field(
        min_length=1,
        max_length=_MAX_NAME_LENGTH,
        description="intro, verse, pre-chorus, chorus, post-chorus, bridge, solo, interlude, outro, or a letter: A.",
    )
    bars: int | None = Field(None, ge=1, le=MAX_BARS)
    chords: str | None = Field(
        None,
        max_length=MAX_PROGRESSION_CHARACTERS,
        description="'C | Am | F | G': repeated until the section ends; sections of the same music take it over.",
    )
    lyrics: str | None = Field(
        None,
        max_length=MAX_LYRIC_CHARACTERS,
        description="One phrase a line. None: those of an earlier section of the name. An empty text: nobody sings.",
    )

    @field_validator("chords")
    @classmethod
    def _known_chords(cls, value: str | None) -> str | None:
        if value is not None:
            parse_progression(value)
        return value


class InfillWish(Contract):
    """Bars of a given piece to be composed anew, the rest untouched."""

    bars: BarList = Field(
        "all",
        description="Counted from 1: '5-8', '5', '5-8, 13-16'; sections by the piece's markers: 'chorus', 'verse 2'; "
        "or 'all'.",
    )
    tracks: list[Annotated[str, StringConstraints(min_length=1, max_length=_MAX_NAME_LENGTH)]] | Literal["all"] = Field(
        "all", description="Names of tracks, their instruments, or their numbers from 1."
    )

    @field_validator("bars")
    @classmethod
    def _bars(cls, value: str) -> str:
        if value.strip().lower() == "all":
            return "all"
        _ranges_and_names(value)
        return value

    @field_validator("tracks")
    @classmethod
    def _some(cls, value: list[str] | Literal["all"]) -> list[str] | Literal["all"]:
        if not value:
            raise ValueError("no track is named; name some, or leave `tracks` out for all of them")
        return value

    @property
    def ranges(self) -> list[tuple[int, int]] | None:
        """First and last bar of each range that is given by number, counted from 1; None: all bars."""
        return None if self.bars == "all" else _ranges_and_names(self.bars)[0]

    @property
    def sections(self) -> list[str]:
        """The sections that are named."""
        return [] if self.bars == "all" else _ranges_and_names(self.bars)[1]


def bar_ranges(text: str) -> list[tuple[int, int]]:
    """First and last bar, counted from 1, of each range in '5-8, 13'; ascending, apart from each other.

    Raises:
        ValueError: naming the piece of text that is no range.
    """
    return merged_ranges([_range(piece) for piece in text.split(",")])


def merged_ranges(ranges: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """Ranges (first, last) in ascending order, those that touch or overlap as one."""
    merged: list[tuple[int, int]] = []
    for first, last in sorted(ranges):
        if merged and first <= merged[-1][1] + 1:
            merged[-1] = (merged[-1][0], max(last, merged[-1][1]))
        else:
            merged.append((first, last))
    return merged


def _ranges_and_names(text: str) -> tuple[list[tuple[int, int]], list[str]]:
    """Ranges of bars and names of sections in 'chorus, 5-8'. Raises ValueError for a piece that is neither."""
    pieces = [" ".join(piece.split()) for piece in text.split(",")]
    names = [piece for piece in pieces if piece[:1].isalpha()]
    ranges = [_range(piece) for piece in pieces if not piece[:1].isalpha()]
    return merged_ranges(ranges), list(dict.fromkeys(names))


def _range(piece: str) -> tuple[int, int]:
    match = _RANGE.match(piece)
    first, last = (int(match[1]), int(match[2] or match[1])) if match else (0, 0)
    if not 1 <= first <= last:
        raise ValueError(
            f"{piece.strip()!r} is no range of bars; write them as '5-8' or '5', counted from 1, or name a section"
        )
    return first, last
