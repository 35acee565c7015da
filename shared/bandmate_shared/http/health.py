"""`/healthz`: the process runs. `/readyz`: database, broker and object store answer, each within a time limit."""

import time
from collections.abc import Callable
from typing import Any

import anyio
import structlog
from fastapi import APIRouter
from sqlalchemy import text
from starlette.responses import JSONResponse

from bandmate_shared.jobs.model import queue_name
from bandmate_shared.objects.base import Storage
from bandmate_shared.objects.directory import DirectoryStorage
from bandmate_shared.queues.broker import Broker
from bandmate_shared.queues.broker_check import broker_check
from bandmate_shared.runtime import Runtime

CHECK_SECONDS = 2.0
"""A dependency that does not answer within this time counts as down."""

PROBE_KEY = "health/probe"

log = structlog.get_logger(__name__)


def health_router(runtime: Runtime) -> APIRouter:
    """Neither route needs a key: orchestrators have none. Responses name dependencies, never their addresses."""
    router = APIRouter(tags=["operation"])
    queue = queue_name(runtime.settings.service or "generate")
    checks: dict[str, Callable[[], None]] = {
        "database": lambda: _check_database(runtime),
        "broker": broker_check(Broker.of(runtime.settings), queue, CHECK_SECONDS),
        "storage": lambda: _check_storage(runtime.storage),
    }

    @router.get("/healthz", summary="Liveness")
    async def healthz() -> dict[str, str]:
        return {"status": "alive"}

    @router.get("/readyz", summary="Readiness", responses={503: {"description": "A dependency does not answer."}})
    async def readyz() -> JSONResponse:
        results: dict[str, dict[str, Any]] = {}
        async with anyio.create_task_group() as group:
            for name, check in checks.items():
                group.start_soon(_run_check, name, check, results)
        failed = sorted(name for name, result in results.items() if not result["ok"])
        content: dict[str, Any] = {"status": "unavailable" if failed else "ready", "failed": failed}
        content["checks"] = {name: results[name] for name in checks}
        return JSONResponse(content, status_code=503 if failed else 200)

    return router


async def _run_check(name: str, check: Callable[[], None], results: dict[str, dict[str, Any]]) -> None:
    started = time.perf_counter()
    reason = f"no answer within {CHECK_SECONDS:g} s"
    ok = False
    with anyio.move_on_after(CHECK_SECONDS):
        try:
            await anyio.to_thread.run_sync(check, abandon_on_cancel=True)
            ok = True
        except Exception as error:
            reason = f"failed: {type(error).__name__}"
            log.warning("not ready", check=name, exc_info=error)
    results[name] = {"ok": ok, "milliseconds": round((time.perf_counter() - started) * 1000, 1)}
    if not ok:
        results[name]["reason"] = reason


def _check_storage(storage: Storage) -> None:
    """A directory is written to, because its disk may be full; on S3, where writes cost money, a lookup is enough."""
    if isinstance(storage, DirectoryStorage) or not storage.exists(PROBE_KEY):
        storage.put(PROBE_KEY, b"ok")


def _check_database(runtime: Runtime) -> None:
    with runtime.store.database.reading() as connection:
        connection.execute(text("SELECT 1"))
