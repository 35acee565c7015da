"""Runs one command of the container's entry point, and prints its errors without a traceback."""

import os
import sys
from pkgutil import resolve_name

from pydantic import ValidationError

from bandmate_shared.errors import BandmateError
from bandmate_shared.faults import faults_of

_FUNCTIONS = {
    "api": "bandmate_shared.service.api:run_api",
    "worker": "bandmate_shared.service.worker:run_worker",
    "intake": "bandmate_shared.service.intake:run_intake",
    "webhooks": "bandmate_shared.service.webhooks:run_webhooks",
    "migrate": "bandmate_shared.service.prepare:migrate",
    "provision": "bandmate_shared.service.prepare:provision",
}
"""By name, so that a command imports only what it needs: the API no Celery, the worker no FastAPI."""


def run(command: str) -> int:
    """Returns the exit status."""
    # Read by Celery when it is imported: SIGTERM stops a worker's job instead of waiting for its end.
    os.environ.setdefault("REMAP_SIGTERM", "SIGQUIT")
    try:
        resolve_name(_FUNCTIONS[command])()
    except BandmateError as error:
        sys.stderr.write(f"{error.title}: {error.detail}\n")
        return 1
    except ValidationError as error:
        for fault in faults_of(error, values=False):
            sys.stderr.write(f"This setting is not valid: {fault}\n")
        return 1
    return 0
