"""The implementations of the object store, for the conformance suites."""

from collections.abc import Callable
from pathlib import Path

import pytest
from bandmate_shared.objects.base import Storage
from bandmate_shared.objects.open import open_storage

Opener = Callable[[], Storage]
"""Opens the test's store; every process and every call opens the same store."""


def _directory(request: pytest.FixtureRequest) -> Opener:
    folder: Path = request.getfixturevalue("tmp_path")
    return lambda: open_storage((folder / "a store").as_uri())


def _s3(request: pytest.FixtureRequest) -> Opener:
    bucket: str = request.getfixturevalue("bucket")
    return lambda: open_storage(f"s3://{bucket}/a/prefix")


IMPLEMENTATIONS = {"directory": _directory, "s3": _s3}


@pytest.fixture(params=sorted(IMPLEMENTATIONS))
def opener(request: pytest.FixtureRequest) -> Opener:
    return IMPLEMENTATIONS[request.param](request)


@pytest.fixture
def storage(opener: Opener) -> Storage:
    return opener()
