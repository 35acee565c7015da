"""`python -m bandmate_model train | serve | ping`: the container's entry point, as SageMaker starts it."""

import os
import sys
import urllib.error
import urllib.request

from bandmate_model import __version__
from bandmate_model.stop import StopFlag

USAGE = "usage: python -m bandmate_model train | serve | ping | --version"


def main(arguments: list[str]) -> int:
    match arguments or _word_left_out():
        case ["serve"]:
            return _serve()
        case ["train"]:
            stop = StopFlag()  # Before torch is imported: a stop that comes in these seconds counts as well.
            from bandmate_model.train import main as train

            return _leave(train(stop))
        case ["ping"]:
            return _ping()
        case ["--version"]:
            sys.stdout.write(f"bandmate-model {__version__}\n")
            return 0
        case _:
            sys.stderr.write(USAGE + "\n")
            return 2


def _word_left_out() -> list[str]:
    """`train` where a training job's configuration lies: SageMaker's SDK starts a local training without the word."""
    from bandmate_model.environment import MlFolders
    from bandmate_model.settings import ModelSettings

    return ["train"] if MlFolders(ModelSettings().ml_root).has_training_job() else []


def _leave(status: int) -> int:
    """End gloo's threads before the interpreter ends: it turns one that still runs into an abort (`terminate called`)
    with another status. After a failure some may wait for a host that died, so the process ends here and now; all there
    is to write is written."""
    from bandmate_model.distributed import leave_hosts

    if status:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)
    leave_hosts()
    return status


def _serve() -> int:
    # One thread: a step is too small to share, and sums must not depend on the machine's number of cores.
    for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ.setdefault(name, "1")
    from pydantic import ValidationError

    from bandmate_model.serve import serve
    from bandmate_model.settings import ModelSettings

    try:
        settings = ModelSettings()
    except ValidationError as error:
        from bandmate_shared.faults import faults_of

        sys.stderr.write("".join(f"This setting is not valid: {fault}\n" for fault in faults_of(error, values=False)))
        return 2
    serve(settings)
    return 0


def _ping() -> int:
    """0 when the server of this container answers: the image's health check."""
    port = os.environ.get("BANDMATE_MODEL_PORT") or os.environ.get("SAGEMAKER_BIND_TO_PORT") or "8080"
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/ping", timeout=2):
            return 0
    except (OSError, urllib.error.URLError) as error:
        sys.stderr.write(f"no answer on port {port}: {error}\n")
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
