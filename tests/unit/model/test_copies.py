"""Passages of 32 notes are found at any place and in any key, and nothing else is; checked by brute force."""

import numpy as np
import pytest
from bandmate_model.checks.copies import PASSAGE_NOTES, Line, PassageIndex, passage_hashes, step_codes
from hypothesis import given, settings
from hypothesis import strategies as st


def line(seed: int, notes: int, low: int = 40) -> Line:
    dice = np.random.default_rng(seed)
    onsets = np.cumsum(dice.choice([0, 3, 6, 12], notes))
    pitches = dice.integers(low, low + 24, notes)
    order = np.lexsort((pitches, onsets))
    return onsets[order].astype(np.int64), pitches[order].astype(np.int64), False


def part_of(source: Line, first: int, notes: int, semitones: int = 0, later: int = 0) -> Line:
    onsets, pitches, drum = source
    chosen = slice(first, first + notes)
    return onsets[chosen] - onsets[first] + later, pitches[chosen] + semitones, drum


@pytest.fixture(scope="module")
def index() -> PassageIndex:
    return PassageIndex.build((owner, line(owner, 200)) for owner in range(20))


NAMES = [f"piece {number}" for number in range(20)]


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 19), st.integers(0, 150), st.integers(20, 50), st.integers(-12, 12), st.integers(0, 500))
def test_exactly_what_is_copied_is_named(owner: int, first: int, notes: int, semitones: int, later: int) -> None:
    built = PassageIndex.build((number, line(number, 200)) for number in range(owner, owner + 2))
    copied = part_of(line(owner, 200), first, notes, semitones, later)
    matches = built.matches([(3, copied)], [*NAMES, "other"])
    if notes >= PASSAGE_NOTES:
        assert [(match.piece, match.notes, match.part, match.onset) for match in matches] == [
            (NAMES[owner], notes, 3, later * 2)
        ]
    else:
        assert matches == []


def test_other_rhythm_other_notes_and_drums_are_no_copies(index: PassageIndex) -> None:
    onsets, pitches, _ = line(4, 200)
    assert index.matches([(0, (onsets * 2, pitches, False))], NAMES) == []
    assert index.matches([(0, (onsets, 100 - pitches, False))], NAMES) == []
    assert index.matches([(0, (onsets, pitches, True))], NAMES) == []
    assert index.matches([(0, line(99, 400))], NAMES) == []


def test_two_copies_in_one_line_are_matched_separately(index: PassageIndex) -> None:
    first, second = part_of(line(2, 200), 10, 40), part_of(line(7, 200), 100, 60, semitones=3)
    joined = (
        np.concatenate([first[0], second[0] + first[0][-1] + 100]),
        np.concatenate([first[1], second[1]]),
        False,
    )
    matches = index.matches([(0, joined)], NAMES)
    assert [(match.piece, match.notes) for match in matches] == [("piece 2", 40), ("piece 7", 60)]
    assert matches[1].onset == int(first[0][-1] + 100) * 2


def test_no_passage_spans_two_lines(index: PassageIndex) -> None:
    ends = part_of(line(2, 200), 180, 20), part_of(line(3, 200), 0, 20)
    joined = (np.concatenate([ends[0][0], ends[1][0] + 400]), np.concatenate([ends[0][1], ends[1][1]]), False)
    assert index.matches([(0, joined)], NAMES) == []


def test_seen_agrees_with_brute_force() -> None:
    training = line(1, 120, low=60)
    looped = (np.arange(200) * 6, np.tile([60, 62, 64, 62], 50), False)
    built = PassageIndex.build([(0, training), (1, looped)])
    query = (np.arange(90) * 6, np.concatenate([np.arange(30) + 50, np.tile([65, 67, 69, 67], 15)]), False)
    steps = [tuple(step_codes(*part).tolist()) for part in (training, looped, query)]
    known = {codes[i : i + 31] for codes in steps[:2] for i in range(len(codes) - 30)}
    expected = [steps[2][i : i + 31] in known for i in range(len(steps[2]) - 30)]
    assert built.seen(query).tolist() == expected
    assert any(expected)
    assert not all(expected)


def test_hashes_of_equal_runs_are_equal_and_short_lines_have_none() -> None:
    codes = np.tile(np.arange(40, dtype=np.uint8), 3)
    hashes = passage_hashes(codes)
    assert len(hashes) == 120 - 30
    assert (hashes[:40] == hashes[40:80]).all()
    assert len(np.unique(hashes[:40])) == 40
    assert len(passage_hashes(codes[:30])) == 0
    assert PassageIndex.build([(0, line(1, 31))]).matches([(0, line(1, 31))], NAMES) == []
