"""The process that sends webhooks, as its container runs it."""

import os
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from bandmate_shared.jobs.model import NewJob, Webhook
from bandmate_shared.jobs.store import JobStore
from bandmate_shared.settings import SharedSettings
from bandmate_shared.webhooks.signature import secret_for

from tests.support.spawned import Spawn
from tests.support.webhook_receiver import WebhookReceiver

pytestmark = pytest.mark.process


def test_it_sends_what_is_due_is_healthy_and_stops(
    settings: SharedSettings, tmp_path: Path, spawn: Spawn, wait_until: Callable[..., None]
) -> None:
    environment = os.environ | {
        "BANDMATE_HOME": str(settings.home),
        "BANDMATE_SERVICE": "generate",
        "BANDMATE_WEBHOOK_PRIVATE": "true",
        "BANDMATE_HEALTH_FILE": str(tmp_path / "health.json"),
    }
    arrived = threading.Semaphore(0)

    def answer(*_: object) -> tuple[int, dict[str, str]]:
        arrived.release()
        return 204, {}

    store = JobStore.open(settings)
    with WebhookReceiver(answer) as receiver:
        command = [sys.executable, "-m", "bandmate_shared.service", "webhooks"]
        process = spawn(command, env=environment, stderr=subprocess.PIPE)
        for _ in range(2):
            store.cancel(store.submit(NewJob("song", {}, webhook=Webhook(receiver.url))).job.id)
            assert arrived.acquire(timeout=120)
        for received in receiver.received:
            assert received.verified(secret_for(settings, None))["type"] == "job.cancelled"
        wait_until(lambda: store.webhooks() == [], "the confirmations to be marked")
        check = [sys.executable, "-m", "bandmate_shared.service", "healthcheck"]
        assert subprocess.run(check, env=environment, check=False).returncode == 0
        process.terminate()
        assert process.wait(60) == 0
    store.close()
