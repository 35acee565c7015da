"""Structured logs: JSON for machines or coloured text for people, from our code and the libraries alike.

configure_logging(settings, "generate")          # once a process, before anything logs
log = structlog.get_logger(__name__)
with log_context(job_id=job.id): ...             # every line inside carries the job's id
"""

import logging
import sys
from collections.abc import MutableMapping
from contextlib import AbstractContextManager
from typing import Any, TextIO

import structlog

from bandmate_shared.observability.tracing import current_ids, start_tracing
from bandmate_shared.settings import SharedSettings

_QUIET_LIBRARIES = ("httpx2", "httpcore2", "kombu", "amqp", "asyncio", "matplotlib", "numba", "urllib3", "PIL")
"""Libraries logged from WARNING up."""

_TRACEBACKS = structlog.processors.ExceptionRenderer(structlog.tracebacks.ExceptionDictTransformer(show_locals=False))
"""Without the values of local variables: a password in a database's address is one of them."""


def configure_logging(settings: SharedSettings, service: str, stream: TextIO | None = None) -> None:
    """Send every log line of this process to `stream` (standard error), in the settings' format and level.

    Starts traces as well, where the environment asks for them (`tracing`), and lines inside a span carry its ids.
    Calling it again replaces the earlier configuration. Lines of the standard library's logging (uvicorn, Celery,
    SQLAlchemy) go the same way.
    """
    start_tracing(service)
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        _traced,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
        _named(service),
    ]
    last: list[structlog.typing.Processor]
    if settings.log_format == "json":
        last = [_TRACEBACKS, structlog.processors.JSONRenderer(ensure_ascii=False)]
    else:
        last = [structlog.dev.ConsoleRenderer()]
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[structlog.stdlib.ExtraAdder(), *shared],
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *last],
    )
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(formatter)
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(settings.log_level.upper())
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access", "celery", "celery.task"):
        library = logging.getLogger(name)
        library.handlers, library.propagate = [], True
    for name in _QUIET_LIBRARIES:
        logging.getLogger(name).setLevel(logging.WARNING)
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelName(settings.log_level.upper())),
        cache_logger_on_first_use=False,
    )


def log_context(**values: object) -> AbstractContextManager[None]:
    """Give every log line inside the block these fields, such as `job_id`."""
    return structlog.contextvars.bound_contextvars(**values)


def _traced(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    event.update(current_ids())
    return event


def _named(service: str) -> structlog.typing.Processor:
    def add_service(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        event["service"] = service
        return event

    return add_service
