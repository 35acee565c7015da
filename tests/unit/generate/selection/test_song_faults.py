"""The critic's faults of a song as a whole, on songs made by rule."""

from dataclasses import replace

from bandmate_generate.form.song_form import SongForm, SongSection
from bandmate_generate.harmony.chord_spans import chord_spans
from bandmate_generate.planning.plan import plan_song
from bandmate_generate.planning.song_plan import WritePlan
from bandmate_generate.selection.song_faults import song_faults
from bandmate_music.note_rows import NoteRow
from bandmate_shared.contracts.songs import SongRequest
from bandmate_shared.settings import SharedSettings

BAR = 96


def _plan(settings: SharedSettings) -> WritePlan:
    """Folk in C, 16 bars: a verse of eight bars, a chorus of eight."""
    request = SongRequest(style="folk", key="C", bars=16, metre="4/4", tempo=100, seed=1)
    plan = plan_song(request, 1, settings)
    assert isinstance(plan, WritePlan)
    chords = chord_spans("C | F | G | C", plan.frame, 0, plan.bars)
    form = SongForm(
        (
            SongSection("verse", None, "A", 0, 8, 0.5, chords[:8]),
            SongSection("chorus", None, "B", 8, 8, 0.9, chords[8:]),
        )
    )
    return replace(plan, form=form, chords=form.chords)


def _tune(plan: WritePlan, verse: list[int], chorus: list[int]) -> list[NoteRow]:
    """Four quarters a bar: eight bars of the verse's pitches, then of the chorus's."""
    assert plan.melody is not None
    return [
        NoteRow(plan.melody, number * 24, 24, (verse if number < 32 else chorus)[number % 4], 80)
        for number in range(64)
    ]


def _band(plan: WritePlan, bass_step: int = 0) -> list[NoteRow]:
    """A triad and a bass note in each bar."""
    rows = []
    for bar, chord in enumerate(plan.chords):
        rows += [NoteRow(1, bar * BAR, BAR, 48 + pitch_class, 70) for pitch_class in sorted(chord.pitch_classes)]
        rows.append(NoteRow(2, bar * BAR, BAR, 36 + (chord.root + bass_step) % 12, 70))
    return sorted(rows, key=lambda row: (row.onset, row.part, row.pitch))


def test_a_chorus_no_higher_than_the_verse_is_a_fault(settings: SharedSettings) -> None:
    plan = _plan(settings)
    level = song_faults(plan, [*_tune(plan, [60, 62, 64, 65], [60, 62, 64, 65]), *_band(plan)])
    lifted = song_faults(plan, [*_tune(plan, [60, 62, 64, 65], [65, 67, 69, 72]), *_band(plan)])
    assert level["chorus_lift"] > 0.4
    assert lifted["chorus_lift"] == 0.0
    assert lifted["tune_range"] < level["tune_range"]


def test_a_climax_in_the_first_bars_is_a_fault(settings: SharedSettings) -> None:
    plan = _plan(settings)
    late = _tune(plan, [60, 62, 64, 65], [60, 62, 64, 65])
    early = [late[0]._replace(pitch=77), *late[1:]]
    later = [*late[:40], late[40]._replace(pitch=77), *late[41:]]
    assert song_faults(plan, [*early, *_band(plan)])["climax"] == 1.0
    assert song_faults(plan, [*later, *_band(plan)])["climax"] == 0.0


def test_a_bass_beside_the_root_and_notes_beside_the_chord_are_faults(settings: SharedSettings) -> None:
    plan = _plan(settings)
    tune = _tune(plan, [60, 64, 67, 64], [72, 67, 64, 67])
    assert song_faults(plan, _band(plan))["unclean_chords"] == 0.0
    assert song_faults(plan, [*tune, *_band(plan)])["bass_off_root"] == 0.0
    assert song_faults(plan, [*tune, *_band(plan, bass_step=2)])["bass_off_root"] == 1.0
    assert song_faults(plan, _band(plan, bass_step=2))["unclean_chords"] > 0.9


def test_a_band_that_never_rests_is_a_fault(settings: SharedSettings) -> None:
    plan = _plan(settings)
    rows = _band(plan)
    assert song_faults(plan, rows)["constant_lineup"] == 1.0
    rests = [row for row in rows if not (row.part == 2 and 4 * BAR <= row.onset < 8 * BAR)]
    assert song_faults(plan, rests)["constant_lineup"] == 0.0
