"""muspy's metrics against muspy's own numbers: muspy_golden.json was made by muspy 0.5.0 from the notes in it."""

import json
import math
from pathlib import Path
from typing import Any

import pytest
from bandmate_model.metrics import muspy
from bandmate_model.metrics.excerpt import Excerpt, excerpt

CASES: list[dict[str, Any]] = json.loads((Path(__file__).parent / "muspy_golden.json").read_text())


def music_of(case: dict[str, Any]) -> Excerpt:
    rows = [(number, *note) for number, part in enumerate(case["parts"]) for note in part["notes"]]
    drums = [number for number, part in enumerate(case["parts"]) if part["is_drum"]]
    return excerpt(rows, drums, case["bar_ticks"], 8, tonic=case["tonic"], mode=case["mode"])


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case['kind']}-{case['bar_ticks']}")
def test_every_metric_is_what_muspy_says(case: dict[str, Any]) -> None:
    found = muspy.describe(music_of(case))
    assert set(found) == set(muspy.NAMES) == set(case["metrics"])
    for name, wanted in case["metrics"].items():
        if name == "pitch_range" and wanted == -127:
            assert found[name] == 0, "muspy's range of drums alone is an accident"
        elif wanted is None:
            assert math.isnan(found[name]), name
        else:
            assert found[name] == pytest.approx(wanted, abs=1e-8), name


def test_the_same_on_live_muspy_where_it_is_installed() -> None:
    theirs = pytest.importorskip("muspy")
    case = CASES[2]
    tracks = [
        theirs.Track(
            is_drum=part["is_drum"],
            notes=[theirs.Note(time=onset, pitch=pitch, duration=length) for onset, length, pitch in part["notes"]],
        )
        for part in case["parts"]
    ]
    music = theirs.Music(resolution=24, tracks=tracks)
    assert muspy.describe(music_of(case))["polyphony"] == pytest.approx(theirs.polyphony(music))


def test_no_notes_are_no_accident() -> None:
    found = muspy.describe(excerpt([], [], 96, 8))
    assert found["n_pitches_used"] == 0
    assert math.isnan(found["polyphony"])
    assert math.isnan(found["empty_beat_rate"])
