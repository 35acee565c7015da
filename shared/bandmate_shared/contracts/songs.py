"""Song requests and song reports."""

from typing import Annotated, Any, Literal

from bandmate_music.theory.chord_symbols import MAX_PROGRESSION_CHARACTERS, parse_progression
from bandmate_music.theory.keys import Mode, parse_key
from bandmate_music.theory.metre import parse_metre
from pydantic import Field, StringConstraints, field_validator, model_validator

from bandmate_shared.contracts.base import Contract
from bandmate_shared.contracts.languages import LanguageSource
from bandmate_shared.contracts.vocals import Ensemble
from bandmate_shared.contracts.wishes import (
    MAX_BARS,
    MAX_LYRIC_CHARACTERS,
    MAX_SECTIONS,
    MAX_TRACKS,
    AddedTrack,
    Density,
    InfillWish,
    InstrumentName,
    Polyphony,
    SectionWish,
    TrackWish,
)

MAX_LYRIC_LINES = 200
MAX_TAKES = 8
MIN_TEMPO, MAX_TEMPO = 20, 300
"""Quarter notes a minute."""
MAX_TEXT_CHARACTERS = 2_000
MAX_TOPIC_CHARACTERS = 500
MAX_REQUESTED_SECONDS = 900
MAX_PROMPT_CHARACTERS = 1_400_000
"""Base64 of about 1 MiB of MIDI."""
SONG_SOURCE = "song:"
"""Prefix of a prompt that names a finished song of the tenant: `song:<job id>`, `song:<job id>/take-2`."""

_PROPERTY_NAMES = {"bars": "length", "seconds": "length", "lyrics": "words", "instruments": "tracks"}

PerformanceMode = Literal["human", "tight"]

StyleName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{0,31}$")]
ModelName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$")]
Lyrics = Annotated[str, StringConstraints(max_length=MAX_LYRIC_CHARACTERS)]


class WordsWish(Contract):
    """Words that are to be written for the song, by the language model that BANDMATE_WORDS_URL names."""

    about: str = Field(min_length=1, max_length=MAX_TOPIC_CHARACTERS, description="What the words are about: 'rain'.")


class SongRequest(Contract):
    """A song as asked for. What is None is chosen from the style and the seed, and named in the report."""

    text: str | None = Field(
        None,
        min_length=1,
        max_length=MAX_TEXT_CHARACTERS,
        description="The song in a sentence: 'a slow waltz in D minor with strings'. Fields have precedence.",
    )
    style: StyleName = "song"
    key: str | None = Field(None, description="'D', 'F# minor', 'Bbm'.")
    mode: Mode | None = Field(None, description="Major or minor, where no key is asked for.")
    bars: int | None = Field(None, ge=1, le=MAX_BARS, description="None: two bars a lyric line, or 16 without lyrics.")
    seconds: float | None = Field(
        None,
        ge=1,
        le=MAX_REQUESTED_SECONDS,
        description="How long it lasts. The tempo is fitted to it; with a tempo asked for, the number of bars.",
    )
    tempo: float | None = Field(None, ge=MIN_TEMPO, le=MAX_TEMPO, description="Quarter notes a minute.")
    metre: str | None = Field(None, description="'4/4', '3/4', '6/8', …")
    seed: int | None = Field(None, ge=0, lt=2**53)
    lyrics: Lyrics | WordsWish | None = Field(
        None, description='The words, one phrase a line; or `{"about": "rain"}` to have them written.'
    )
    sections: list[SectionWish] | None = Field(
        None, min_length=1, max_length=MAX_SECTIONS, description="The form: verse, chorus, verse, chorus, bridge, …"
    )
    voice: str | None = Field(None, max_length=32, description="The singer; None: the style's.")
    language: str | None = Field(
        None, max_length=32, description="Of the words: 'de', 'de-AT', 'German'; None: found by the words themselves."
    )
    engine: str | None = Field(
        None, max_length=32, description="The source of the voice: 'espeak', 'polly'; None: the best that is installed."
    )
    ensemble: Ensemble | None = Field(
        None,
        description="Who sings with the singer: 'double', 'thirds', 'sixths', 'choir', or nobody ('solo'). "
        "None: nobody, in an edit as the given song has it.",
    )
    prompt: str | None = Field(
        None,
        max_length=MAX_PROMPT_CHARACTERS,
        description="MIDI to continue from or to work on: as Base64, `upload:ID`, or `song:ID` of a song of yours.",
    )
    derived_from: str | None = Field(
        None,
        max_length=48,
        description="A song of yours that this one is another version of, such as its words in another style. "
        "None: the one that `prompt` names.",
    )
    strict: bool | None = Field(None, description="Refuse a damaged prompt instead of repairing it.")
    from_bar: int | None = Field(
        None, ge=1, description="The first bar of the prompt to go on from. None: see `to_bar`."
    )
    to_bar: int | None = Field(
        None, ge=1, description="The last one. Without both, the whole prompt, or as many of its last bars as fit."
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
        max_length=MAX_PROGRESSION_CHARACTERS,
        description="'Dm7 G7 | Cmaj7 | %': bars by |; repeated until the song ends. Begins where composing begins.",
    )
    infill: InfillWish | None = Field(None, description="Bars of the prompt to be composed anew, the rest untouched.")
    add: list[AddedTrack] | None = Field(
        None, min_length=1, max_length=MAX_TRACKS, description="New tracks over those of the prompt: ['bass', 'drums']."
    )
    variation: float | None = Field(
        None, ge=0, le=1, description="The share of the prompt's bars, track by track, that is composed anew."
    )
    performance: PerformanceMode = Field(
        "human", description="'human': played with the timing of people; 'tight': exactly on the grid."
    )
    temperature: float | None = Field(None, gt=0, le=4, description="Above 1 more daring; None: the style's.")
    top_p: float | None = Field(None, gt=0, le=1, description="Choose among the likeliest that make up this share.")
    top_k: int | None = Field(None, ge=1, description="Choose among so many of the likeliest.")
    candidates: int | None = Field(None, ge=1, le=16, description="How many are composed; the best one is kept.")
    takes: int = Field(1, ge=1, le=MAX_TAKES)
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

    @property
    def words(self) -> str | None:
        """All the words: `lyrics`, or those of the sections with a blank line between them; None without any."""
        texts = [section.lyrics for section in self.sections or () if section.lyrics and section.lyrics.strip()]
        if texts:
            return "\n\n".join(texts)
        return self.lyrics if isinstance(self.lyrics, str) else None

    @model_validator(mode="after")
    def _check_sections(self) -> "SongRequest":
        if self.sections is None:
            return self
        if self.prompt is not None or self.edits:
            raise ValueError("`sections` are those of a new song; leave them out, or the prompt")
        if self.lyrics is not None and any(section.lyrics is not None for section in self.sections):
            raise ValueError("give the words as `lyrics` or section by section, not both")
        if (bars := sum(section.bars or 1 for section in self.sections)) > MAX_BARS:
            raise ValueError(f"the sections have {bars} bars or more together; a song has at most {MAX_BARS}")
        if self.words is not None:
            self._validate_lyrics(self.words)
        return self

    @model_validator(mode="after")
    def _check_mode(self) -> "SongRequest":
        if self.mode is None:
            return self
        if self.prompt is not None:
            raise ValueError("a given piece has its own mode; leave `mode` out")
        if self.key is not None and parse_key(self.key).mode != self.mode:
            raise ValueError(f"the key {self.key} is not {self.mode}; leave `mode` out")
        return self

    @model_validator(mode="after")
    def _check_bars_of_prompt(self) -> "SongRequest":
        named = [name for name in ("from_bar", "to_bar") if getattr(self, name) is not None]
        if named and (self.prompt is None or self.edits):
            raise ValueError(f"`{named[0]}` is for going on from a given piece; for work on it, name bars in `infill`")
        if self.from_bar is not None and self.to_bar is not None and self.from_bar > self.to_bar:
            raise ValueError(f"bar {self.from_bar} comes after bar {self.to_bar}")
        return self

    @model_validator(mode="after")
    def _check_strict(self) -> "SongRequest":
        if self.strict and self.prompt is None:
            raise ValueError("`strict` is for the file of a given piece; send one as `prompt`, or leave it out")
        return self

    @model_validator(mode="after")
    def _check_conflicts(self) -> "SongRequest":
        if self.instruments is not None and self.tracks is not None:
            raise ValueError("name the line-up by `instruments` or by `tracks`, not by both")
        if not self.edits:
            return self
        requested = " and ".join(name for name in ("infill", "add", "variation") if getattr(self, name) is not None)
        if self.prompt is None:
            raise ValueError(f"{requested} works on a given piece; send it as `prompt` (Base64, upload:ID or song:ID)")
        if self.add is not None and (self.infill is not None or self.variation is not None):
            raise ValueError(f"{requested} cannot be asked for at once; add the tracks first, then work on that song")
        kept = ["bars", "seconds", "tempo", "metre", "instruments", "tracks"]
        if self.infill is None:
            kept.append("lyrics")
        for name in kept:
            if getattr(self, name) is not None:
                raise ValueError(
                    f"{requested} keeps the given piece's {_PROPERTY_NAMES.get(name, name)}; leave `{name}` out"
                )
        return self

    @field_validator("lyrics")
    @classmethod
    def _validate_lyrics(cls, value: str | WordsWish | None) -> str | WordsWish | None:
        if not isinstance(value, str):
            return value
        lines = [line for line in value.splitlines() if line.strip()]
        if not lines:
            raise ValueError("the lyrics are empty; leave them out for an instrumental song")
        if len(lines) > MAX_LYRIC_LINES:
            raise ValueError(f"the lyrics have {len(lines)} lines; at most {MAX_LYRIC_LINES} can be sung in one song")
        if not any(character.isalpha() for line in lines for character in line):
            raise ValueError("the lyrics hold no syllables: not one letter was found in them")
        return value


class WordNote(Contract):
    """One note of the sung line: where it lies in `song.mid`, when it is sung, and its syllable."""

    tick: int = Field(ge=0)
    ticks: int = Field(ge=1, description="Its length.")
    onset: float = Field(ge=0, description="Seconds.")
    duration: float = Field(gt=0)
    pitch: int = Field(ge=0, le=127)
    velocity: int | None = Field(None, ge=1, le=127, description="As performed; None: as loud as the phrase has it.")
    syllable: str | None = Field(None, description="None: the syllable before goes on.")
    word_end: bool = True
    line_end: bool = False


class SongWords(Contract):
    """`words.json`: what is sung, and by whom; an edit of the song takes it over."""

    kind: Literal["words"] = "words"
    voice: str | None = None
    language: str | None = Field(None, description="As a tag.")
    engine: str | None = None
    ensemble: Ensemble = "solo"
    seed: int = Field(0, ge=0, description="Of the singing: an edit keeps it, so that what stays is sung as before.")
    ticks_per_quarter: int
    seconds: float = Field(description="Length of the song's bars.")
    notes: list[WordNote]


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


class ReportedSection(Contract):
    """One section of the song's form."""

    name: str
    number: int | None
    letter: str = Field(description="Sections of equal letter are the same music.")
    first_bar: int = Field(ge=1)
    bars: int = Field(ge=1)
    chords: str = Field(description="'C Am | F G': bars by |, % where the chord before goes on.")
    energy: float = Field(ge=0, le=1)
    parts: list[str] = Field(description="The parts that play in it.")


class Understood(Contract):
    """One thing that a sentence asks for: the field, its value, and the words that say so.

    `field` is one of a SongRequest, or `mood` (which other fields follow from) or `about` (a topic for words).
    """

    field: str
    value: Any
    words: str


class ReportedText(Contract):
    """What was understood of a request's `text`, and what was not."""

    understood: list[Understood]
    ignored: list[str]


class SentenceRequest(Contract):
    """A sentence to be interpreted."""

    text: str = Field(min_length=1, max_length=MAX_TEXT_CHARACTERS)


class Interpretation(Contract):
    """A sentence as a song request. `ignored` are the words that had no effect; nothing is guessed from them."""

    request: SongRequest
    understood: list[Understood] = Field(default_factory=list)
    ignored: list[str] = Field(default_factory=list)
    notes: list[str] = Field(default_factory=list, description="What was understood and cannot be done, and why.")


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
    form: list[ReportedSection] = Field(default_factory=list, description="The sections, in order.")
    choices: list[str] = Field(
        default_factory=list, description="What was chosen where the request left something open or could not be met."
    )
    warnings: list[str] = Field(default_factory=list, description="What the model could not do of what was asked.")
    ranking: list[RankedTake] = Field(
        default_factory=list, description="The candidates, the best, which is this, first."
    )
    language: str | None = Field(None, description="Of the words, as a tag.")
    language_source: LanguageSource | None = Field(None, description="What named the language.")
    mix: dict[str, dict[str, float]] = Field(
        default_factory=dict,
        description="gains: a factor for each stem, by which they add up to song.wav before its limiter; under a voice "
        "the band dips, too.",
    )
    vocal: dict[str, Any] | None = Field(None, description="What the vocal service measured, when sung.")
    text: ReportedText | None = Field(None, description="How `text` of the request was understood.")
