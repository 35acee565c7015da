"""What `--additional-python-modules` needs: the wheel, and its dependencies at the versions the tests ran with.

The versions matter: a Parquet file names the Arrow version that wrote it, so another one gives other bytes.
"""

import re
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]


def modules(folder: Path) -> str:
    """The wheel in the folder and the pinned dependencies, with commas between them."""
    (wheel,) = folder.glob("bandmate_glue-*.whl")
    project = tomllib.loads((Path(__file__).parent / "pyproject.toml").read_text())["project"]
    pins = dict(re.findall(r"^([a-z0-9.-]+)==(\S+)$", (ROOT / "constraints.txt").read_text(), re.MULTILINE))
    return ",".join([wheel.name, *(f"{name}=={pins[name]}" for name in project["dependencies"])])


if __name__ == "__main__":
    sys.stdout.write(modules(Path(sys.argv[1])) + "\n")
