import pytest

from tests.aws.templates import FOLDER, VARIANTS, Installation, installation


def pytest_sessionstart() -> None:
    if not FOLDER.is_dir():
        raise pytest.UsageError("tests/aws reads the synthesised templates; run `make synth` first")


@pytest.fixture(params=VARIANTS)
def found(request: pytest.FixtureRequest) -> Installation:
    """The templates of each variant in turn."""
    return installation(request.param)
