"""The benchmarks on a model with random weights: hard rules are kept, soft wishes are not, faults are found."""

import random
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from bandmate_bench.judging.controls import judge_controls, score, without_control
from bandmate_bench.judging.copying import judge_copying, passages_of
from bandmate_bench.judging.fuzzed_requests import fuzzed
from bandmate_bench.judging.music import judge_style
from bandmate_bench.judging.random_requests import random_edit_request, random_song_request
from bandmate_bench.judging.request_faults import broken_hard_wishes, max_polyphony
from bandmate_bench.judging.songs import Song, styles_of, write_song, write_songs
from bandmate_bench.judging.trust import judge_fuzz, judge_infill, judge_replay, same_outside
from bandmate_model.checks.copies import PassageIndex
from bandmate_model.serving.loaded import LoadedModel
from bandmate_music.score import Notes, Part
from bandmate_music.theory.metre import Metre
from bandmate_shared.contracts.songs import SongRequest
from pydantic import ValidationError


def silent(_what: str, _done: int, _total: int) -> None:
    """Ignore the progress."""


@pytest.fixture(scope="module")
def song(model: LoadedModel) -> Song:
    wish = {
        "style": "song",
        "bars": 4,
        "tempo": 100,
        "metre": "3/4",
        "polyphony": 2,
        "tracks": [{"instrument": "flute", "low": 62, "high": 80}, {"instrument": "piano", "density": 4}],
    }
    return write_song(model, SongRequest.model_validate(wish), 5)


def altered(song: Song, part: int, **columns: np.ndarray) -> Song:
    """The song with a part's notes changed in the score that is judged."""
    parts = list(song.score.parts)
    parts[part] = replace(parts[part], notes=replace(parts[part].notes, **columns))
    return replace(song, score=song.score.with_parts(parts))


def test_a_song_that_keeps_its_wishes_has_no_faults(song: Song) -> None:
    assert broken_hard_wishes(song) == []


def test_every_broken_wish_is_found(song: Song) -> None:
    high = song.score.parts[0].notes.pitch + 30
    assert any("plays" in fault for fault in broken_hard_wishes(altered(song, 0, pitch=high)))
    held = np.full(len(song.score.parts[1].notes), song.score.end, np.int32) - song.score.parts[1].notes.onset
    assert any("at once" in fault for fault in broken_hard_wishes(altered(song, 1, duration=held)))
    for field, word in (("tempi", "tempi"), ("metres", "metres")):
        changed = replace(song, score=replace(song.score, **{field: ()}))
        assert any(word in fault for fault in broken_hard_wishes(changed)), field
    without = replace(song, score=song.score.with_parts(song.score.parts[1:]))
    assert any("programs" in fault for fault in broken_hard_wishes(without))
    longer = altered(song, 1, onset=song.score.parts[1].notes.onset + 3 * 480)
    assert any("bars" in fault for fault in broken_hard_wishes(longer))


def test_notes_that_touch_do_not_sound_together() -> None:
    notes = Notes.from_rows([(0, 10, 60, 80), (10, 10, 60, 80), (10, 5, 64, 80), (12, 2, 67, 80)])
    assert max_polyphony(Part("x", 0, notes)) == 3
    assert max_polyphony(Part("x", 0, Notes())) == 0


def test_random_wishes_cover_every_wish(model: LoadedModel, song: Song) -> None:
    dice = random.Random(1)
    wishes = [random_song_request(dice, styles_of(model)).model_dump(exclude_none=True) for _ in range(200)]
    edits = [random_edit_request(dice, song.midi, "song", 4, 2).model_dump(exclude_none=True) for _ in range(60)]
    wish_names = {name for wish in (*wishes, *edits) for name in wish}
    assert wish_names >= {
        "style",
        "key",
        "bars",
        "tempo",
        "metre",
        "instruments",
        "tracks",
        "density",
        "polyphony",
        "chords",
        "prompt",
        "infill",
        "add",
        "variation",
        "temperature",
        "top_p",
        "top_k",
    }


def test_controls_are_measured_with_and_without(model: LoadedModel) -> None:
    result = judge_controls(model, 12, 3, candidates=1, progress=silent)
    assert result["with"]["hard"] == 1
    assert result["broken"] == []
    assert result["with"]["density_near"] > result["without"]["density_near"], (
        "a control has an effect even on a toy model"
    )
    assert result["counts"]["density"] > 0


def test_a_model_without_the_chord_control_does_not_follow_chords(model: LoadedModel) -> None:
    request = SongRequest(style="song", bars=4, chords="Db | Ab7", key="Db")
    with_chords, without_chords = (
        write_songs(model, [(request, 1)]),
        write_songs(without_control(model, "chords"), [(request, 1)]),
    )
    assert score(with_chords).chords[0] > score(without_chords).chords[0]


def test_fuzzed_requests_are_of_both_kinds() -> None:
    dice = random.Random(4)
    bodies = [fuzzed(dice, [b"MThd"]) for _ in range(400)]
    valid = 0
    for body in bodies:
        try:
            SongRequest.model_validate(body)
            valid += 1
        except ValidationError:
            continue
    assert 100 < valid < 350
    dice = random.Random(4)
    assert bodies == [fuzzed(dice, [b"MThd"]) for _ in range(400)]


def test_fuzzed_requests_and_infills_are_judged(model: LoadedModel) -> None:
    fuzz = judge_fuzz(model, 40, 2, silent)
    assert fuzz["failures"] == []
    assert fuzz["outcomes"]["a song"] > 5
    infill = judge_infill(model, 4, 2, silent)
    assert infill["passed"]
    assert infill["composed_anew"] > 0


def test_a_replay_in_another_process_gives_the_same_bytes(model: LoadedModel) -> None:
    result = judge_replay(model, str(model.folder), 3, 2, silent)
    assert result["passed"], result
    assert result["different_songs"] == 3


def test_a_changed_note_outside_the_bars_is_found(model: LoadedModel) -> None:
    base = write_song(model, SongRequest(style="chorale", bars=4), 1)
    dice = random.Random(0)
    request = next(
        wish
        for wish in (random_edit_request(dice, base.midi, "chorale", 4, 4) for _ in range(100))
        if wish.infill is not None and wish.infill.bars == "2-3"
    )
    filled = write_song(model, request, 1)
    assert same_outside(base.score, filled)
    bar = Metre(4, 4).bar_ticks(filled.score.ticks_per_quarter)
    number, notes, outside = next(
        (number, part.notes, outside)
        for number, part in enumerate(filled.score.parts)
        if (outside := (part.notes.onset < bar) | (part.notes.onset >= 3 * bar)).any()
    )
    first_outside = outside & (np.cumsum(outside) == 1)
    assert not same_outside(base.score, altered(filled, number, pitch=notes.pitch + first_outside))
    assert not same_outside(base.score, altered(filled, number, duration=notes.duration + first_outside))


def test_music_is_judged_against_a_pack(model: LoadedModel, packs: Path) -> None:
    comparison = judge_style(model, packs / "js_fakes", "chorale", "valid", samples=8, bars=4, seed=1, progress=silent)
    assert comparison.composed.pieces == comparison.training.pieces == 8
    assert 0 < comparison.share < 1.2
    figures = comparison.as_json()
    assert len(figures["features"]) == 9
    assert (figures["empty"], figures["repeated"]) == (0, 0)


def test_copies_are_counted_in_full(model: LoadedModel, packs: Path) -> None:
    figures = judge_copying(
        model, {"chorale": packs / "js_fakes"}, "train", samples=6, bars=12, seed=1, progress=silent
    )
    held_out = figures["styles"]["chorale"]["held_out"]
    assert held_out["share"] == 1, "the training pieces themselves are all known"
    assert held_out["passages"] > 50
    assert figures["generated"]["share"] < 1
    assert figures["unnamed"] == 0


def test_both_ways_to_find_passages_agree() -> None:
    dice = np.random.default_rng(1)
    line = (np.cumsum(dice.choice([3, 6], 300)), 60 + dice.choice([0, 2, 4], 300), False)
    loop = (np.arange(300) * 6, np.tile(np.array([60, 64, 67]), 100), False)
    index = PassageIndex.build([(0, line), (1, loop)])
    known = np.concatenate([passages_of(line), passages_of(loop)])
    for query in (
        line,
        loop,
        (loop[0] + 7, loop[1] + 5, False),
        (line[0] * 2, line[1], False),
        (line[0], line[1], True),
    ):
        assert np.isin(passages_of(query), known).tolist() == index.seen(query).tolist()
