"""Fetches the page's JavaScript libraries from npm; `--check` compares them with vendor.json, `--list` names them.

`vendor.json` names each library with its version, its licence file and the SHA-256 of every file. The libraries import
each other by bare names, which a browser resolves only with an import map; `rewrites` turns these into relative paths,
and nothing else is changed.
"""

import hashlib
import io
import json
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent.parent / "services" / "studio" / "bandmate_studio" / "web" / "vendor"
RECORD = FOLDER / "vendor.json"
TYPES = ".d.mts"
"""Files of our own, by which `make lint-js` finds the libraries' types; the page does not have them."""


def check(record: list[dict[str, Any]]) -> list[str]:
    """What does not agree: a file with another hash, one that is missing, one that nobody named."""
    faults = []
    named = {RECORD.name}
    for library in record:
        for name, file in library["files"].items():
            named.add(name)
            path = FOLDER / name
            if not path.is_file():
                faults.append(f"{name} of {library['name']} is missing")
            elif (found := _sha256(path.read_bytes())) != file["sha256"]:
                faults.append(f"{name} of {library['name']} {library['version']} has the SHA-256 {found}")
    files = [path.name for path in sorted(FOLDER.iterdir()) if not path.name.endswith(TYPES)]
    faults += [f"{name} is not in {RECORD.name}" for name in files if name not in named]
    return faults


def fetch(record: list[dict[str, Any]]) -> None:
    """Write every file anew out of its npm package at the version of the record, and record the hashes."""
    for library in record:
        package = _package(library["name"], library["version"])
        for name, file in library["files"].items():
            body = package[file["source"]]
            for old, new in file.get("rewrites", {}).items():
                body = body.replace(old.encode(), new.encode())
            (FOLDER / name).write_bytes(body)
            file["sha256"] = _sha256(body)
    RECORD.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


def _package(name: str, version: str) -> dict[str, bytes]:
    """The files of an npm package by their paths in it."""
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(["npm", "pack", "--silent", f"{name}@{version}"], cwd=folder, check=True, capture_output=True)
        (archive,) = Path(folder).glob("*.tgz")
        with tarfile.open(fileobj=io.BytesIO(archive.read_bytes())) as tar:
            files = {member.name.partition("/")[2]: tar.extractfile(member) for member in tar if member.isfile()}
            return {path: file.read() for path, file in files.items() if file is not None}


def _sha256(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()


def main(arguments: list[str]) -> int:
    """Returns the exit status."""
    record = json.loads(RECORD.read_text(encoding="utf-8"))
    if arguments == ["--list"]:
        sys.stdout.writelines(f"{library['name']}@{library['version']}\n" for library in record)
        return 0
    if arguments != ["--check"]:
        fetch(record)
        return 0
    faults = check(record)
    sys.stderr.writelines(f"{fault}; run: python scripts/vendor_js.py\n" for fault in faults)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
