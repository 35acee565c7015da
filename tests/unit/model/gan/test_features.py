"""The features of blocks tell real ones from damaged ones."""

import numpy as np
import pytest
from bandmate_model.gan.condition import Condition
from bandmate_model.gan.roll import BLOCK_STEPS, HARMONY, MELODY, PLANES, SLICE_STEPS
from bandmate_model.training.gan import features
from bandmate_model.training.gan.dataset import BlockSet, Drawing

Measured = dict[str, float]


def measured(roll: np.ndarray, active: list[bool] | None = None) -> Measured:
    present = np.ones((1, BLOCK_STEPS), dtype=bool)
    values = features.measure(roll[None], present, np.array([active or [True] * 5]))
    return dict(zip(features.NAMES, values[0].tolist(), strict=True))


def empty() -> np.ndarray:
    return np.zeros((BLOCK_STEPS, PLANES[-1].onset.stop), dtype=bool)


def put(roll: np.ndarray, track: int, row: int, start: int, end: int) -> None:
    roll[start, PLANES[track].onset.start + row] = True
    roll[start:end, PLANES[track].sounding.start + row] = True


def test_what_each_measure_counts() -> None:
    roll = empty()
    for bar in range(3):
        put(roll, MELODY, 12, bar * SLICE_STEPS, bar * SLICE_STEPS + 6)  # c, a quarter
        put(roll, MELODY, 16, bar * SLICE_STEPS + 6, bar * SLICE_STEPS + 7)  # e, a sixteenth
    measures = measured(roll)
    assert measures["melody.empty_bars"] == pytest.approx(0.25)
    assert measures["melody.used_pitch_classes"] == pytest.approx(2)
    assert measures["melody.qualified_notes"] == pytest.approx(0.5)
    assert measures["melody.notes_a_quarter"] == pytest.approx(6 / 16)
    assert measures["melody.polyphony"] == pytest.approx(1)
    assert measures["melody.repeated"] == pytest.approx(1)
    assert measures["in_scale"] == pytest.approx(1)
    assert np.isnan(measured(roll, [False] * 5)["melody.polyphony"]), "a track that does not play is not measured"


def test_a_fifth_is_nearer_than_a_tritone() -> None:
    near, far = empty(), empty()
    for roll, row in ((near, 19), (far, 18)):
        put(roll, MELODY, 0, 0, 24)
        put(roll, HARMONY, row, 0, 24)
    name = "tonal_distance.melody-harmony"
    assert measured(near)[name] < measured(far)[name]


def test_ruined_blocks_lie_further_away(blocks: BlockSet) -> None:
    held = Drawing(blocks, "valid", condition=Condition(tuple(blocks.styles)), mix_power=1.0, seed=1)
    train_drawing = Drawing(blocks, "train", condition=Condition(tuple(blocks.styles)), mix_power=1.0, seed=1)
    reference, train = held.draw(0, 96, given="nothing"), train_drawing.draw(0, 96, given="nothing")
    generator = np.random.default_rng(1)
    rolls = {
        "real": train.roll[:, BLOCK_STEPS:],
        "noisy": train.roll[:, BLOCK_STEPS:] | (generator.random((96, BLOCK_STEPS, train.roll.shape[2])) < 0.01),
        "silent": np.zeros_like(train.roll[:, BLOCK_STEPS:]),
    }
    target = features.measure(reference.roll[:, BLOCK_STEPS:], reference.present[:, BLOCK_STEPS:], reference.active)
    distances = {
        name: features.distance(features.measure(roll, train.present[:, BLOCK_STEPS:], train.active), target).total
        for name, roll in rolls.items()
    }
    assert distances["real"] < 0.3
    assert distances["noisy"] > 2 * distances["real"]
    assert distances["silent"] > 2 * distances["real"]
