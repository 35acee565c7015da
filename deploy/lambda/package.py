"""Build the functions' zip: `python deploy/lambda/package.py out/lambda/bandmate-lambda.zip`.

Pure Python, so it runs on either processor and on every runtime from 3.11. The same files give the same zip: a
deployment changes the function only when its code changed.
"""

import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
SHARED = (
    "bandmate_music/__init__.py",
    "bandmate_music/detect.py",
    "bandmate_music/errors.py",
    "bandmate_shared/__init__.py",
    "bandmate_shared/aws.py",
    "bandmate_shared/errors.py",
    "bandmate_shared/intake/__init__.py",
    "bandmate_shared/intake/incoming.py",
)
"""The files below shared/ that the handlers import."""
_EARLIEST = (1980, 1, 1, 0, 0, 0)


def build(target: Path) -> None:
    """Write the zip."""
    files = {f"bandmate_lambda/{path.name}": path.read_bytes() for path in (HERE / "bandmate_lambda").glob("*.py")}
    files |= {name: (ROOT / "shared" / name).read_bytes() for name in SHARED}
    with tempfile.TemporaryDirectory() as folder:
        _install(Path(folder))
        for path in Path(folder).rglob("*"):
            name = path.relative_to(folder)
            if path.is_file() and "__pycache__" not in name.parts and name.parts[0] != "bin":
                files[name.as_posix()] = path.read_bytes()
    compiled = [name for name in files if name.endswith((".so", ".pyd"))]
    if compiled:
        raise SystemExit(f"the zip would hold compiled code, which fits one processor only: {', '.join(compiled)}")
    target.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name, data in sorted(files.items()):
            entry = zipfile.ZipInfo(name, _EARLIEST)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o100644 << 16
            archive.writestr(entry, data)


def _install(folder: Path) -> None:
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-compile", "--only-binary", ":all:"]
    requirements = ["-c", str(ROOT / "constraints.txt"), "-r", str(HERE / "requirements.txt")]
    subprocess.run([*command, "--target", str(folder), *requirements], check=True)


if __name__ == "__main__":
    build(Path(sys.argv[1]))
