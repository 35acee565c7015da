"""Names shared between the stacks and expected by the services."""

from typing import Literal, get_args

Service = Literal["ingest", "train", "generate", "vocal"]
SERVICES: tuple[Service, ...] = get_args(Service)

IMAGES = (*SERVICES, "studio", "model")
"""One ECR repository each, `bandmate/<name>`."""

SUBMISSIONS = "submissions"
QUEUES = (*SERVICES, SUBMISSIONS)
"""One queue each, `bandmate-<name>`, and beside it `bandmate-<name>-dlq`."""

PATHS: dict[Service, tuple[str, ...]] = {
    "ingest": ("/v1/datasets", "/v1/uploads"),
    "train": ("/v1/trainings", "/v1/models"),
    "generate": (
        "/v1/songs",
        "/v1/songs:interpret",
        "/v1/styles",
        "/v1/instruments",
        "/v1/limits",
        "/v1/events",
        "/v1/session",
    ),
    "vocal": ("/v1/vocals", "/v1/voices"),
}
"""Which API answers at and below which paths; the same as the gateway of `deploy/compose`."""

PAGE_PATTERNS = ("/", "/studio/*")
"""Where the studio's page answers."""

API_PORT = 8000
MODEL_PORT = 8080
USER = "10001:10001"
HOME = "/var/lib/bandmate"
STORE_PREFIX = "bandmate"
"""All objects of the store lie below this prefix of the bucket."""

ASYNC_FOLDER = "sagemaker-async"
"""Below the store: requests to an asynchronous endpoint, and its answers."""

INCOMING = "incoming/"
"""Files dropped here (outside the store's prefix) become song requests."""


def queue_name(name: str) -> str:
    return f"bandmate-{name}"
