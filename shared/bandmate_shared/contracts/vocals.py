"""Vocal requests (a melody with words) and vocal reports (what was measured of the singing)."""

from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from bandmate_shared.contracts.base import Contract
from bandmate_shared.contracts.languages import LanguageSource

MAX_OVERLAP_SECONDS = 0.05
"""A note that overlaps the next one by no more than this, a 24th of a quarter note at 50 quarters a minute, is
shortened; by more, the request is refused."""
_ROUNDING_SECONDS = 1e-6
"""Overlaps up to this come from rounding onsets and durations to microseconds, and are left as they are."""
MAX_SINGERS = 16
MAX_SCORE_CHARACTERS = 2_800_000
HELD_SYLLABLES = ("-", "_")
"""Written where the vowel before goes on."""
Ensemble = Literal["solo", "double", "thirds", "sixths", "choir"]
"""Who sings: one voice; the same voice doubled; with a second voice a third or a sixth below; a choir."""
LOWEST_PITCH, HIGHEST_PITCH = 24, 96
"""MIDI pitches that are sung."""


class Vibrato(Contract):
    """The vibrato of a note, once it has grown: it begins slower and a third as deep."""

    rate: float = Field(5.5, ge=1, le=12, description="Hz.")
    depth: float = Field(ge=0, le=300, description="Cents to each side; 0: none.")


class SungNote(Contract):
    """One note of the melody. A note without a syllable carries on the syllable before it (a melisma).

    A syllable may hold words that meet on the note, with a space between them: "to us". `word_end` is then about the
    last of them ("de a" of "grande amor": False).
    """

    onset: float = Field(ge=0, description="Seconds from the start of the song.")
    duration: float = Field(gt=0, description="Seconds.")
    pitch: int = Field(ge=LOWEST_PITCH, le=HIGHEST_PITCH, description="MIDI pitch.")
    velocity: int | None = Field(
        None, ge=1, le=127, description="How loud, as in MIDI; None: as loud as the phrase has it."
    )
    syllable: str | None = Field(None, max_length=64, description="None, '-' or '_': the vowel before goes on.")
    word_end: bool = Field(True, description="The word ends with this syllable; its syllables join into the word.")
    line_end: bool = False
    singer: int = Field(
        0, ge=0, lt=MAX_SINGERS, description="Who sings it. Notes of different singers may overlap, those of one not."
    )
    vibrato: Vibrato | None = Field(None, description="None: the singer's own.")
    breath: float = Field(0.0, ge=0, le=1, description="Air in the voice, beyond the singer's own.")
    loudness: float = Field(0.0, ge=-40, le=12, description="Louder or softer than it would be, in dB.")
    pitch_curve: list[Annotated[float, Field(ge=-2400, le=2400)]] | None = Field(
        None,
        min_length=2,
        max_length=6000,
        description="Cents above the note's pitch, evenly spread from its beginning to its end, without the vibrato. "
        "None: as the singer glides.",
    )

    @field_validator("syllable")
    @classmethod
    def _hold(cls, syllable: str | None) -> str | None:
        return None if syllable is not None and syllable.strip() in HELD_SYLLABLES else syllable


class SungScore(Contract):
    """A score with words of its own to sing: MusicXML, .mxl or MIDI as Base64, and what of it is sung."""

    file: str = Field(min_length=1, max_length=MAX_SCORE_CHARACTERS, description="The file's bytes as Base64.")
    part: str | None = Field(
        None, max_length=64, description="By name or number (1 is the first). None: all with words."
    )
    verse: int | None = Field(None, ge=1, le=100, description="None: each pass of a repeat sings its own.")
    every_verse: bool = Field(False, description="All verses, one after the other.")
    lines: Literal["own", "all", "one"] = Field(
        "own",
        description="'own': every voice with words of its own; 'all': those without as well; 'one': the one with most.",
    )
    transpose: int = Field(0, ge=-48, le=48, description="Semitones.")
    tempo: float | None = Field(None, ge=10, le=400, description="Quarter notes a minute. None: the score's.")
    strict: bool = Field(False, description="Refuse a damaged file instead of repairing it.")


class VocalRequest(Contract):
    """A melody with its words, as notes or as a score. With `instrumental` the answer holds the mix as well."""

    notes: list[SungNote] = Field(
        [], max_length=10_000, description="Each singer's notes in order of time; singers in any order."
    )
    score: SungScore | None = Field(
        None, description="In place of `notes`: a file that is read when the request is submitted."
    )
    voice: str | None = Field(None, max_length=32, description="None: the default voice.")
    voices: list[Annotated[str, Field(min_length=1, max_length=32)]] | None = Field(
        None,
        min_length=1,
        max_length=MAX_SINGERS,
        description="A voice for each singer, in order, in place of `voice`.",
    )
    language: str | None = Field(
        None, max_length=32, description="Of the words: 'de', 'de-AT', 'German'; None: found by the words themselves."
    )
    language_source: LanguageSource | None = Field(
        None, description="What named `language`, where that was not the request."
    )
    engine: str | None = Field(
        None, max_length=32, description="The source of the voice: 'espeak', 'polly'; None: the best that is installed."
    )
    ensemble: Ensemble = Field(
        "solo",
        description="solo; double: the voice three times; thirds, sixths: a second voice that far below, in the "
        "melody's key; choir: seven voices in unison, thirds, sixths and octaves.",
    )
    seconds: float = Field(
        0.0, ge=0, le=1800, description="Length of the song; the stem has this length. With a score it is the score's."
    )
    instrumental: str | None = Field(None, description="SHA-256 of a WAV blob in the store to mix with.")
    seed: int = Field(0, ge=0)
    notices: list[str] = Field(
        [], max_length=200, description="What was read of a score otherwise than it is written; goes into the report."
    )

    @field_validator("notes")
    @classmethod
    def _trim_overlaps(cls, notes: list[SungNote]) -> list[SungNote]:
        trimmed = list(notes)
        latest: dict[int, int] = {}
        for index, following in enumerate(notes):
            before = latest.get(following.singer)
            latest[following.singer] = index
            if before is None:
                continue
            note = notes[before]
            overlap = note.onset + note.duration - following.onset
            if overlap <= _ROUNDING_SECONDS:
                continue
            if overlap > MAX_OVERLAP_SECONDS or following.onset <= note.onset:
                raise ValueError(
                    f"note {before + 1} begins before the one before it ends: one singer sings one note at a time; "
                    f"give notes that sound together different `singer`s"
                )
            trimmed[before] = note.model_copy(update={"duration": following.onset - note.onset})
        return trimmed

    @model_validator(mode="after")
    def _check_source(self) -> "VocalRequest":
        if (self.score is None) == (not self.notes):
            raise ValueError("give either `notes` or a `score`")
        if self.notes and not self.seconds:
            raise ValueError("`seconds`, the length of the song, is missing")
        return self

    @model_validator(mode="after")
    def _check_syllables(self) -> "VocalRequest":
        if self.notes and all(note.syllable is None for note in self.notes):
            raise ValueError("no note carries a syllable")
        return self

    @model_validator(mode="after")
    def _check_voices(self) -> "VocalRequest":
        singers = max((note.singer for note in self.notes), default=0) + 1
        if self.voices is not None and len(self.voices) < singers:
            raise ValueError(f"`voices` names {len(self.voices)} voices, but the notes have {singers} singers")
        return self

    def singers(self) -> dict[int, list[SungNote]]:
        """The notes of each singer that has some, by its number, in order of time."""
        lines: dict[int, list[SungNote]] = {}
        for note in self.notes:
            lines.setdefault(note.singer, []).append(note)
        return dict(sorted(lines.items()))

    def voice_of(self, singer: int) -> str | None:
        """The voice asked for a singer; None: the default one."""
        return self.voice if self.voices is None else self.voices[singer]


class VocalReport(Contract):
    """`vocal.json`: what the singing service measured of its own work."""

    kind: Literal["vocal"] = "vocal"
    engine: str
    voice: str
    language: str = Field("en", description="Of the words, as a tag.")
    language_source: LanguageSource = Field("default", description="What named the language.")
    voices: list[str] = Field([], description="The voice of each singer, where there are several.")
    singer_range: tuple[int, int] | None = Field(
        None, description="Lowest and highest MIDI pitch at which the singer is understood well; None: not known."
    )
    notes_outside_range: int = Field(
        0,
        description="Notes outside that range: sung as given, but another singer may suit them better.",
    )
    notes: int
    words: int
    hummed: int = Field(0, description="Words with nothing to pronounce, sung on a neutral vowel instead.")
    mended: int = Field(0, description="Groups of words whose spoken vowels and notes differ in number.")
    within_50_cents: float = Field(description="Share of voiced frames inside notes within 50 cents of the note.")
    worst_note_cents: float
    vowel_onset_median_ms: float
    billed_characters: int = Field(0, description="Characters that the speech service bills for; 0 for espeak-ng.")
    speech_from_cache: int = Field(0, description="Lines that had been spoken before and cost nothing.")
    notices: list[str] = Field([], description="What of the score was left out or read otherwise, each 'kind: text'.")
    gains: dict[str, float] = Field({}, description="In the mix: factors of the `vocals` and of the `band`.")
    loudness: dict[str, float]
    timings: dict[str, float]
