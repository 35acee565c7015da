"""Prints what distributions ask for, from their pyproject.toml and without our own packages among it.

    python requirements.py shared[aws,postgres] services/generate > requirements.txt

The images install this list before they copy any source, so that a change of the source installs nothing anew.
"""

import re
import sys
import tomllib
from pathlib import Path

OWN = "bandmate-"


def requirements(folder: Path, extras: list[str]) -> list[str]:
    """The dependencies of the distribution in a folder, with those of its extras. Raises KeyError for an unknown."""
    project = tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    names = [*project["dependencies"], *(name for extra in extras for name in project["optional-dependencies"][extra])]
    return [name for name in names if not name.startswith(OWN)]


def main(arguments: list[str]) -> None:
    names: set[str] = set()
    for argument in arguments:
        folder, _, extras = argument.partition("[")
        names.update(requirements(Path(folder), re.findall(r"[a-z0-9-]+", extras)))
    sys.stdout.writelines(f"{name}\n" for name in sorted(names))


if __name__ == "__main__":
    main(sys.argv[1:])
