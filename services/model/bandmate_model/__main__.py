"""`python -m bandmate_model train | serve`: the container's entry point, as SageMaker starts it."""

import os
import sys

from bandmate_model import __version__

USAGE = "usage: python -m bandmate_model train | serve | --version"


def main(arguments: list[str]) -> int:
    match arguments:
        case ["serve"]:
            # One thread: a step is too small to share, and sums must not depend on the machine's number of cores.
            for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
                os.environ.setdefault(name, "1")
            from pydantic import ValidationError

            from bandmate_model.serve import serve
            from bandmate_model.settings import ModelSettings

            try:
                settings = ModelSettings()
            except ValidationError as error:
                sys.stderr.write(f"the settings are wrong: {error}\n")
                return 2
            serve(settings)
            return 0
        case ["train"]:
            from bandmate_model.train import main as train

            return train()
        case ["--version"]:
            sys.stdout.write(f"bandmate-model {__version__}\n")
            return 0
        case _:
            sys.stderr.write(USAGE + "\n")
            return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
