"""The likelihood is exact: it sums to one, and a key depends on no higher key, later frame or other piece."""

from collections.abc import Callable
from itertools import product

import numpy as np
import torch
from bandmate_bench.poly.frames import KEYS, Roll, join
from bandmate_bench.poly.history import MATCHES, TRACES, build_history
from bandmate_bench.poly.network import Network
from bandmate_bench.poly.score import HELD, STRUCK, logits, nats
from hypothesis import given, settings
from hypothesis import strategies as st

Make = Callable[..., Roll]
MakeNetwork = Callable[[int, int], Network]
LOW, SPAN = 40, 6


def rows(index: list[int]) -> torch.Tensor:
    return torch.tensor(index)


def test_probabilities_of_all_frames_of_a_small_keyboard_sum_to_one(network: MakeNetwork, piece: Make) -> None:
    known, at = piece(1, 30, LOW, SPAN), 20
    every = list(product((0, 1), repeat=SPAN))
    pieces = []
    for number, keys in enumerate(every):
        other = known.copy()
        other[at, LOW : LOW + SPAN] = keys
        other[at + 1 :] = piece(100 + number, 30 - at - 1)
        pieces.append(other)
    values = nats([network(LOW, SPAN)], build_history(join(pieces)), rows([30 * n + at for n in range(len(every))]))
    assert np.ptp(values) > 1  # The network has an opinion.
    outside_silent = (1 - STRUCK) ** (KEYS - SPAN)
    np.testing.assert_allclose(np.exp(-values).sum(), outside_silent, rtol=1e-5)


def test_mixtures_of_networks_sum_to_one_too(piece: Make) -> None:
    from bandmate_bench.poly.network import Shape

    torch.manual_seed(5)
    several = [Network(Shape(LOW, SPAN, width=4, kernel=3)).eval() for _ in range(3)]
    for network in several:
        with torch.no_grad():
            for weights in network.parameters():
                weights.add_(torch.randn_like(weights) * 0.5)
    known = piece(2, 8, LOW, SPAN)
    every = []
    for keys in product((0, 1), repeat=SPAN):
        other = known.copy()
        other[-1, LOW : LOW + SPAN] = keys
        every.append(other)
    values = nats(several, build_history(join(every)), rows([8 * n + 7 for n in range(len(every))]))
    np.testing.assert_allclose(np.exp(-values).sum(), (1 - STRUCK) ** (KEYS - SPAN), rtol=1e-5)


def test_keys_outside_the_range_are_counted(network: MakeNetwork, piece: Make) -> None:
    silent = piece(3, 6, LOW, SPAN)
    struck, ended = silent.copy(), silent.copy()
    struck[5, 80] = 1
    ended[4, 80] = 1
    held = ended.copy()
    held[5, 80] = 1
    values = nats([network(LOW, SPAN)], build_history(join([silent, struck, ended, held])), rows([5, 11, 17, 23]))
    np.testing.assert_allclose(values[1] - values[0], np.log((1 - STRUCK) / STRUCK), rtol=1e-6)
    np.testing.assert_allclose(values[3] - values[2], np.log((1 - HELD) / HELD), atol=1e-6)


@settings(max_examples=5, deadline=None)
@given(at=st.integers(0, 298), seed=st.integers(0, 1000))
def test_history_tables_hold_earlier_frames_only(at: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    first = (rng.random((300, KEYS)) < 0.05).astype(np.uint8)
    first[150:] = first[:150]  # History one block of rows, and with something to recall.
    second = first.copy()
    second[at:] = rng.random((300 - at, KEYS)) < 0.05
    first_history, second_history = build_history(join([first])), build_history(join([second]))
    index = torch.arange(at + 1)
    torch.testing.assert_close(first_history.cells(index, 0, KEYS), second_history.cells(index, 0, KEYS))
    torch.testing.assert_close(first_history.frames[: at + 1], second_history.frames[: at + 1])


def test_later_frames_change_nothing(network: MakeNetwork, piece: Make) -> None:
    first = piece(4, 60)
    second = first.copy()
    second[35:] = piece(5, 25)
    untrained = network(0, KEYS)
    first_nats, second_nats = (
        nats([untrained], build_history(join([roll])), torch.arange(1, 60)) for roll in (first, second)
    )
    np.testing.assert_allclose(first_nats[:34], second_nats[:34], rtol=1e-5, atol=1e-5)
    assert abs(first_nats[34:] - second_nats[34:]).max() > 0.1


def test_upper_keys_of_a_frame_do_not_affect_lower_ones(network: MakeNetwork, piece: Make) -> None:
    untrained = network(0, KEYS)
    first = piece(6, 20)
    second = first.copy()
    second[19, 50:] = 1 - second[19, 50:]
    first_logits, second_logits = (
        logits(untrained, build_history(join([roll])), rows([19])) for roll in (first, second)
    )
    torch.testing.assert_close(first_logits[:, :51], second_logits[:, :51])
    assert (first_logits[:, 51:] - second_logits[:, 51:]).abs().max() > 0.01


def test_pieces_do_not_affect_each_other(network: MakeNetwork, piece: Make) -> None:
    untrained, rolls = network(0, KEYS), [piece(7, 25), piece(8, 70), piece(9, 1), piece(10, 40)]
    split = join(rolls)
    joint_nats = nats([untrained], build_history(split), torch.from_numpy(split.scored))
    alone = [nats([untrained], build_history(join([roll])), torch.arange(1, len(roll))) for roll in rolls]
    assert len(joint_nats) == sum(len(roll) - 1 for roll in rolls)
    np.testing.assert_allclose(joint_nats, np.concatenate(alone), rtol=1e-5, atol=1e-5)


def test_features_of_a_repeat_predict_it(piece: Make) -> None:
    part = piece(11, 48)
    past = build_history(join([np.concatenate([part, piece(12, 30), part])]))
    repeated_frames = torch.arange(48 + 30 + 24, 48 + 30 + 48)
    traces = past.traces[repeated_frames, TRACES:].float()
    truth = torch.from_numpy(part[24:48]).float()
    for kind in range(len(MATCHES) - 1):
        assert ((traces[:, kind] > 0.5).float() == truth).float().mean() > 0.98
    fresh = past.traces[torch.arange(50, 78), TRACES + 1].float()
    assert fresh.max() < 0.9  # Nothing there was heard before.
