"""The model's part of a formed song: each letter's music once, one after the other, and back to the whole song.

A model hears eight to twenty bars at a time. It composes each letter of the form once, around the tune and over the
chords; the returns are copies, so that what comes back is what was heard before.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from bandmate_music.note_rows import NoteRow, sorted_rows
from bandmate_music.theory.bars import Bars
from bandmate_music.theory.metrical_grid import bar_ticks
from bandmate_shared.contracts.composition import ChordSpan, ComposedTake, CompositionRequest, Hole

from bandmate_generate.form.song_form import SongForm
from bandmate_generate.lead.notes import LEAD_VELOCITY, LeadNote
from bandmate_generate.planning.song_plan import WritePlan


@dataclass(frozen=True, slots=True)
class Digest:
    """What the model composes of a song: the music of each letter, in the order in which the letters appear.

    `starts` is the first tick of each letter in the digest; `lead` and `chords` are those of the section that stands
    for each letter, in the digest's time. A pick-up before a section is left out.
    """

    plan: WritePlan
    starts: dict[str, int]
    frame: Bars
    lead: tuple[LeadNote, ...]
    chords: tuple[ChordSpan, ...]

    def request(
        self, composed: Collection[int], candidates: int, *, melody_by_model: bool, fixed_rhythm: bool
    ) -> CompositionRequest:
        """The request for these parts. The tune is given; with `melody_by_model` its rhythm, with `fixed_rhythm`."""
        return self.plan.request_for(
            self.frame,
            candidates,
            prompt=[] if melody_by_model else self._given,
            holes=[Hole(part=part, first_bar=0, bars=len(self.frame)) for part in sorted(composed)],
            chords=self.chords,
            rhythm=[(note.onset, note.duration) for note in self.lead] if melody_by_model and fixed_rhythm else [],
        )

    def composed_rows(self, take: ComposedTake) -> list[NoteRow]:
        """The take's notes, the given tune left out."""
        given = set(self._given)
        return [row for row in map(NoteRow._make, take.notes) if row not in given]

    def expanded(self, rows: Sequence[NoteRow]) -> list[NoteRow]:
        """Rows of the digest in all sections of the song."""
        plan = self.plan
        expanded = []
        for section in _form(plan).sections:
            start = self.starts[section.letter]
            end = start + section.bars * bar_ticks(plan.metre)
            shift = plan.frame.start(section.first_bar) - start
            for row in rows:
                if start <= row.onset < end:
                    duration = min(row.duration, end - row.onset)
                    expanded.append(row._replace(onset=row.onset + shift, duration=duration))
        return sorted_rows(expanded)

    @property
    def _given(self) -> list[NoteRow]:
        """The tune as the request gives it."""
        part = self.plan.melody
        if part is None:
            return []
        return [NoteRow(part, note.onset, note.duration, note.pitch, LEAD_VELOCITY) for note in self.lead]


def digest_of(plan: WritePlan) -> Digest:
    """The digest of a plan with a form."""
    form = _form(plan)
    starts: dict[str, int] = {}
    lead: list[LeadNote] = []
    chords: list[ChordSpan] = []
    bars = 0
    for letter in dict.fromkeys(section.letter for section in form.sections):
        section = form.model(letter)
        starts[letter] = bars * bar_ticks(plan.metre)
        bars += section.bars
        start, end = plan.frame.start(section.first_bar), plan.frame.start(section.end_bar)
        shift = start - starts[letter]
        lead += [
            LeadNote(note.onset - shift, min(note.duration, end - note.onset), note.pitch)
            for note in plan.lead
            if start <= note.onset < end
        ]
        chords += [chord.model_copy(update={"onset": chord.onset - shift}) for chord in section.chords]
    frame = Bars.of([(bar_ticks(plan.metre), plan.metre)] * bars)
    return Digest(plan, starts, frame, tuple(lead), tuple(chords))


def _form(plan: WritePlan) -> SongForm:
    assert plan.form is not None, "only called for songs with a form"
    return plan.form


def pitches_by_time(lead_onsets: Sequence[int], rows: Sequence[NoteRow]) -> list[int]:
    """For each onset the pitch of the row that sounds there, else of the one before, else of the first."""
    pitches = []
    index = 0
    ordered = sorted(rows, key=lambda row: row.onset)
    for onset in lead_onsets:
        while index + 1 < len(ordered) and ordered[index + 1].onset <= onset:
            index += 1
        pitches.append(ordered[index].pitch)
    return pitches
