"""Perform a clean score: who plays when and how loudly, and where the tempo gives way."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from bandmate_music.note_rows import NoteRow, sorted_rows
from bandmate_music.theory.bars import Bars
from bandmate_shared.contracts.composition import PartSpec

from bandmate_generate.form.song_form import SongForm
from bandmate_generate.performance.drum_statistics import drum_family
from bandmate_generate.performance.dynamics import shape_drums, shape_part, shape_sections, velocity_of
from bandmate_generate.performance.note_limits import keep_in_order
from bandmate_generate.performance.played_note import PlayedNote
from bandmate_generate.performance.ritardando import tempi_with_ritardando
from bandmate_generate.performance.swing import swung
from bandmate_generate.performance.timing import move_drums, move_part
from bandmate_generate.seeds import derived


@dataclass(frozen=True, slots=True)
class Performance:
    """The notes on 480 ticks a quarter, in the order of `sorted_rows`; (tick, quarters a minute) from tick 0."""

    rows: list[NoteRow]
    tempi: tuple[tuple[int, float], ...]


def perform(
    rows: Sequence[NoteRow],
    *,
    frame: Bars,
    form: SongForm | None,
    tempo: float,
    specs: Sequence[PartSpec],
    melody: int | None,
    is_sung: bool,
    swing: float,
    groove: str | None,
    looseness: float,
    mode: Literal["tight", "human"],
    seed: int,
) -> Performance:
    """Perform rows of 24 ticks a quarter; as many come back, of the same pitches.

    `tempo` in quarters a minute; `swing` is the place of the second eighth in a beat, 0.5 for straight ones;
    `looseness` 0-1. In `tight` mode swing alone moves onsets and the tempo is steady; velocities are shaped in both.
    The part `melody` keeps the written rhythm where `is_sung`: its words lie on it.
    """
    family = drum_family(groove)
    played = [_placed(rows, part, frame, 0.5 if is_sung and part == melody else swing) for part in range(len(specs))]
    drums = [note for part, spec in enumerate(specs) if spec.plays_drums for note in played[part]]
    shape_drums(drums, frame, family, seed)
    kicks = move_drums(drums, frame, tempo, family, looseness, seed) if mode == "human" else {}
    for part, (spec, notes) in enumerate(zip(specs, played, strict=True)):
        own_seed = derived(seed, f"performance of part {part}")
        if not spec.plays_drums:
            shape_part(notes, spec, frame, own_seed)
        if is_sung and part == melody:
            continue
        if mode == "human" and not spec.plays_drums:
            move_part(notes, spec, tempo, looseness, kicks, own_seed)
        keep_in_order(notes, frame, tempo, is_drum=spec.plays_drums)
    everything = [note for notes in played for note in notes]
    if form is not None:
        shape_sections(everything, frame, form)
    tempi = tempi_with_ritardando(frame, tempo, looseness) if mode == "human" else ((0, tempo),)
    return Performance(sorted_rows(_row(note) for note in everything), tempi)


def _placed(rows: Sequence[NoteRow], part: int, frame: Bars, swing: float) -> list[PlayedNote]:
    """The notes of a part where swing puts them."""
    own = [row for row in rows if row.part == part]
    place = swung(own, frame, swing)
    return [PlayedNote(row, place(row.onset), place(row.onset), place(row.end), row.velocity) for row in own]


def _row(note: PlayedNote) -> NoteRow:
    row = note.row
    return NoteRow(row.part, note.onset, note.end - note.onset, row.pitch, velocity_of(note))
