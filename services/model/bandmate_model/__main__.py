"""`python -m bandmate_model train | serve | ping`: the container's entry point, as SageMaker starts it.

Modules are imported when a command needs them: `ping` runs every few seconds with the standard library alone, and
`train` listens for signals before torch is loaded.
"""

import os
import sys
import urllib.error
import urllib.request
from importlib import import_module

from bandmate_shared import __version__

from bandmate_model.training.stop import StopFlag

USAGE = "usage: python -m bandmate_model train | serve | ping | --version"


def main(arguments: list[str]) -> int:
    match arguments or _default_command():
        case ["serve"]:
            # One thread: a step is too small to share, and sums must not depend on the machine's number of cores.
            for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
                os.environ.setdefault(name, "1")
            return int(import_module("bandmate_model.serving.serve").main())
        case ["train"]:
            stop = StopFlag()
            return int(import_module("bandmate_model.training.train").run_job(stop))
        case ["ping"]:
            return _ping()
        case ["--version"]:
            sys.stdout.write(f"bandmate-model {__version__}\n")
            return 0
        case _:
            sys.stderr.write(USAGE + "\n")
            return 2


def _default_command() -> list[str]:
    """`train` where a training job's configuration lies: SageMaker's SDK starts a local training without an
    argument."""
    folders = import_module("bandmate_model.training.environment").MlFolders
    root = import_module("bandmate_model.settings").ModelSettings().ml_root
    return ["train"] if folders(root).has_training_job() else []


def _ping() -> int:
    """The image's health check: returns 0 when the container's server answers."""
    port = os.environ.get("BANDMATE_MODEL_PORT") or os.environ.get("SAGEMAKER_BIND_TO_PORT") or "8080"
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/ping", timeout=2):
            return 0
    except (OSError, urllib.error.URLError) as error:
        sys.stderr.write(f"no answer on port {port}: {error}\n")
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
