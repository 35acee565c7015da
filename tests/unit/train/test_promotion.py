"""A worse model takes no better one's place, unless it is forced."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from bandmate_shared.contracts.trainings import ModelManifest
from bandmate_shared.registry import read_alias
from bandmate_shared.storage import DirectoryStorage
from bandmate_train.models import promote, register
from bandmate_train.promotion import LOSS_TOLERANCE, WorseModel, require_no_worse, standards

Add = Callable[..., ModelManifest]


@pytest.fixture
def storage(tmp_path: Path) -> DirectoryStorage:
    return DirectoryStorage(tmp_path / "store")


@pytest.fixture
def add(storage: DirectoryStorage, tmp_path: Path) -> Add:
    """`add("a", valid_loss=2.0)`: register a model with these metrics."""

    def register_named(name: str, architecture: str = "rnn", sha256: str = "one", **metrics: float) -> ModelManifest:
        folder = tmp_path / name
        folder.mkdir()
        (folder / "model.safetensors").write_text(name)
        return register(
            storage, folder, model_id=name, architecture=architecture, dataset={"name": "d", "sha256": sha256},
            code_version="1", hyperparameters={}, metrics=metrics, job_id=f"job-{name}", tenant="local",
        )  # fmt: skip

    return register_named


def current(storage: DirectoryStorage) -> str | None:
    alias = read_alias(storage, "production")
    return alias.model if alias else None


def test_a_worse_loss_on_the_same_data_is_refused_and_may_be_forced(storage: DirectoryStorage, add: Add) -> None:
    add("good", valid_loss=2.0)
    add("bad", architecture="transformer", valid_loss=2.5)
    promote(storage, "good", "local")
    with pytest.raises(WorseModel, match=r"bad is worse than good: held-out loss 2\.5.*with force") as refused:
        promote(storage, "bad", "local")
    assert refused.value.status == 409
    assert current(storage) == "good", "nothing was changed"
    assert promote(storage, "bad", "local", force=True).history == ["good"]
    promote(storage, "good", "local")
    assert current(storage) == "good", "a better one needs no force"


def test_the_first_model_and_another_alias_are_compared_with_nothing(storage: DirectoryStorage, add: Add) -> None:
    add("good", valid_loss=2.0), add("bad", valid_loss=9.0)
    promote(storage, "bad", "local", "trial")
    promote(storage, "good", "local")
    assert current(storage) == "good"


@pytest.mark.parametrize(
    ("loss", "passes"), [(2.0 * (1 + LOSS_TOLERANCE / 2), True), (2.05, False), (float("nan"), False)]
)
def test_seeds_may_differ_a_little(add: Add, loss: float, passes: bool) -> None:
    one, other = add("one", valid_loss=2.0), add("other", valid_loss=loss)
    if passes:
        require_no_worse(one, other)
    else:
        with pytest.raises(WorseModel):
            require_no_worse(one, other)


@pytest.mark.parametrize(
    ("mine", "wanted"),
    [
        ({"sha256": "two", "valid_loss": 9.0}, []),
        ({"sha256": "two", "valid_loss": 9.0, "overlap": 0.7}, ["mean overlap"]),
        ({"architecture": "gan", "valid_loss": 9.0, "overlap": 0.7}, ["mean overlap"]),
        ({"valid_loss": 2.0, "overlap": 0.1, "generated_valid_share": 1.0}, ["held-out loss", "valid takes"]),
    ],
)
def test_only_what_means_the_same_is_compared(add: Add, mine: dict[str, Any], wanted: list[str]) -> None:
    reference = add("reference", valid_loss=2.0, overlap=0.8, generated_valid_share=1.0)
    assert [standard.name for standard in standards(reference, add("candidate", **mine))] == wanted


def test_music_unlike_the_style_is_refused_where_losses_say_nothing(add: Add) -> None:
    reference = add("reference", sha256="one", overlap=0.8, generated_valid_share=1.0)
    require_no_worse(reference, add("alike", sha256="two", overlap=0.78, generated_valid_share=0.99))
    with pytest.raises(WorseModel, match="mean overlap"):
        require_no_worse(reference, add("unlike", sha256="two", overlap=0.6, generated_valid_share=1.0))
    with pytest.raises(WorseModel, match="valid takes"):
        require_no_worse(reference, add("broken", sha256="two", overlap=0.8, generated_valid_share=0.5))
