"""Take files out of a package of Debian's archive, without root and without installing it.

apt keeps its lists in a temporary folder, and checks what it fetches by the archive's signatures as always.
"""

import getpass
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

from bandmate_shared.errors import Unavailable

_UPDATE_SECONDS, _DOWNLOAD_SECONDS, _UNPACK_SECONDS = 120.0, 1800.0, 300.0


def fetch_files(package: str, suffixes: Sequence[str], folder: Path) -> list[Path]:
    """Put the package's files with one of these suffixes into `folder`, the package's copyright file beside each.

    Raises:
        Unavailable: Debian's tools are not here, the archive cannot be reached, or the disk is full.
    """
    for tool in ("apt-get", "dpkg-deb"):
        if shutil.which(tool) is None:
            raise Unavailable(f"{tool} is not here; {package} can be fetched on Debian and its relatives only")
    with tempfile.TemporaryDirectory(prefix="bandmate-package-") as name:
        work = Path(name)
        for part in ("lists/partial", "archives/partial"):
            (work / part).mkdir(parents=True)
        _run([*_apt(work), "update"], work, _UPDATE_SECONDS)
        _run([*_apt(work), "download", package], work, _DOWNLOAD_SECONDS)
        archive = next(work.glob("*.deb"), None)
        if archive is None:
            raise Unavailable(f"Debian's archive has no package {package}")
        _run(["dpkg-deb", "-x", str(archive), str(work / "unpacked")], work, _UNPACK_SECONDS)
        found = sorted(path for path in (work / "unpacked").rglob("*") if path.is_file() and path.suffix in suffixes)
        if not found:
            raise Unavailable(f"the package {package} holds no file that ends in {' or '.join(suffixes)}")
        try:
            return [_moved(path, work / "unpacked/usr/share/doc" / package / "copyright", folder) for path in found]
        except OSError as error:
            raise Unavailable(f"{folder} cannot be written: {error.strerror}") from error


def _apt(work: Path) -> list[str]:
    options = {
        "Dir::State::Lists": work / "lists",
        "Dir::Cache": work,
        "Debug::NoLocking": 1,
        "APT::Sandbox::User": getpass.getuser(),
        "Acquire::Languages": "none",
        "Acquire::Retries": 2,
        "Acquire::http::Timeout": 20,
    }
    return ["apt-get", "-qq", *(f"-o{option}={value}" for option, value in options.items())]


def _run(command: list[str], work: Path, seconds: float) -> None:
    try:
        done = subprocess.run(command, cwd=work, capture_output=True, text=True, timeout=seconds, check=False)
    except subprocess.TimeoutExpired:
        raise Unavailable(f"{command[0]} took more than {seconds:g} s") from None
    if done.returncode != 0:
        lines = done.stderr.strip().splitlines() or [f"it ended with status {done.returncode}"]
        raise Unavailable(f"{command[0]} could not fetch the package: {lines[-1]}")


def _moved(path: Path, copyright_file: Path, folder: Path) -> Path:
    """The file in its place; it appears there whole or not at all."""
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / path.name
    partial = folder / f"{path.name}.partial"
    if copyright_file.is_file():
        shutil.copyfile(copyright_file, folder / f"{path.stem}.copyright")
    shutil.copyfile(path, partial)
    return partial.replace(target)
