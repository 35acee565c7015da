"""The registry: models are immutable, aliases keep their history, and concurrent changes are not lost."""

import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from bandmate_shared.contracts.trainings import ModelAlias, ModelManifest
from bandmate_shared.errors import Conflict, InvalidRequest, NotFound
from bandmate_shared.objects.blobs import blob_key
from bandmate_shared.objects.directory import DirectoryStorage
from bandmate_shared.registry.models import (
    CorruptModel,
    UnknownModel,
    fetch_model,
    list_aliases,
    list_models,
    read_alias,
    resolve_model,
)
from bandmate_train.models import register
from bandmate_train.promotion.promote import promote, roll_back
from bandmate_train.promotion.starter import register_starter


@pytest.fixture
def storage(tmp_path: Path) -> DirectoryStorage:
    return DirectoryStorage(tmp_path / "store")


@pytest.fixture
def add(storage: DirectoryStorage, tmp_path: Path) -> Callable[..., ModelManifest]:
    """`add("a")`: register a model whose weights are its name."""

    def register_named(name: str, tenant: str = "local", job_id: str | None = None, weights: str = "") -> ModelManifest:
        folder = tmp_path / f"model-{name}-{weights}"
        folder.mkdir(exist_ok=True)
        (folder / "model.safetensors").write_text(weights or name)
        (folder / "config.json").write_text('{"architecture": "rnn"}')
        lineage = {"architecture": "rnn", "dataset": {"sha256": "d"}, "code_version": "1", "hyperparameters": {}}
        metrics, job = {"valid_loss": 1.0}, job_id or f"job-{name}"
        return register(storage, folder, model_id=name, metrics=metrics, job_id=job, tenant=tenant, **lineage)

    return register_named


def test_a_model_never_changes(storage: DirectoryStorage, add: Callable[..., ModelManifest]) -> None:
    first = add("a", job_id="one")
    assert add("a", job_id="one", weights="other") == first, "the same job finds what it registered"
    with pytest.raises(Conflict, match="choose another name"):
        add("a", job_id="two")
    with pytest.raises(Conflict):
        add("a", job_id="one", tenant="acme")
    assert [model.id for model in list_models(storage, "acme")] == ["a"], "the shared model, and no other"
    for reserved in ("aliases", "production", "starter", "rollback"):
        with pytest.raises(InvalidRequest):
            add(reserved)


def test_promote_and_roll_back(storage: DirectoryStorage, add: Callable[..., ModelManifest]) -> None:
    for name in "abc":
        add(name)
        promote(storage, name, "local")
    promote(storage, "c", "local")
    current = read_alias(storage, "production")
    assert current is not None
    assert (current.model, current.history) == ("c", ["a", "b"]), "promoting what is promoted changes nothing"
    assert roll_back(storage, "local").model == "b"
    assert roll_back(storage, "local").model == "a"
    with pytest.raises(Conflict, match="nothing to go back to"):
        roll_back(storage, "local")
    assert resolve_model(storage).id == "a"
    with pytest.raises(NotFound):
        promote(storage, "nope", "local")


def test_rolling_back_the_first_promotion_leaves_the_starter_to_serve(
    storage: DirectoryStorage, add: Callable[..., ModelManifest]
) -> None:
    add("old"), add("new"), add("a"), add("b")
    promote(storage, "old", "local", "starter")
    promote(storage, "a", "local"), promote(storage, "b", "local")
    assert roll_back(storage, "local").model == "a"
    assert roll_back(storage, "local") == ModelAlias(alias="production", model="old")
    assert resolve_model(storage).id == "old"
    assert [alias.alias for alias in list_aliases(storage)] == ["starter"]
    with pytest.raises(Conflict, match="nothing to go back to"):
        roll_back(storage, "local")
    promote(storage, "new", "local", "starter")
    assert resolve_model(storage).id == "new", "production does not hold on to a starter that a release has replaced"
    assert promote(storage, "b", "local").history == [], "a promotion after that is a first one again"
    assert resolve_model(storage).id == "b"


def test_a_tenant_rolls_back_to_the_model_that_all_tenants_share(
    storage: DirectoryStorage, add: Callable[..., ModelManifest]
) -> None:
    add("first"), add("shared"), add("own", "acme")
    promote(storage, "first", "local", "starter")
    promote(storage, "shared", "local")
    promote(storage, "own", "acme")
    assert resolve_model(storage, tenant="acme").id == "own"
    assert roll_back(storage, "acme").model == "shared"
    assert resolve_model(storage, tenant="acme").id == "shared"
    assert resolve_model(storage).id == "shared"


def test_a_change_that_expected_something_else_changes_nothing(
    storage: DirectoryStorage, add: Callable[..., ModelManifest]
) -> None:
    add("a"), add("b")
    promote(storage, "a", "local")
    with pytest.raises(Conflict, match="names a by now"):
        promote(storage, "b", "local", expected="b")
    with pytest.raises(Conflict):
        roll_back(storage, "local", expected="b")
    assert promote(storage, "b", "local", expected="a").history == ["a"]


def test_promotions_at_the_same_moment_all_count(storage: DirectoryStorage, add: Callable[..., ModelManifest]) -> None:
    names = [f"m{number}" for number in range(8)]
    for name in names:
        add(name)
    barrier = threading.Barrier(len(names))

    def change(name: str) -> None:
        barrier.wait()
        promote(storage, name, "local")

    threads = [threading.Thread(target=change, args=(name,)) for name in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    final = read_alias(storage, "production")
    assert final is not None
    assert sorted([*final.history, final.model]) == names


def test_names_mean_ids_aliases_and_by_default_production_then_starter(
    storage: DirectoryStorage, add: Callable[..., ModelManifest]
) -> None:
    with pytest.raises(UnknownModel, match="bandmate train"):
        resolve_model(storage)
    add("a"), add("b")
    promote(storage, "a", "local", "starter")
    assert resolve_model(storage).id == "a"
    promote(storage, "b", "local")
    assert resolve_model(storage).id == "b"
    assert resolve_model(storage, "starter").id == resolve_model(storage, "a").id == "a"
    for wrong in ("c", "../a", "", "a/b"):
        with pytest.raises(UnknownModel, match="registered: "):
            resolve_model(storage, wrong)
    assert [alias.alias for alias in list_aliases(storage)] == ["production", "starter"]
    assert {model.id for model in list_models(storage)} == {"a", "b"}


def test_a_fetched_model_is_whole_checked_and_fetched_once(
    storage: DirectoryStorage, add: Callable[..., ModelManifest], tmp_path: Path
) -> None:
    manifest = add("a")
    cache = tmp_path / "cache"
    folder = fetch_model(storage, manifest, cache)
    assert folder == cache / "a"
    assert (folder / "model.safetensors").read_text() == "a"
    for file in manifest.files:
        storage.delete(blob_key(file.sha256))
    assert fetch_model(storage, manifest, cache) == folder, "the second time needs no store"
    (folder / "model.safetensors").unlink()
    with pytest.raises(NotFound):
        fetch_model(storage, manifest, cache)
    add("a")  # Puts the blobs back.
    assert fetch_model(storage, manifest, cache) == folder
    assert (folder / "model.safetensors").read_text() == "a", "a damaged copy is replaced"
    storage.put(blob_key(manifest.sha256), b"evil")
    with pytest.raises(CorruptModel, match=r"model\.safetensors"):
        fetch_model(storage, manifest, tmp_path / "other")
    assert list((tmp_path / "other").iterdir()) == [], "nothing half-fetched is left"


def test_many_may_fetch_the_same_model_at_once(
    storage: DirectoryStorage, add: Callable[..., ModelManifest], tmp_path: Path
) -> None:
    manifest = add("a")
    barrier = threading.Barrier(8)
    contents = []

    def fetch() -> None:
        barrier.wait()
        contents.append((fetch_model(storage, manifest, tmp_path / "cache") / "model.safetensors").read_text())

    threads = [threading.Thread(target=fetch) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert contents == ["a"] * 8
    assert [path.name for path in (tmp_path / "cache").iterdir()] == ["a"]


def test_the_starter_is_registered_once_and_a_new_release_takes_over(storage: DirectoryStorage, tmp_path: Path) -> None:
    folder = tmp_path / "starter"
    folder.mkdir()
    with pytest.raises(NotFound, match=r"model\.safetensors is missing"):
        register_starter(storage, folder)
    (folder / "model.safetensors").write_text("one")
    (folder / "config.json").write_text('{"architecture": "rnn", "dataset_sha256": "abc", "code_version": "1.2"}')
    (folder / "metrics.json").write_text('{"valid_loss": 1.5}')
    first = register_starter(storage, folder)
    assert first.dataset["sha256"] == "abc"
    assert first.code_version == "1.2"
    assert first.metrics == {"valid_loss": 1.5}
    before = sorted(storage.keys(""))
    assert register_starter(storage, folder) == first
    assert sorted(storage.keys("")) == before, "a second start writes nothing"
    assert resolve_model(storage).id == first.id
    storage.delete(blob_key(first.sha256))
    register_starter(storage, folder)
    assert storage.exists(blob_key(first.sha256)), "a lost file is put back"
    (folder / "model.safetensors").write_text("two")
    second = register_starter(storage, folder)
    assert resolve_model(storage, "starter").id == second.id != first.id
