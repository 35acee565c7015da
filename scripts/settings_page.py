"""Writes docs/reference/settings.md from the settings classes; `--check` only says whether it is current."""

import importlib
import inspect
import sys
from pathlib import Path

from bandmate_shared.settings import SharedSettings
from bandmate_shared.settings_page import settings_page

SERVICES = ("ingest", "train", "generate", "vocal", "model", "studio", "local")
PAGE = Path(__file__).parent.parent / "docs" / "reference" / "settings.md"


def settings_of(service: str) -> type[SharedSettings]:
    """The one class in `bandmate_<service>.settings` that adds to the shared settings."""
    module = importlib.import_module(f"bandmate_{service}.settings")
    classes = [
        value
        for _, value in inspect.getmembers(module, inspect.isclass)
        if issubclass(value, SharedSettings) and value.__module__ == module.__name__
    ]
    if len(classes) != 1:
        raise SystemExit(f"bandmate_{service}.settings has {len(classes)} settings classes; one was expected")
    return classes[0]


def main(arguments: list[str]) -> int:
    """Returns the exit status."""
    page = settings_page({f"bandmate_{service}": settings_of(service) for service in SERVICES})
    if arguments == ["--check"]:
        current = PAGE.exists() and PAGE.read_text(encoding="utf-8") == page
        if not current:
            sys.stderr.write(f"{PAGE.name} is not current; run: python scripts/settings_page.py\n")
        return 0 if current else 1
    PAGE.parent.mkdir(parents=True, exist_ok=True)
    PAGE.write_text(page, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
