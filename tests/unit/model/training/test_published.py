"""The model folder of a transformer is one that Hugging Face's transformers loads, and computes the same."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from bandmate_model.architectures.base import Hyperparameters
from bandmate_model.architectures.open import architecture
from bandmate_model.architectures.transformer import Transformer
from bandmate_model.engine.base import Feed
from bandmate_model.engine.open import open_engine
from bandmate_model.training.initial import copy_weights
from bandmate_model.training.write_model import move_into_place, write_model

transformers: Any = pytest.importorskip("transformers")


def sizes(key_heads: int) -> Hyperparameters:
    return Hyperparameters(hidden=64, layers=2, heads=4, key_heads=key_heads, feedforward=48, window=128)


@pytest.fixture(params=[1, 2, 4])
def network(request: pytest.FixtureRequest) -> Transformer:
    """Of four heads; a key for all, for two, for each."""
    torch.manual_seed(4)
    transformer = architecture("transformer").build(sizes(request.param))
    assert isinstance(transformer, Transformer)
    with torch.no_grad():
        for parameter in transformer.parameters():
            parameter.mul_(2.0)
    return transformer.eval()


def folder_of(network: Transformer, folder: Path, dtype: str) -> Path:
    from safetensors.torch import save_file

    config = {
        **architecture("transformer").config(["air"], network.sizes),
        "dtype": dtype,
        "id": "tiny",
        "sampling": {},
        "hyperparameters": {"seed": 1},
        "statistics": {"air": {"slots": {}, "drums": []}},
        "code_version": "1",
        "dataset_sha256": "0" * 64,
    }
    write_model(folder, config, network.state_dict())
    if dtype == "float32":
        save_file(network.state_dict(), folder / "model.safetensors", {"format": "pt"})
    return folder


def own_logits(network: Transformer, tokens: torch.Tensor) -> torch.Tensor:
    with torch.no_grad():
        hidden = network.hidden(tokens, torch.zeros_like(tokens))
        return torch.nn.functional.linear(hidden, network.model.embed_tokens.weight)


@pytest.mark.parametrize(("dtype", "tolerance"), [("float32", 1e-4), ("bfloat16", 1e-2)])
def test_transformers_loads_the_folder_as_it_is(
    network: Transformer, tmp_path: Path, dtype: str, tolerance: float, caplog: pytest.LogCaptureFixture
) -> None:
    folder = folder_of(network, tmp_path / "model", dtype)
    loaded, report = transformers.LlamaForCausalLM.from_pretrained(folder, output_loading_info=True)
    assert not any(report.values()), report
    assert not [record for record in caplog.records if record.levelname in ("WARNING", "ERROR")]
    assert loaded.dtype == getattr(torch, dtype)
    tokens = torch.randint(0, 600, (2, 100), generator=torch.Generator().manual_seed(1))
    if dtype == "bfloat16":  # What is stored is compared, not how Hugging Face's layers round on the way.
        with torch.no_grad():
            for parameter in network.parameters():
                parameter.copy_(parameter.bfloat16())
        loaded = loaded.float()
    with torch.no_grad():
        expected = loaded.eval()(tokens).logits
    logits = own_logits(network, tokens)
    assert logits.std() > 0.3, "there is something to compare"
    torch.testing.assert_close(expected, logits, atol=tolerance, rtol=0)
    engine = open_engine(folder, json.loads((folder / "config.json").read_text()))
    served = engine.feed([(engine.open(), Feed(tokens[0].tolist()))])[0]
    np.testing.assert_allclose(served, logits[0, -1].numpy(), atol=2e-2)  # It rounds what it keeps.


def test_a_published_transformer_is_in_that_layout(job: Callable[..., Path], train: Callable[..., int]) -> None:
    root = job("published", max_steps="2")
    assert train(root) == 0
    loaded, report = transformers.LlamaForCausalLM.from_pretrained(root / "model", output_loading_info=True)
    assert not any(report.values()), report
    config = json.loads((root / "model" / "config.json").read_text())
    assert loaded.config.num_hidden_layers == config["network"]["layers"]
    assert loaded.get_input_embeddings().weight.data_ptr() == loaded.lm_head.weight.data_ptr(), "tied"


def test_heads_that_come_to_share_a_key_start_from_the_mean_of_theirs(tmp_path: Path) -> None:
    alike = architecture("transformer").build(sizes(4))
    assert isinstance(alike, Transformer)
    shifts = [0.01, -0.03, 0.02, -0.04]  # The mean of all, and of each pair, is 0.02 below the first.
    with torch.no_grad():
        for layer in alike.model.layers:
            for matrix in (layer.self_attn.k_proj.weight, layer.self_attn.v_proj.weight):
                first = matrix[:16].clone()
                matrix.copy_(torch.cat([first + shift for shift in shifts]))
    folder = folder_of(alike, tmp_path / "model", "float32")
    expected = {name: tensor.clone() for name, tensor in alike.state_dict().items()}
    for key_heads in (1, 2):
        network = architecture("transformer").build(sizes(key_heads))
        assert copy_weights(network, folder, "transformer", ["air"]) == len(expected)
        for name, tensor in network.state_dict().items():
            if name.endswith(("k_proj.weight", "v_proj.weight")):
                assert tensor.shape == (16 * key_heads, 64)
                torch.testing.assert_close(tensor, (expected[name][:16] - 0.02).repeat(key_heads, 1))
            elif "embed" not in name:
                assert torch.equal(tensor, expected[name])


def test_heads_that_cannot_share_keys_are_refused() -> None:
    with pytest.raises(ValueError, match="heads=4 cannot share key_heads=3"):
        architecture("transformer").build(sizes(3))


def test_a_folder_is_put_in_place_when_it_is_complete(network: Transformer, tmp_path: Path) -> None:
    staged = folder_of(network, tmp_path / "staged", "bfloat16")
    names = {path.name for path in staged.iterdir()}
    (tmp_path / "model").mkdir()
    move_into_place(staged, tmp_path / "model")
    assert {path.name for path in (tmp_path / "model").iterdir()} == names
    assert all(path.stat().st_mode & 0o777 == 0o644 for path in (tmp_path / "model").iterdir())
    assert not staged.exists()
