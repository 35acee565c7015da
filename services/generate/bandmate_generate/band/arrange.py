"""Arranges a song for its band: from the form, the tune and what the network composed to the notes of all parts."""

from collections.abc import Sequence
from dataclasses import dataclass

from bandmate_music.note_rows import NoteRow, sorted_rows
from bandmate_music.theory.bars import Bars
from bandmate_music.theory.keys import Key
from bandmate_music.theory.metre import Metre
from bandmate_shared.contracts.composition import PartSpec

from bandmate_generate.band.accompaniment import Accompanist
from bandmate_generate.band.bass_figures import BASS_ALTERNATIVES, BASS_FIGURES
from bandmate_generate.band.bass_line import Bassist
from bandmate_generate.band.chord_line import ChordLine
from bandmate_generate.band.drum_part import Drummer
from bandmate_generate.band.groove_bank import PITCHES, groove_family
from bandmate_generate.band.harmony_figures import ALTERNATIVES, HARMONY_FIGURES, PLAIN_FIGURE, SOLO_FIGURE
from bandmate_generate.band.limits import within_limits
from bandmate_generate.band.line_up import Playing, loudest, who_plays
from bandmate_generate.band.section_bars import SectionBars
from bandmate_generate.band.tune_register import ceilings
from bandmate_generate.form.song_form import SongForm
from bandmate_generate.lead.notes import LEAD_VELOCITY, LeadNote
from bandmate_generate.planning.styles import Style, StylePart
from bandmate_generate.seeds import random_generator

_MIN_KICKS_PER_BAR = 0.6


def arrange(
    *,
    style: Style,
    parts: Sequence[StylePart],
    specs: Sequence[PartSpec],
    form: SongForm,
    frame: Bars,
    metre: Metre,
    key: Key,
    tempo: float,
    lead: Sequence[LeadNote],
    melody: int | None,
    composed: Sequence[NoteRow],
    keep: frozenset[int],
    seed: int,
) -> list[NoteRow]:
    """The notes of all parts of the song, by onset, part and pitch.

    `parts` are those of `specs`. The melody's notes are those of `lead`; parts with a figure play it, the others what
    the network `composed`, and so do those of `keep` whatever their figure. Range, polyphony and frame hold for every
    part; each part plays somewhere.
    """
    band = _Band(style, parts, specs, form, frame, key, lead, seed)
    with_figure = [index for index in band.with_figure if index not in keep and (index != melody or not lead)]
    playing = who_plays(parts, with_figure, form, _tune_bars(lead, frame), seed)
    rows: dict[int, list[NoteRow]] = {index: [] for index in range(len(parts))}
    for row in composed:
        if row.part not in with_figure and (row.part != melody or not lead):
            rows[row.part].append(row)
    if melody is not None:
        rows[melody] += [
            NoteRow(melody, note.onset, note.duration, note.pitch, LEAD_VELOCITY) for note in lead if note.duration > 0
        ]
    rows.update(band.play(with_figure, playing, metre, tempo))
    return sorted_rows(row for index, spec in enumerate(specs) for row in within_limits(rows[index], spec, frame.end))


@dataclass(frozen=True, slots=True)
class _Band:
    style: Style
    parts: Sequence[StylePart]
    specs: Sequence[PartSpec]
    form: SongForm
    frame: Bars
    key: Key
    lead: Sequence[LeadNote]
    seed: int

    @property
    def with_figure(self) -> list[int]:
        return [index for index, part in enumerate(self.parts) if part.figure is not None]

    def play(self, players: Sequence[int], playing: Playing, metre: Metre, tempo: float) -> dict[int, list[NoteRow]]:
        """The notes of the parts with figures: the drums first, the bass after them."""
        solos = self.solos(players)
        for number, index in solos.items():
            section = self.form.sections[number]
            playing[index][section.first_bar : section.end_bar] = [True] * section.bars
        chords = ChordLine.of(self.form.chords, self.key, self.frame.end)
        energies = _energies(self.form)
        peak, highest = loudest(self.form), ceilings(self.form, self.frame, self.lead)
        sections = [
            SectionBars.of(
                section,
                self.frame,
                energies[section.letter],
                highest[number],
                is_peak=number == peak and section.repeats > 0,
            )
            for number, section in enumerate(self.form.sections)
        ]
        rows: dict[int, list[NoteRow]] = {}
        drummers = [index for index in players if self.specs[index].plays_drums]
        for index in drummers:
            rows[index] = self._drums(index, sections, playing[index], metre, tempo)
        kicks = sorted({row.onset for index in drummers for row in rows[index] if row.pitch == PITCHES["kick"]})
        for index in players:
            if index in drummers:
                continue
            figure = self._figure(index)
            if figure in BASS_FIGURES:
                bassist = Bassist(BASS_FIGURES[figure], self.specs[index], index, chords, self.key)
                laid = [row for section in sections for row in bassist.section(section, kicks)]
                rows[index] = self._with_ending(laid, playing[index], bassist)
            else:
                accompanist = self._accompanist(index, figure, chords)
                soloist = self._accompanist(index, SOLO_FIGURE, chords)
                laid = [
                    row
                    for number, section in enumerate(sections)
                    for row in (soloist if solos.get(number) == index else accompanist).section(section)
                ]
                rows[index] = self._with_ending(laid, playing[index], accompanist)
                if not rows[index]:  # Its figure rests in all of the bars in which it plays.
                    plain = self._accompanist(index, PLAIN_FIGURE, chords)
                    laid = [row for section in sections for row in plain.section(section)]
                    rows[index] = self._with_ending(laid, playing[index], plain)
        return rows

    def _accompanist(self, index: int, figure: str, chords: ChordLine) -> Accompanist:
        return Accompanist(HARMONY_FIGURES[figure], self.specs[index], index, chords, self.key, self.lead)

    def solos(self, players: Sequence[int]) -> dict[int, int]:
        """Number of a section → the part that plays the solo in it: where the form has one and the tune is silent."""
        able = [index for index in players if self.specs[index].role == "harmony"]
        found: dict[int, int] = {}
        for number, section in enumerate(self.form.sections):
            start, end = self.frame.start(section.first_bar), self.frame.start(section.end_bar)
            silent = not any(note.onset < end and note.end > start for note in self.lead)
            if section.name == "solo" and silent and self.lead and len(able) > 1:
                found[number] = able[-1]
        return found

    def _figure(self, index: int) -> str:
        """The figure of a part, or one that may stand in for it, by the seed."""
        name = self.parts[index].figure or ""
        options = {**ALTERNATIVES, **BASS_ALTERNATIVES}.get(name, (name,))
        return random_generator(self.seed, f"figure of {name}").choice(options)

    def _with_ending(
        self, rows: Sequence[NoteRow], playing: Sequence[bool], player: Bassist | Accompanist
    ) -> list[NoteRow]:
        """The notes of the bars in which the part plays; in the last bar of the song the chord, held."""
        last = self.frame[len(self.frame) - 1]
        heard = _in_bars(rows, playing, self.frame)
        if not playing[-1]:
            return heard
        before = [
            row._replace(duration=min(row.duration, last.onset - row.onset)) for row in heard if row.onset < last.onset
        ]
        return before + player.held(last.onset, last.end)

    def _drums(
        self, index: int, sections: Sequence[SectionBars], playing: Sequence[bool], metre: Metre, tempo: float
    ) -> list[NoteRow]:
        family_name = self.style.groove or "rock"
        bass = next((number for number, part in enumerate(self.parts) if part.figure in BASS_FIGURES), None)
        line = None if bass is None else BASS_FIGURES[self._figure(bass)].usual.line
        drummer = Drummer.of(family_name, groove_family(family_name, metre), index, self.seed, line, tempo)
        last = self.frame[len(self.frame) - 1]
        rows: list[NoteRow] = []
        for number, section in enumerate(sections):
            plays = playing[section.section.first_bar : section.section.end_bar + 1]
            after = sections[number + 1].energy if number + 1 < len(sections) else None
            rows += drummer.section(section, number, after, plays, crashes=len(sections) > 1)
        rows = [row for row in rows if row.onset < last.onset]
        if playing[-1]:
            rows += drummer.final(last)
        bars = [self.frame[bar] for bar, plays in enumerate(playing) if plays]
        kicks = sum(row.pitch == PITCHES["kick"] for row in rows)
        if kicks < _MIN_KICKS_PER_BAR * len(self.frame) or self.style.groove == "jazz":
            rows += drummer.feathered(bars, rows)
        return rows


def _tune_bars(lead: Sequence[LeadNote], frame: Bars) -> list[bool]:
    """For each bar whether a note of the tune begins or sounds in it."""
    sounds = [False] * len(frame)
    for note in lead:
        for bar in range(frame.at(note.onset), frame.at(max(note.onset, note.end - 1)) + 1):
            sounds[bar] = True
    return sounds


def _energies(form: SongForm) -> dict[str, float]:
    """The energy at which a letter is first heard: its figures stay the same in the returns."""
    energies: dict[str, float] = {}
    for section in form.sections:
        energies.setdefault(section.letter, section.energy)
    return energies


def _in_bars(rows: Sequence[NoteRow], playing: Sequence[bool], frame: Bars) -> list[NoteRow]:
    """The notes that begin in bars where the part plays, cut where it stops."""
    stops = [frame.end] * len(playing)
    for bar in range(len(playing) - 2, -1, -1):
        stops[bar] = stops[bar + 1] if playing[bar + 1] else frame[bar].end
    heard = []
    for row in rows:
        bar = frame.at(row.onset)
        if playing[bar]:
            heard.append(row._replace(duration=min(row.duration, stops[bar] - row.onset)))
    return heard
