"""The critic ranks better takes first."""

import pytest
from bandmate_generate.planning.plan import plan_song
from bandmate_generate.planning.song_plan import WritePlan
from bandmate_generate.selection.critic import NothingComposed, faults_of, rank
from bandmate_shared.contracts.composition import ComposedTake
from bandmate_shared.contracts.songs import Originality, SongRequest
from bandmate_shared.settings import SharedSettings

Row = tuple[int, int, int, int, int]


@pytest.fixture
def plan(settings: SharedSettings) -> WritePlan:
    """Four bars in C major for voice and piano."""
    planned = plan_song(SongRequest(style="song", key="C", bars=4, metre="4/4", tempo=100), 1, settings)
    assert isinstance(planned, WritePlan)
    return planned


def take(rows: list[Row], likelihood: float = -1.0, longest: int = 0) -> ComposedTake:
    return ComposedTake(
        seed=1,
        notes=sorted(rows, key=lambda row: (row[1], row[0], row[3])),
        log_likelihood=likelihood,
        tokens=len(rows),
        originality=Originality(longest_match_notes=longest),
    )


def piano(bars: int = 4) -> list[Row]:
    roots = (48, 53, 55, 48)
    return [(1, bar * 96, 96, root + step, 70) for bar, root in enumerate(roots[:bars]) for step in (0, 4, 7)]


def melody(*pitches: int) -> list[Row]:
    return [(0, index * 24, 24, pitch, 80) for index, pitch in enumerate(pitches)]


GOOD = (72, 71, 69, 67, 69, 72, 74, 72, 71, 69, 67, 71, 72, 71, 72, 72)


@pytest.mark.parametrize(
    ("name", "rows"),
    [
        ("off_scale", melody(73, 70, 68, 66, 69, 73, 75, 73, 70, 68, 66, 71, 72, 73, 75, 72) + piano()),
        ("leaps", melody(72, 60, 77, 64, 79, 62, 74, 60, 79, 65, 77, 62, 79, 64, 76, 72) + piano()),
        ("monotony", melody(*[72] * 16) + piano()),
        ("clashes", melody(71, 71, 73, 71, 76, 77, 71, 77, 66, 66, 73, 66, 71, 71, 73, 71) + piano()),
        ("no_cadence", melody(*GOOD[:-1], 74) + piano(3) + [(1, 288, 96, 50, 70)]),
        (
            "static",
            melody(*[72, 76, 79, 76] * 4)
            + [(1, bar * 96, 96, 48 + step, 70) for bar in range(4) for step in (0, 4, 7)],
        ),
        ("empty_bars", melody(*GOOD[:4]) + piano(1)),
        ("silent_parts", melody(*GOOD)),
    ],
)
def test_a_take_with_a_fault_is_not_chosen(plan: WritePlan, name: str, rows: list[Row]) -> None:
    good, bad = take(melody(*GOOD) + piano()), take(rows)
    assert faults_of(plan, bad)[name] > faults_of(plan, good)[name] + 0.1
    assert rank(plan, [bad, good])[0].take == 1


def test_a_copy_loses_against_an_original(plan: WritePlan) -> None:
    rows = melody(*GOOD) + piano()
    assert rank(plan, [take(rows, longest=20), take(rows, longest=3)])[0].take == 1


def test_equal_takes_are_chosen_in_their_order(plan: WritePlan) -> None:
    same = take(melody(*GOOD) + piano())
    assert [verdict.take for verdict in rank(plan, [same, same, same])] == [0, 1, 2]


def test_takes_without_notes_are_no_choice(plan: WritePlan) -> None:
    assert rank(plan, [take([]), take(melody(*GOOD) + piano())])[0].take == 1
    with pytest.raises(NothingComposed):
        rank(plan, [take([])])


def test_a_key_that_was_asked_for_outweighs_everything_else(settings: SharedSettings) -> None:
    """The other take is better in everything but the key, and still loses."""
    in_g = [(part, onset, duration, pitch + 7, loud) for part, onset, duration, pitch, loud in melody(*GOOD) + piano()]
    poor = [(1, bar * 96, 24, pitch, 70) for bar in (0, 3) for pitch in (48, 52, 55)]
    plan_in_c = plan_song(SongRequest(style="song", key="C", bars=4, metre="4/4"), 1, settings)
    assert rank(plan_in_c, [take(in_g), take(poor, longest=20)])[0].take == 1
