"""How much of a training's time is left for steps."""

import pytest
from bandmate_model.training.loop import last_step_at


@pytest.mark.parametrize(
    ("limit", "validation", "last"),
    [
        (600.0, 5.0, 560.0),
        (600.0, 80.0, 410.0),  # A busy machine: both validations still end in time.
        (600.0, 300.0, 330.0),  # Where they cannot, most of the time is for learning.
        (6.0, 0.5, 4.7),
        (36_000.0, 10.0, 35_950.0),
    ],
)
def test_two_validations_and_the_writing_of_the_model_end_within_the_limit(
    limit: float, validation: float, last: float
) -> None:
    assert last_step_at(limit, validation) == pytest.approx(last)
