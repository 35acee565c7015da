"""Played pieces are written as they were meant: no 64th notes, swing as eighths, clean pieces untouched."""

import random
from dataclasses import replace

import pytest
from bandmate_generate.scoring.notation import notated
from bandmate_music.musicxml.write import write_musicxml
from bandmate_music.score import Lyric, Notes, Part, Score, TempoChange
from hypothesis import given, settings

from ...music.scores import scores

Q = 480


def clean(seed: int) -> Score:
    """A tune of eighths, quarters and syncopations over chords and a bass, sixteen bars of 4/4."""
    rng = random.Random(seed)
    tune, chords, bass = [], [], []
    for bar in range(16):
        start, place = bar * 4 * Q, 0
        while place < 8:
            length = min(rng.choice((1, 1, 2, 3)), 8 - place)
            tune.append((start + place * Q // 2, length * Q // 2, rng.randrange(60, 80), 90))
            place += length
        chords += [(start, 4 * Q, pitch, 70) for pitch in (48, 52, 55)]
        bass += [(start + n * Q, Q, 36 + n, 80) for n in range(4)]
    words = tuple(Lyric(row[0], "la") for row in tune)
    parts = (Part("Tune", 52, Notes.from_rows(tune), lyrics=words), Part("Piano", 0, Notes.from_rows(chords)))
    return Score((*parts, Part("Bass", 32, Notes.from_rows(bass))), Q, (TempoChange(0, 120.0),))


def played(score: Score, seed: int, milliseconds: float, swing: float) -> Score:
    """Every note by itself early or late, and the off-beats late."""
    rng = random.Random(seed)
    ticks = milliseconds / 1000 * score.tempi[0].tempo / 60 * Q
    parts = []
    for part in score.parts:
        rows, moved = [], {}
        columns = (part.notes.onset, part.notes.duration, part.notes.pitch, part.notes.velocity)
        for onset, duration, pitch, velocity in zip(*(column.tolist() for column in columns), strict=True):
            begin, end = (
                max(0, beat * Q + (place if place != Q // 2 else round(swing * Q)) + round(rng.uniform(-ticks, ticks)))
                for beat, place in (divmod(onset, Q), divmod(onset + duration, Q))
            )
            moved[onset] = begin
            rows.append((begin, max(1, end - begin), pitch, velocity))
        lyrics = tuple(replace(lyric, onset=moved[lyric.onset]) for lyric in part.lyrics)
        parts.append(replace(part, notes=Notes.from_rows(rows), lyrics=lyrics))
    return score.with_parts(parts)


@pytest.mark.parametrize("swing", [0.5, 0.58, 0.62, 0.66])
@pytest.mark.parametrize("tempo", [60.0, 120.0, 180.0])
@pytest.mark.parametrize("seed", range(3))
def test_a_played_piece_is_written_as_it_was_meant(swing: float, tempo: float, seed: int) -> None:
    score = replace(clean(seed), tempi=(TempoChange(0, tempo),))
    assert write_musicxml(notated(played(score, seed, 15, swing))) == write_musicxml(score)


def test_a_piece_on_the_grid_stays_as_it_is() -> None:
    score = clean(1)
    assert notated(score) is score
    assert notated(Score(())) == Score(())


def test_triplets_of_a_player_stay_triplets() -> None:
    rows = [
        (n * Q // 3 + random.Random(n).randrange(-12, 13) * (n > 0), Q // 3 - 10, 60 + n % 7, 80) for n in range(48)
    ]
    part = notated(Score((Part("", 0, Notes.from_rows(rows)),), Q)).parts[0]
    assert part.notes.onset.tolist() == [n * Q // 3 for n in range(48)]


@settings(max_examples=60, deadline=None)
@given(scores())
def test_any_piece_keeps_its_pitches_and_can_be_written(score: Score) -> None:
    read = notated(score)
    for before, after in zip(score.parts, read.parts, strict=True):
        assert set(after.notes.pitch.tolist()) == set(before.notes.pitch.tolist())
        assert not len(after.notes) or int(after.notes.duration.min()) > 0
        assert len(after.lyrics) == len(before.lyrics)
    assert write_musicxml(read)
