"""The model's parts beside a tune: below it, without bursts, with a bass in every bar; their limits hold."""

from itertools import pairwise

from bandmate_generate.band.composed_parts import MAX_CHORD_NOTES, MIN_TICKS_BETWEEN_ONSETS, playable
from bandmate_generate.harmony.chord_spans import chord_spans
from bandmate_generate.lead.notes import LeadNote
from bandmate_music.note_rows import NoteRow
from bandmate_music.theory.bars import Bars
from bandmate_music.theory.metre import Metre
from bandmate_shared.contracts.composition import PartSpec
from hypothesis import given
from hypothesis import strategies as st

BAR = 96
FRAME = Bars.of([(BAR, Metre(4, 4))] * 4)
CHORDS = chord_spans("C | F | G/B | C", FRAME, 0, 4)
VOICE = PartSpec(name="Voice", role="melody", program=52, is_voice=True, low=57, high=76, monophonic=True)
PIANO = PartSpec(name="Piano", role="harmony", program=0, low=31, high=84)
CELLO = PartSpec(name="Cello", role="bass", program=42, low=36, high=67, monophonic=True)
LEAD = tuple(LeadNote(bar * BAR + beat * 24, 24, 64 + beat) for bar in range(4) for beat in range(4))


def _made(rows: list[NoteRow], specs: tuple[PartSpec, ...] = (VOICE, PIANO), part: int = 1) -> list[NoteRow]:
    return playable(rows, specs=specs, changeable={part}, frame=FRAME, chords=CHORDS, lead=LEAD)


def test_notes_over_the_tune_go_below_it() -> None:
    rows = [NoteRow(1, 0, 96, pitch, 70) for pitch in (48, 64, 79)]
    assert {row.pitch for row in _made(rows) if row.onset == 0} == {48, 55, 64}


def test_bursts_become_one_chord_and_chords_have_few_notes() -> None:
    burst = [NoteRow(1, tick, 3, 40 + tick % 9, 70) for tick in range(84, 96, 3)]
    tower = [NoteRow(1, 0, 24, pitch, 70) for pitch in range(36, 60, 3)]
    made = _made([*tower, *burst])
    onsets = sorted({row.onset for row in made})
    assert all(b - a >= MIN_TICKS_BETWEEN_ONSETS for a, b in pairwise(onsets))
    assert sum(row.onset == 0 for row in made) <= MAX_CHORD_NOTES


def test_each_bar_has_the_bass_of_its_chord() -> None:
    made = _made([NoteRow(1, 24, 24, 60, 70)])
    basses = {row.onset // BAR: row.pitch % 12 for row in made if row.pitch < 53}
    assert basses == {0: 0, 1: 5, 2: 11, 3: 0}


def test_a_bass_that_is_there_stays() -> None:
    rows = [NoteRow(1, bar * BAR, 96, 40, 70) for bar in range(4)]
    assert [row for row in _made(rows) if row.pitch < 53] == rows


def test_another_parts_bass_is_enough() -> None:
    made = _made([NoteRow(1, 0, 24, 60, 70)], (VOICE, PIANO, CELLO))
    assert all(row.pitch >= 53 for row in made)


NOTES = st.lists(
    st.tuples(st.integers(0, 4 * BAR - 1), st.integers(1, BAR), st.integers(36, 67)),
    max_size=40,
    unique_by=lambda n: n[0],
)


@given(NOTES)
def test_a_part_of_one_note_at_a_time_stays_so(notes: list[tuple[int, int, int]]) -> None:
    rows: list[NoteRow] = []
    for onset, duration, pitch in sorted(notes):
        if not rows or rows[-1].end <= onset:
            rows.append(NoteRow(2, onset, min(duration, 4 * BAR - onset), pitch, 70))
    made = _made(rows, (VOICE, PIANO, CELLO), part=2)
    assert all(before.end <= after.onset for before, after in pairwise(made))
    assert all(CELLO.low <= row.pitch <= CELLO.high and 0 <= row.onset < row.end <= 4 * BAR for row in made)


@given(st.lists(st.tuples(st.integers(0, 4 * BAR - 1), st.integers(1, BAR), st.integers(31, 84)), max_size=60))
def test_no_pitch_is_struck_again_while_it_sounds(notes: list[tuple[int, int, int]]) -> None:
    ends: dict[int, int] = {}
    rows = []
    for onset, duration, pitch in sorted(notes):
        if ends.get(pitch, 0) <= onset:
            rows.append(NoteRow(1, onset, min(duration, 4 * BAR - onset), pitch, 70))
            ends[pitch] = rows[-1].end
    ends = {}
    for row in _made(rows):
        assert ends.get(row.pitch, 0) <= row.onset
        ends[row.pitch] = row.end
        assert PIANO.low <= row.pitch <= PIANO.high
        assert row.end <= 4 * BAR
