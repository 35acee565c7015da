"""How high the tune lies in a section, so that the accompaniment stays below it."""

from collections.abc import Iterable, Sequence

from bandmate_music.theory.bars import Bars

from bandmate_generate.form.song_form import SongForm
from bandmate_generate.lead.notes import LeadNote

_LOWER_SHARE = 0.25
_LOWEST_CEILING = 55
"""G3. Below a tune that lies lower than this, close chords would be mud: they sound above it."""


def ceilings(form: SongForm, frame: Bars, lead: Sequence[LeadNote]) -> list[int | None]:
    """For each section, the highest pitch of accompanying chords; None where no tune sounds or it lies very low.

    Sections of a letter have the same one, so that a return has the same chords.
    """
    bounds = [(frame.start(section.first_bar), frame.start(section.end_bar)) for section in form.sections]
    within = [[note for note in lead if start <= note.onset < end] for start, end in bounds]
    by_letter: dict[str, list[LeadNote]] = {}
    for section, notes in zip(form.sections, within, strict=True):
        by_letter.setdefault(section.letter, []).extend(notes)
    usual = {letter: _low_register(notes) for letter, notes in by_letter.items()}
    return [usual[section.letter] if notes else None for section, notes in zip(form.sections, within, strict=True)]


def _low_register(notes: Iterable[LeadNote]) -> int | None:
    """The pitch below which the tune lies for a quarter of its time."""
    ordered = sorted((note.pitch, note.duration) for note in notes if note.duration > 0)
    left = _LOWER_SHARE * sum(duration for _, duration in ordered)
    for pitch, duration in ordered:
        left -= duration
        if left <= 0:
            return pitch if pitch >= _LOWEST_CEILING else None
    return None
