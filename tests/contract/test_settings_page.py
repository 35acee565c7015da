"""docs/reference/settings.md matches the settings classes."""

import subprocess
import sys
from pathlib import Path

from bandmate_shared.settings import SharedSettings
from bandmate_shared.settings_page import settings_page, variable_of
from pydantic import Field

ROOT = Path(__file__).parents[2]


class ExampleSettings(SharedSettings):
    """How an example behaves."""

    example_limit: int = Field(7, description="Most of | something.")


def test_the_settings_page_is_current() -> None:
    check = subprocess.run(
        [sys.executable, ROOT / "scripts" / "settings_page.py", "--check"], capture_output=True, text=True, check=False
    )
    assert check.returncode == 0, check.stderr


def test_a_page_names_each_variable_once_with_its_default() -> None:
    page = settings_page({"bandmate_example": ExampleSettings})
    assert "| `BANDMATE_EXAMPLE_LIMIT` | whole number | `7` | Most of \\| something. |" in page
    assert page.count("BANDMATE_LEASE_SECONDS") == 1
    assert "| `REDIS_URL` |" in page
    assert "How an example behaves." in page
    assert variable_of(SharedSettings, "home") == "BANDMATE_HOME"


def test_every_shared_setting_is_described() -> None:
    assert [name for name, field in SharedSettings.model_fields.items() if not field.description] == []
