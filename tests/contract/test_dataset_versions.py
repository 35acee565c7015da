"""The newest version of a dataset, on every object store: nobody's turn is lost."""

import json
import multiprocessing

import pytest
from bandmate_shared.dataset_versions import dataset_names, follow, latest_revision
from bandmate_shared.storage import Storage

from tests.contract.conftest import Opener

TURNS = 15


def test_versions_follow_one_another(storage: Storage) -> None:
    assert latest_revision(storage, "folk") == (0, None)
    assert follow(storage, "folk", "aaa", after=0)
    assert not follow(storage, "folk", "bbb", after=0)
    assert follow(storage, "folk", "ccc", after=1)
    assert latest_revision(storage, "folk") == (2, "ccc")
    assert dataset_names(storage) == {"folk"}


def test_a_home_of_an_earlier_release_is_revision_nought(storage: Storage) -> None:
    storage.put("tenants/acme/datasets/folk/latest.json", json.dumps({"version": "old"}).encode())
    assert latest_revision(storage, "folk", "tenants/acme/") == (0, "old")
    assert dataset_names(storage, "tenants/acme/") == {"folk"}
    assert dataset_names(storage) == set()


def test_what_is_no_name_is_no_dataset(storage: Storage) -> None:
    with pytest.raises(ValueError, match="not a"):
        latest_revision(storage, "../escape")


def _take_turns(opener: Opener, who: str) -> None:
    """Build upon the newest version until it has been done often enough, as jobs that are overtaken do."""
    storage = opener()
    done = 0
    while done < TURNS:
        revision, seen = latest_revision(storage, "folk")
        done += follow(storage, "folk", f"{who}{done} upon {seen}", after=revision)


def test_of_two_processes_each_builds_upon_what_the_other_wrote(opener: Opener) -> None:
    context = multiprocessing.get_context("fork")
    processes = [context.Process(target=_take_turns, args=(opener, who)) for who in "ab"]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
        assert process.exitcode == 0
    storage = opener()
    history = [json.loads(storage.get(key))["version"] for key in storage.keys("datasets/folk/latest/")]
    assert len(history) == 2 * TURNS
    assert [version.partition(" upon ")[2] for version in history] == ["None", *history[:-1]]
