"""The performance: what must hold for every song, and what makes it one."""

from collections import defaultdict
from itertools import pairwise

import pytest
from bandmate_music.note_rows import NoteRow, piece_order
from bandmate_music.theory.metre import Metre
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.generate.performance.songs import (
    BASS,
    CHORDS,
    DRUMS,
    MELODY,
    SPECS,
    band_rows,
    frame_of,
    performed,
    random_rows,
)

METRES = (Metre(4, 4), Metre(3, 4), Metre(6, 8), Metre(7, 8), Metre(2, 2))


@settings(deadline=None, max_examples=60)
@given(
    seed=st.integers(0, 10_000),
    metre=st.sampled_from(METRES),
    tempo=st.floats(40.0, 240.0),
    swing=st.floats(0.5, 0.8),
    looseness=st.floats(0.0, 1.0),
    is_sung=st.booleans(),
    groove=st.sampled_from((None, "rock", "jazz waltz", "bossa", "blues shuffle")),
    is_human=st.booleans(),
)
def test_what_holds_for_every_song(
    seed: int,
    metre: Metre,
    tempo: float,
    swing: float,
    looseness: float,
    is_sung: bool,
    groove: str | None,
    is_human: bool,
) -> None:
    bars = 9
    rows = random_rows(seed, bars, metre)
    frame = frame_of(bars, metre)
    result = performed(
        rows,
        "human" if is_human else "tight",
        metre=metre,
        bars=bars,
        form=None,
        tempo=tempo,
        swing=swing,
        looseness=looseness,
        is_sung=is_sung,
        groove=groove,
        seed=seed,
    )
    assert result.tempi[0] == (0, tempo)
    assert [tick for tick, _ in result.tempi] == sorted({tick for tick, _ in result.tempi})
    assert all(tempo * 0.65 <= changed <= tempo for _, changed in result.tempi)
    assert result.rows == sorted(result.rows, key=piece_order)
    early = round(15.0 * tempo / 125.0)
    for part, spec in enumerate(SPECS):
        written = [row for row in rows if row.part == part]
        played = [row for row in result.rows if row.part == part]
        assert sorted(row.pitch for row in written) == sorted(row.pitch for row in played)
        for row in played:
            assert row.onset >= 0
            assert row.duration >= 1
            assert row.end <= frame.end * 20
            assert 1 <= row.velocity <= 127
        by_onset = zip(sorted(written), _matched(written, played), strict=True)
        assert all(now.onset >= frame[frame.at(row.onset)].onset * 20 - early for row, now in by_onset)
        if spec.monophonic:
            assert all(before.end <= after.onset for before, after in pairwise(sorted(played)))
        assert _most_at_once(played) <= (spec.polyphony or 99)
        of_pitch: dict[int, list[NoteRow]] = defaultdict(list)
        for row in sorted(played):
            of_pitch[row.pitch].append(row)
        assert all(a.end <= b.onset for line in of_pitch.values() for a, b in pairwise(line))
    if is_sung:
        sung = [(row.onset, row.duration) for row in result.rows if row.part == MELODY]
        assert sung == [(row.onset * 20, row.duration * 20) for row in rows if row.part == MELODY]


def _matched(written: list[NoteRow], played: list[NoteRow]) -> list[NoteRow]:
    """The played row of each written one, in order: notes of equal pitch keep theirs."""
    lines: dict[int, list[NoteRow]] = defaultdict(list)
    for row in sorted(played, reverse=True):
        lines[row.pitch].append(row)
    return [lines[row.pitch].pop() for row in sorted(written)]


def _most_at_once(rows: list[NoteRow]) -> int:
    return max((sum(other.onset <= row.onset < other.end for other in rows) for row in rows), default=0)


def test_a_tight_performance_is_on_the_grid_at_one_tempo_with_shaped_velocities() -> None:
    rows = band_rows()
    result = performed(rows, "tight")
    assert [(row.onset, row.duration, row.pitch) for row in result.rows] == [
        (row.onset * 20, row.duration * 20, row.pitch) for row in rows
    ]
    assert result.tempi == ((0, 100.0),)
    assert len({row.velocity for row in result.rows}) > 20


def test_swing_delays_the_off_beat_eighths_in_both_modes_but_not_the_words() -> None:
    rows = [*band_rows(), NoteRow(MELODY, 12, 6, 70, 80)]
    result = performed(rows, "tight", swing=0.66)
    hats = [row.onset % 480 for row in result.rows if row.part == DRUMS and row.pitch == 42]
    assert set(hats) == {0, 317}
    assert any(row.part == MELODY and row.onset == 240 for row in result.rows)
    human = performed(rows, swing=0.66)
    late = [row.onset % 480 for row in human.rows if row.part == BASS]
    off_beats = [place for place in late if 100 < place < 400]
    assert sum(off_beats) / len(off_beats) == pytest.approx(317, abs=15)


def test_beats_in_triplets_stay_as_written() -> None:
    rows = [NoteRow(CHORDS, tick, 8, 60, 80) for tick in (0, 8, 16)] + [NoteRow(CHORDS, 36, 12, 60, 80)]
    result = performed(rows, "tight", swing=0.66, bars=1, form=None)
    assert [row.onset for row in result.rows] == [0, 160, 320, 480 + 317]


def test_human_drums_are_off_the_grid_as_far_as_drummers_are() -> None:
    rows = band_rows()
    played = [row for row in performed(rows).rows if row.part == DRUMS]
    beside = [(row.onset + 60) % 120 - 60 for row in played]
    milliseconds = [ticks * 125.0 / 100.0 for ticks in beside]
    assert sum(abs(late) > 5.0 for late in milliseconds) / len(milliseconds) > 0.5
    assert max(abs(late) for late in milliseconds) <= 31.0
    mean = sum(milliseconds) / len(milliseconds)
    spread = (sum((late - mean) ** 2 for late in milliseconds) / len(milliseconds)) ** 0.5
    assert 8.0 < spread < 25.0


def test_the_bass_follows_the_kick() -> None:
    played = performed(band_rows()).rows
    kicks = {round(row.onset / 480): row.onset for row in played if row.part == DRUMS and row.pitch == 36}
    basses = {
        round(row.onset / 480): row.onset for row in played if row.part == BASS and row.onset % 480 in range(-40, 40)
    }
    apart = [basses[beat] - kicks[beat] for beat in kicks if beat in basses]
    alone = [onset - beat * 480 for beat, onset in kicks.items()]
    assert sum(map(abs, apart)) / len(apart) < sum(map(abs, alone)) / len(alone)


def test_choruses_are_louder_than_verses_and_grow_out_of_them() -> None:
    rows = performed(band_rows()).rows
    means = [
        _mean([row.velocity for row in rows if start <= row.onset / 1920 < start + 4]) for start in range(0, 32, 4)
    ]
    verse, chorus = _mean([means[0], means[1], means[4], means[5]]), _mean([means[2], means[3], means[6], means[7]])
    assert chorus - verse >= 10.0
    last_bar = _mean([row.velocity for row in rows if 7.5 <= row.onset / 1920 < 8])
    assert last_bar > means[1] + 2.0


def _mean(values: list[float]) -> float:
    return sum(values) / len(values)


def test_slow_loose_songs_slow_down_at_the_end_and_fast_ones_do_not() -> None:
    rows = band_rows()
    ballad = performed(rows, tempo=68.0, looseness=0.8).tempi
    assert len(ballad) > 4
    assert ballad[1][0] >= 30 * 1920
    assert ballad[-1][1] < 0.8 * 68.0
    assert performed(rows, tempo=180.0).tempi == ((0, 180.0),)
    assert performed(rows, "tight", tempo=68.0, looseness=0.8).tempi == ((0, 68.0),)


def test_equal_arguments_are_equal_performances_and_seeds_differ() -> None:
    rows = band_rows()
    assert performed(rows) == performed(rows)
    assert performed(rows, seed=2) != performed(rows)
