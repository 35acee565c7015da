import pytest

from tests.aws.templates import FOLDER, VARIANTS, Installation, read_installation


def pytest_sessionstart() -> None:
    if not FOLDER.is_dir():
        raise pytest.UsageError("tests/aws reads the synthesised templates; run `make synth` first")


@pytest.fixture(params=VARIANTS)
def installation(request: pytest.FixtureRequest) -> Installation:
    """The templates of each variant in turn."""
    return read_installation(request.param)
