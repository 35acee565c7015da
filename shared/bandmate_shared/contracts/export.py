"""Writes the JSON Schema of every contract to `schemas/<Name>.json` beside this file.

    python -m bandmate_shared.contracts.export            write what has changed, remove what is gone
    python -m bandmate_shared.contracts.export --check    change nothing; exit status 1 if anything would

Programs in other languages read the schemas; the test suite runs the check.
"""

import importlib
import inspect
import json
import pkgutil
import sys
from pathlib import Path

import bandmate_shared.contracts
from bandmate_shared.contracts.base import Contract

SCHEMAS = Path(__file__).parent / "schemas"
DIALECT = "https://json-schema.org/draft/2020-12/schema"


def contracts() -> dict[str, type[Contract]]:
    """Every contract by its name, in alphabetical order. Raises ValueError when two have the same name."""
    models: dict[str, type[Contract]] = {}
    for module_info in pkgutil.iter_modules(bandmate_shared.contracts.__path__):
        if module_info.name == "export":
            continue  # This module, which may be running as __main__.
        module = importlib.import_module(f"{bandmate_shared.contracts.__name__}.{module_info.name}")
        for name, value in inspect.getmembers(module, inspect.isclass):
            if not issubclass(value, Contract) or value is Contract:
                continue
            if models.setdefault(name, value) is not value:
                raise ValueError(f"two contracts are called {name}")
    return dict(sorted(models.items()))


def schema_of(name: str, contract: type[Contract]) -> str:
    """The text of one schema file."""
    schema = {"$schema": DIALECT, "$id": f"urn:bandmate:contract:{name}", **contract.model_json_schema()}
    return json.dumps(schema, indent=1, ensure_ascii=False) + "\n"


def stale_schemas(folder: Path = SCHEMAS) -> dict[Path, str | None]:
    """The files that are not as they should be, with the text they should have; None: the file should not exist."""
    schemas = {folder / f"{name}.json": schema_of(name, contract) for name, contract in contracts().items()}
    stale: dict[Path, str | None] = {path: None for path in folder.glob("*.json") if path not in schemas}
    for path, text in schemas.items():
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            stale[path] = text
    return stale


def main(arguments: list[str]) -> int:
    """Returns the exit status."""
    stale = stale_schemas()
    if arguments == ["--check"]:
        for path in stale:
            sys.stderr.write(f"{path.name} is not current; run: python -m bandmate_shared.contracts.export\n")
        return 1 if stale else 0
    SCHEMAS.mkdir(exist_ok=True)
    for path, text in stale.items():
        if text is None:
            path.unlink()
        else:
            path.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
