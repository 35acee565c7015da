"""Generator and critic: the served half against the trained one, and the penalty on the critic's slope."""

from pathlib import Path

import numpy as np
import pytest
import torch
from bandmate_model.gan.composer import GanComposer
from bandmate_model.gan.condition import Condition
from bandmate_model.gan.roll import BLOCK, CELLS, MELODY, PLANES, WINDOW_STEPS
from bandmate_model.gan.runtime import Runtime, Widths
from bandmate_model.model_files import ModelUnusable, read_info
from bandmate_model.training.checkpoint import save_weights
from bandmate_model.training.gan.losses import r1_penalty
from bandmate_model.training.gan.networks import Generator, Sizes, fire, hold, marks, neuron_mask
from bandmate_model.training.gan.publish import served_weights

SIZES = Sizes(condition=Condition(("one", "two")).size, step=12, beat=20, mixers=2, head=9, noise=7, bar_noise=5)


def test_numpy_composes_what_torch_has_learned(tmp_path: Path) -> None:
    torch.manual_seed(3)
    generator = Generator(SIZES, torch.rand(CELLS))
    with torch.no_grad():
        for parameter in generator.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.1)
    save_weights(generator, tmp_path / "best.safetensors")
    widths = Widths(SIZES.step, SIZES.beat, SIZES.mixers, SIZES.head, SIZES.noise, SIZES.bar_noise)
    served = Runtime(served_weights(tmp_path / "best.safetensors", SIZES), widths, Condition(("one", "two")))
    numbers = np.random.default_rng(1)
    roll = numbers.random((WINDOW_STEPS, CELLS)) < 0.05
    given = numbers.random((2 * BLOCK, 5)) < 0.5
    present = numbers.random(WINDOW_STEPS) < 0.9
    condition = numbers.random(SIZES.condition, dtype=np.float32)
    noise = numbers.standard_normal(SIZES.noise).astype(np.float32)
    bars = numbers.standard_normal((BLOCK, SIZES.bar_noise)).astype(np.float32)
    served_logits = served.logits(roll, given, present, condition, noise, bars)

    def batch(array: np.ndarray) -> torch.Tensor:
        return torch.from_numpy(array.astype(np.float32))[None]

    with torch.no_grad():
        given_marks = marks(batch(given), batch(present))
        torch_logits = generator(batch(roll), given_marks, batch(condition), batch(noise), batch(bars))[0].numpy()
    assert torch_logits.std() > 0.1, "there is something to compare"
    np.testing.assert_allclose(served_logits, torch_logits, atol=1e-4)


def test_the_penalty_is_half_the_squared_slope() -> None:
    """A critic that multiplies by a vector of length 5 has slope 5 everywhere."""
    direction = torch.zeros(3, 4)
    direction[0, 0], direction[2, 1] = 3.0, 4.0
    real = torch.rand(6, 3, 4, requires_grad=True)
    penalty = r1_penalty(real, (real * direction).sum(dim=(1, 2)))
    assert float(penalty.detach()) == pytest.approx(5.0**2 / 2, rel=1e-4)


def test_the_penalty_can_be_learned_from() -> None:
    direction = torch.full((2, 2), 3.0, requires_grad=True)
    block = torch.rand(4, 2, 2, requires_grad=True)
    r1_penalty(block, (block * direction).sum(dim=(1, 2))).backward()
    assert direction.grad is not None
    assert (direction.grad > 0).all(), "a smaller slope would be better"


def test_neurons_are_binary_and_let_gradients_through() -> None:
    logits = torch.tensor([-2.0, -0.1, 0.1, 2.0], requires_grad=True)
    fired = fire(logits)
    assert fired.detach().round().tolist() == [0, 0, 1, 1]
    fired.sum().backward()
    assert logits.grad is not None
    assert (logits.grad > 0).all()


def test_a_note_lasts_while_its_gate_is_open() -> None:
    fired = torch.zeros(1, 6, CELLS)
    onset, gate = (plane.start + 7 for plane in (PLANES[MELODY].onset, PLANES[MELODY].sounding))
    fired[0, [1, 5], onset] = 1
    fired[0, [0, 2, 3, 5], gate] = 1
    held = hold(fired)
    assert held[0, :, onset].tolist() == [0, 1, 0, 0, 0, 1]
    assert held[0, :, gate].tolist() == [0, 1, 1, 1, 0, 1], "an open gate without a note is silent"
    weights = neuron_mask(held)
    assert weights[0, :, gate].tolist() == [0, 0, 1, 1, 1, 0], "asked while it sounds, and once to end it"
    assert weights[0, :, onset].tolist() == [1] * 6


def test_what_sounds_has_the_slope_of_its_sums_and_products() -> None:
    """Against differences: neurons that are neither 0 nor 1 show every term."""
    fired = torch.rand(1, 4, CELLS, dtype=torch.float64, requires_grad=True)
    weights = torch.randn(1, 4, CELLS, dtype=torch.float64)
    (slope,) = torch.autograd.grad((hold(fired) * weights).sum(), fired)
    for plane in (PLANES[MELODY].onset, PLANES[MELODY].sounding):
        for step in range(4):
            shift = torch.zeros_like(fired)
            shift[0, step, plane.start + 7] = 1e-5
            difference = ((hold(fired + shift) - hold(fired - shift)) * weights).sum().detach() / 2e-5
            assert float(slope[0, step, plane.start + 7]) == pytest.approx(float(difference), abs=1e-6)


def test_weights_that_do_not_fit_are_refused(model: Path, tmp_path: Path) -> None:
    from safetensors.numpy import load_file, save_file

    info = read_info(model)
    weights = load_file(model / "model.safetensors")
    for fault, message in (
        ({"near.weight": np.zeros((2, 2), np.float32)}, "near.weight should be"),
        ({"near.bias": np.full_like(weights["near.bias"], np.nan)}, "near.bias holds numbers that are not finite"),
    ):
        save_file({**weights, **fault}, tmp_path / "model.safetensors")
        with pytest.raises(ModelUnusable, match=message):
            GanComposer.load(tmp_path, info)
    (tmp_path / "model.safetensors").write_bytes(b"nonsense")
    with pytest.raises(ModelUnusable, match="cannot be read"):
        GanComposer.load(tmp_path, info)
