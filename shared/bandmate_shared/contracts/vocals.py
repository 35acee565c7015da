"""What is to be sung, and what was measured of the singing."""

from typing import Literal

from pydantic import Field, model_validator

from bandmate_shared.contracts.base import Contract


class SungNote(Contract):
    """One note of the melody. A note without a syllable carries on the syllable before it (a melisma)."""

    onset: float = Field(ge=0, description="Seconds from the start of the song.")
    duration: float = Field(gt=0, description="Seconds.")
    pitch: int = Field(ge=24, le=96, description="MIDI pitch.")
    syllable: str | None = Field(None, max_length=64)
    word_end: bool = Field(True, description="The word ends with this syllable; its syllables join into the word.")
    line_end: bool = False


class VocalRequest(Contract):
    """A melody with its words. With `instrumental` the answer holds the mix as well."""

    notes: list[SungNote] = Field(min_length=1, max_length=10_000)
    voice: str | None = Field(None, max_length=32, description="None: the default voice.")
    language: str = Field("en", max_length=16)
    seconds: float = Field(gt=0, le=1800, description="Length of the song; the stem has this length.")
    instrumental: str | None = Field(None, description="SHA-256 of a WAV blob in the store to mix with.")
    seed: int = Field(0, ge=0)

    @model_validator(mode="after")
    def _sound(self) -> "VocalRequest":
        previous_end = -1.0
        for number, note in enumerate(self.notes):
            if note.onset < previous_end - 1e-6:
                raise ValueError(f"note {number} begins before the one before it has ended: one voice sings one note")
            previous_end = note.onset + note.duration
        if all(note.syllable is None for note in self.notes):
            raise ValueError("no note carries a syllable")
        return self


class VocalReport(Contract):
    """`vocal.json`: what the singing service measured of its own work."""

    kind: Literal["vocal"] = "vocal"
    engine: str
    voice: str
    notes: int
    words: int
    hummed: int = Field(0, description="Words with nothing to pronounce, sung on a neutral vowel instead.")
    mended: int = Field(0, description="Groups of words whose spoken vowels and notes differ in number.")
    within_50_cents: float = Field(description="Share of voiced frames inside notes within 50 cents of the note.")
    worst_note_cents: float
    vowel_onset_median_ms: float
    billed_characters: int = Field(0, description="Characters that the speech service bills for; 0 for espeak-ng.")
    speech_from_cache: int = Field(0, description="Lines that had been spoken before and cost nothing.")
    loudness: dict[str, float]
    timings: dict[str, float]
