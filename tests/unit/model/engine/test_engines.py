"""Both engines compute the network's logits, bit for bit the same whatever else is in the batch."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from bandmate_model.engine.base import Engine, Feed
from bandmate_model.engine.batcher import Batcher
from bandmate_model.engine.code import Machine
from bandmate_model.engine.open import open_engine
from bandmate_model.engine.rnn import RnnEngine
from bandmate_model.engine.transformer import TransformerEngine
from bandmate_model.model_files import ModelUnusable
from safetensors.numpy import save_file

from tests.unit.model.engine import networks

TOKENS = np.random.default_rng(5).integers(0, 71, 140).tolist()
AVX2 = Machine("haswell", "+avx2,+fma,+f16c", wide=False)
PLAIN = Machine("nehalem", "+sse4.2", wide=False)
"""A processor without any integer product that the code supports."""
SHARED: dict[str, Any] = {"hidden_size": 256, "num_attention_heads": 2, "num_key_value_heads": 1, "head_dim": 128}
"""The starter's heads."""


CHANGES: dict[str, dict[str, Any]] = {"transformer": {}, "shared": {"num_key_value_heads": 1}}


def transformer(folder: Path, kind: str = "bfloat16", **changes: Any) -> tuple[dict[str, Any], Any]:
    config = networks.transformer_config(**changes)
    return config, networks.stored(folder, networks.transformer_tensors(config), config, kind)


def rnn(folder: Path, kind: str = "bfloat16", **changes: Any) -> tuple[dict[str, Any], Any]:
    config = networks.rnn_config(**changes)
    return config, networks.stored(folder, networks.rnn_tensors(config), config, kind)


@pytest.fixture(scope="module", params=["transformer", "shared", "rnn"])
def engine(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Engine:
    folder = tmp_path_factory.mktemp(request.param)
    config, _ = rnn(folder) if request.param == "rnn" else transformer(folder, **CHANGES[request.param])
    return open_engine(folder, config)


def rms(x: Any) -> float:
    return float(np.sqrt(np.mean(np.square(x))))


@pytest.mark.parametrize("kind", ["bfloat16", "float16", "float32"])
@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"num_key_value_heads": 6},
        {"num_key_value_heads": 1},
        {"hidden_size": 128, "head_dim": 64, "num_attention_heads": 2},
    ],
)
def test_transformer_is_the_network_it_was_stored_as(tmp_path: Path, kind: str, changes: dict[str, Any]) -> None:
    """Equal within the rounding of keys and values to 8 bits."""
    config, values = transformer(tmp_path, kind, **changes)
    exact, small = (networks.transformer_logits(values, config, TOKENS, exact=is_exact) for is_exact in (True, False))
    engine = open_engine(tmp_path, config)
    slot = engine.open()
    rows = [engine.feed([(slot, Feed(TOKENS[:100]))])[0]]
    rows += [engine.feed([(slot, Feed(TOKENS[place : place + 1]))])[0] for place in range(100, 140)]
    logits = np.array(rows)
    assert rms(logits - small[99:]) < 0.01 * small.std()
    assert rms(logits - exact[99:]) < 0.03 * exact.std()
    first = engine.feed([(slot, Feed(TOKENS[:1], keep=0))])[0]
    assert np.abs(first - small[0]).max() < 0.02 * small.std()


def test_matrices_and_activations_lose_next_to_nothing(tmp_path: Path) -> None:
    """A first token attends to itself only, with values that 8 bits hold exactly."""
    config, values = transformer(tmp_path, "float32", num_hidden_layers=1)
    values = networks.stored(
        tmp_path,
        networks.transformer_tensors(config) | {"model.layers.0.self_attn.v_proj.weight": np.zeros((24, 72))},
        config,
        "float32",
    )
    expected = networks.transformer_logits(values, config, TOKENS)
    engine = open_engine(tmp_path, config)
    slot = engine.open()
    assert np.abs(engine.feed([(slot, Feed(TOKENS))])[0] - expected[-1]).max() < 1e-3 * expected.std()


@pytest.mark.parametrize("kind", ["bfloat16", "float32"])
def test_rnn_is_the_network_it_was_stored_as(tmp_path: Path, kind: str) -> None:
    config, values = rnn(tmp_path, kind)
    expected = networks.rnn_logits(values, config, TOKENS)
    engine = open_engine(tmp_path, config)
    slot = engine.open()
    for start, stop in ((0, 1), (1, 60), (60, 140)):
        logits = engine.feed([(slot, Feed(TOKENS[start:stop]))])[0]
        assert np.abs(logits - expected[stop - 1]).max() < 2e-3


def test_transformer_agrees_with_transformers(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    transformers = pytest.importorskip("transformers")
    config, _ = transformer(tmp_path, intermediate_size=640, **SHARED)
    model = transformers.LlamaForCausalLM.from_pretrained(tmp_path, dtype=torch.float32).eval()
    with torch.inference_mode():
        expected = model(torch.tensor([TOKENS])).logits[0].numpy()
    engine = open_engine(tmp_path, config)
    slot = engine.open()
    rows = np.array([engine.feed([(slot, Feed([token]))])[0] for token in TOKENS])
    assert rms(rows - expected) < 0.03 * expected.std()


def alone(engine: Engine, tokens: list[int]) -> Any:
    """The logits after each token, fed one by one, alone in the batch."""
    slot = engine.open()
    rows = np.concatenate([engine.feed([(slot, Feed([token]))]) for token in tokens])
    engine.close(slot)
    return rows


def test_a_sequence_gives_the_same_bits_in_any_batch(engine: Engine) -> None:
    """Sixteen songs that start, end and take in chunks at different times, in slots handed out again and again."""
    random = np.random.default_rng(11)
    songs = [random.integers(0, 71, random.integers(3, 140)).tolist() for _ in range(40)]
    expected = [alone(engine, song) for song in songs[:40]]
    waiting, active = list(range(40)), dict[int, tuple[int, int]]()
    sizes = set()
    while waiting or active:
        while waiting and len(active) < engine.slots and random.random() < 0.7:
            active[engine.open()] = (waiting.pop(), 0)
        feeds, ends = [], {}
        for slot in random.permutation(list(active)).tolist():
            song, place = active[slot]
            stop = min(place + int(random.choice([1, 1, 1, 2, 30])), len(songs[song]))
            feeds.append((slot, Feed(songs[song][place:stop])))
            ends[slot] = stop
        if not feeds:
            continue
        sizes.add(len(feeds))
        for (slot, _), row in zip(feeds, engine.feed(feeds), strict=True):
            song, _ = active[slot]
            assert np.array_equal(row, expected[song][ends[slot] - 1])
            active[slot] = (song, ends[slot])
            if ends[slot] == len(songs[song]):
                del active[slot]
                engine.close(slot)
    assert max(sizes) == 16


def test_forgotten_tokens_leave_no_trace(engine: Engine) -> None:
    expected = alone(engine, TOKENS[:20])[-1]
    slot = engine.open()
    engine.feed([(slot, Feed(TOKENS[50:130]))])
    assert np.array_equal(engine.feed([(slot, Feed(TOKENS[:20], keep=0))])[0], expected)
    if isinstance(engine, RnnEngine):
        with pytest.raises(ValueError, match="all or nothing"):
            engine.feed([(slot, Feed([1], keep=10))])
    else:
        engine.feed([(slot, Feed(TOKENS[60:90]))])
        assert np.array_equal(engine.feed([(slot, Feed(TOKENS[10:20], keep=10))])[0], expected)
    engine.close(slot)


@pytest.mark.parametrize("machine", [AVX2, PLAIN])
@pytest.mark.parametrize("changes", [{}, SHARED, None])
def test_another_processor_gives_the_same_bits(
    tmp_path: Path, machine: Machine, changes: dict[str, Any] | None
) -> None:
    """A song can be reproduced on another machine: the order of additions does not depend on the processor."""
    known = Machine.host().features.split(",")
    if not {f"+{name}" for name in ("fma", "avx2", "sse4.2")} <= set(known):
        pytest.skip("this processor cannot run code for the other ones")
    tokens = TOKENS[: 70 if machine is PLAIN else 140]
    config, _ = rnn(tmp_path) if changes is None else transformer(tmp_path, **changes)
    load = RnnEngine.load if changes is None else TransformerEngine.load
    first, second = (load(tmp_path, config, 16, processor) for processor in (Machine.host(), machine))
    assert np.array_equal(alone(first, tokens), alone(second, tokens))
    slots = [[loaded_engine.open() for _ in range(7)] for loaded_engine in (first, second)]
    batched = [
        loaded_engine.feed([(slot, Feed(tokens[number : number + 9])) for number, slot in enumerate(engine_slots)])
        for loaded_engine, engine_slots in zip((first, second), slots, strict=True)
    ]
    assert np.array_equal(batched[0], batched[1])


def test_slots_run_out_and_come_back(engine: Engine) -> None:
    slots = [engine.open() for _ in range(engine.slots)]
    assert sorted(slots) == list(range(16))
    with pytest.raises(RuntimeError, match="16 slots"):
        engine.open()
    for slot in slots:
        engine.close(slot)


@pytest.mark.parametrize(
    "feed", [Feed([]), Feed([71]), Feed([-1]), Feed([1], keep=3), Feed([1], keep=-1), Feed([1] * 151)]
)
def test_a_refused_feed_changes_no_slot(engine: Engine, feed: Feed) -> None:
    if len(feed.tokens) > 150 and isinstance(engine, RnnEngine):
        pytest.skip("its state holds any number of tokens")
    expected = alone(engine, TOKENS[:3])
    right, wrong = engine.open(), engine.open()
    engine.feed([(right, Feed(TOKENS[:2])), (wrong, Feed([1, 2]))])
    with pytest.raises(ValueError, match=r"keep|feed|window"):
        engine.feed([(right, Feed([5])), (wrong, feed)])
    assert np.array_equal(engine.feed([(right, Feed(TOKENS[2:3]))])[0], expected[2])
    engine.close(right)
    engine.close(wrong)


def test_the_whole_window_can_be_filled(tmp_path: Path) -> None:
    config, values = transformer(tmp_path, max_position_embeddings=70)
    engine = open_engine(tmp_path, config)
    slot = engine.open()
    expected = networks.transformer_logits(values, config, TOKENS[:70], exact=False)[-1]
    assert rms(engine.feed([(slot, Feed(TOKENS[:70]))])[0] - expected) < 0.02 * expected.std()
    with pytest.raises(ValueError, match="window holds 70"):
        engine.feed([(slot, Feed([1]))])


def test_a_batch_of_real_songs_gives_what_each_gives_alone(engine: Engine) -> None:
    """Through the batcher: sampled songs of different lengths, more of them than slots."""

    def song(seed: int) -> Any:
        random = np.random.default_rng(seed)
        tokens, feed = [], Feed([seed, 1])
        for _ in range(int(random.integers(5, 60))):
            logits = yield feed
            shares = np.exp(logits - logits.max(), dtype=np.float64)
            tokens.append(int(np.searchsorted(np.cumsum(shares), random.random() * shares.sum())))
            feed = Feed([tokens[-1]])
        return tokens

    batcher = Batcher(engine)
    batched = batcher.run([song(seed) for seed in range(30)])
    assert batched == [batcher.run([song(seed)])[0] for seed in range(30)]


def broken(folder: Path, name: str) -> None:
    config = networks.transformer_config()
    tensors = networks.transformer_tensors(config)
    path = folder / "model.safetensors"
    if name == "missing":
        path.unlink()
    elif name == "torn":
        path.write_bytes(path.read_bytes()[:-40])
    elif name == "garbage":
        path.write_bytes(b"\x00" * 100)
    elif name == "lacking":
        del tensors["model.layers.1.mlp.up_proj.weight"]
    elif name == "shape":
        tensors["model.norm.weight"] = tensors["model.norm.weight"][:-1]
    elif name == "more":
        tensors["model.layers.2.mlp.up_proj.weight"] = tensors["model.layers.1.mlp.up_proj.weight"]
    elif name == "nan":
        tensors["model.norm.weight"][3] = np.nan
    if name in {"lacking", "shape", "more", "nan"}:
        networks.stored(folder, tensors, config)
    if name == "double":
        save_file({"a": np.zeros(3)}, path)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("missing", "holds no model.safetensors"),
        ("torn", "cannot be read"),
        ("garbage", "cannot be read"),
        ("lacking", "lack model.layers.1.mlp.up_proj"),
        ("shape", r"has the shape \[71\]"),
        ("more", "hold model.layers.2"),
        ("nan", "no finite numbers"),
        ("double", "stored as F64"),
    ],
)
def test_weights_that_cannot_be_served_are_refused(tmp_path: Path, name: str, words: str) -> None:
    config, _ = transformer(tmp_path)
    broken(tmp_path, name)
    with pytest.raises(ModelUnusable, match=words):
        open_engine(tmp_path, config)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"architecture": "diffusion"}, "no engine composes with architecture 'diffusion'"),
        ({"hidden_size": "wide"}, "does not describe a network"),
        ({"num_key_value_heads": 4}, "cannot share 4 keys"),
        ({"num_hidden_layers": 0}, "below 1"),
        ({"hidden_act": "gelu"}, "gelu"),
        ({"attention_bias": True}, "attention_bias"),
        ({"rope_scaling": {"rope_type": "linear", "factor": 2}}, "scaled RoPE"),
        ({"tie_word_embeddings": False}, "tie_word_embeddings"),
        ({"num_hidden_layers": 1}, "hold model.layers.1"),
    ],
)
def test_configurations_that_cannot_be_served_are_refused(tmp_path: Path, changes: dict[str, Any], words: str) -> None:
    transformer(tmp_path)
    config = json.loads((tmp_path / "config.json").read_text()) | changes
    with pytest.raises(ModelUnusable, match=words):
        open_engine(tmp_path, config)
    with pytest.raises(ModelUnusable, match="does not describe an LSTM"):
        open_engine(tmp_path, {"architecture": "rnn"})
