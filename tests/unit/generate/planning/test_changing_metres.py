"""Pieces whose metre changes: bars of any lengths in one request, and every downbeat where the given piece has it."""

import pytest
from bandmate_generate.planning.plan import plan_song
from bandmate_generate.planning.song_plan import EditPlan, WritePlan
from bandmate_generate.planning.tick_map import TickMap
from bandmate_generate.scoring.edit_midi import edited_midi
from bandmate_generate.scoring.score import to_score
from bandmate_generate.selection.measure import measure
from bandmate_generate.selection.verify_edit import compare_outside_holes
from bandmate_music.analysis.bars import bars_of, metre_changes
from bandmate_music.analysis.metre_estimate import believable
from bandmate_music.midi.edit import given_tracks
from bandmate_music.midi.read import read_midi
from bandmate_music.midi.write import write_midi
from bandmate_music.score import MetreChange, Notes, Part, Score, TempoChange
from bandmate_music.theory.bars import Bar, metres_in_words
from bandmate_music.theory.metre import Metre
from bandmate_shared.contracts.composition import GRID_TICKS_PER_QUARTER
from bandmate_shared.contracts.songs import SongRequest
from bandmate_shared.errors import InvalidRequest
from bandmate_shared.settings import SharedSettings
from hypothesis import HealthCheck, assume, given
from hypothesis import settings as effort
from hypothesis import strategies as st

from ..composing import encoded, take_of

LESS = {
    "max_examples": 30,
    "deadline": None,
    "suppress_health_check": [HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
}
METRES = st.builds(Metre, st.integers(1, 16), st.sampled_from([2, 4, 8, 16]))


@st.composite
def bar_lists(draw: st.DrawFn, ticks_per_quarter: int) -> list[Bar]:
    """Bars of any metres, some of them cut short by the next change, at any tick."""
    bars: list[Bar] = []
    for metre in draw(st.lists(METRES, min_size=1, max_size=8)):
        whole = metre.bar_ticks(ticks_per_quarter)
        length = whole if draw(st.integers(0, 3)) else draw(st.integers(1, whole))
        bars.append(Bar(len(bars) + 1, bars[-1].end if bars else 0, length, metre))
    last = bars[-1]
    return [*bars[:-1], Bar(last.number, last.onset, last.metre.bar_ticks(ticks_per_quarter), last.metre)]


@st.composite
def pieces(draw: st.DrawFn) -> tuple[Score, list[Bar]]:
    """A line and a bass with a note at every bar line and some in between, and a few changes of tempo.

    None begins so late that it is meant on the bar line behind the last bar.
    """
    ticks = draw(st.sampled_from([96, 480, 1024]))
    bars = draw(bar_lists(ticks))
    places = st.integers(0, bars[-1].end - 2 - ticks // 25)
    onsets = sorted({bar.onset for bar in bars} | set(draw(st.lists(places, max_size=20))))
    line = [(onset, draw(st.integers(1, 2 * ticks)), 60 + number % 12, 80) for number, onset in enumerate(onsets)]
    bass = [(bar.onset, bar.length, 36 + bar.number % 5, 70) for bar in bars]
    tempi = [TempoChange(bar.onset, draw(st.sampled_from([60.0, 90.0, 120.0]))) for bar in bars if draw(st.booleans())]
    parts = (Part("Line", 73, Notes.from_rows(line)), Part("Cellos", 42, Notes.from_rows(bass)))
    return Score(parts, ticks, tuple(tempi), tuple(metre_changes(bars, ticks))), bars


def planned(shared: SharedSettings, piece: Score, **fields: object) -> WritePlan | EditPlan:
    return plan_song(SongRequest.model_validate({"prompt": encoded(piece), **fields}), 3, shared)


@effort(**LESS)
@given(piece=pieces())
def test_a_score_says_the_bars_it_was_made_of(piece: tuple[Score, list[Bar]]) -> None:
    score, bars = piece
    assert bars_of(score)[: len(bars)] == bars


@effort(**LESS)
@given(data=st.data(), ticks=st.sampled_from([24, 96, 480, 1000]))
def test_a_ruler_is_exact_at_bar_lines_and_monotonic(data: st.DataObject, ticks: int) -> None:
    bars = data.draw(bar_lists(ticks))
    ruler = TickMap.of(bars, ticks)
    for grid_bar, file_bar in zip(ruler.grid.bars, ruler.file, strict=True):
        assert (ruler.file_tick(grid_bar.onset), ruler.grid_tick(file_bar.onset)) == (file_bar.onset, grid_bar.onset)
        assert grid_bar.length % 2 == 0
        if file_bar.length == file_bar.metre.bar_ticks(ticks):
            assert grid_bar.length == file_bar.metre.bar_ticks(GRID_TICKS_PER_QUARTER)
            middle = grid_bar.onset + grid_bar.length // 2
            assert ruler.grid_tick(ruler.file_tick(middle)) == middle
    assert ruler.file_tick(ruler.grid.end) == bars[-1].end
    mapped = [ruler.file_tick(tick) for tick in range(ruler.grid.end + 1)]
    assert mapped == sorted(mapped)
    for tick in data.draw(st.lists(st.integers(0, bars[-1].end), max_size=10)):
        after = ruler.grid_tick_after(tick)
        assert ruler.grid.start(ruler.bar_at(tick)) <= after <= ruler.grid.end
        assert abs(after - ruler.grid_tick(tick)) <= 1


@effort(**LESS)
@given(
    piece=pieces(),
    asked=st.sampled_from([{"add": ["bass", "drums"]}, {"variation": 0.5}, {"infill": {"bars": "all"}}, "some"]),
    data=st.data(),
)
def test_new_parts_keep_to_the_given_bars_and_all_else_stays(
    settings: SharedSettings, piece: tuple[Score, list[Bar]], asked: dict[str, object] | str, data: st.DataObject
) -> None:
    score, _ = piece
    count = len(bars_of(read_midi(write_midi(score), settings.file_limits)))
    if isinstance(asked, str):
        asked = {"infill": {"bars": str(data.draw(st.integers(1, count))), "tracks": ["Line"]}}
    plan = planned(settings, score, **asked)
    assert isinstance(plan, EditPlan)
    given_piece = plan.given
    own = given_piece.bars[plan.stretch.first :][: plan.bars]
    request = plan.composition(1)
    assert request.frame == plan.frame
    assert [bar.metre for bar in request.frame.bars] == [bar.metre for bar in own]
    take = take_of(plan)
    after = edited_midi(plan, take)
    heard = read_midi(after, settings.file_limits)
    properties = measure(SongRequest.model_validate({"prompt": "AAAA", **asked}), plan, after, heard)
    assert [name for name, found in properties.items() if found.hard and not found.met] == []
    assert compare_outside_holes(plan, after).unchanged
    assert heard.metres == given_piece.score.metres
    assert heard.tempi == given_piece.score.tempi
    if "add" in asked:
        downbeats = {bar.onset for bar in own}
        for track in given_tracks(after)[-2:]:
            assert downbeats <= {note[0] for note in track.notes}, "a note on every downbeat, where it is in the file"


@effort(**LESS)
@given(piece=pieces(), extra_bars=st.integers(1, 5))
def test_a_song_goes_on_in_the_last_metre_after_bars_as_they_were(
    settings: SharedSettings, piece: tuple[Score, list[Bar]], extra_bars: int
) -> None:
    score, bars = piece
    # In bars that nobody counts in, such as 1/2, the metre is found from the notes.
    assume(believable([(change.onset, change.metre) for change in score.metres], score.end))
    plan = planned(settings, score, bars=len(bars) + extra_bars, style="folk")
    lengths = [bar.length for bar in TickMap.of(bars, score.ticks_per_quarter).grid.bars]
    assert plan.prompt_bars == len(bars)
    assert [bar.length for bar in plan.frame.bars[: len(bars)]] == lengths
    assert {bar.metre for bar in plan.frame.bars[len(bars) :]} == {plan.metre} == {bars[-1].metre}
    song_score = to_score(plan, take_of(plan))
    assert [bar.metre for bar in bars_of(song_score)] == [bar.metre for bar in plan.frame.bars]
    assert [bar.onset for bar in bars_of(song_score)] == [20 * bar.onset for bar in plan.frame.bars]
    assert plan.seconds == pytest.approx(float(song_score.seconds_at([plan.frame.end * 20])[0]))


def test_a_prompt_keeps_its_tempi_and_the_song_goes_on_in_the_one_before_its_ritardando(
    settings: SharedSettings,
) -> None:
    line = Part("Line", 73, Notes.from_rows([(tick, 480, 72, 80) for tick in range(0, 8 * 1920, 480)]))
    tempi = (TempoChange(0, 60.0), TempoChange(1920, 120.0), TempoChange(7 * 1920 + 960, 40.0))
    piece = Score((line,), 480, tempi, (MetreChange(0, Metre(4, 4)),))
    plan = planned(settings, piece, bars=10)
    assert plan.tempo == 120.0
    song_score = to_score(plan, take_of(plan))
    tempo_changes = [(change.onset, round(change.tempo, 2)) for change in song_score.tempi]
    assert tempo_changes == [(0, 60.0), (1920, 120.0), (7 * 1920 + 960, 40.0), (8 * 1920, 120.0)]
    assert plan.seconds == pytest.approx(4 + 6.5 * 2 + 3 + 2 * 2)
    with_tempo = planned(settings, piece, bars=10, tempo=90)
    assert [change.tempo for change in to_score(with_tempo, take_of(with_tempo)).tempi] == [90.0]


def test_words_and_chords_come_after_a_prompt_in_two_metres(settings: SharedSettings) -> None:
    changes = (MetreChange(0, Metre(4, 4)), MetreChange(1920, Metre(2, 4)), MetreChange(2880, Metre(3, 4)))
    line = Part("Line", 73, Notes.from_rows([(tick, 480, 72, 80) for tick in range(0, 2880 + 1440, 480)]))
    plan = planned(
        settings,
        Score((line,), 480, (), changes),
        style="folk",
        lyrics="The river runs beneath the moon",
        chords="G | C",
    )
    start = 96 + 48 + 72
    assert plan.metre == Metre(3, 4)
    assert [(chord.symbol, chord.onset) for chord in plan.chords[:2]] == [("G", start), ("C", start + 72)]
    assert start <= plan.sung[0].onset < start + 72
    assert plan.sung[-1].onset + plan.sung[-1].duration <= plan.frame.end
    plan.composition(1)


def test_a_requested_metre_applies_to_all_bars(settings: SharedSettings) -> None:
    changes = (MetreChange(0, Metre(4, 4)), MetreChange(1920, Metre(2, 4)))
    line = Part("Line", 73, Notes.from_rows([(tick, 480, 72, 80) for tick in range(0, 2880, 480)]))
    plan = planned(settings, Score((line,), 480, (), changes), metre="3/4", bars=8)
    assert {bar.metre for bar in plan.frame.bars} == {Metre(3, 4)}
    assert plan.prompt_bars == 2


@pytest.mark.parametrize("fields", [{"add": ["bass"]}, {"infill": {"bars": "2-3"}}, {"variation": 0.5}, {}])
def test_a_metre_that_no_model_counts_is_refused_by_its_bar(
    settings: SharedSettings, fields: dict[str, object]
) -> None:
    for metre in (Metre(17, 8), Metre(9, 32)):
        changes = (MetreChange(0, Metre(4, 4)), MetreChange(1920, metre))
        line = Part("Line", 73, Notes.from_rows([(tick, 240, 72, 80) for tick in range(0, 9600, 240)]))
        piece = Score((line,), 480, (), changes)
        with pytest.raises(InvalidRequest, match=f"bar 2 of the given piece is in {metre.name}"):
            planned(settings, piece, **fields)
        edit = planned(settings, piece, infill={"bars": "1"})
        assert edit.bars == 1, "other bars can be worked on, and the model is not shown that one"


def test_metres_in_words() -> None:
    bars = [Bar(1, 0, 96, Metre(4, 4)), Bar(2, 96, 48, Metre(2, 4)), Bar(3, 144, 96, Metre(4, 4))]
    assert metres_in_words(bars) == "4/4, 2/4 from bar 2, 4/4 from bar 3"
