"""What holds for every arrangement, and what makes it one: entries, fills, crashes, a bass on the roots, an ending."""

from dataclasses import replace
from itertools import pairwise

import pytest
from bandmate_generate.band.chord_line import Chord
from bandmate_generate.band.tune_register import ceilings
from bandmate_generate.band.voicing import voice_chord
from bandmate_generate.planning.lineup import parts_for
from bandmate_generate.planning.styles import STYLES
from bandmate_music.note_rows import NoteRow, sorted_rows
from bandmate_shared.contracts.wishes import TrackWish

from tests.unit.generate.band.arranging import SECTIONS, Song

ARRANGED = [name for name, style in STYLES.items() if any(part.figure for part in style.parts)]
BANDS = [name for name in ARRANGED if STYLES[name].groove and name != "drums"]
METRES = ["4/4", "3/4", "6/8", "2/4", "5/4", "7/8", "12/8", "9/8", "5/8", "2/2", "3/8", "6/4", "5/16", "1/4", "6/16"]


def assert_limits(song: Song) -> None:
    """Frame, ranges and notes at once; every part with a figure or a tune sounds."""
    assert song.rows == sorted_rows(song.rows)
    for index, spec in enumerate(song.specs):
        rows = [row for row in song.rows if row.part == index]
        assert rows or (song.parts[index].figure is None and index != song.melody), spec.name
        assert all(row.onset >= 0 and row.duration > 0 and row.end <= song.frame.end for row in rows)
        assert all(1 <= row.velocity <= 127 for row in rows)
        by_pitch: dict[int, int] = {}
        for row in rows:
            assert by_pitch.get(row.pitch, 0) <= row.onset, f"{spec.name} strikes {row.pitch} while it sounds"
            by_pitch[row.pitch] = row.end
        if spec.plays_drums:
            continue
        assert all(spec.low <= row.pitch <= spec.high for row in rows)
        most = 1 if spec.monophonic else spec.polyphony
        if most is not None:
            changes = sorted([(row.onset, 1) for row in rows] + [(row.end, -1) for row in rows])
            sounding = 0
            for _, change in changes:
                sounding += change
                assert sounding <= most, spec.name


@pytest.mark.parametrize("style", ARRANGED)
def test_every_style_keeps_its_limits_and_is_the_same_for_the_same_seed(style: str) -> None:
    song = Song(style)
    assert_limits(song)
    assert Song(style).rows == song.rows


@pytest.mark.parametrize("metre", METRES)
def test_every_metre_can_be_arranged(metre: str) -> None:
    for style in ("pop", "folk", "swing", "latin", "march"):
        song = Song(style, metre)
        assert_limits(song)
        bars = song.bars([row for row in song.rows if not song.specs[row.part].plays_drums])
        assert all(bars[4:-4]), "no bar of verse or chorus is silent"


@pytest.mark.parametrize(("style", "polyphony"), [(style, number % 3 + 1) for number, style in enumerate(ARRANGED)])
def test_polyphony_and_narrow_ranges_hold(style: str, polyphony: int) -> None:
    usual = [part.spec(sung=False) for part in STYLES[style].parts]
    specs = [
        spec
        if spec.plays_drums
        else spec.model_copy(update={"polyphony": polyphony, "low": 50, "high": 50 + 5 * polyphony})
        for spec in usual
    ]
    assert_limits(Song(style, specs=specs))


@pytest.mark.parametrize("bars", [1, 2, 3, 7, 11])
def test_short_songs_are_played_by_all(bars: int) -> None:
    song = Song("soul", sections=[("verse", "A", bars, 0.3, "C | F")])
    assert_limits(song)


def test_a_figure_that_rests_where_its_part_plays_is_replaced() -> None:
    quiet = [("verse", f"A{number}", 1, 0.15 + 0.1 * (number % 2), "C") for number in range(16)]
    loud = ("chorus", "B", 1, 0.65, "F")
    assert_limits(Song("soul", sections=[*quiet[:8], loud, *quiet[8:]]))


def test_requested_instruments_get_a_figure_of_their_kind() -> None:
    wishes = [TrackWish(instrument=name) for name in ("violin", "harp", "trombone", "strings", "bass", "drums")]
    parts = parts_for(wishes, STYLES["pop"])
    song = Song("pop", parts=parts)
    assert_limits(song)
    assert all(part.figure for part in parts[1:])
    assert parts[0].figure is None


@pytest.mark.parametrize("style", ARRANGED)
@pytest.mark.parametrize("seed", [1, 2])
def test_the_accompaniment_lies_below_the_tune(style: str, seed: int) -> None:
    song = Song(style, seed=seed)
    figures = {index for index, part in enumerate(song.parts) if part.figure and part.role == "harmony"}
    above = 0
    for note in song.lead:
        sounding = (row for row in song.rows if row.part in figures and row.onset < note.end and row.end > note.onset)
        above += any(row.pitch > note.pitch + 1 for row in sounding)
    assert above <= 0.15 * len(song.lead)


def test_chords_are_free_where_no_tune_sounds_or_it_lies_too_low_for_chords_below_it() -> None:
    song = Song("pop")
    usual = ceilings(song.form, song.frame, song.lead)
    silent = [section.name in ("intro", "outro") for section in song.form.sections]
    assert [ceiling is None for ceiling in usual] == silent
    low = [note._replace(pitch=note.pitch - 24) for note in song.lead]
    assert set(ceilings(song.form, song.frame, low)) == {None}


def test_chords_keep_three_notes_below_the_tune() -> None:
    for root in range(12):
        chord = Chord(root, root, (root, (root + 4) % 12, (root + 7) % 12))
        for ceiling in range(60, 70):
            voicing = voice_chord(chord, 4, 40, 79, ceiling - 6, (), ceiling)
            assert len(voicing) >= 3
            assert 45 <= voicing[0] < voicing[-1] <= ceiling


@pytest.mark.parametrize("style", BANDS)
def test_the_line_up_changes_and_everybody_plays_in_the_last_chorus(style: str) -> None:
    song = Song(style)
    chorus = song.form.sections[-2]
    starts = range(0, len(song.frame), 4)
    heard = []
    for first in starts:
        begin, end = song.frame.start(first), song.frame.start(first + 4)
        heard.append({row.part for row in song.rows if begin <= row.onset < end})
        if first == chorus.first_bar:
            assert heard[-1] == set(range(len(song.parts)))
    assert sum(one != other for one, other in pairwise(heard)) >= 0.3 * (len(heard) - 1)


@pytest.mark.parametrize("style", BANDS)
def test_the_bass_plays_the_root_at_the_bar_line(style: str) -> None:
    song = Song(style)
    index = next(number for number, spec in enumerate(song.specs) if spec.role == "bass")
    roots = bars = 0
    for bar in (song.frame[number] for number in range(len(song.frame))):
        sounding = [row.pitch for row in song.rows if row.part == index and row.onset <= bar.onset < row.end]
        chord = next(c for c in song.form.chords if c.onset <= bar.onset < c.onset + c.duration)
        if sounding:
            bars += 1
            roots += sounding[0] % 12 == (chord.root if chord.bass is None else chord.bass)
    assert bars >= 0.5 * len(song.frame)
    assert roots >= 0.9 * bars


@pytest.mark.parametrize("style", BANDS)
@pytest.mark.parametrize("seed", [1, 2])
def test_drums_have_kicks_crashes_on_sections_and_fills_before_them(style: str, seed: int) -> None:
    song = Song(style, seed=seed)
    drums = song.drums()
    bars = song.bars(drums)
    kicks = [sum(pitch == 36 for _, pitch in bar) for bar in bars]
    assert sum(kicks) >= 0.5 * len(bars)
    firsts = {section.first_bar for section in song.form.sections}
    for section in song.form.sections:
        playing = range(section.first_bar, section.end_bar)
        assert not any(bars[number] for number in playing) or any(kicks[number] for number in playing)
    crashes = {song.frame.at(row.onset) for row in drums if row.pitch == 49}
    assert crashes <= firsts | {len(bars) - 1}
    assert crashes & firsts
    played_before = [first - 1 for first in sorted(firsts - {0}) if bars[first - 1] and bars[first]]
    changed = [number for number in played_before if bars[number] != bars[number - 2]]
    assert len(changed) >= 0.6 * len(played_before)


@pytest.mark.parametrize("style", ARRANGED)
def test_the_last_bar_ends(style: str) -> None:
    song = Song(style)
    last = song.frame[len(song.frame) - 1]
    figures = [row for row in song.rows if song.parts[row.part].figure and row.onset >= last.onset]
    assert figures
    assert all(row.onset == last.onset for row in figures)
    held = [row for row in song.rows if song.parts[row.part].figure and not song.specs[row.part].plays_drums]
    assert all(row.end <= last.onset for row in held if row.onset < last.onset)


def test_a_returning_section_has_the_same_accompaniment_and_the_last_chorus_a_bass_under_it() -> None:
    song = Song("pop")
    keys = song.bars(song.part("Electric piano"))
    first, second = (s for s in song.form.sections if s.name == "chorus")
    pairs = list(zip(keys[first.first_bar : first.end_bar], keys[second.first_bar : second.end_bar], strict=True))
    assert all(before <= after for before, after in pairs)
    added = [(before, after - before) for before, after in pairs if after > before]
    assert added
    assert all(max(pitch for _, pitch in more) < min(pitch for _, pitch in before) for before, more in added)


@pytest.mark.parametrize("style", BANDS)
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_first_chorus_of_a_band_has_one_part_fewer_than_the_last(style: str, seed: int) -> None:
    song = Song(style, seed=seed)
    first, last = (s for s in song.form.sections if s.name == "chorus")
    heard = []
    for section in (first, last):
        begin, end = song.frame.start(section.first_bar), song.frame.start(section.end_bar)
        heard.append({row.part for row in song.rows if begin <= row.onset < end})
    assert heard[1] == set(range(len(song.parts)))
    able = [index for index, part in enumerate(song.parts) if part.role == "harmony"]
    missing = heard[1] - heard[0]
    assert len(missing) == (1 if len(able) > 1 and len(song.parts) >= 4 else 0)
    assert missing <= set(able)


@pytest.mark.parametrize("style", BANDS)
def test_nobody_rests_for_a_block_of_a_long_last_chorus(style: str) -> None:
    song = Song(style, sections=[(*section[:2], 12, *section[3:]) for section in SECTIONS])
    chorus = song.form.sections[-2]
    for first in range(chorus.first_bar, chorus.end_bar, 4):
        begin, end = song.frame.start(first), song.frame.start(first + 4)
        assert {row.part for row in song.rows if begin <= row.onset < end} == set(range(len(song.parts)))


def test_the_drums_begin_at_other_bars_in_other_songs_and_lead_in() -> None:
    sections = SECTIONS[1:]
    begins = set()
    for seed in range(12):
        song = Song("pop", seed=seed, sections=sections)
        bars = song.bars(song.drums())
        lead_in = next(number for number, bar in enumerate(bars) if bar)
        begin = next(number for number, bar in enumerate(bars) if any(onset == 0 for onset, _ in bar))
        assert lead_in == max(0, begin - 1)
        if begin:
            assert all(onset >= 72 for onset, _ in bars[lead_in])
        begins.add(begin)
    assert begins == {0, 2, 4, 8}


def test_a_figure_holds_through_its_section() -> None:
    song = Song("reggae")
    rhythms = [{onset for onset, _ in bar} for bar in song.bars(song.part("Guitar"))]
    verse = song.form.sections[1]
    inside = rhythms[verse.first_bar : verse.end_bar - 1]
    assert all(rhythm == inside[0] for rhythm in inside)


def test_a_hymn_is_played_in_four_parts_with_the_tune_on_top() -> None:
    song = Song("hymn")
    organ = song.part("Organ")
    verse = song.form.sections[1]
    start, end = song.frame.start(verse.first_bar), song.frame.start(verse.end_bar)
    for note in (note for note in song.lead if start <= note.onset < end):
        sounding = [row.pitch for row in organ if row.onset <= note.onset < row.end]
        assert max(sounding) == note.pitch
        assert 3 <= len(sounding) <= 4


def test_a_solo_without_a_tune_is_played_by_the_band() -> None:
    solo = ("solo", "A", 8, 0.75, "C | Am | F | G7")
    song = Song("soul", sections=(*SECTIONS[:3], solo, *SECTIONS[3:]))
    assert_limits(song)
    section = song.form.sections[3]
    line = song.bars(song.part("Brass"))[section.first_bar : section.end_bar]
    assert all(len(bar) == len({onset for onset, _ in bar}) >= 3 for bar in line), "one note at a time"
    assert len({pitch for bar in line for _, pitch in bar}) >= 6


def test_seeds_draw_other_figures() -> None:
    songs = [Song("pop", seed=seed) for seed in range(8)]
    verses = [song.bars(song.part("Electric piano"))[8] for song in songs]
    assert len({frozenset(onset for onset, _ in verse) for verse in verses}) >= 2


def test_styles_differ_by_their_notes() -> None:
    songs = {style: Song(style, STYLES[style].metres[0].name) for style in BANDS}
    rhythms = {
        style: frozenset((onset, pitch) for bar in song.bars(song.drums()) for onset, pitch in bar)
        for style, song in songs.items()
    }
    assert len(set(rhythms.values())) == len(BANDS)


def test_what_the_network_composed_plays_where_there_is_no_figure_or_it_is_kept() -> None:
    parts = STYLES["pop"].parts
    composed = [NoteRow(1, tick, 24, 60, 70) for tick in range(0, 48 * 96, 96)]
    without = [replace(parts[1], figure=None) if index == 1 else part for index, part in enumerate(parts)]
    for song in (Song("pop", parts=without, composed=composed), Song("pop", composed=composed, keep=frozenset({1}))):
        assert [row for row in song.rows if row.part == 1] == composed
    assert [row for row in Song("pop", composed=composed).rows if row.part == 1] != composed


def test_without_chords_the_tonic_is_played() -> None:
    song = Song("folk", sections=[(*section[:4], "C") for section in SECTIONS])
    assert {row.pitch % 12 for row in song.part("Double bass")} <= {0, 7, 4}
