"""muspy's metrics against muspy's own numbers: muspy_golden.json was made by muspy 0.5.0 from the notes in it."""

import json
import math
from pathlib import Path
from typing import Any

import pytest
from bandmate_model.data.excerpt import Excerpt, excerpt
from bandmate_model.evaluation.metrics import muspy

CASES: list[dict[str, Any]] = json.loads((Path(__file__).parent / "muspy_golden.json").read_text())


def music_of(case: dict[str, Any]) -> Excerpt:
    rows = [(number, *note) for number, part in enumerate(case["parts"]) for note in part["notes"]]
    drums = [number for number, part in enumerate(case["parts"]) if part["is_drum"]]
    return excerpt(rows, drums, case["bar_ticks"], 8, tonic=case["tonic"], mode=case["mode"])


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case['kind']}-{case['bar_ticks']}")
def test_every_metric_is_what_muspy_says(case: dict[str, Any]) -> None:
    metrics = muspy.describe(music_of(case))
    assert set(metrics) == set(muspy.NAMES) == set(case["metrics"])
    for name, expected in case["metrics"].items():
        if name == "pitch_range" and expected == -127:
            assert metrics[name] == 0, "muspy's range of drums alone is an accident"
        elif expected is None:
            assert math.isnan(metrics[name]), name
        else:
            assert metrics[name] == pytest.approx(expected, abs=1e-8), name


def test_the_same_on_live_muspy_where_it_is_installed() -> None:
    live_muspy = pytest.importorskip("muspy")
    case = CASES[2]
    tracks = [
        live_muspy.Track(
            is_drum=part["is_drum"],
            notes=[live_muspy.Note(time=onset, pitch=pitch, duration=length) for onset, length, pitch in part["notes"]],
        )
        for part in case["parts"]
    ]
    music = live_muspy.Music(resolution=24, tracks=tracks)
    assert muspy.describe(music_of(case))["polyphony"] == pytest.approx(live_muspy.polyphony(music))


def test_metrics_of_music_without_notes_are_zero_or_nan() -> None:
    metrics = muspy.describe(excerpt([], [], 96, 8))
    assert metrics["n_pitches_used"] == 0
    assert math.isnan(metrics["polyphony"])
    assert math.isnan(metrics["empty_beat_rate"])
