"""A worse model does not replace a better one, unless forced."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from bandmate_shared.contracts.trainings import ModelManifest
from bandmate_shared.objects.directory import DirectoryStorage
from bandmate_shared.registry.models import read_alias
from bandmate_train.models import register
from bandmate_train.promotion.compare import (
    LOSS_TOLERANCE,
    IncomparableModel,
    PromotionRefused,
    WorseModel,
    compare,
    require_no_worse,
)
from bandmate_train.promotion.promote import promote

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
        dataset, job = {"name": "d", "sha256": sha256}, f"job-{name}"
        details = {"dataset": dataset, "code_version": "1", "hyperparameters": {}, "metrics": metrics}
        return register(
            storage, folder, model_id=name, architecture=architecture, job_id=job, tenant="local", **details
        )

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


def test_without_a_starter_the_first_model_and_another_alias_are_compared_with_nothing(
    storage: DirectoryStorage, add: Add
) -> None:
    add("good", valid_loss=2.0), add("bad", valid_loss=9.0)
    promote(storage, "bad", "local", "trial")
    promote(storage, "good", "local")
    assert current(storage) == "good"


@pytest.mark.parametrize(
    ("loss", "passes"), [(2.0 * (1 + LOSS_TOLERANCE / 2), True), (2.05, False), (float("nan"), False)]
)
def test_seeds_may_differ_a_little(add: Add, loss: float, passes: bool) -> None:
    reference, candidate = add("one", valid_loss=2.0), add("other", valid_loss=loss)
    if passes:
        require_no_worse(reference, candidate)
    else:
        with pytest.raises(WorseModel):
            require_no_worse(reference, candidate)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"sha256": "two", "valid_loss": 9.0}, []),
        ({"sha256": "two", "valid_loss": 9.0, "overlap": 0.7}, ["mean overlap"]),
        ({"architecture": "gan", "valid_loss": 9.0, "overlap": 0.7}, ["mean overlap"]),
        ({"valid_loss": 2.0, "overlap": 0.1, "generated_valid_share": 1.0}, ["held-out loss", "valid takes"]),
    ],
)
def test_only_what_means_the_same_is_compared(add: Add, changes: dict[str, Any], expected: list[str]) -> None:
    reference = add("reference", valid_loss=2.0, overlap=0.8, generated_valid_share=1.0)
    assert [comparison.name for comparison in compare(reference, add("candidate", **changes))] == expected


def test_the_first_promotion_is_compared_with_the_starter(storage: DirectoryStorage, add: Add) -> None:
    add(
        "starter-1", "transformer", "large", valid_loss=2.0, overlap=0.91, overlap_share=0.97, generated_valid_share=1.0
    )
    promote(storage, "starter-1", "local", "starter", force=True)
    add("noise", "rnn", "own", valid_loss=21.9, overlap=0.1, overlap_share=0.18, generated_valid_share=1.0)
    with pytest.raises(WorseModel, match=r"noise is worse than starter-1: share of the training music's overlap 0\.18"):
        promote(storage, "noise", "local")
    add("unmeasured", "rnn", "own", valid_loss=1.0, generated_valid_share=1.0)
    with pytest.raises(IncomparableModel, match="cannot be compared with starter-1"):
        promote(storage, "unmeasured", "local")
    assert current(storage) is None
    add("fine", "rnn", "own", valid_loss=3.0, overlap=0.57, overlap_share=0.96, generated_valid_share=1.0)
    assert promote(storage, "fine", "local").model == "fine", "a small dataset lowers the overlap of real music as well"
    assert promote(storage, "noise", "local", force=True).history == ["fine"]


def test_a_gan_needs_more_than_valid_takes_to_take_the_place_of_another_family(
    storage: DirectoryStorage, add: Add
) -> None:
    add("good", "transformer", valid_loss=2.0, overlap=0.9, generated_valid_share=1.0)
    promote(storage, "good", "local")
    gan = {"valid_loss": 0.1, "distance.served": 0.2, "generated_valid_share": 1.0}
    add("gan", "gan", **gan)
    with pytest.raises(IncomparableModel, match=r"gan \(gan\) cannot be compared with good.*with force") as refused:
        promote(storage, "gan", "local")
    assert (refused.value.status, current(storage)) == (409, "good")
    assert promote(storage, "gan", "local", force=True).model == "gan"
    with pytest.raises(PromotionRefused):
        promote(storage, "good", "local")
    add("gan-2", "gan", **gan | {"valid_loss": 0.05})
    assert promote(storage, "gan-2", "local").model == "gan-2", "two GANs of one dataset have the same loss"


def test_music_unlike_the_style_is_refused_where_losses_say_nothing(add: Add) -> None:
    reference = add("reference", sha256="one", overlap=0.8, generated_valid_share=1.0)
    require_no_worse(reference, add("alike", sha256="two", overlap=0.78, generated_valid_share=0.99))
    with pytest.raises(WorseModel, match="mean overlap"):
        require_no_worse(reference, add("unlike", sha256="two", overlap=0.6, generated_valid_share=1.0))
    with pytest.raises(WorseModel, match="valid takes"):
        require_no_worse(reference, add("broken", sha256="two", overlap=0.8, generated_valid_share=0.5))
