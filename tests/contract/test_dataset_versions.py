"""The newest version of a dataset, on every object store: concurrent updates do not overwrite each other."""

import json
import multiprocessing

import pytest
from bandmate_shared.objects.base import Storage
from bandmate_shared.registry.dataset_versions import dataset_names, follow, latest_revision

from tests.contract.conftest import Opener

VERSIONS_PER_PROCESS = 15


def test_versions_follow_one_another(storage: Storage) -> None:
    assert latest_revision(storage, "folk") == (0, None)
    assert follow(storage, "folk", "aaa", after=0)
    assert not follow(storage, "folk", "bbb", after=0)
    assert follow(storage, "folk", "ccc", after=1)
    assert latest_revision(storage, "folk") == (2, "ccc")
    assert dataset_names(storage) == {"folk"}


def test_a_version_file_of_an_earlier_release_is_revision_zero(storage: Storage) -> None:
    storage.put("tenants/acme/datasets/folk/latest.json", json.dumps({"version": "old"}).encode())
    assert latest_revision(storage, "folk", "tenants/acme/") == (0, "old")
    assert dataset_names(storage, "tenants/acme/") == {"folk"}
    assert dataset_names(storage) == set()


def test_an_invalid_name_is_refused(storage: Storage) -> None:
    with pytest.raises(ValueError, match="not a"):
        latest_revision(storage, "../escape")


def _append_versions(opener: Opener, writer: str) -> None:
    """Append versions, each built upon the newest; an attempt that another process overtook is repeated."""
    storage = opener()
    count = 0
    while count < VERSIONS_PER_PROCESS:
        revision, newest = latest_revision(storage, "folk")
        count += follow(storage, "folk", f"{writer}{count} upon {newest}", after=revision)


def test_two_processes_build_upon_each_others_versions(opener: Opener) -> None:
    context = multiprocessing.get_context("fork")
    processes = [context.Process(target=_append_versions, args=(opener, writer)) for writer in "ab"]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
        assert process.exitcode == 0
    storage = opener()
    history = [json.loads(storage.get(key))["version"] for key in storage.keys("datasets/folk/latest/")]
    assert len(history) == 2 * VERSIONS_PER_PROCESS
    assert [version.partition(" upon ")[2] for version in history] == ["None", *history[:-1]]
